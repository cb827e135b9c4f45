# Alles, was Kundinnen und Kunden lesen, und die zwei E-Mails, die Kolleginnen und Kollegen vor der ersten Anmeldung bekommen.

## Kontaktformular

form-title = Kontakt
form-intro = Sagen Sie uns, wie wir Ihnen helfen können. Es antwortet Ihnen ein Mensch.
form-name = Vor- und Nachname
form-email = E-Mail-Adresse
form-email-hint = Wir verwenden sie nur, um Ihnen zu antworten.
form-order = Bestellnummer
form-order-hint = Sie steht in Ihrer Bestellbestätigung.
form-optional = freiwillig
form-topic = Worum geht es?
form-topic-choose = Bitte wählen
form-message = Ihre Nachricht
form-message-hint = Je mehr wir wissen, desto schneller können wir helfen: welcher Artikel, was ist passiert, was wünschen Sie sich?
form-files = Dateien anhängen
form-files-hint = Fotos helfen sehr. Höchstens { $count } Dateien mit je { $size }.
form-send = Nachricht senden
form-privacy = { $shop } verwendet Ihre Angaben nur, um Ihre Anfrage zu bearbeiten.
form-privacy-link = Datenschutzerklärung
form-language = Sprache
form-pot = Bitte leer lassen
form-files-kept = Schon angekommen; entfernen Sie das Häkchen bei allem, was Sie nicht senden möchten:
form-closed-title = Dieses Formular ist geschlossen
form-closed = Hier nehmen wir zurzeit keine Nachrichten an. Auf unserer Seite finden Sie andere Wege zu uns.

## Fehler im Formular

error-summary = Bitte prüfen Sie Folgendes
error-summary-hint = Es ist nichts verloren: Alles, was Sie geschrieben haben, steht noch hier.
error-required = Bitte füllen Sie dieses Feld aus.
error-required-name = Bitte nennen Sie uns Ihren Namen.
error-required-email = Bitte geben Sie Ihre E-Mail-Adresse an, damit wir Ihnen antworten können.
error-required-topic = Bitte wählen Sie aus, worum es geht.
error-required-message = Bitte schreiben Sie Ihre Nachricht.
error-email = Diese E-Mail-Adresse scheint nicht zu stimmen. Sie sollte etwa so aussehen: name@beispiel.de.
error-choice = Bitte wählen Sie einen Eintrag aus der Liste.
error-too-long = Der Text ist zu lang. Er darf höchstens { $max } Zeichen haben.
error-file-too-large = Die Datei „{ $name }“ ist zu groß. Eine Datei darf höchstens { $max } haben.
error-files-too-large = Zusammen sind die Dateien zu groß. Insgesamt dürfen es höchstens { $max } sein.
error-too-many-files = Das sind zu viele Dateien. Sie können höchstens { $max } anhängen.
error-file-empty = Die Datei „{ $name }“ ist leer. Bitte wählen Sie sie noch einmal aus.
error-too-fast = Das ging sehr schnell. Bitte prüfen Sie Ihre Nachricht und senden Sie sie noch einmal.
error-rate-limit = Wir haben über Ihren Anschluss sehr viele Nachrichten erhalten. Bitte warten Sie ein paar Minuten und versuchen Sie es dann noch einmal; Ihr Text steht noch hier.
error-expired = Diese Seite war lange geöffnet. Bitte senden Sie Ihre Nachricht noch einmal.
error-title = Bitte prüfen: { $title }
error-phone = Diese Telefonnummer sieht nicht richtig aus. Bitte verwenden Sie Ziffern, Leerzeichen und ein + am Anfang.
error-number = Bitte geben Sie eine Zahl ein.
error-consent = Bitte setzen Sie hier ein Häkchen, damit wir uns um Ihre Nachricht kümmern dürfen.

## Empfangsbestätigung

receipt-title = Vielen Dank, Ihre Nachricht ist angekommen
receipt-thanks = Vielen Dank, { $name }. Ihre Nachricht ist bei uns angekommen.
receipt-number = Ihre Anfrage hat die Nummer { $number }.
receipt-copy = Eine Kopie haben wir an { $email } gesendet.
receipt-spam-hint = Nichts gefunden? Bitte sehen Sie auch im Spam-Ordner nach.
receipt-link = Sie können Ihre Anfrage jederzeit verfolgen und ergänzen:
receipt-link-text = Anfrage ansehen
receipt-next = Wir antworten Ihnen per E-Mail.
receipt-another = Weitere Nachricht senden

## Wann mit einer Antwort zu rechnen ist

wait-usual-minutes = { $minutes ->
        [one] Wir antworten meist innerhalb einer Minute.
       *[other] Wir antworten meist innerhalb von { $minutes } Minuten.
    }
wait-usual-hours = { $hours ->
        [one] Wir antworten meist innerhalb einer Stunde.
       *[other] Wir antworten meist innerhalb von { $hours } Stunden.
    }
wait-usual-today = Wir antworten meist noch heute bis { $time } Uhr{ $zone }.
wait-usual-tomorrow = Wir antworten meist bis morgen, { $time } Uhr{ $zone }.
wait-usual-weekday = Wir antworten meist bis { $day }, { $time } Uhr{ $zone }.
wait-usual-date = Wir antworten meist bis zum { $day }, { $time } Uhr{ $zone }.
wait-aim-minutes = { $minutes ->
        [one] Wir möchten Ihnen innerhalb einer Minute antworten.
       *[other] Wir möchten Ihnen innerhalb von { $minutes } Minuten antworten.
    }
wait-aim-hours = { $hours ->
        [one] Wir möchten Ihnen innerhalb einer Stunde antworten.
       *[other] Wir möchten Ihnen innerhalb von { $hours } Stunden antworten.
    }
wait-aim-today = Wir möchten Ihnen noch heute bis { $time } Uhr{ $zone } antworten.
wait-aim-tomorrow = Wir möchten Ihnen bis morgen, { $time } Uhr{ $zone } antworten.
wait-aim-weekday = Wir möchten Ihnen bis { $day }, { $time } Uhr{ $zone } antworten.
wait-aim-date = Wir möchten Ihnen bis zum { $day }, { $time } Uhr{ $zone } antworten.
wait-away = Wir sind zurzeit nicht da und antworten Ihnen, sobald wir zurück sind.
wait-unknown = Wir antworten Ihnen, sobald wir können.

## Die Seite zur Anfrage

ticket-title = Ihre Anfrage { $number }
ticket-status = Stand
ticket-status-open = Wir kümmern uns darum
ticket-status-open-hint = Ihre Nachricht liegt bei uns. Wir antworten per E-Mail und auf dieser Seite.
ticket-status-answered = Wir haben Ihnen geantwortet
ticket-status-answered-hint = Unsere Antwort finden Sie unten. Schreiben Sie uns gern, wenn etwas fehlt.
ticket-status-closed = Abgeschlossen
ticket-status-closed-hint = Diese Anfrage ist erledigt. Sie können uns hier trotzdem schreiben.
ticket-opened = Gesendet am { $date }
ticket-you-wrote = Sie haben geschrieben
ticket-shop-wrote = { $name } hat geschrieben
ticket-attachments = Anhänge
ticket-download = { $name } herunterladen ({ $size })
ticket-answer = Ihre Antwort
ticket-answer-hint = Ergänzen Sie eine Frage, eine Angabe oder ein Foto.
ticket-attach = Dateien anhängen
ticket-send = Antwort senden
ticket-sent = Vielen Dank, Ihre Antwort ist bei uns angekommen.
ticket-close = Meine Anfrage ist erledigt
ticket-close-hint = Schließen Sie die Anfrage, wenn Sie keine Antwort mehr brauchen.
ticket-closed = Vielen Dank für die Rückmeldung. Ihre Anfrage ist abgeschlossen.
ticket-reopen-hint = Stimmt doch noch etwas nicht? Schreiben Sie uns unten, dann nehmen wir die Sache wieder auf.
ticket-gone-title = Dieser Link funktioniert nicht mehr
ticket-gone = Der Link ist vielleicht abgelaufen oder unvollständig. Bitte verwenden Sie den Link aus unserer letzten E-Mail oder schreiben Sie uns noch einmal.
ticket-new = Schreiben Sie uns
ticket-earlier = Frühere Nachrichten anzeigen
ticket-latest = Zurück zu den neuesten Nachrichten
ticket-quoted = Früherer Text
ticket-talk = Gespräch

## E-Mails an Kundinnen und Kunden

mail-subject = [#{ $number }] { $subject }
mail-no-subject = Ihre Anfrage
mail-greeting = Guten Tag { $name },
mail-greeting-anonymous = Guten Tag,
mail-ack-body =
    vielen Dank, dass Sie { $shop } geschrieben haben. Ihre Nachricht ist angekommen und hat die Nummer { $number }.

    Jemand von uns liest sie und antwortet Ihnen persönlich. Sie müssen nichts weiter tun. { $wait }

    Wenn Sie etwas ergänzen möchten, antworten Sie einfach auf diese E-Mail. Ihre Anfrage können Sie auch hier verfolgen:
    { $url }
mail-closing =
    Mit freundlichen Grüßen
    { $shop }
mail-wrote = Am { $date } schrieb { $name }:
mail-automatic = Dies ist eine automatische Bestätigung.
mail-follow = Ihre Anfrage verfolgen: { $url }

## Gesprächsverlauf

transcript-title = Ihr Gespräch mit { $shop }, Anfrage { $number }
transcript-customer = Sie
transcript-shop = { $shop }
transcript-automatic = automatische Nachricht
transcript-attachment = Anhang: { $name } ({ $size })
transcript-end = Ende des Gesprächs

## Wenn etwas schiefgeht

page-not-found-title = Diese Seite finden wir nicht
page-not-found = Vielleicht enthält die Adresse einen Tippfehler, oder die Seite ist umgezogen.
page-error-title = Da ist etwas schiefgegangen
page-error = Das tut uns leid. Der Fehler liegt bei uns und wurde festgehalten. Bitte versuchen Sie es noch einmal; wenn es wieder geschieht, nennen Sie uns bitte die Kennung { $reference }.
page-busy-title = Im Moment ist bei uns sehr viel los
page-busy = Bitte versuchen Sie es in einer Minute noch einmal. Was Sie bereits gesendet haben, ist nicht verloren.
page-too-large-title = Das ist zu viel auf einmal
page-too-large = Bitte senden Sie weniger oder kleinere Dateien. Auf einmal sind höchstens { $max } möglich.
page-back = Zurück
page-home = Zur Startseite
page-skip = Zum Inhalt

## Chat auf der Seite des Geschäfts

chat-launcher-open = Chat mit uns
chat-launcher-close = Schließen
chat-launcher-unread = Chat mit uns, ungelesene Nachrichten: { $count }
chat-launcher-title = Chat mit { $shop }

chat-home-title = Wie können wir Ihnen helfen?
chat-home-title-name = Guten Tag, { $name }! Wie können wir Ihnen helfen?
chat-here-one = { $name } ist für Sie da.
chat-here-many = { $names } sind für Sie da.
chat-here-team = Wir sind für Sie da.
chat-and-more = { $count } weitere
chat-not-closed = Wir haben gerade geschlossen.
chat-not-nobody = Von uns ist gerade niemand online.
chat-not-full = Wir sind gerade alle mit anderen Kunden im Gespräch.
chat-not-language = Gerade ist niemand online, der Ihre Sprache spricht.
chat-opens-today = Wir sind heute um { $time } Uhr wieder da.
chat-opens-tomorrow = Wir sind morgen um { $time } Uhr wieder da.
chat-opens-day = Wir sind am { $day } um { $time } Uhr wieder da.
chat-wait-usual = Meist warten Sie weniger als { $time }.
chat-wait-target = Unser Ziel ist eine Antwort innerhalb von { $time }.
chat-place-next = Sie sind als Nächstes an der Reihe.
chat-place-one = Eine Person ist vor Ihnen.
chat-place-many = { $count } Personen sind vor Ihnen.
chat-busy = Wir sind gerade alle in einem Gespräch.
chat-talk-title = Jetzt mit uns sprechen
chat-start = Chat beginnen
chat-goes-on = Ihr Chat geht hier weiter
chat-go-on = Zurück zum Chat
chat-leave-title = Schreiben Sie uns
chat-leave-hint = Jemand von uns liest Ihre Nachricht und antwortet Ihnen per E-Mail.
chat-leave-hint-back = Sobald wir wieder da sind, liest jemand von uns Ihre Nachricht und antwortet per E-Mail.
chat-leave = Nachricht schreiben
chat-callback = Rückruf vereinbaren
chat-callback-hint = Geben Sie uns Ihre Nummer, und jemand von uns ruft Sie an.
chat-callback-send = Bitte rufen Sie mich an
chat-form-link = Kontaktformular
chat-form-link-hint = Wir antworten per E-Mail.
chat-help-link = Hilfebereich
chat-past = Ihr letztes Gespräch

chat-intro-title = Bevor wir beginnen
chat-intro-hint = So können wir Ihnen helfen, ohne noch einmal nachzufragen.
chat-continue = Weiter
chat-skip = Überspringen
chat-phone = Telefonnummer
chat-about = Worum geht es?

chat-you = Sie
chat-write = Nachricht schreiben …
chat-emoji = Emojis
chat-uploading = { $name } wird übertragen
chat-upload-failed = Diese Datei ist nicht angekommen.
chat-remove-file = { $name } entfernen
chat-again = Noch einmal versuchen
chat-discard = Verwerfen
chat-failed = Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.
chat-offline = Wir warten auf das Netz. Was Sie schreiben, bleibt erhalten und wird gesendet, sobald es wieder da ist.
chat-unavailable-now = Gerade eben ist niemand mehr für einen Chat frei. Was Sie geschrieben haben, steht noch hier.
chat-drop = Dateien hier ablegen
chat-newest = Neueste Nachrichten
chat-picture = Bild { $name } vergrößern
chat-open-picture = Einzeln öffnen
chat-typing = { $name } schreibt gerade
chat-mark-sending = Wird gesendet …
chat-mark-waiting = Wartet auf das Netz
chat-mark-sent = Gesendet
chat-mark-delivered = Zugestellt
chat-mark-read = Gelesen
chat-with-you = ist jetzt für Sie da
chat-ringing = Wir haben dem Team gesagt, dass Sie da sind.
chat-queued = Wir sind gerade alle in einem Gespräch. Ihr Platz in der Reihe bleibt Ihnen.
chat-parked = Bisher konnte niemand Ihren Chat annehmen. Er bleibt offen, und alles, was Sie geschrieben haben, ist bei uns.
chat-late = Es tut uns leid: Es dauert länger, als wir gesagt haben
chat-late-hint = Sie entscheiden, wie es weitergeht. Was Sie geschrieben haben, ist bei uns; Sie müssen nichts wiederholen.
chat-late-wait = Weiter warten
chat-late-callback = Zurückgerufen werden
chat-late-email = Per E-Mail weitermachen
chat-late-email-hint = Sie können dieses Fenster schließen; die Antwort kommt in Ihr Postfach.
chat-by-mail = Wir machen per E-Mail weiter. Unsere Antwort kommt an { $email }; Sie können dieses Fenster schließen.
chat-by-phone = Wir rufen Sie unter { $phone } an. Sie können dieses Fenster schließen.
chat-by-link = Wir antworten Ihnen hier und auf der Seite Ihrer Anfrage.
chat-menu = Weitere Möglichkeiten
chat-sound-on = Ton einschalten
chat-sound-off = Ton ausschalten
chat-transcript = Gespräch per E-Mail
chat-transcript-hint = Wir senden Ihnen alles, was hier geschrieben wurde.
chat-transcript-sent = Das Gespräch ist unterwegs an { $email }.
chat-end = Chat beenden
chat-end-hint = Sie können danach eine Kopie anfordern und uns jederzeit wieder schreiben.
chat-end-not = Im Chat bleiben
chat-ended = Der Chat ist beendet
chat-anew = Neuen Chat beginnen
chat-rate = Wie waren wir?
chat-rate-1 = 1 von 5: sehr schlecht
chat-rate-2 = 2 von 5: schlecht
chat-rate-3 = 3 von 5: mittelmäßig
chat-rate-4 = 4 von 5: gut
chat-rate-5 = 5 von 5: sehr gut
chat-rate-comment = Möchten Sie uns noch etwas sagen?
chat-rate-thanks = Danke, dass Sie es uns gesagt haben.

## E-Mails an Kolleginnen und Kollegen

mail-invite-subject = { $inviter } lädt Sie zum Kundendienst von { $shop } ein
mail-invite-body =
    Guten Tag { $name },

    { $inviter } hat für Sie einen Zugang zum Kundendienst von { $shop } angelegt. Bitte wählen Sie hier Ihr Passwort:
    { $url }

    Der Link gilt einmal, und zwar { $hours ->
        [one] eine Stunde
       *[other] { $hours } Stunden
    } lang. Falls Sie diese Einladung nicht erwartet haben, können Sie sie ignorieren.
mail-reset-subject = Neues Passwort für den Kundendienst von { $shop }
mail-reset-body =
    Guten Tag { $name },

    jemand, vermutlich Sie, hat ein neues Passwort für den Kundendienst von { $shop } angefordert. Sie können es hier wählen:
    { $url }

    Der Link gilt einmal, und zwar { $hours ->
        [one] eine Stunde
       *[other] { $hours } Stunden
    } lang. Falls Sie es nicht waren, müssen Sie nichts tun: Ihr Passwort bleibt, wie es ist.
mail-sign-in-lost-subject = { $channel } muss neu verbunden werden
mail-sign-in-lost-body =
    Guten Tag,

    { $network } lässt den Kundendienst von { $shop } über den Kanal „{ $channel }“ nicht mehr ein:
    { $reason }

    Was Kunden dort schreiben, kommt womöglich nicht an. Antworten warten und gehen von selbst ab, sobald jemand von der Verwaltung den Kanal neu verbunden hat:
    { $url }

mail-mailbox-failing-subject = { $channel }: es kommt keine Post herein
mail-mailbox-failing-body =
    Guten Tag,

    der Kundendienst von { $shop } erreicht das Postfach „{ $channel }“ nicht mehr:
    { $reason }

    Auf dessen Server geht nichts verloren, und es wird immer wieder versucht. Woran es liegt, steht hier und lässt sich hier beheben:
    { $url }

mail-anger-subject = { $customer } beschwert sich öffentlich auf { $network }, und niemand kümmert sich
mail-anger-body =
    Guten Tag { $name },

    { $customer } hat auf { $network } geschrieben, wo alle es lesen können, und noch kümmert sich niemand:

    „{ $words }“

    Hier können Sie es übernehmen oder antworten:
    { $url }

mail-approval-subject = Eine öffentliche Antwort von { $author } wartet auf Freigabe
mail-approval-body =
    Guten Tag { $name },

    { $author } hat auf { $network } eine öffentliche Antwort geschrieben. Sie geht erst hinaus, wenn jemand sie freigibt:

    „{ $words }“

    Hier können Sie sie ansehen, ändern, senden oder zurückgeben:
    { $url }

## Files too large for a letter, and letters passed on

mail-linked-files = Zu groß für eine E-Mail; Sie können es bis { $date } herunterladen:
download-title = Datei zum Herunterladen
download-file = { $name } ({ $size })
download-until = Sie können sie bis { $date } herunterladen.
download-button = Herunterladen
download-gone-title = Diese Datei ist nicht mehr hier
download-gone = Dieser Link öffnet nichts mehr. Bitte fragen Sie uns noch einmal nach der Datei.
mail-forwarded = Weitergeleitete Unterhaltung
mail-forwarded-from = Von
mail-forwarded-to = An
mail-forwarded-date = Datum
