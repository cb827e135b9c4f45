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
