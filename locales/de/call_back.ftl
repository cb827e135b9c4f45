# Rückrufe: die Seite, die Briefe, die Zeit eines Anrufs.

## Wann wir anrufen, als Teil eines Satzes: „Wir rufen Sie … an“

call-back-today = heute zwischen { $from } und { $until } Uhr{ $zone }
call-back-tomorrow = morgen zwischen { $from } und { $until } Uhr{ $zone }
call-back-day = am { $day }, zwischen { $from } und { $until } Uhr{ $zone }

## Briefe

call-back-mail-agreed =
    vielen Dank für Ihre Nachricht an { $shop }. Ihre Anfrage hat die Nummer { $number }.

    Wir rufen Sie { $when } unter { $phone } an.

    So wählen Sie eine andere Zeit oder sagen den Anruf ab:
    { $url }
call-back-mail-late =
    wir wollten Sie { $when } anrufen und haben es nicht getan. Das tut uns leid.

    Wir möchten Sie weiterhin anrufen. Diese Zeiten sind als Nächstes frei:
    { $times }

    Wählen Sie hier eine davon, oder schreiben Sie uns, was wir für Sie tun können:
    { $url }
call-back-mail-late-soon =
    wir wollten Sie { $when } anrufen und haben es nicht getan. Das tut uns leid.

    Wir rufen Sie an, sobald wir können. Sie können uns hier auch schreiben, was wir für Sie tun können:
    { $url }
call-back-mail-not-reached =
    { $attempts ->
        [one] wir haben versucht, Sie unter { $phone } anzurufen, und Sie nicht erreicht.
       *[other] wir haben { $attempts } Mal versucht, Sie unter { $phone } anzurufen, und Sie nicht erreicht.
    }

    Wählen Sie hier eine andere Zeit oder berichtigen Sie die Nummer, oder antworten Sie einfach auf diese E-Mail:
    { $url }

## Die Seite, auf der Kunden um einen Anruf bitten

call-back-title = Wir rufen Sie zurück
call-back-intro = Nennen Sie uns Ihre Nummer und wann es Ihnen passt: Jemand von uns ruft Sie an.
call-back-country = Land
call-back-phone = Telefonnummer
call-back-phone-hint = Wo wir Sie zur gewählten Zeit erreichen.
call-back-time = Wann dürfen wir anrufen?
call-back-soon = So bald wie möglich
call-back-soon-hint = Jemand von uns ist da und ruft Sie spätestens bis { $until } Uhr an.
call-back-zone-own = Nach Ihrer Uhr ({ $own }); bei { $shop } gilt die Zeit in Klammern ({ $zone }).
call-back-zone-shop = Nach der Uhr von { $shop } ({ $zone }).
call-back-note = Worum geht es?
call-back-note-hint = Damit die richtige Person anruft und alles zur Hand hat.
call-back-email-hint = Dorthin bestätigen wir die Zeit und schreiben Ihnen, falls der Anruf nicht gelingt.
call-back-consent = Ich bin einverstanden, dass { $shop } mich wegen meiner Anfrage unter dieser Nummer anruft.
call-back-send = Bitte rufen Sie mich an
call-back-sent-title = Wir rufen Sie an
call-back-sent-when = Wir rufen Sie { $when } unter { $phone } an.
call-back-sent-soon = Wir rufen Sie so bald wie möglich an, { $when }, unter { $phone }.
call-back-sent-mail = Diese Angaben haben wir an { $email } geschickt.
call-back-sent-move = Etwas dazwischengekommen? Hier können Sie den Anruf verschieben oder absagen:
call-back-sent-link = Anruf verschieben oder absagen
call-back-none = In den nächsten Tagen ist keine Zeit für einen Anruf frei. Bitte schreiben Sie uns; wir antworten, sobald wir können.
call-back-closed-title = Wir nehmen keine Anrufwünsche an
call-back-closed = Rückrufe bieten wir zurzeit nicht an. Bitte schreiben Sie uns.
call-back-subject = Rückruf
call-back-ask = Bitte rufen Sie mich zurück.
error-call-time = Bitte wählen Sie, wann wir anrufen dürfen.
error-call-taken = Diese Zeit ist leider gerade vergeben worden. Als Nächstes frei: { $times }.
error-call-taken-none = Diese Zeit ist leider gerade vergeben worden, und zurzeit ist keine andere frei.
error-call-consent = Bitte kreuzen Sie dies an, damit wir Sie anrufen dürfen.
error-phone-missing = Bitte geben Sie die Nummer an, unter der wir Sie anrufen dürfen.
error-phone-signs = Eine Telefonnummer hat nur Ziffern, Leerzeichen und ein + am Anfang.
error-phone-short = Diese Telefonnummer ist zu kurz. Bitte prüfen Sie die Ziffern.
error-phone-long = Diese Telefonnummer ist zu lang. Bitte prüfen Sie die Ziffern.
error-phone-country = Bitte wählen Sie das Land, oder beginnen Sie die Nummer mit + und der Landesvorwahl.

## Der Anruf auf der Seite einer Anfrage und in einem Formular

call-back-panel = Ihr Anruf
call-back-panel-hint = Ihre Anfrage liegt bei uns, und wir rufen Sie an.
call-back-panel-late = Wir haben Sie nicht wie vereinbart angerufen. Das tut uns leid. Bitte wählen Sie eine neue Zeit.
call-back-panel-missed = Wir haben versucht, Sie unter { $phone } anzurufen, und Sie nicht erreicht. Bitte wählen Sie eine andere Zeit.
call-back-panel-cancelled = Der Anruf ist abgesagt.
call-back-panel-over = Wir haben miteinander telefoniert.
call-back-move = Eine andere Zeit wählen
call-back-again = Um einen weiteren Anruf bitten
call-back-move-send = Anruf ändern
call-back-cancel = Anruf absagen
call-back-moved = Danke, der Anruf ist vereinbart.
call-back-cancelled = Der Anruf ist abgesagt. Sie können uns hier weiterhin schreiben.
call-back-instead = Ich möchte angerufen werden
call-back-instead-hint = Wählen Sie eine Zeit und geben Sie Ihre Nummer an.
call-back-no = Kein Anruf; antworten Sie mir per E-Mail
