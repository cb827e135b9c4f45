# What the desk says about a chat; the words of the widget itself stand in customer.ftl.
chat-subject = Chat
chat-detail-order = Order number
chat-detail-topic = Topic
chat-detail-product = Product
chat-detail-page = Page
chat-detail-phone = Phone number for the call
chat-detail-greeting = Greeting they answered
chat-transcript-intro = Here is our chat with { $shop } of { $date }.
chat-transcript-you = You

chat-refused-gone = This chat has expired. Please start a new one.
chat-refused-blocked = We cannot accept messages from this browser.
chat-refused-unavailable = Nobody is free for a chat right now.
chat-refused-too-many = That was a bit fast. Please wait a moment.
chat-refused-too-large = That is larger than we can accept.
chat-refused-busy = We cannot be reached for a moment. Nothing is lost; please try again.
chat-refused-not-found = This is not available any more.
chat-refused-failed = Something went wrong on our side. Please try again.
chat-refused-text = Please write a message of at most 5,000 characters.
chat-refused-files = These files could not be added. Please add them again.
chat-refused-email = Please enter a mail address like name@example.com.
chat-refused-phone = Please enter a phone number with its area code.
chat-refused-name = Please tell us your name.
chat-refused-consent = Please agree before we start.
chat-refused-hash = This sign-in could not be verified.
chat-refused-stars = Please choose one to five.
chat-refused-time = This time has just been taken. Please choose another.
