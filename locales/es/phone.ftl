# Telephone calls: the ticket of one, what the customer's own page says of it, and what the answering machine says.
call-subject = Su llamada
call-missed = He intentado llamar.
call-voicemail = He dejado un mensaje en el contestador.
voicemail-greeting = Gracias por llamar. Ahora mismo no podemos contestar. Deje un mensaje después de la señal: le devolveremos la llamada.
voicemail-silence = No hemos oído ningún mensaje. Hasta pronto.
voicemail-thanks = Gracias. Le devolveremos la llamada.
