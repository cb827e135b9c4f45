# Call-backs: the page, the letters, the time of a call.

## When we call, as part of a sentence: "We call you …"

call-back-today = today between { $from } and { $until }{ $zone }
call-back-tomorrow = tomorrow between { $from } and { $until }{ $zone }
call-back-day = on { $day } between { $from } and { $until }{ $zone }

## Letters

call-back-mail-agreed =
    Thank you for writing to { $shop }. Your request has number { $number }.

    We will call you { $when } at { $phone }.

    To choose another time or to cancel the call:
    { $url }
call-back-mail-late =
    We said that we would call you { $when }, and we did not. We are sorry.

    We still want to call you. These times are free next:
    { $times }

    Please choose one of them here, or tell us what we can do for you in writing:
    { $url }
call-back-mail-late-soon =
    We said that we would call you { $when }, and we did not. We are sorry.

    We will call you as soon as we can. You can also tell us here, in writing, what we can do for you:
    { $url }
call-back-mail-not-reached =
    { $attempts ->
        [one] We tried to call you at { $phone } and could not reach you.
       *[other] We tried to call you at { $phone } { $attempts } times and could not reach you.
    }

    Please choose another time or correct the number here, or simply reply to this e-mail:
    { $url }
