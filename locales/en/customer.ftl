# Everything a customer reads, and the two mails that colleagues get before they can sign in.

## Contact form

form-title = Contact us
form-intro = Tell us how we can help and a real person will write back to you.
form-name = Your name
form-email = E-mail address
form-email-hint = We only use it to answer you.
form-order = Order number
form-order-hint = You will find it in your order confirmation.
form-optional = optional
form-topic = What is it about?
form-topic-choose = Please choose
form-message = Your message
form-message-hint = The more we know, the faster we can help: which item, what happened, what you would like us to do.
form-files = Attach files
form-files-hint = Photos help a lot. Up to { $count } files, { $size } each.
form-send = Send message
form-privacy = { $shop } uses what you write here only to deal with your request.
form-privacy-link = Privacy policy
form-language = Language
form-pot = Please leave this empty
form-files-kept = Already received; untick what you do not want to send:
form-closed-title = This form is closed
form-closed = We do not take messages here at the moment. Please look on our site for another way to reach us.

## What can be wrong with a form

error-summary = Please check the following
error-summary-hint = Nothing is lost: everything you wrote is still here.
error-required = Please fill in this field.
error-required-name = Please tell us your name.
error-required-email = Please enter your e-mail address so that we can answer you.
error-required-topic = Please choose what it is about.
error-required-message = Please write your message.
error-email = This e-mail address does not look right. It should look like name@example.com.
error-choice = Please choose one of the options in the list.
error-too-long = This is too long. Please keep it to { $max } characters.
error-file-too-large = “{ $name }” is too large. A file can be up to { $max }.
error-files-too-large = Together the files are too large. They can be up to { $max } in all.
error-too-many-files = That is too many files. You can attach up to { $max }.
error-file-empty = “{ $name }” is empty. Please choose it again.
error-too-fast = That was very quick. Please check your message and send it once more.
error-rate-limit = We have received many messages from your connection. Please wait a few minutes and try again; what you wrote is still here.
error-expired = This page was open for a long time. Please send your message once more.
error-title = Please check: { $title }
error-phone = This phone number does not look right. Please use digits, spaces and a leading +.
error-number = Please enter a number.
error-consent = Please tick this box so that we may deal with your message.

## Receipt

receipt-title = Thank you, we have your message
receipt-thanks = Thank you, { $name }. Your message has reached us.
receipt-number = Your request has number { $number }.
receipt-copy = We have sent a copy to { $email }.
receipt-spam-hint = Nothing there? Please look in your spam folder too.
receipt-link = You can follow your request and add to it at any time:
receipt-link-text = See your request
receipt-next = We will answer you by e-mail.
receipt-another = Send another message

## When an answer can be expected

wait-usual-minutes = { $minutes ->
        [one] Usually answered within a minute.
       *[other] Usually answered within { $minutes } minutes.
    }
wait-usual-hours = { $hours ->
        [one] Usually answered within an hour.
       *[other] Usually answered within { $hours } hours.
    }
wait-usual-today = Usually answered today by { $time }{ $zone }.
wait-usual-tomorrow = Usually answered by tomorrow, { $time }{ $zone }.
wait-usual-weekday = Usually answered by { $day }, { $time }{ $zone }.
wait-usual-date = Usually answered by { $day }, { $time }{ $zone }.
wait-aim-minutes = { $minutes ->
        [one] We aim to answer within a minute.
       *[other] We aim to answer within { $minutes } minutes.
    }
wait-aim-hours = { $hours ->
        [one] We aim to answer within an hour.
       *[other] We aim to answer within { $hours } hours.
    }
wait-aim-today = We aim to answer today by { $time }{ $zone }.
wait-aim-tomorrow = We aim to answer by tomorrow, { $time }{ $zone }.
wait-aim-weekday = We aim to answer by { $day }, { $time }{ $zone }.
wait-aim-date = We aim to answer by { $day }, { $time }{ $zone }.
wait-away = We are away at the moment and will answer as soon as we are back.
wait-unknown = We will answer as soon as we can.

## The customer's ticket page

ticket-title = Your request { $number }
ticket-status = Status
ticket-status-open = We are looking into it
ticket-status-open-hint = Your message is with us. We will answer by e-mail and on this page.
ticket-status-answered = We have answered you
ticket-status-answered-hint = Please read our answer below and reply if anything is missing.
ticket-status-closed = Closed
ticket-status-closed-hint = This request is settled. You can still write to us here.
ticket-opened = Sent on { $date }
ticket-you-wrote = You wrote
ticket-shop-wrote = { $name } wrote
ticket-attachments = Attachments
ticket-download = Download { $name } ({ $size })
ticket-answer = Your answer
ticket-answer-hint = Add a question, a detail or a photo.
ticket-attach = Attach files
ticket-send = Send answer
ticket-sent = Thank you, your answer has reached us.
ticket-close = My request is settled
ticket-close-hint = Close it if you no longer need an answer.
ticket-closed = Thank you for letting us know. Your request is closed.
ticket-reopen-hint = Is something still not right? Simply write below and we will take it up again.
ticket-gone-title = This link no longer works
ticket-gone = The link may have expired or be incomplete. Please use the link in our latest e-mail, or write to us again.
ticket-new = Write to us
ticket-earlier = Show earlier messages
ticket-latest = Back to the latest messages
ticket-quoted = Earlier text
ticket-talk = Conversation

## Mail to the customer

mail-subject = [#{ $number }] { $subject }
mail-no-subject = Your request
mail-greeting = Dear { $name },
mail-greeting-anonymous = Hello,
mail-ack-body =
    Thank you for writing to { $shop }. Your message has reached us and has number { $number }.

    One of us will read it and answer you personally. You need do nothing more. { $wait }

    If you would like to add something, simply reply to this e-mail. You can also follow your request here:
    { $url }
mail-closing =
    Kind regards
    { $shop }
mail-wrote = On { $date } { $name } wrote:
mail-automatic = This is an automatic confirmation.
mail-follow = Follow your request: { $url }

## Transcript

transcript-title = Your conversation with { $shop }, request { $number }
transcript-customer = You
transcript-shop = { $shop }
transcript-automatic = automatic message
transcript-attachment = Attachment: { $name } ({ $size })
transcript-end = End of the conversation

## When something goes wrong

page-not-found-title = We cannot find this page
page-not-found = The address may be mistyped, or the page has moved.
page-error-title = Something went wrong
page-error = We are sorry. The fault is ours and has been recorded. Please try again; if it happens again, tell us the reference { $reference }.
page-busy-title = We are very busy right now
page-busy = Please try again in a minute. Nothing you sent before is lost.
page-too-large-title = This is too much to send at once
page-too-large = Please send fewer or smaller files. You can send up to { $max } at a time.
page-back = Go back
page-home = To the start page
page-skip = Skip to the content

## Chat on the shop’s site

chat-launcher-open = Chat with us
chat-launcher-close = Close
chat-launcher-unread = Chat with us, unread messages: { $count }
chat-launcher-title = Chat with { $shop }

chat-home-title = How can we help?
chat-home-title-name = Hello { $name }, how can we help?
chat-here-one = { $name } is here for you.
chat-here-many = { $names } are here for you.
chat-here-team = We are here for you.
chat-and-more = { $count } more
chat-not-closed = We are closed right now.
chat-not-nobody = None of us is online right now.
chat-not-full = All of us are busy with other customers right now.
chat-not-language = Nobody who speaks your language is online right now.
chat-opens-today = We are back today at { $time }.
chat-opens-tomorrow = We are back tomorrow at { $time }.
chat-opens-day = We are back on { $day } at { $time }.
chat-wait-usual = You usually wait less than { $time }.
chat-wait-target = We aim to answer within { $time }.
chat-place-next = You are next.
chat-place-one = One person is before you.
chat-place-many = { $count } people are before you.
chat-busy = All of us are in a conversation right now.
chat-talk-title = Talk to us now
chat-start = Start a chat
chat-goes-on = Your chat goes on here
chat-go-on = Back to the chat
chat-leave-title = Leave us a message
chat-leave-hint = One of us reads it and answers you by e-mail.
chat-leave-hint-back = One of us reads it as soon as we are back and answers you by e-mail.
chat-leave = Write a message
chat-callback = Be called back
chat-callback-hint = Leave your number, and one of us calls you.
chat-callback-send = Please call me
chat-form-link = Contact form
chat-form-link-hint = We answer by e-mail.
chat-help-link = Help centre
chat-past = Your last conversation

chat-intro-title = Before we start
chat-intro-hint = With this we can help you without asking again.
chat-continue = Continue
chat-skip = Skip
chat-phone = Phone number
chat-about = What is it about?

chat-you = You
chat-write = Write a message…
chat-emoji = Emoji
chat-uploading = { $name } is on its way
chat-upload-failed = This file did not get through.
chat-remove-file = Remove { $name }
chat-again = Try again
chat-discard = Discard
chat-failed = That did not work. Please try again.
chat-offline = Waiting for the network. What you write is kept and sent as soon as it is back.
chat-unavailable-now = Just now nobody is free for a chat any more. What you wrote is still here.
chat-drop = Drop your files here
chat-newest = Newest messages
chat-picture = Enlarge picture { $name }
chat-open-picture = Open by itself
chat-typing = { $name } is typing
chat-mark-sending = Sending…
chat-mark-waiting = Waiting for the network
chat-mark-sent = Sent
chat-mark-delivered = Delivered
chat-mark-read = Read
chat-with-you = is with you now
chat-ringing = We have told the team that you are here.
chat-queued = All of us are in a conversation right now. You keep your place in the queue.
chat-parked = Nobody could take your chat so far. It stays open, and everything you wrote is with us.
chat-late = We are sorry: this is taking longer than we said
chat-late-hint = You choose how to go on. Everything you wrote is with us; you need not repeat it.
chat-late-wait = Keep waiting
chat-late-callback = Be called back
chat-late-email = Go on by e-mail
chat-late-email-hint = You can close this window; the answer comes to your inbox.
chat-by-mail = We go on by e-mail. Our answer comes to { $email }; you can close this window.
chat-by-phone = We will call you at { $phone }. You can close this window.
chat-by-link = We will answer you here and on the page of your request.
chat-menu = More options
chat-sound-on = Turn the sound on
chat-sound-off = Turn the sound off
chat-transcript = Conversation by e-mail
chat-transcript-hint = We send you everything that was written here.
chat-transcript-sent = The conversation is on its way to { $email }.
chat-end = End the chat
chat-end-hint = You can ask for a copy afterwards and write to us again at any time.
chat-end-not = Keep chatting
chat-ended = The chat has ended
chat-anew = Start a new chat
chat-rate = How did we do?
chat-rate-1 = 1 of 5: very poor
chat-rate-2 = 2 of 5: poor
chat-rate-3 = 3 of 5: fair
chat-rate-4 = 4 of 5: good
chat-rate-5 = 5 of 5: very good
chat-rate-comment = Is there anything you would like to tell us?
chat-rate-thanks = Thank you for telling us.

## Mail to colleagues

mail-invite-subject = { $inviter } invites you to the { $shop } helpdesk
mail-invite-body =
    Hello { $name },

    { $inviter } has set up an account for you on the { $shop } helpdesk. Please choose your password here:
    { $url }

    The link works once, for { $hours ->
        [one] one hour
       *[other] { $hours } hours
    }. If you were not expecting this invitation, you can ignore it.
mail-reset-subject = Choose a new password for the { $shop } helpdesk
mail-reset-body =
    Hello { $name },

    somebody, probably you, asked for a new password for the { $shop } helpdesk. You can choose it here:
    { $url }

    The link works once, for { $hours ->
        [one] one hour
       *[other] { $hours } hours
    }. If it was not you, you need do nothing: your password stays as it is.
mail-sign-in-lost-subject = { $channel } has to be connected again
mail-sign-in-lost-body =
    Hello,

    { $network } no longer lets the { $shop } helpdesk in with the channel “{ $channel }”:
    { $reason }

    What customers write there may not arrive. Answers wait, and leave by themselves once an admin has connected the channel again:
    { $url }

mail-mailbox-failing-subject = { $channel }: no mail comes in
mail-mailbox-failing-body =
    Hello,

    the { $shop } helpdesk can no longer reach the mailbox “{ $channel }”:
    { $reason }

    Nothing is lost on its server, and it is tried again and again. What is wrong can be seen, and put right, here:
    { $url }

mail-anger-subject = { $customer } is angry in public on { $network }, and nobody has taken it
mail-anger-body =
    Hello { $name },

    { $customer } wrote on { $network }, where everybody can read it, and nobody has taken it yet:

    “{ $words }”

    Take it or answer here:
    { $url }

mail-approval-subject = A public answer of { $author } waits for approval
mail-approval-body =
    Hello { $name },

    { $author } has written a public answer on { $network }. It is not sent until somebody approves it:

    “{ $words }”

    Look at it, change it, send it or give it back here:
    { $url }

## Files too large for a letter, and letters passed on

mail-linked-files = Too large for an e-mail; you can download it until { $date }:
download-title = File to download
download-file = { $name } ({ $size })
download-until = You can download it until { $date }.
download-button = Download
download-gone-title = This file is no longer here
download-gone = This link does not open anything any more. Please ask us for the file again.
mail-forwarded = Forwarded conversation
mail-forwarded-from = From
mail-forwarded-to = To
mail-forwarded-date = Date
