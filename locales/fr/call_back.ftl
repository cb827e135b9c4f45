# Rappels : la page, les lettres, l’heure de l’appel.

## Quand nous appelons, dans une phrase : « Nous vous appelons … »

call-back-today = aujourd’hui entre { $from } et { $until }{ $zone }
call-back-tomorrow = demain entre { $from } et { $until }{ $zone }
call-back-day = { $day } entre { $from } et { $until }{ $zone }

## Lettres

call-back-mail-agreed =
    Merci d’avoir écrit à { $shop }. Votre demande porte le numéro { $number }.

    Nous vous appellerons { $when } au { $phone }.

    Pour choisir un autre horaire ou annuler l’appel :
    { $url }
call-back-mail-late =
    Nous avions dit que nous vous appellerions { $when }, et nous ne l’avons pas fait. Veuillez nous en excuser.

    Nous voulons toujours vous appeler. Voici les prochains horaires libres :
    { $times }

    Choisissez-en un ici, ou écrivez-nous ce que nous pouvons faire pour vous :
    { $url }
call-back-mail-late-soon =
    Nous avions dit que nous vous appellerions { $when }, et nous ne l’avons pas fait. Veuillez nous en excuser.

    Nous vous appellerons dès que possible. Vous pouvez aussi nous écrire ici ce que nous pouvons faire pour vous :
    { $url }
call-back-mail-not-reached =
    { $attempts ->
        [one] Nous avons essayé de vous appeler au { $phone } sans parvenir à vous joindre.
       *[other] Nous avons essayé { $attempts } fois de vous appeler au { $phone } sans parvenir à vous joindre.
    }

    Choisissez ici un autre horaire ou corrigez le numéro, ou répondez simplement à cet e-mail :
    { $url }

## La page où les clients demandent un appel

call-back-title = Nous vous rappelons
call-back-intro = Donnez-nous votre numéro et le moment qui vous convient : l’un de nous vous appelle.
call-back-country = Pays
call-back-phone = Numéro de téléphone
call-back-phone-hint = Où nous pouvons vous joindre à l’heure choisie.
call-back-time = Quand pouvons-nous vous appeler ?
call-back-soon = Dès que possible
call-back-soon-hint = L’un de nous est là et vous appelle avant { $until }.
call-back-zone-own = À votre heure ({ $own }) ; chez { $shop }, c’est l’heure entre parenthèses ({ $zone }).
call-back-zone-shop = À l’heure de { $shop } ({ $zone }).
call-back-note = De quoi s’agit-il ?
call-back-note-hint = Pour que la bonne personne vous appelle, avec tout sous la main.
call-back-email-hint = Nous y confirmons l’horaire et vous écrivons si l’appel échoue.
call-back-consent = J’accepte que { $shop } m’appelle à ce numéro au sujet de ma demande.
call-back-send = Rappelez-moi
call-back-sent-title = Nous vous appellerons
call-back-sent-when = Nous vous appellerons { $when } au { $phone }.
call-back-sent-soon = Nous vous appellerons dès que possible, { $when }, au { $phone }.
call-back-sent-mail = Nous avons envoyé ces informations à { $email }.
call-back-sent-move = Un empêchement ? Vous pouvez déplacer ou annuler l’appel ici :
call-back-sent-link = Déplacer ou annuler l’appel
call-back-none = Aucun horaire n’est libre pour un appel ces prochains jours. Écrivez-nous : nous répondons dès que possible.
call-back-closed-title = Nous ne prenons pas de demandes d’appel
call-back-closed = Les rappels ne sont pas proposés en ce moment. Veuillez nous écrire.
call-back-subject = Rappel
call-back-ask = Rappelez-moi, s’il vous plaît.
error-call-time = Choisissez quand nous pouvons vous appeler.
error-call-taken = Désolés, cet horaire vient d’être pris. Les prochains libres : { $times }.
error-call-taken-none = Désolés, cet horaire vient d’être pris et aucun autre n’est libre en ce moment.
error-call-consent = Cochez cette case pour que nous puissions vous appeler.
error-phone-missing = Indiquez le numéro auquel nous pouvons vous appeler.
error-phone-signs = Un numéro de téléphone ne comporte que des chiffres, des espaces et un + au début.
error-phone-short = Ce numéro de téléphone est trop court. Vérifiez les chiffres.
error-phone-long = Ce numéro de téléphone est trop long. Vérifiez les chiffres.
error-phone-country = Choisissez le pays, ou commencez le numéro par + et l’indicatif du pays.

## L’appel sur la page d’une demande et dans un formulaire

call-back-panel = Votre appel
call-back-panel-hint = Votre demande est entre nos mains et nous vous appellerons.
call-back-panel-late = Nous ne vous avons pas appelé comme prévu. Veuillez nous en excuser et choisir un nouvel horaire.
call-back-panel-missed = Nous avons essayé de vous appeler au { $phone } sans parvenir à vous joindre. Choisissez un autre horaire.
call-back-panel-cancelled = L’appel est annulé.
call-back-panel-over = Nous nous sommes parlé au téléphone.
call-back-move = Choisir un autre horaire
call-back-again = Demander un autre appel
call-back-move-send = Modifier l’appel
call-back-cancel = Annuler l’appel
call-back-moved = Merci, l’appel est convenu.
call-back-cancelled = L’appel est annulé. Vous pouvez toujours nous écrire ici.
call-back-instead = Je souhaite être rappelé
call-back-instead-hint = Choisissez un horaire et laissez votre numéro.
call-back-no = Pas d’appel ; répondez-moi par e-mail
