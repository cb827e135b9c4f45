# What the desk says about a chat; the words of the widget itself stand in customer.ftl.
chat-subject = Chat
chat-detail-order = Bestellnummer
chat-detail-topic = Thema
chat-detail-product = Produkt
chat-detail-page = Seite
chat-detail-phone = Telefonnummer für den Rückruf
chat-detail-greeting = Begrüßung, auf die geantwortet wurde
chat-transcript-intro = Hier ist unser Chat mit { $shop } vom { $date }.
chat-transcript-you = Sie

chat-refused-gone = Dieser Chat ist abgelaufen. Bitte beginnen Sie einen neuen.
chat-refused-blocked = Wir können von diesem Browser keine Nachrichten annehmen.
chat-refused-unavailable = Im Moment ist niemand für einen Chat frei.
chat-refused-too-many = Das war etwas schnell. Bitte warten Sie einen Moment.
chat-refused-too-large = Das ist größer, als wir annehmen können.
chat-refused-busy = Wir sind für einen Moment nicht erreichbar. Nichts geht verloren; bitte versuchen Sie es noch einmal.
chat-refused-not-found = Das ist nicht mehr verfügbar.
chat-refused-failed = Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.
chat-refused-text = Bitte schreiben Sie eine Nachricht mit höchstens 5.000 Zeichen.
chat-refused-files = Diese Dateien konnten nicht angehängt werden. Bitte fügen Sie sie noch einmal hinzu.
chat-refused-email = Bitte geben Sie eine E-Mail-Adresse wie name@example.com ein.
chat-refused-phone = Bitte geben Sie eine Telefonnummer mit Vorwahl ein.
chat-refused-name = Bitte sagen Sie uns Ihren Namen.
chat-refused-consent = Bitte stimmen Sie zu, bevor wir beginnen.
chat-refused-hash = Diese Anmeldung konnte nicht bestätigt werden.
chat-refused-stars = Bitte wählen Sie eins bis fünf.
chat-refused-time = Diese Zeit ist gerade vergeben worden. Bitte wählen Sie eine andere.
