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
