# Llamadas: la página, las cartas, la hora de la llamada.

## Cuándo llamamos, como parte de una frase: «Le llamamos …»

call-back-today = hoy entre las { $from } y las { $until }{ $zone }
call-back-tomorrow = mañana entre las { $from } y las { $until }{ $zone }
call-back-day = el { $day } entre las { $from } y las { $until }{ $zone }

## Cartas

call-back-mail-agreed =
    Gracias por escribir a { $shop }. Su solicitud tiene el número { $number }.

    Le llamaremos { $when } al número { $phone }.

    Para elegir otra hora o cancelar la llamada:
    { $url }
call-back-mail-late =
    Dijimos que le llamaríamos { $when } y no lo hicimos. Lo sentimos.

    Seguimos queriendo llamarle. Las próximas horas libres son:
    { $times }

    Elija una de ellas aquí, o escríbanos qué podemos hacer por usted:
    { $url }
call-back-mail-late-soon =
    Dijimos que le llamaríamos { $when } y no lo hicimos. Lo sentimos.

    Le llamaremos en cuanto podamos. También puede escribirnos aquí qué podemos hacer por usted:
    { $url }
call-back-mail-not-reached =
    { $attempts ->
        [one] Hemos intentado llamarle al { $phone } y no hemos podido localizarle.
       *[other] Hemos intentado llamarle { $attempts } veces al { $phone } y no hemos podido localizarle.
    }

    Elija aquí otra hora o corrija el número, o simplemente responda a este correo:
    { $url }

## La página en la que los clientes piden una llamada

call-back-title = Le llamamos
call-back-intro = Díganos su número y cuándo le viene bien: uno de nosotros le llama.
call-back-country = País
call-back-phone = Número de teléfono
call-back-phone-hint = Dónde le encontramos a la hora que elija.
call-back-time = ¿Cuándo podemos llamarle?
call-back-soon = Lo antes posible
call-back-soon-hint = Uno de nosotros está aquí y le llama antes de las { $until }.
call-back-zone-own = Según su reloj ({ $own }); en { $shop } vale la hora entre paréntesis ({ $zone }).
call-back-zone-shop = Según el reloj de { $shop } ({ $zone }).
call-back-note = ¿De qué se trata?
call-back-note-hint = Para que le llame la persona adecuada, con todo a mano.
call-back-email-hint = Ahí le confirmamos la hora y le escribimos si la llamada no sale bien.
call-back-consent = Acepto que { $shop } me llame a este número por mi solicitud.
call-back-send = Llámenme, por favor
call-back-sent-title = Le llamaremos
call-back-sent-when = Le llamaremos { $when } al número { $phone }.
call-back-sent-soon = Le llamaremos lo antes posible, { $when }, al número { $phone }.
call-back-sent-mail = Hemos enviado estos datos a { $email }.
call-back-sent-move = ¿Le ha surgido algo? Aquí puede cambiar o cancelar la llamada:
call-back-sent-link = Cambiar o cancelar la llamada
call-back-none = En los próximos días no hay horas libres para una llamada. Escríbanos: respondemos lo antes posible.
call-back-closed-title = No aceptamos solicitudes de llamada
call-back-closed = En este momento no ofrecemos llamadas. Escríbanos, por favor.
call-back-subject = Llamada
call-back-ask = Llámenme, por favor.
error-call-time = Elija cuándo podemos llamarle.
error-call-taken = Lo sentimos, esta hora acaba de ocuparse. Las próximas libres: { $times }.
error-call-taken-none = Lo sentimos, esta hora acaba de ocuparse y no hay otra libre en este momento.
error-call-consent = Marque esta casilla para que podamos llamarle.
error-phone-missing = Indique el número al que podemos llamarle.
error-phone-signs = Un número de teléfono solo tiene cifras, espacios y un + inicial.
error-phone-short = Este número de teléfono es demasiado corto. Compruebe las cifras.
error-phone-long = Este número de teléfono es demasiado largo. Compruebe las cifras.
error-phone-country = Elija el país, o empiece el número con + y el prefijo internacional.

## La llamada en la página de una solicitud y en un formulario

call-back-panel = Su llamada
call-back-panel-hint = Su solicitud está en nuestras manos y le llamaremos.
call-back-panel-late = No le llamamos como habíamos dicho. Lo sentimos. Elija una nueva hora.
call-back-panel-missed = Hemos intentado llamarle al { $phone } y no hemos podido localizarle. Elija otra hora.
call-back-panel-cancelled = La llamada está cancelada.
call-back-panel-over = Hemos hablado por teléfono.
call-back-move = Elegir otra hora
call-back-again = Pedir otra llamada
call-back-move-send = Cambiar la llamada
call-back-cancel = Cancelar la llamada
call-back-moved = Gracias, la llamada queda acordada.
call-back-cancelled = La llamada está cancelada. Puede seguir escribiéndonos aquí.
call-back-instead = Quiero que me llamen
call-back-instead-hint = Elija una hora y deje su número.
call-back-no = Sin llamada; respóndanme por correo
