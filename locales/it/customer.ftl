# Tutto ciò che legge il cliente, e le due e-mail che i colleghi ricevono prima del primo accesso.

## Modulo di contatto

form-title = Contatti
form-intro = Ci dica come possiamo aiutarLa: Le risponderà una persona in carne e ossa.
form-name = Nome e cognome
form-email = Indirizzo e-mail
form-email-hint = Lo usiamo soltanto per risponderLe.
form-order = Numero d’ordine
form-order-hint = Lo trova nell’e-mail di conferma dell’ordine.
form-optional = facoltativo
form-topic = Di che cosa si tratta?
form-topic-choose = Scelga un argomento
form-message = Il Suo messaggio
form-message-hint = Più dettagli ci dà, prima possiamo aiutarLa: quale articolo, che cosa è successo, che cosa desidera.
form-files = Allega file
form-files-hint = Le foto aiutano molto. Al massimo { $count } file, fino a { $size } ciascuno.
form-send = Invia il messaggio
form-privacy = { $shop } usa quanto scrive qui soltanto per occuparsi della Sua richiesta.
form-privacy-link = Informativa sulla privacy
form-language = Lingua
form-pot = Lasci vuoto questo campo
form-files-kept = Già ricevuti; tolga la spunta a ciò che non vuole inviare:
form-closed-title = Questo modulo è chiuso
form-closed = Al momento non riceviamo messaggi da qui. Sul nostro sito trova gli altri modi per contattarci.

## Errori del modulo

error-summary = Controlli, per favore, quanto segue
error-summary-hint = Non è andato perso nulla: quanto ha scritto è ancora qui.
error-required = Compili questo campo, per favore.
error-required-name = Ci indichi il Suo nome.
error-required-email = Indichi il Suo indirizzo e-mail, così possiamo risponderLe.
error-required-topic = Scelga di che cosa si tratta.
error-required-message = Scriva il Suo messaggio.
error-email = L’indirizzo e-mail non sembra corretto. Dovrebbe essere del tipo nome@esempio.it.
error-choice = Scelga una delle voci dell’elenco.
error-too-long = Il testo è troppo lungo. Può contenere al massimo { $max } caratteri.
error-file-too-large = Il file «{ $name }» è troppo grande. Ogni file può arrivare a { $max }.
error-files-too-large = Nell’insieme i file sono troppo grandi. In tutto possono arrivare a { $max }.
error-too-many-files = I file sono troppi. Può allegarne al massimo { $max }.
error-file-empty = Il file «{ $name }» è vuoto. Lo scelga di nuovo, per favore.
error-too-fast = È stato un invio molto veloce. Controlli il messaggio e lo invii ancora una volta, per favore.
error-rate-limit = Abbiamo ricevuto molti messaggi dalla Sua connessione. Attenda qualche minuto e riprovi: quanto ha scritto è ancora qui.
error-expired = La pagina è rimasta aperta a lungo. Invii il messaggio ancora una volta, per favore.
error-title = Da controllare: { $title }
error-phone = Il numero di telefono non sembra corretto. Usi cifre, spazi e un + iniziale.
error-number = Inserisca un numero.
error-consent = Spunti questa casella, così possiamo occuparci del Suo messaggio.

## Conferma di ricezione

receipt-title = Grazie, abbiamo ricevuto il Suo messaggio
receipt-thanks = Grazie, { $name }. Il Suo messaggio è arrivato.
receipt-number = La Sua richiesta ha il numero { $number }.
receipt-copy = Ne abbiamo inviato una copia a { $email }.
receipt-spam-hint = Non la trova? Guardi anche nella posta indesiderata.
receipt-link = Può seguire la richiesta, e aggiungere ciò che desidera, in qualsiasi momento:
receipt-link-text = Vai alla richiesta
receipt-next = Le risponderemo per e-mail.
receipt-another = Invia un altro messaggio

## Quando aspettarsi una risposta

wait-usual-minutes = { $minutes ->
        [one] Di solito rispondiamo entro un minuto.
       *[other] Di solito rispondiamo entro { $minutes } minuti.
    }
wait-usual-hours = { $hours ->
        [one] Di solito rispondiamo entro un’ora.
       *[other] Di solito rispondiamo entro { $hours } ore.
    }
wait-usual-today = Di solito rispondiamo entro le { $time }{ $zone } di oggi.
wait-usual-tomorrow = Di solito rispondiamo entro le { $time }{ $zone } di domani.
wait-usual-weekday = Di solito rispondiamo entro le { $time }{ $zone } di { $day }.
wait-usual-date = Di solito rispondiamo entro le { $time }{ $zone } del { $day }.
wait-aim-minutes = { $minutes ->
        [one] Contiamo di risponderLe entro un minuto.
       *[other] Contiamo di risponderLe entro { $minutes } minuti.
    }
wait-aim-hours = { $hours ->
        [one] Contiamo di risponderLe entro un’ora.
       *[other] Contiamo di risponderLe entro { $hours } ore.
    }
wait-aim-today = Contiamo di risponderLe entro le { $time }{ $zone } di oggi.
wait-aim-tomorrow = Contiamo di risponderLe entro le { $time }{ $zone } di domani.
wait-aim-weekday = Contiamo di risponderLe entro le { $time }{ $zone } di { $day }.
wait-aim-date = Contiamo di risponderLe entro le { $time }{ $zone } del { $day }.
wait-away = In questo momento siamo assenti: Le risponderemo appena saremo di ritorno.
wait-unknown = Le risponderemo appena possibile.

## La pagina della richiesta

ticket-title = La Sua richiesta { $number }
ticket-status = Stato
ticket-status-open = Ce ne stiamo occupando
ticket-status-open-hint = Il Suo messaggio è da noi. Le risponderemo per e-mail e su questa pagina.
ticket-status-answered = Le abbiamo risposto
ticket-status-answered-hint = Legga la nostra risposta qui sotto e ci scriva pure se manca qualcosa.
ticket-status-closed = Conclusa
ticket-status-closed-hint = Questa richiesta è conclusa. Può comunque scriverci da qui.
ticket-opened = Data di invio: { $date }
ticket-you-wrote = Lei ha scritto
ticket-shop-wrote = { $name } ha scritto
ticket-attachments = Allegati
ticket-download = Scarica { $name } ({ $size })
ticket-answer = La Sua risposta
ticket-answer-hint = Aggiunga una domanda, un dettaglio o una foto.
ticket-attach = Allega file
ticket-send = Invia la risposta
ticket-sent = Grazie, la Sua risposta è arrivata.
ticket-close = La mia richiesta è risolta
ticket-close-hint = La chiuda se non ha più bisogno di una risposta.
ticket-closed = Grazie di avercelo detto. La Sua richiesta è conclusa.
ticket-reopen-hint = C’è ancora qualcosa che non va? Scriva qui sotto e ce ne occuperemo di nuovo.
ticket-gone-title = Questo link non è più valido
ticket-gone = Il link potrebbe essere scaduto o incompleto. Usi quello della nostra e-mail più recente, oppure ci scriva di nuovo.
ticket-new = Ci scriva
ticket-earlier = Mostra i messaggi precedenti
ticket-latest = Torna ai messaggi più recenti
ticket-quoted = Testo precedente
ticket-talk = Conversazione

## E-mail al cliente

mail-subject = [#{ $number }] { $subject }
mail-no-subject = La Sua richiesta
mail-greeting = Gentile { $name },
mail-greeting-anonymous = Buongiorno,
mail-ack-body =
    grazie di aver scritto a { $shop }. Abbiamo ricevuto il Suo messaggio, che ha il numero { $number }.

    Uno di noi lo leggerà e Le risponderà di persona. Non deve fare altro. { $wait }

    Se desidera aggiungere qualcosa, risponda semplicemente a questa e-mail. Può seguire la Sua richiesta anche qui:
    { $url }
mail-closing =
    Un cordiale saluto
    { $shop }
mail-wrote = Il giorno { $date } { $name } ha scritto:
mail-automatic = Questa è una conferma automatica.
mail-follow = Segua la Sua richiesta: { $url }

## Trascrizione

transcript-title = La Sua conversazione con { $shop }, richiesta { $number }
transcript-customer = Lei
transcript-shop = { $shop }
transcript-automatic = messaggio automatico
transcript-attachment = Allegato: { $name } ({ $size })
transcript-end = Fine della conversazione

## Quando qualcosa non va

page-not-found-title = Non troviamo questa pagina
page-not-found = L’indirizzo potrebbe contenere un errore, oppure la pagina è stata spostata.
page-error-title = Qualcosa è andato storto
page-error = Ci scusiamo. L’errore è nostro ed è stato registrato. Riprovi, per favore; se dovesse ripetersi, ci indichi il riferimento { $reference }.
page-busy-title = In questo momento siamo molto impegnati
page-busy = Riprovi tra un minuto, per favore. Quanto ha già inviato non è andato perso.
page-too-large-title = È troppo per un solo invio
page-too-large = Invii meno file, o file più piccoli. Può inviare fino a { $max } per volta.
page-back = Torna indietro
page-home = Vai alla pagina iniziale
page-skip = Vai al contenuto

## Chat sul sito del negozio

chat-launcher-open = Chatta con noi
chat-launcher-close = Chiudi
chat-launcher-unread = Chatta con noi, messaggi non letti: { $count }
chat-launcher-title = Chat con { $shop }

chat-home-title = Come possiamo aiutarLa?
chat-home-title-name = Buongiorno { $name }, come possiamo aiutarLa?
chat-here-one = { $name } è qui per Lei.
chat-here-many = { $names } sono qui per Lei.
chat-here-team = Siamo qui per Lei.
chat-and-more = altri { $count }
chat-not-closed = In questo momento siamo chiusi.
chat-not-nobody = In questo momento nessuno di noi è in linea.
chat-not-full = In questo momento stiamo tutti aiutando altri clienti.
chat-not-language = In questo momento non è in linea nessuno che parli la Sua lingua.
chat-opens-today = Torniamo oggi alle { $time }.
chat-opens-tomorrow = Torniamo domani alle { $time }.
chat-opens-day = Torniamo { $day } alle { $time }.
chat-wait-usual = Di solito si attende meno di { $time }.
chat-wait-target = Cerchiamo di rispondere entro { $time }.
chat-place-next = Il prossimo turno è il Suo.
chat-place-one = C’è una persona prima di Lei.
chat-place-many = Ci sono { $count } persone prima di Lei.
chat-busy = In questo momento siamo tutti in conversazione.
chat-talk-title = Parli con noi adesso
chat-start = Inizia una chat
chat-goes-on = La Sua chat continua qui
chat-go-on = Torna alla chat
chat-leave-title = Ci lasci un messaggio
chat-leave-hint = Uno di noi lo legge e Le risponde per e-mail.
chat-leave-hint-back = Uno di noi lo legge appena torniamo e Le risponde per e-mail.
chat-leave = Scrivi un messaggio
chat-callback = Farsi richiamare
chat-callback-hint = Ci lasci il Suo numero e uno di noi La chiama.
chat-callback-send = Richiamatemi
chat-form-link = Modulo di contatto
chat-form-link-hint = Rispondiamo per e-mail.
chat-help-link = Centro assistenza
chat-past = La Sua ultima conversazione

chat-intro-title = Prima di iniziare
chat-intro-hint = Così possiamo aiutarLa senza doverglielo chiedere dopo.
chat-continue = Continua
chat-skip = Salta
chat-phone = Numero di telefono
chat-about = Di che cosa si tratta?

chat-you = Lei
chat-write = Scriva un messaggio…
chat-emoji = Emoji
chat-uploading = { $name } è in arrivo
chat-upload-failed = Il file non è arrivato.
chat-remove-file = Togli { $name }
chat-again = Riprova
chat-discard = Scarta
chat-failed = Non è riuscito. Riprovi, per favore.
chat-offline = In attesa della rete. Quanto scrive viene conservato e inviato appena torna.
chat-unavailable-now = Proprio ora non c’è più nessuno libero per una chat. Quanto ha scritto è ancora qui.
chat-drop = Lasci qui i file
chat-newest = Messaggi più recenti
chat-picture = Ingrandisci l’immagine { $name }
chat-open-picture = Apri a parte
chat-typing = { $name } sta scrivendo
chat-mark-sending = Invio in corso…
chat-mark-waiting = In attesa della rete
chat-mark-sent = Inviato
chat-mark-delivered = Consegnato
chat-mark-read = Letto
chat-with-you = ora è con Lei
chat-ringing = Abbiamo avvisato il team che Lei è qui.
chat-queued = In questo momento siamo tutti in conversazione. Il Suo posto in coda resta Suo.
chat-parked = Finora nessuno ha potuto prendere la Sua chat. Resta aperta e abbiamo tutto ciò che ha scritto.
chat-late = Ci dispiace: ci vuole più tempo di quanto avevamo detto
chat-late-hint = Scelga Lei come continuare. Abbiamo tutto ciò che ha scritto: non dovrà ripeterlo.
chat-late-wait = Continua ad attendere
chat-late-callback = Farsi richiamare
chat-late-email = Continua per e-mail
chat-late-email-hint = Può chiudere questa finestra; la risposta arriva nella Sua casella.
chat-by-mail = Continuiamo per e-mail. La nostra risposta arriva a { $email }; può chiudere questa finestra.
chat-by-phone = La chiameremo al numero { $phone }. Può chiudere questa finestra.
chat-by-link = Le risponderemo qui e sulla pagina della Sua richiesta.
chat-menu = Altre opzioni
chat-sound-on = Attiva il suono
chat-sound-off = Disattiva il suono
chat-transcript = Conversazione per e-mail
chat-transcript-hint = Le inviamo tutto ciò che è stato scritto qui.
chat-transcript-sent = La conversazione è in viaggio verso { $email }.
chat-end = Termina la chat
chat-end-hint = Può chiederne una copia anche dopo e scriverci di nuovo in qualsiasi momento.
chat-end-not = Resta nella chat
chat-ended = La chat è terminata
chat-anew = Inizia una nuova chat
chat-rate = Come siamo andati?
chat-rate-1 = 1 di 5: molto male
chat-rate-2 = 2 di 5: male
chat-rate-3 = 3 di 5: discretamente
chat-rate-4 = 4 di 5: bene
chat-rate-5 = 5 di 5: molto bene
chat-rate-comment = C’è qualcosa che vorrebbe dirci?
chat-rate-thanks = Grazie di avercelo detto.

## E-mail ai colleghi

mail-invite-subject = Invito di { $inviter } all’assistenza di { $shop }
mail-invite-body =
    Buongiorno { $name },

    { $inviter } Le ha preparato un accesso all’assistenza di { $shop }. Scelga qui la Sua password:
    { $url }

    Il link vale una sola volta, per { $hours ->
        [one] un’ora
       *[other] { $hours } ore
    }. Se non aspettava questo invito, può ignorarlo.
mail-reset-subject = Scelga una nuova password per l’assistenza di { $shop }
mail-reset-body =
    Buongiorno { $name },

    qualcuno, probabilmente Lei, ha chiesto una nuova password per l’assistenza di { $shop }. Può sceglierla qui:
    { $url }

    Il link vale una sola volta, per { $hours ->
        [one] un’ora
       *[other] { $hours } ore
    }. Se non è stato Lei, non deve fare nulla: la Sua password resta quella di prima.
mail-sign-in-lost-subject = { $channel } va ricollegato
mail-sign-in-lost-body =
    Buongiorno,

    { $network } non lascia più entrare l’assistenza di { $shop } con il canale «{ $channel }»:
    { $reason }

    Ciò che i clienti scrivono lì potrebbe non arrivare. Le risposte aspettano e partono da sole appena un amministratore ricollega il canale:
    { $url }

mail-mailbox-failing-subject = { $channel }: la posta non arriva
mail-mailbox-failing-body =
    Buongiorno,

    l’assistenza di { $shop } non riesce più a raggiungere la casella «{ $channel }»:
    { $reason }

    Sul suo server non va perso nulla e si continua a provare. Che cosa non va si vede, e si corregge, qui:
    { $url }

mail-anger-subject = { $customer } protesta in pubblico su { $network } e nessuno se ne occupa
mail-anger-body =
    Buongiorno { $name },

    { $customer } ha scritto su { $network }, dove tutti possono leggere, e nessuno se ne occupa ancora:

    «{ $words }»

    Prenda in carico o risponda qui:
    { $url }

mail-approval-subject = Una risposta pubblica di { $author } attende l’approvazione
mail-approval-body =
    Buongiorno { $name },

    { $author } ha scritto una risposta pubblica su { $network }. Non parte finché qualcuno non la approva:

    «{ $words }»

    Può leggerla, correggerla, inviarla o rimandarla indietro qui:
    { $url }

## Files too large for a letter, and letters passed on

mail-linked-files = Troppo grande per un’e-mail; può scaricarlo fino al { $date }:
download-title = File da scaricare
download-file = { $name } ({ $size })
download-until = Può scaricarlo fino al { $date }.
download-button = Scarica
download-gone-title = Questo file non è più qui
download-gone = Questo link non apre più nulla. Ci chieda di nuovo il file.
mail-forwarded = Conversazione inoltrata
mail-forwarded-from = Da
mail-forwarded-to = A
mail-forwarded-date = Data
