# Telephone calls: the ticket of one, what the customer's own page says of it, and what the answering machine says.
call-subject = La sua telefonata
call-missed = Ho provato a chiamare.
call-voicemail = Ho lasciato un messaggio in segreteria.
voicemail-greeting = Grazie per aver chiamato. In questo momento non possiamo rispondere. Lasci un messaggio dopo il segnale: la richiameremo.
voicemail-silence = Non abbiamo sentito nessun messaggio. A presto.
voicemail-thanks = Grazie. La richiameremo.
