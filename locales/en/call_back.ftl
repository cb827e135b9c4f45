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

## The page on which customers ask for a call

call-back-title = We call you back
call-back-intro = Tell us your number and when it suits you, and one of us calls you.
call-back-country = Country
call-back-phone = Phone number
call-back-phone-hint = Where we reach you at the time you choose.
call-back-time = When may we call?
call-back-soon = As soon as possible
call-back-soon-hint = One of us is there now and calls you by { $until } at the latest.
call-back-zone-own = By your clock ({ $own }); at { $shop } it is the time in brackets ({ $zone }).
call-back-zone-shop = By the clock of { $shop } ({ $zone }).
call-back-note = What is it about?
call-back-note-hint = So that the right person calls you, with everything at hand.
call-back-email-hint = We confirm the time there, and reach you if the call fails.
call-back-consent = I agree that { $shop } calls me at this number about my request.
call-back-send = Please call me
call-back-sent-title = We will call you
call-back-sent-when = We will call you { $when } at { $phone }.
call-back-sent-soon = We will call you as soon as possible, { $when }, at { $phone }.
call-back-sent-mail = We have sent these details to { $email }.
call-back-sent-move = Something has come up? You can move or cancel the call here:
call-back-sent-link = Move or cancel the call
call-back-none = There is no free time for a call in the next days. Please write to us instead; we answer as soon as we can.
call-back-closed-title = We take no requests for calls
call-back-closed = Call-backs are not offered at the moment. Please write to us instead.
call-back-subject = Call-back
call-back-ask = Please call me back.
error-call-time = Please choose when we may call you.
error-call-taken = This time has just been taken, sorry. Free next: { $times }.
error-call-taken-none = This time has just been taken, sorry, and no other is free at the moment.
error-call-consent = Please tick this box so that we may call you.
error-phone-missing = Please enter the number at which we may call you.
error-phone-signs = A phone number has digits, spaces and a leading + only.
error-phone-short = This phone number is too short. Please check the digits.
error-phone-long = This phone number is too long. Please check the digits.
error-phone-country = Please choose the country, or begin the number with + and the country code.

## The call on the page of a request, and in a form

call-back-panel = Your call
call-back-panel-hint = Your request is with us, and one of us will call you.
call-back-panel-late = We did not call you as we had said. We are sorry. Please choose a new time.
call-back-panel-missed = We tried to call you at { $phone } and could not reach you. Please choose another time.
call-back-panel-cancelled = The call is cancelled.
call-back-panel-over = We have spoken on the phone.
call-back-move = Choose another time
call-back-again = Ask for another call
call-back-move-send = Change the call
call-back-cancel = Cancel the call
call-back-moved = Thank you, the call is arranged.
call-back-cancelled = The call is cancelled. You can still write to us here.
call-back-instead = I would like to be called
call-back-instead-hint = Choose a time and leave your number.
call-back-no = No call; answer me by e-mail
