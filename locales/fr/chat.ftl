# What the desk says about a chat; the words of the widget itself stand in customer.ftl.
chat-subject = Chat
chat-detail-order = Numéro de commande
chat-detail-topic = Sujet
chat-detail-product = Produit
chat-detail-page = Page
chat-detail-phone = Téléphone pour l’appel
chat-detail-greeting = Message d’accueil auquel il a répondu
chat-transcript-intro = Voici notre conversation avec { $shop } du { $date }.
chat-transcript-you = Vous

chat-refused-gone = Cette conversation a expiré. Veuillez en commencer une nouvelle.
chat-refused-blocked = Nous ne pouvons pas accepter de messages de ce navigateur.
chat-refused-unavailable = Personne n’est libre pour un chat en ce moment.
chat-refused-too-many = C’était un peu rapide. Attendez un instant.
chat-refused-too-large = C’est plus grand que ce que nous pouvons accepter.
chat-refused-busy = Nous sommes injoignables pour un instant. Rien n’est perdu ; veuillez réessayer.
chat-refused-not-found = Ce n’est plus disponible.
chat-refused-failed = Une erreur s’est produite de notre côté. Veuillez réessayer.
chat-refused-text = Écrivez un message de 5 000 caractères au plus.
chat-refused-files = Ces fichiers n’ont pas pu être ajoutés. Ajoutez-les de nouveau.
chat-refused-email = Saisissez une adresse e-mail comme nom@example.com.
chat-refused-phone = Saisissez un numéro de téléphone avec son indicatif.
chat-refused-name = Dites-nous votre nom.
chat-refused-consent = Donnez votre accord avant de commencer.
chat-refused-hash = Cette connexion n’a pas pu être vérifiée.
chat-refused-stars = Choisissez de un à cinq.
chat-refused-time = Cet horaire vient d’être pris. Choisissez-en un autre.
