# Telephone calls: the ticket of one, what the customer's own page says of it, and what the answering machine says.
call-subject = Votre appel
call-missed = J’ai essayé d’appeler.
call-voicemail = J’ai laissé un message sur le répondeur.
voicemail-greeting = Merci de votre appel. Nous ne pouvons pas répondre pour le moment. Laissez un message après le signal : nous vous rappellerons.
voicemail-silence = Nous n’avons pas entendu de message. Au revoir.
voicemail-thanks = Merci. Nous vous rappellerons.
