# Todo lo que lee el cliente, y los dos correos que reciben los compañeros antes de su primer acceso.

## Formulario de contacto

form-title = Contacte con nosotros
form-intro = Díganos cómo podemos ayudarle y le responderá una persona de nuestro equipo.
form-name = Nombre y apellidos
form-email = Correo electrónico
form-email-hint = Solo lo usamos para responderle.
form-order = Número de pedido
form-order-hint = Lo encontrará en la confirmación de su pedido.
form-optional = opcional
form-topic = ¿De qué se trata?
form-topic-choose = Elija un asunto
form-message = Su mensaje
form-message-hint = Cuanto más sepamos, antes podremos ayudarle: qué artículo, qué ha ocurrido, qué desea que hagamos.
form-files = Adjuntar archivos
form-files-hint = Las fotos ayudan mucho. Hasta { $count } archivos de { $size } cada uno.
form-send = Enviar el mensaje
form-privacy = { $shop } utiliza lo que escriba aquí únicamente para atender su consulta.
form-privacy-link = Política de privacidad
form-language = Idioma
form-pot = Deje este campo vacío
form-files-kept = Ya recibidos; desmarque lo que no quiera enviar:
form-closed-title = Este formulario está cerrado
form-closed = En este momento no recibimos mensajes por aquí. En nuestro sitio encontrará otras formas de contactarnos.

## Errores del formulario

error-summary = Revise, por favor, lo siguiente
error-summary-hint = No se ha perdido nada: todo lo que ha escrito sigue aquí.
error-required = Rellene este campo, por favor.
error-required-name = Indíquenos su nombre, por favor.
error-required-email = Indique su correo electrónico para que podamos responderle.
error-required-topic = Elija de qué se trata, por favor.
error-required-message = Escriba su mensaje, por favor.
error-email = Este correo electrónico no parece correcto. Debería ser como nombre@ejemplo.es.
error-choice = Elija una de las opciones de la lista.
error-too-long = El texto es demasiado largo. Puede tener { $max } caracteres como máximo.
error-file-too-large = El archivo «{ $name }» es demasiado grande. Cada archivo puede ocupar hasta { $max }.
error-files-too-large = En conjunto, los archivos son demasiado grandes. En total pueden ocupar hasta { $max }.
error-too-many-files = Son demasiados archivos. Puede adjuntar { $max } como máximo.
error-file-empty = El archivo «{ $name }» está vacío. Vuelva a elegirlo, por favor.
error-too-fast = Ha sido muy rápido. Revise su mensaje y envíelo una vez más, por favor.
error-rate-limit = Hemos recibido muchos mensajes desde su conexión. Espere unos minutos y vuelva a intentarlo; lo que ha escrito sigue aquí.
error-expired = Esta página ha estado abierta mucho tiempo. Envíe su mensaje una vez más, por favor.
error-title = Por revisar: { $title }
error-phone = Este número de teléfono no parece correcto. Use cifras, espacios y un + al principio.
error-number = Escriba un número.
error-consent = Marque esta casilla para que podamos ocuparnos de su mensaje.

## Acuse de recibo

receipt-title = Gracias, hemos recibido su mensaje
receipt-thanks = Gracias, { $name }. Su mensaje nos ha llegado.
receipt-number = Su consulta tiene el número { $number }.
receipt-copy = Hemos enviado una copia a { $email }.
receipt-spam-hint = ¿No la encuentra? Mire también en el correo no deseado.
receipt-link = Puede seguir su consulta y añadir lo que desee en cualquier momento:
receipt-link-text = Ver su consulta
receipt-next = Le responderemos por correo electrónico.
receipt-another = Enviar otro mensaje

## Cuándo esperar una respuesta

wait-usual-minutes = { $minutes ->
        [one] Solemos responder en un minuto.
       *[other] Solemos responder en menos de { $minutes } minutos.
    }
wait-usual-hours = { $hours ->
        [one] Solemos responder en menos de una hora.
       *[other] Solemos responder en menos de { $hours } horas.
    }
wait-usual-today = Solemos responder hoy antes de las { $time }{ $zone }.
wait-usual-tomorrow = Solemos responder mañana antes de las { $time }{ $zone }.
wait-usual-weekday = Solemos responder el { $day } antes de las { $time }{ $zone }.
wait-usual-date = Solemos responder el { $day } antes de las { $time }{ $zone }.
wait-aim-minutes = { $minutes ->
        [one] Nuestro objetivo es responderle en un minuto.
       *[other] Nuestro objetivo es responderle en menos de { $minutes } minutos.
    }
wait-aim-hours = { $hours ->
        [one] Nuestro objetivo es responderle en menos de una hora.
       *[other] Nuestro objetivo es responderle en menos de { $hours } horas.
    }
wait-aim-today = Nuestro objetivo es responderle hoy antes de las { $time }{ $zone }.
wait-aim-tomorrow = Nuestro objetivo es responderle mañana antes de las { $time }{ $zone }.
wait-aim-weekday = Nuestro objetivo es responderle el { $day } antes de las { $time }{ $zone }.
wait-aim-date = Nuestro objetivo es responderle el { $day } antes de las { $time }{ $zone }.
wait-away = En este momento no estamos y le responderemos en cuanto volvamos.
wait-unknown = Le responderemos lo antes posible.

## La página de la consulta

ticket-title = Su consulta { $number }
ticket-status = Estado
ticket-status-open = Nos estamos ocupando de ella
ticket-status-open-hint = Su mensaje está en nuestras manos. Le responderemos por correo y en esta página.
ticket-status-answered = Le hemos respondido
ticket-status-answered-hint = Encontrará nuestra respuesta más abajo. Escríbanos si le falta algo.
ticket-status-closed = Cerrada
ticket-status-closed-hint = Esta consulta está resuelta. Puede seguir escribiéndonos desde aquí.
ticket-opened = Enviada el { $date }
ticket-you-wrote = Usted escribió
ticket-shop-wrote = { $name } escribió
ticket-attachments = Archivos adjuntos
ticket-download = Descargar { $name } ({ $size })
ticket-answer = Su respuesta
ticket-answer-hint = Añada una pregunta, un detalle o una foto.
ticket-attach = Adjuntar archivos
ticket-send = Enviar la respuesta
ticket-sent = Gracias, hemos recibido su respuesta.
ticket-close = Mi consulta está resuelta
ticket-close-hint = Ciérrela si ya no necesita una respuesta.
ticket-closed = Gracias por avisarnos. Su consulta está cerrada.
ticket-reopen-hint = ¿Hay algo que todavía no está bien? Escríbanos aquí abajo y volveremos a ocuparnos.
ticket-gone-title = Este enlace ya no funciona
ticket-gone = Puede que el enlace haya caducado o esté incompleto. Use el de nuestro último correo o escríbanos de nuevo.
ticket-new = Escríbanos
ticket-earlier = Mostrar mensajes anteriores
ticket-latest = Volver a los mensajes más recientes
ticket-quoted = Texto anterior
ticket-talk = Conversación

## Correos al cliente

mail-subject = [#{ $number }] { $subject }
mail-no-subject = Su consulta
mail-greeting = Hola, { $name }:
mail-greeting-anonymous = Buenos días:
mail-ack-body =
    Gracias por escribir a { $shop }. Hemos recibido su mensaje, que tiene el número { $number }.

    Uno de nosotros lo leerá y le responderá personalmente. No tiene que hacer nada más. { $wait }

    Si desea añadir algo, responda simplemente a este correo. También puede seguir su consulta aquí:
    { $url }
mail-closing =
    Un cordial saludo
    { $shop }
mail-wrote = El { $date }, { $name } escribió:
mail-automatic = Esta es una confirmación automática.
mail-follow = Siga su consulta: { $url }

## Transcripción

transcript-title = Su conversación con { $shop }, consulta { $number }
transcript-customer = Usted
transcript-shop = { $shop }
transcript-automatic = mensaje automático
transcript-attachment = Archivo adjunto: { $name } ({ $size })
transcript-end = Fin de la conversación

## Cuando algo va mal

page-not-found-title = No encontramos esta página
page-not-found = Puede que la dirección tenga un error o que la página haya cambiado de sitio.
page-error-title = Algo ha salido mal
page-error = Lo sentimos. El fallo es nuestro y ha quedado registrado. Vuelva a intentarlo; si se repite, indíquenos la referencia { $reference }.
page-busy-title = En este momento tenemos mucho trabajo
page-busy = Vuelva a intentarlo dentro de un minuto. Lo que ya nos ha enviado no se ha perdido.
page-too-large-title = Es demasiado para un solo envío
page-too-large = Envíe menos archivos o archivos más pequeños. Puede enviar hasta { $max } cada vez.
page-back = Volver
page-home = Ir a la página de inicio
page-skip = Ir al contenido

## Chat en el sitio de la tienda

chat-launcher-open = Chatee con nosotros
chat-launcher-close = Cerrar
chat-launcher-unread = Chatee con nosotros, mensajes sin leer: { $count }
chat-launcher-title = Chat con { $shop }

chat-home-title = ¿En qué podemos ayudarle?
chat-home-title-name = Hola, { $name }: ¿en qué podemos ayudarle?
chat-here-one = { $name } está aquí para usted.
chat-here-many = { $names } están aquí para usted.
chat-here-team = Estamos aquí para usted.
chat-and-more = { $count } más
chat-not-closed = Ahora mismo estamos cerrados.
chat-not-nobody = Ahora mismo no hay nadie de nosotros en línea.
chat-not-full = Ahora mismo todos estamos atendiendo a otros clientes.
chat-not-language = Ahora mismo no hay nadie en línea que hable su idioma.
chat-opens-today = Volvemos hoy a las { $time }.
chat-opens-tomorrow = Volvemos mañana a las { $time }.
chat-opens-day = Volvemos el { $day } a las { $time }.
chat-wait-usual = Normalmente se espera menos de { $time }.
chat-wait-target = Nuestro objetivo es responder en { $time }.
chat-place-next = El siguiente turno es el suyo.
chat-place-one = Hay una persona antes que usted.
chat-place-many = Hay { $count } personas antes que usted.
chat-busy = Ahora mismo todos estamos en una conversación.
chat-talk-title = Hable con nosotros ahora
chat-start = Iniciar un chat
chat-goes-on = Su chat sigue aquí
chat-go-on = Volver al chat
chat-leave-title = Déjenos un mensaje
chat-leave-hint = Uno de nosotros lo lee y le responde por correo electrónico.
chat-leave-hint-back = Uno de nosotros lo lee en cuanto volvamos y le responde por correo electrónico.
chat-leave = Escribir un mensaje
chat-callback = Que le llamemos
chat-callback-hint = Déjenos su número y uno de nosotros le llama.
chat-callback-send = Llámenme, por favor
chat-form-link = Formulario de contacto
chat-form-link-hint = Respondemos por correo electrónico.
chat-help-link = Centro de ayuda
chat-past = Su última conversación

chat-intro-title = Antes de empezar
chat-intro-hint = Así podremos ayudarle sin tener que preguntárselo después.
chat-continue = Continuar
chat-skip = Omitir
chat-phone = Número de teléfono
chat-about = ¿De qué se trata?

chat-you = Usted
chat-write = Escriba un mensaje…
chat-emoji = Emojis
chat-uploading = { $name } se está enviando
chat-upload-failed = Este archivo no ha llegado.
chat-remove-file = Quitar { $name }
chat-again = Reintentar
chat-discard = Descartar
chat-failed = No ha funcionado. Vuelva a intentarlo, por favor.
chat-offline = Esperando la red. Lo que escriba se guarda y se envía en cuanto vuelva.
chat-unavailable-now = Justo ahora ya no queda nadie libre para un chat. Lo que ha escrito sigue aquí.
chat-drop = Suelte aquí los archivos
chat-newest = Mensajes más recientes
chat-picture = Ampliar la imagen { $name }
chat-open-picture = Abrir aparte
chat-typing = { $name } está escribiendo
chat-mark-sending = Enviando…
chat-mark-waiting = Esperando la red
chat-mark-sent = Enviado
chat-mark-delivered = Entregado
chat-mark-read = Leído
chat-with-you = está con usted ahora
chat-ringing = Hemos avisado al equipo de que está aquí.
chat-queued = Ahora mismo todos estamos en una conversación. Conserva su puesto en la cola.
chat-parked = Hasta ahora nadie ha podido atender su chat. Sigue abierto y tenemos todo lo que ha escrito.
chat-late = Lo sentimos: está tardando más de lo que dijimos
chat-late-hint = Usted elige cómo seguir. Tenemos todo lo que ha escrito; no tendrá que repetirlo.
chat-late-wait = Seguir esperando
chat-late-callback = Que le llamemos
chat-late-email = Seguir por correo electrónico
chat-late-email-hint = Puede cerrar esta ventana; la respuesta llegará a su buzón.
chat-by-mail = Seguimos por correo electrónico. Nuestra respuesta llegará a { $email }; puede cerrar esta ventana.
chat-by-phone = Le llamaremos al { $phone }. Puede cerrar esta ventana.
chat-by-link = Le responderemos aquí y en la página de su consulta.
chat-menu = Más opciones
chat-sound-on = Activar el sonido
chat-sound-off = Silenciar
chat-transcript = Conversación por correo
chat-transcript-hint = Le enviamos todo lo que se ha escrito aquí.
chat-transcript-sent = La conversación va de camino a { $email }.
chat-end = Terminar el chat
chat-end-hint = Después puede pedir una copia y volver a escribirnos en cualquier momento.
chat-end-not = Seguir en el chat
chat-ended = El chat ha terminado
chat-anew = Iniciar un chat nuevo
chat-rate = ¿Qué tal lo hemos hecho?
chat-rate-1 = 1 de 5: muy mal
chat-rate-2 = 2 de 5: mal
chat-rate-3 = 3 de 5: regular
chat-rate-4 = 4 de 5: bien
chat-rate-5 = 5 de 5: muy bien
chat-rate-comment = ¿Hay algo que quiera decirnos?
chat-rate-thanks = Gracias por decírnoslo.

## Correos a los compañeros

mail-invite-subject = { $inviter } le invita a la atención al cliente de { $shop }
mail-invite-body =
    Hola, { $name }:

    { $inviter } le ha creado un acceso a la atención al cliente de { $shop }. Elija aquí su contraseña:
    { $url }

    El enlace sirve una sola vez, durante { $hours ->
        [one] una hora
       *[other] { $hours } horas
    }. Si no esperaba esta invitación, puede ignorarla.
mail-reset-subject = Elija una nueva contraseña para la atención al cliente de { $shop }
mail-reset-body =
    Hola, { $name }:

    alguien, probablemente usted, ha pedido una nueva contraseña para la atención al cliente de { $shop }. Puede elegirla aquí:
    { $url }

    El enlace sirve una sola vez, durante { $hours ->
        [one] una hora
       *[other] { $hours } horas
    }. Si no ha sido usted, no tiene que hacer nada: su contraseña sigue siendo la misma.
mail-sign-in-lost-subject = Hay que volver a conectar { $channel }
mail-sign-in-lost-body =
    Hola:

    { $network } ya no deja entrar a la atención al cliente de { $shop } por el canal «{ $channel }»:
    { $reason }

    Lo que los clientes escriban allí puede no llegar. Las respuestas esperan y saldrán solas en cuanto un administrador vuelva a conectar el canal:
    { $url }

mail-mailbox-failing-subject = { $channel }: no entra correo
mail-mailbox-failing-body =
    Hola:

    la atención al cliente de { $shop } ya no consigue llegar al buzón «{ $channel }»:
    { $reason }

    En su servidor no se pierde nada y se sigue intentando. Qué ocurre se ve, y se corrige, aquí:
    { $url }

mail-anger-subject = { $customer } se queja en público en { $network } y nadie se ocupa
mail-anger-body =
    Hola, { $name }:

    { $customer } ha escrito en { $network }, donde todos pueden leerlo, y todavía nadie se ocupa:

    «{ $words }»

    Puede hacerse cargo o responder aquí:
    { $url }

mail-approval-subject = Una respuesta pública de { $author } espera aprobación
mail-approval-body =
    Hola, { $name }:

    { $author } ha escrito una respuesta pública en { $network }. No se envía hasta que alguien la apruebe:

    «{ $words }»

    Puede verla, corregirla, enviarla o devolverla aquí:
    { $url }

## Files too large for a letter, and letters passed on

mail-linked-files = Demasiado grande para un correo; puede descargarlo hasta el { $date }:
download-title = Archivo para descargar
download-file = { $name } ({ $size })
download-until = Puede descargarlo hasta el { $date }.
download-button = Descargar
download-gone-title = Este archivo ya no está aquí
download-gone = Este enlace ya no abre nada. Pídanos de nuevo el archivo.
mail-forwarded = Conversación reenviada
mail-forwarded-from = De
mail-forwarded-to = Para
mail-forwarded-date = Fecha
