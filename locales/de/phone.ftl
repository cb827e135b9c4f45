# Telephone calls: the ticket of one, what the customer's own page says of it, and what the answering machine says.
call-subject = Ihr Anruf
call-missed = Ich habe versucht anzurufen.
call-voicemail = Ich habe auf den Anrufbeantworter gesprochen.
voicemail-greeting = Danke für Ihren Anruf. Wir können gerade nicht ans Telefon gehen. Bitte sprechen Sie nach dem Ton: Wir rufen zurück.
voicemail-silence = Wir haben keine Nachricht gehört. Auf Wiederhören.
voicemail-thanks = Danke. Wir rufen zurück.
