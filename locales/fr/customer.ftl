# Tout ce que lit le client, et les deux courriels que reçoivent les collègues avant leur première connexion.

## Formulaire de contact

form-title = Nous contacter
form-intro = Dites-nous comment nous pouvons vous aider : une vraie personne vous répondra.
form-name = Prénom et nom
form-email = Adresse e-mail
form-email-hint = Elle ne nous sert qu’à vous répondre.
form-order = Numéro de commande
form-order-hint = Vous le trouverez dans votre confirmation de commande.
form-optional = facultatif
form-topic = De quoi s’agit-il ?
form-topic-choose = Veuillez choisir
form-message = Votre message
form-message-hint = Plus vous nous en dites, plus vite nous pourrons vous aider : quel article, ce qui s’est passé, ce que vous souhaitez.
form-files = Joindre des fichiers
form-files-hint = Les photos aident beaucoup. { $count } fichiers au maximum, { $size } chacun.
form-send = Envoyer le message
form-privacy = { $shop } n’utilise ce que vous écrivez ici que pour traiter votre demande.
form-privacy-link = Politique de confidentialité
form-language = Langue
form-pot = Veuillez laisser ce champ vide
form-files-kept = Déjà reçus ; décochez ce que vous ne souhaitez pas envoyer :
form-closed-title = Ce formulaire est fermé
form-closed = Nous ne recevons pas de messages ici en ce moment. Vous trouverez sur notre site d’autres moyens de nous joindre.

## Erreurs du formulaire

error-summary = Merci de vérifier les points suivants
error-summary-hint = Rien n’est perdu : tout ce que vous avez écrit est encore là.
error-required = Merci de remplir ce champ.
error-required-name = Merci d’indiquer votre nom.
error-required-email = Merci d’indiquer votre adresse e-mail pour que nous puissions vous répondre.
error-required-topic = Merci de choisir le sujet de votre demande.
error-required-message = Merci d’écrire votre message.
error-email = Cette adresse e-mail ne semble pas correcte. Elle devrait ressembler à nom@exemple.fr.
error-choice = Merci de choisir une des options de la liste.
error-too-long = Ce texte est trop long. Il peut compter { $max } caractères au plus.
error-file-too-large = Le fichier « { $name } » est trop volumineux. Un fichier peut atteindre { $max }.
error-files-too-large = Ensemble, les fichiers sont trop volumineux. Le total peut atteindre { $max }.
error-too-many-files = Il y a trop de fichiers. Vous pouvez en joindre { $max } au plus.
error-file-empty = Le fichier « { $name } » est vide. Merci de le choisir à nouveau.
error-too-fast = C’était très rapide. Merci de relire votre message et de l’envoyer encore une fois.
error-rate-limit = Nous avons reçu beaucoup de messages depuis votre connexion. Merci de patienter quelques minutes et de réessayer ; ce que vous avez écrit est encore là.
error-expired = Cette page est restée ouverte longtemps. Merci d’envoyer votre message encore une fois.
error-title = À vérifier : { $title }
error-phone = Ce numéro de téléphone ne semble pas correct. Utilisez des chiffres, des espaces et un + au début.
error-number = Veuillez saisir un nombre.
error-consent = Veuillez cocher cette case pour que nous puissions traiter votre message.

## Accusé de réception

receipt-title = Merci, nous avons bien reçu votre message
receipt-thanks = Merci, { $name }. Votre message nous est bien parvenu.
receipt-number = Votre demande porte le numéro { $number }.
receipt-copy = Nous en avons envoyé une copie à { $email }.
receipt-spam-hint = Vous ne la trouvez pas ? Pensez à regarder dans vos courriers indésirables.
receipt-link = Vous pouvez suivre votre demande et la compléter à tout moment :
receipt-link-text = Voir votre demande
receipt-next = Nous vous répondrons par e-mail.
receipt-another = Envoyer un autre message

## Quand attendre une réponse

wait-usual-minutes = { $minutes ->
        [one] Nous répondons généralement en une minute.
       *[other] Nous répondons généralement en moins de { $minutes } minutes.
    }
wait-usual-hours = { $hours ->
        [one] Nous répondons généralement en moins d’une heure.
       *[other] Nous répondons généralement en moins de { $hours } heures.
    }
wait-usual-today = Nous répondons généralement aujourd’hui avant { $time }{ $zone }.
wait-usual-tomorrow = Nous répondons généralement d’ici demain à { $time }{ $zone }.
wait-usual-weekday = Nous répondons généralement d’ici { $day } à { $time }{ $zone }.
wait-usual-date = Nous répondons généralement d’ici le { $day } à { $time }{ $zone }.
wait-aim-minutes = { $minutes ->
        [one] Nous comptons vous répondre d’ici une minute.
       *[other] Nous comptons vous répondre d’ici { $minutes } minutes.
    }
wait-aim-hours = { $hours ->
        [one] Nous comptons vous répondre d’ici une heure.
       *[other] Nous comptons vous répondre d’ici { $hours } heures.
    }
wait-aim-today = Nous comptons vous répondre aujourd’hui avant { $time }{ $zone }.
wait-aim-tomorrow = Nous comptons vous répondre d’ici demain à { $time }{ $zone }.
wait-aim-weekday = Nous comptons vous répondre d’ici { $day } à { $time }{ $zone }.
wait-aim-date = Nous comptons vous répondre d’ici le { $day } à { $time }{ $zone }.
wait-away = Nous sommes absents en ce moment et vous répondrons dès notre retour.
wait-unknown = Nous vous répondrons dès que possible.

## La page de la demande

ticket-title = Votre demande { $number }
ticket-status = État
ticket-status-open = Nous nous en occupons
ticket-status-open-hint = Votre message est entre nos mains. Nous vous répondrons par e-mail et sur cette page.
ticket-status-answered = Nous vous avons répondu
ticket-status-answered-hint = Vous trouverez notre réponse ci-dessous ; n’hésitez pas à nous écrire s’il manque quelque chose.
ticket-status-closed = Close
ticket-status-closed-hint = Cette demande est réglée. Vous pouvez toujours nous écrire ici.
ticket-opened = Envoyée le { $date }
ticket-you-wrote = Vous avez écrit
ticket-shop-wrote = { $name } a écrit
ticket-attachments = Pièces jointes
ticket-download = Télécharger { $name } ({ $size })
ticket-answer = Votre réponse
ticket-answer-hint = Ajoutez une question, une précision ou une photo.
ticket-attach = Joindre des fichiers
ticket-send = Envoyer la réponse
ticket-sent = Merci, votre réponse nous est bien parvenue.
ticket-close = Ma demande est réglée
ticket-close-hint = Vous pouvez la clore si vous n’attendez plus de réponse.
ticket-closed = Merci de nous l’avoir signalé. Votre demande est close.
ticket-reopen-hint = Quelque chose ne va toujours pas ? Écrivez-nous ci-dessous et nous reprendrons votre demande.
ticket-gone-title = Ce lien ne fonctionne plus
ticket-gone = Le lien a peut-être expiré ou est incomplet. Utilisez celui de notre dernier e-mail, ou écrivez-nous à nouveau.
ticket-new = Nous écrire
ticket-earlier = Afficher les messages précédents
ticket-latest = Revenir aux messages les plus récents
ticket-quoted = Texte précédent
ticket-talk = Conversation

## E-mails au client

mail-subject = [#{ $number }] { $subject }
mail-no-subject = Votre demande
mail-greeting = Bonjour { $name },
mail-greeting-anonymous = Bonjour,
mail-ack-body =
    Merci d’avoir écrit à { $shop }. Nous avons bien reçu votre message, qui porte le numéro { $number }.

    L’un de nous le lira et vous répondra personnellement. Vous n’avez rien d’autre à faire. { $wait }

    Pour ajouter quelque chose, répondez simplement à cet e-mail. Vous pouvez aussi suivre votre demande ici :
    { $url }
mail-closing =
    Bien cordialement
    { $shop }
mail-wrote = Le { $date }, { $name } a écrit :
mail-automatic = Ceci est une confirmation automatique.
mail-follow = Suivre votre demande : { $url }

## Transcription

transcript-title = Votre conversation avec { $shop }, demande { $number }
transcript-customer = Vous
transcript-shop = { $shop }
transcript-automatic = message automatique
transcript-attachment = Pièce jointe : { $name } ({ $size })
transcript-end = Fin de la conversation

## Quand quelque chose ne va pas

page-not-found-title = Cette page est introuvable
page-not-found = L’adresse contient peut-être une erreur, ou la page a été déplacée.
page-error-title = Un problème est survenu
page-error = Nous en sommes désolés. L’erreur vient de nous et a été enregistrée. Merci de réessayer ; si cela se reproduit, indiquez-nous la référence { $reference }.
page-busy-title = Nous sommes très sollicités en ce moment
page-busy = Merci de réessayer dans une minute. Rien de ce que vous avez déjà envoyé n’est perdu.
page-too-large-title = C’est trop pour un seul envoi
page-too-large = Merci d’envoyer moins de fichiers, ou des fichiers plus légers. Vous pouvez envoyer { $max } au plus à la fois.
page-back = Retour
page-home = Vers la page d’accueil
page-skip = Aller au contenu

## Discussion sur le site de la boutique

chat-launcher-open = Discuter avec nous
chat-launcher-close = Fermer
chat-launcher-unread = Discuter avec nous, messages non lus : { $count }
chat-launcher-title = Discussion avec { $shop }

chat-home-title = Comment pouvons-nous vous aider ?
chat-home-title-name = Bonjour { $name }, comment pouvons-nous vous aider ?
chat-here-one = { $name } est là pour vous.
chat-here-many = { $names } sont là pour vous.
chat-here-team = Nous sommes là pour vous.
chat-and-more = { $count } autres
chat-not-closed = Nous sommes fermés en ce moment.
chat-not-nobody = Aucun de nous n’est en ligne en ce moment.
chat-not-full = Nous sommes tous occupés avec d’autres clients en ce moment.
chat-not-language = Aucun de ceux qui parlent votre langue n’est en ligne en ce moment.
chat-opens-today = Nous revenons aujourd’hui à { $time }.
chat-opens-tomorrow = Nous revenons demain à { $time }.
chat-opens-day = Nous revenons { $day } à { $time }.
chat-wait-usual = L’attente est d’habitude de moins de { $time }.
chat-wait-target = Nous nous efforçons de répondre en { $time }.
chat-place-next = Vous êtes en tête de la file.
chat-place-one = Une personne est avant vous.
chat-place-many = { $count } personnes sont avant vous.
chat-busy = Nous sommes tous en conversation en ce moment.
chat-talk-title = Parlez-nous maintenant
chat-start = Démarrer une discussion
chat-goes-on = Votre discussion continue ici
chat-go-on = Revenir à la discussion
chat-leave-title = Laissez-nous un message
chat-leave-hint = L’un de nous le lit et vous répond par e-mail.
chat-leave-hint-back = L’un de nous le lit dès notre retour et vous répond par e-mail.
chat-leave = Écrire un message
chat-callback = Être rappelé par téléphone
chat-callback-hint = Laissez-nous votre numéro et l’un de nous vous appelle.
chat-callback-send = Rappelez-moi
chat-form-link = Formulaire de contact
chat-form-link-hint = Nous répondons par e-mail.
chat-help-link = Centre d’aide
chat-past = Votre dernière conversation

chat-intro-title = Avant de commencer
chat-intro-hint = Nous pourrons ainsi vous aider sans avoir à vous le redemander.
chat-continue = Continuer
chat-skip = Passer
chat-phone = Numéro de téléphone
chat-about = De quoi s’agit-il ?

chat-you = Vous
chat-write = Écrivez un message…
chat-emoji = Émojis
chat-uploading = { $name } est en cours d’envoi
chat-upload-failed = Ce fichier n’est pas arrivé.
chat-remove-file = Retirer { $name }
chat-again = Réessayer
chat-discard = Supprimer
chat-failed = Cela n’a pas fonctionné. Merci de réessayer.
chat-offline = En attente du réseau. Ce que vous écrivez est gardé et envoyé dès son retour.
chat-unavailable-now = À l’instant, plus personne n’est libre pour discuter. Ce que vous avez écrit est encore là.
chat-drop = Déposez vos fichiers ici
chat-newest = Messages les plus récents
chat-picture = Agrandir l’image { $name }
chat-open-picture = Ouvrir à part
chat-typing = { $name } est en train d’écrire
chat-mark-sending = Envoi en cours…
chat-mark-waiting = En attente du réseau
chat-mark-sent = Envoyé
chat-mark-delivered = Distribué
chat-mark-read = Lu
chat-with-you = est avec vous maintenant
chat-ringing = Nous avons prévenu l’équipe que vous êtes là.
chat-queued = Nous sommes tous en conversation en ce moment. Vous gardez votre place dans la file.
chat-parked = Personne n’a encore pu prendre votre discussion. Elle reste ouverte et nous avons tout ce que vous avez écrit.
chat-late = Nous sommes désolés : cela prend plus de temps que prévu
chat-late-hint = Vous choisissez la suite. Nous avons tout ce que vous avez écrit ; vous n’aurez pas à le répéter.
chat-late-wait = Continuer à attendre
chat-late-callback = Être rappelé par téléphone
chat-late-email = Continuer par e-mail
chat-late-email-hint = Vous pouvez fermer cette fenêtre ; la réponse arrive dans votre boîte.
chat-by-mail = Nous continuons par e-mail. Notre réponse arrivera à { $email } ; vous pouvez fermer cette fenêtre.
chat-by-phone = Nous vous appellerons au { $phone }. Vous pouvez fermer cette fenêtre.
chat-by-link = Nous vous répondrons ici et sur la page de votre demande.
chat-menu = Plus d’options
chat-sound-on = Activer le son
chat-sound-off = Couper le son
chat-transcript = Conversation par e-mail
chat-transcript-hint = Nous vous envoyons tout ce qui a été écrit ici.
chat-transcript-sent = La conversation est en route vers { $email }.
chat-end = Terminer la discussion
chat-end-hint = Vous pourrez ensuite en demander une copie et nous réécrire à tout moment.
chat-end-not = Rester dans la discussion
chat-ended = La discussion est terminée
chat-anew = Démarrer une nouvelle discussion
chat-rate = Comment était-ce ?
chat-rate-1 = 1 sur 5 : très mauvais
chat-rate-2 = 2 sur 5 : mauvais
chat-rate-3 = 3 sur 5 : moyen
chat-rate-4 = 4 sur 5 : bien
chat-rate-5 = 5 sur 5 : très bien
chat-rate-comment = Souhaitez-vous nous dire quelque chose ?
chat-rate-thanks = Merci de nous l’avoir dit.

## E-mails aux collègues

mail-invite-subject = { $inviter } vous invite à l’assistance de { $shop }
mail-invite-body =
    Bonjour { $name },

    { $inviter } vous a ouvert un compte sur l’assistance de { $shop }. Choisissez votre mot de passe ici :
    { $url }

    Le lien ne sert qu’une fois, pendant { $hours ->
        [one] une heure
       *[other] { $hours } heures
    }. Si vous n’attendiez pas cette invitation, vous pouvez l’ignorer.
mail-reset-subject = Choisissez un nouveau mot de passe pour l’assistance de { $shop }
mail-reset-body =
    Bonjour { $name },

    quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour l’assistance de { $shop }. Vous pouvez le choisir ici :
    { $url }

    Le lien ne sert qu’une fois, pendant { $hours ->
        [one] une heure
       *[other] { $hours } heures
    }. Si ce n’était pas vous, vous n’avez rien à faire : votre mot de passe ne change pas.
mail-sign-in-lost-subject = { $channel } est à reconnecter
mail-sign-in-lost-body =
    Bonjour,

    { $network } ne laisse plus entrer l’assistance de { $shop } par le canal « { $channel } » :
    { $reason }

    Ce que les clients y écrivent risque de ne pas arriver. Les réponses attendent et partiront d’elles-mêmes dès qu’un administrateur aura reconnecté le canal :
    { $url }

mail-mailbox-failing-subject = { $channel } : le courrier n’arrive plus
mail-mailbox-failing-body =
    Bonjour,

    l’assistance de { $shop } n’arrive plus à joindre la boîte « { $channel } » :
    { $reason }

    Rien ne se perd sur son serveur et l’on réessaie sans cesse. La cause se voit, et se corrige, ici :
    { $url }

mail-anger-subject = { $customer } se plaint en public sur { $network } et personne ne s’en occupe
mail-anger-body =
    Bonjour { $name },

    { $customer } a écrit sur { $network }, où tout le monde peut le lire, et personne ne s’en occupe encore :

    « { $words } »

    Prenez le relais ou répondez ici :
    { $url }

mail-approval-subject = Une réponse publique de { $author } attend une approbation
mail-approval-body =
    Bonjour { $name },

    { $author } a écrit une réponse publique sur { $network }. Elle ne part pas avant d’être approuvée :

    « { $words } »

    Vous pouvez la lire, la corriger, l’envoyer ou la rendre ici :
    { $url }

## Files too large for a letter, and letters passed on

mail-linked-files = Trop volumineux pour un e-mail ; à télécharger jusqu’au { $date } :
download-title = Fichier à télécharger
download-file = { $name } ({ $size })
download-until = Vous pouvez le télécharger jusqu’au { $date }.
download-button = Télécharger
download-gone-title = Ce fichier n’est plus ici
download-gone = Ce lien n’ouvre plus rien. Demandez-nous de nouveau le fichier.
mail-forwarded = Conversation transférée
mail-forwarded-from = De
mail-forwarded-to = À
mail-forwarded-date = Date
