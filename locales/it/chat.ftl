# What the desk says about a chat; the words of the widget itself stand in customer.ftl.
chat-subject = Chat
chat-detail-order = Numero d'ordine
chat-detail-topic = Argomento
chat-detail-product = Prodotto
chat-detail-page = Pagina
chat-detail-phone = Telefono per la chiamata
chat-detail-greeting = Saluto a cui ha risposto
chat-transcript-intro = Ecco la chat con { $shop } del { $date }.
chat-transcript-you = Tu

chat-refused-gone = Questa chat è scaduta. Iniziane una nuova.
chat-refused-blocked = Non possiamo accettare messaggi da questo browser.
chat-refused-unavailable = In questo momento nessuno è libero per la chat.
chat-refused-too-many = Un po' troppo veloce. Attendi un momento.
chat-refused-too-large = È più grande di quanto possiamo accettare.
chat-refused-busy = Per un momento non siamo raggiungibili. Non va perso nulla: riprova.
chat-refused-not-found = Non è più disponibile.
chat-refused-failed = Qualcosa è andato storto da parte nostra. Riprova.
chat-refused-text = Scrivi un messaggio di al massimo 5.000 caratteri.
chat-refused-files = Non è stato possibile aggiungere questi file. Aggiungili di nuovo.
chat-refused-email = Inserisci un indirizzo e-mail come nome@example.com.
chat-refused-phone = Inserisci un numero di telefono con il prefisso.
chat-refused-name = Dicci come ti chiami.
chat-refused-consent = Dai il tuo consenso prima di iniziare.
chat-refused-hash = Non è stato possibile verificare questo accesso.
chat-refused-stars = Scegli da uno a cinque.
chat-refused-time = Questo orario è stato appena preso. Ne scelga un altro.
