# What the desk says about a chat; the words of the widget itself stand in customer.ftl.
chat-subject = Chat
chat-detail-order = Número de pedido
chat-detail-topic = Tema
chat-detail-product = Producto
chat-detail-page = Página
chat-detail-phone = Teléfono para la llamada
chat-detail-greeting = Saludo al que respondió
chat-transcript-intro = Esta es nuestra conversación con { $shop } del { $date }.
chat-transcript-you = Tú

chat-refused-gone = Este chat ha caducado. Empieza uno nuevo.
chat-refused-blocked = No podemos aceptar mensajes de este navegador.
chat-refused-unavailable = En este momento no hay nadie libre para chatear.
chat-refused-too-many = Un poco rápido. Espera un momento.
chat-refused-too-large = Es más grande de lo que podemos aceptar.
chat-refused-busy = No se nos puede contactar por un momento. No se pierde nada; inténtalo de nuevo.
chat-refused-not-found = Ya no está disponible.
chat-refused-failed = Algo ha fallado por nuestra parte. Inténtalo de nuevo.
chat-refused-text = Escribe un mensaje de 5000 caracteres como máximo.
chat-refused-files = No se han podido añadir estos archivos. Añádelos de nuevo.
chat-refused-email = Escribe una dirección de correo como nombre@example.com.
chat-refused-phone = Escribe un número de teléfono con su prefijo.
chat-refused-name = Dinos tu nombre.
chat-refused-consent = Da tu consentimiento antes de empezar.
chat-refused-hash = No se ha podido verificar este acceso.
chat-refused-stars = Elige de uno a cinco.
chat-refused-time = Esta hora acaba de ocuparse. Elija otra.
