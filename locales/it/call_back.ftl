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
