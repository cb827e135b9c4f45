# Richiamate: la pagina, le lettere, l’ora della chiamata.

## Quando chiamiamo, come parte di una frase: «La chiamiamo …»

call-back-today = oggi tra le { $from } e le { $until }{ $zone }
call-back-tomorrow = domani tra le { $from } e le { $until }{ $zone }
call-back-day = { $day } tra le { $from } e le { $until }{ $zone }

## Lettere

call-back-mail-agreed =
    grazie per aver scritto a { $shop }. La Sua richiesta ha il numero { $number }.

    La chiameremo { $when } al numero { $phone }.

    Per scegliere un altro orario o annullare la chiamata:
    { $url }
call-back-mail-late =
    Le avevamo detto che L’avremmo chiamata { $when }, e non l’abbiamo fatto. Ci scusiamo.

    Vogliamo ancora chiamarLa. I prossimi orari liberi sono:
    { $times }

    Ne scelga uno qui, oppure ci scriva che cosa possiamo fare per Lei:
    { $url }
call-back-mail-late-soon =
    Le avevamo detto che L’avremmo chiamata { $when }, e non l’abbiamo fatto. Ci scusiamo.

    La chiameremo appena possibile. Può anche scriverci qui che cosa possiamo fare per Lei:
    { $url }
call-back-mail-not-reached =
    { $attempts ->
        [one] abbiamo provato a chiamarLa al numero { $phone } senza riuscire a trovarLa.
       *[other] abbiamo provato { $attempts } volte a chiamarLa al numero { $phone } senza riuscire a trovarLa.
    }

    Scelga qui un altro orario o corregga il numero, oppure risponda semplicemente a questa e-mail:
    { $url }

## La pagina su cui i clienti chiedono una chiamata

call-back-title = La richiamiamo noi
call-back-intro = Ci dica il Suo numero e quando Le fa comodo: uno di noi La chiama.
call-back-country = Paese
call-back-phone = Numero di telefono
call-back-phone-hint = Dove La troviamo all’orario che sceglie.
call-back-time = Quando possiamo chiamarLa?
call-back-soon = Appena possibile
call-back-soon-hint = Qualcuno di noi è già presente e La chiama al più tardi entro le { $until }.
call-back-zone-own = Secondo il Suo orologio ({ $own }); da { $shop } vale l’orario tra parentesi ({ $zone }).
call-back-zone-shop = Secondo l’orologio di { $shop } ({ $zone }).
call-back-note = Di che cosa si tratta?
call-back-note-hint = Così La chiama la persona giusta, con tutto a portata di mano.
call-back-email-hint = Lì confermiamo l’orario e La raggiungiamo se la chiamata non riesce.
call-back-consent = Acconsento a che { $shop } mi chiami a questo numero per la mia richiesta.
call-back-send = Richiamatemi
call-back-sent-title = La chiameremo
call-back-sent-when = La chiameremo { $when } al numero { $phone }.
call-back-sent-soon = La chiameremo appena possibile, { $when }, al numero { $phone }.
call-back-sent-mail = Abbiamo inviato questi dati a { $email }.
call-back-sent-move = Un imprevisto? Qui può spostare o annullare la chiamata:
call-back-sent-link = Spostare o annullare la chiamata
call-back-none = Nei prossimi giorni non ci sono orari liberi per una chiamata. Ci scriva: rispondiamo appena possibile.
call-back-closed-title = Non prendiamo richieste di chiamata
call-back-closed = Al momento non offriamo richiamate. Ci scriva, per favore.
call-back-subject = Richiamata
call-back-ask = Per favore richiamatemi.
error-call-time = Scelga quando possiamo chiamarLa.
error-call-taken = Ci dispiace, questo orario è stato appena preso. I prossimi liberi: { $times }.
error-call-taken-none = Ci dispiace, questo orario è stato appena preso e al momento non ce ne sono altri liberi.
error-call-consent = Spunti questa casella perché possiamo chiamarLa.
error-phone-missing = Inserisca il numero a cui possiamo chiamarLa.
error-phone-signs = Un numero di telefono ha solo cifre, spazi e un + iniziale.
error-phone-short = Questo numero di telefono è troppo corto. Controlli le cifre.
error-phone-long = Questo numero di telefono è troppo lungo. Controlli le cifre.
error-phone-country = Scelga il Paese, oppure cominci il numero con + e il prefisso internazionale.

## La chiamata sulla pagina della richiesta e in un modulo

call-back-panel = La Sua chiamata
call-back-panel-hint = La Sua richiesta è da noi, e La chiameremo.
call-back-panel-late = Non L’abbiamo chiamata come avevamo detto. Ci scusiamo. Scelga un nuovo orario.
call-back-panel-missed = Abbiamo provato a chiamarLa al numero { $phone } senza riuscire a trovarLa. Scelga un altro orario.
call-back-panel-cancelled = La chiamata è annullata.
call-back-panel-over = Ci siamo parlati al telefono.
call-back-move = Scegliere un altro orario
call-back-again = Chiedere un’altra chiamata
call-back-move-send = Modifica la chiamata
call-back-cancel = Annulla la chiamata
call-back-moved = Grazie, la chiamata è fissata.
call-back-cancelled = La chiamata è annullata. Può sempre scriverci qui.
call-back-instead = Vorrei essere richiamato
call-back-instead-hint = Scelga un orario e lasci il Suo numero.
call-back-no = Nessuna chiamata; rispondetemi per e-mail
