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
