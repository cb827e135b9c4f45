# Telephone calls: the ticket of one, what the customer's own page says of it, and what the answering machine says.
call-subject = Your call
call-missed = I tried to call.
call-voicemail = I left a message on the answering machine.
voicemail-greeting = Thank you for calling. We cannot answer right now. Please leave a message after the tone: we will call you back.
voicemail-silence = We did not hear a message. Goodbye.
voicemail-thanks = Thank you. We will call you back.
