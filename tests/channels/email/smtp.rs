//! The SMTP door, by raw sockets and by swaks.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use sportello::desk::tickets;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::mail;
use crate::support::mail_desk::{MailDesk, SmtpDoor};

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(door: &SmtpDoor) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(door.address).await.expect("the door is open")));
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    async fn greeted(door: &SmtpDoor) -> Self {
        let mut client = Self::connect(door).await;
        client.say("EHLO mx.example.it").await;
        client
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the door is open");
    }

    async fn answer(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let start = answer.len();
            let read =
                tokio::time::timeout(Duration::from_secs(10), self.0.read_line(&mut answer)).await.expect("an answer").expect("an answer");
            if read == 0 || answer.as_bytes().get(start + 3) != Some(&b'-') {
                return answer;
            }
        }
    }

    async fn say(&mut self, line: &str) -> String {
        self.raw(format!("{line}\r\n").as_bytes()).await;
        self.answer().await
    }

    async fn expect(&mut self, line: &str, code: &str) {
        let answer = self.say(line).await;
        assert!(answer.starts_with(code), "{line}: {answer}");
    }

    async fn send(&mut self, to: &[&str], mail: &[u8]) -> String {
        self.expect("MAIL FROM:<anna@example.it> BODY=8BITMIME", "250").await;
        for to in to {
            self.expect(&format!("RCPT TO:<{to}>"), "250").await;
        }
        self.expect("DATA", "354").await;
        self.raw(mail).await;
        self.raw(b".\r\n").await;
        self.answer().await
    }
}

async fn processed(desk: &MailDesk, messages: i64) {
    let began = Instant::now();
    while desk.count("select count(*) from messages").await < messages {
        assert!(began.elapsed() < Duration::from_secs(10), "not processed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_mail_comes_in_and_is_a_ticket_at_once() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let mut client = Client::connect(&door).await;
    let hello = client.say("EHLO mx.example.it").await;
    for extension in ["PIPELINING", "SIZE 1048576", "STARTTLS", "8BITMIME", "SMTPUTF8"] {
        assert!(hello.contains(extension), "{hello}");
    }
    assert!(!hello.contains("AUTH"));
    let answer =
        client.send(&["HELP@Bottega.example"], &mail("anna@example.it", "Hello", "a1@example.it", "", "..dots\r\n..\r\nend")).await;
    assert!(answer.starts_with("250 2.0.0 Stored"), "{answer}");
    assert_eq!(desk.count("select count(*) from deliveries where door = 'smtp' and envelope_from = 'anna@example.it'").await, 1);
    processed(&desk, 1).await;
    assert_eq!(desk.count("select count(*) from messages where body like '.dots' || chr(10) || '.' || chr(10) || 'end%'").await, 1);
    assert_eq!(
        desk.count(
            "select count(*) from deliveries where convert_from(raw, 'UTF8') like 'Received: from mx.example.it ([127.0.0.1])%with ESMTP;%'"
        )
        .await,
        1
    );
    client.expect("QUIT", "221").await;
    door.close().await;
}

#[tokio::test]
async fn only_our_mailboxes_and_nothing_out_of_order() {
    let desk = MailDesk::new().await;
    desk.mailbox("Sales", "sales@bottega.example", json!({"aliases": ["Vendite@bottega.example"]})).await;
    desk.mailbox("Old", "old@bottega.example", json!({})).await;
    sqlx::query("update channels set enabled = false where name = 'Old'").execute(&desk.app.db).await.expect("sql");
    desk.app.cache.invalidate_all();
    let door = desk.smtp().await;
    let mut client = Client::connect(&door).await;
    client.expect("MAIL FROM:<a@b.it>", "503").await;
    client.expect("HELO x", "250").await;
    client.expect("RCPT TO:<help@bottega.example>", "503").await;
    client.expect("DATA", "503").await;
    client.expect("MAIL FROM:<>", "250 2.1.0").await;
    client.expect("MAIL FROM:<a@b.it>", "503").await;
    client.expect("DATA", "503").await;
    client.expect("RCPT TO:<friend@elsewhere.example>", "550 5.1.1").await;
    client.expect("RCPT TO:<nobody@bottega.example>", "550 5.1.1").await;
    client.expect("RCPT TO:<old@bottega.example>", "550 5.2.1").await;
    client.expect("RCPT TO:<vendite+anything@BOTTEGA.example>", "250").await;
    client.expect("RCPT TO:<help+t1-abc@bottega.example>", "250").await;
    client.expect("RCPT TO:<postmaster@bottega.example>", "250").await;
    client.expect("RCPT TO:<postmaster@elsewhere.example>", "550 5.1.1").await;
    client.expect("VRFY help", "252").await;
    client.expect("NOOP", "250").await;
    client.expect("EXPN all", "502").await;
    client.expect("AUTH PLAIN AGEAYg==", "502").await;
    client.expect("BDAT 5 LAST", "502").await;
    client.expect("NONSENSE", "500").await;
    client.expect("MAIL TO:<x>", "501").await;
    client.expect("RSET", "250").await;
    client.expect("RCPT TO:<help@bottega.example>", "503").await;
    client.expect("MAIL FROM:<a@b.it> SIZE=99999999", "552 5.3.4").await;
    // A mailbox made a moment ago by another process is known, whatever this one remembers.
    sqlx::query("insert into channels (kind, name, address) values ('email', 'New', 'new@bottega.example')")
        .execute(&desk.app.db)
        .await
        .expect("sql");
    client.expect("MAIL FROM:<a@b.it>", "250").await;
    client.expect("RCPT TO:<new@bottega.example>", "250").await;
    client.expect("QUIT", "221").await;
    door.close().await;
}

#[tokio::test]
async fn a_mail_for_two_mailboxes_is_stored_once_for_each() {
    let desk = MailDesk::new().await;
    desk.mailbox("Sales", "sales@bottega.example", json!({"aliases": ["vendite@bottega.example"]})).await;
    let door = desk.smtp().await;
    let mut client = Client::greeted(&door).await;
    let to = ["help@bottega.example", "sales@bottega.example", "vendite@bottega.example"];
    assert!(client.send(&to, &mail("anna@example.it", "Both", "b1@example.it", "", "Hello")).await.starts_with("250"));
    processed(&desk, 2).await;
    assert_eq!(desk.count("select count(*) from deliveries").await, 2);
    assert_eq!(desk.count("select count(*) from tickets").await, 2);
    assert_eq!(
        desk.count("select count(*) from deliveries where envelope_to = '{sales@bottega.example,vendite@bottega.example}'").await,
        1
    );
    // Again, as after an answer that got lost.
    assert!(client.send(&to, &mail("anna@example.it", "Both", "b1@example.it", "", "Hello")).await.starts_with("250"));
    door.close().await;
    assert_eq!(desk.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn commands_sent_ahead_are_answered_in_order() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let mut client = Client::connect(&door).await;
    client.raw(b"EHLO x\r\nMAIL FROM:<a@b.it>\r\nRCPT TO:<help@bottega.example>\r\nRCPT TO:<no@where.it>\r\nDATA\r\n").await;
    for code in ["250", "250", "250", "550", "354"] {
        let answer = client.answer().await;
        assert!(answer.starts_with(code), "{code}: {answer}");
    }
    let mut rest = mail("a@b.it", "Ahead", "c1@b.it", "", "Hello");
    rest.extend_from_slice(b".\r\nMAIL FROM:<a@b.it>\r\nRCPT TO:<help@bottega.example>\r\nDATA\r\n");
    rest.extend_from_slice(&mail("a@b.it", "Ahead", "c2@b.it", "", "Hello"));
    rest.extend_from_slice(b".\r\nQUIT\r\n");
    client.raw(&rest).await;
    for code in ["250", "250", "250", "354", "250", "221"] {
        let answer = client.answer().await;
        assert!(answer.starts_with(code), "{code}: {answer}");
    }
    door.close().await;
    assert_eq!(desk.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn nobody_smuggles_a_second_mail_in() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    for (n, end) in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\0.\r\n"].into_iter().enumerate() {
        let mut client = Client::greeted(&door).await;
        let smuggled = format!(
            "From: anna@example.it\r\nMessage-ID: <d{n}@example.it>\r\n\r\nHello{end}MAIL FROM:<eve@example.it>\r\nRCPT TO:<help@bottega.example>\r\nDATA\r\nFrom: boss@example.it\r\n\r\nPay!\r\n"
        );
        assert!(client.send(&["help@bottega.example"], smuggled.as_bytes()).await.starts_with("250"));
        client.expect("QUIT", "221").await;
    }
    let mut client = Client::connect(&door).await;
    client.raw(b"EHLO x\nMAIL FROM:<a@b.it>\r\n").await;
    assert!(client.answer().await.starts_with("500 5.5.2"));
    door.close().await;
    assert_eq!(desk.count("select count(*) from deliveries").await, 7);
    assert_eq!(desk.count("select count(*) from deliveries where envelope_from = 'eve@example.it'").await, 0);
}

#[tokio::test]
async fn limits_hold() {
    let desk = MailDesk::new().await;
    let door = desk
        .smtp_with(|limits| {
            limits.idle = Duration::from_millis(400);
            limits.mail_bytes = 10_000;
            limits.recipients = 3;
            limits.connections_per_ip = 2;
            limits.mistakes = 4;
        })
        .await;
    let mut client = Client::greeted(&door).await;
    client.expect("MAIL FROM:<a@b.it>", "250").await;
    for _ in 0..3 {
        client.expect("RCPT TO:<help@bottega.example>", "250").await;
    }
    client.expect("RCPT TO:<help@bottega.example>", "452").await;
    client.expect("DATA", "354").await;
    for _ in 0..20 {
        client.raw(&[b'x'; 1000]).await;
    }
    client.raw(b"\r\n.\r\n").await;
    assert!(client.answer().await.starts_with("552 5.3.4"));
    assert!(
        client.send(&["help@bottega.example"], &mail("a@b.it", "Small", "e1@b.it", "", "Hello")).await.starts_with("250"),
        "the conversation goes on"
    );

    let second = Client::connect(&door).await;
    let mut third = BufReader::new(TcpStream::connect(door.address).await.expect("a socket"));
    let mut answer = String::new();
    third.read_line(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("421 4.7.0"), "{answer}");
    drop((second, third));

    client.raw(format!("NOOP {}\r\n", "x".repeat(10_000)).as_bytes()).await;
    assert!(client.answer().await.starts_with("500"));
    // Silence ends it.
    let began = Instant::now();
    assert!(client.answer().await.starts_with("421 4.4.2"));
    assert!(began.elapsed() < Duration::from_secs(3));
    tokio::time::sleep(Duration::from_millis(100)).await;

    let mut clumsy = Client::greeted(&door).await;
    for _ in 0..3 {
        clumsy.expect("WHAT", "500").await;
    }
    let last = clumsy.say("WHAT").await + &clumsy.answer().await;
    assert!(last.contains("421 4.7.0"), "{last}");
    // Bytes without end and without a line.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut endless = Client::connect(&door).await;
    let flood = vec![b'x'; 1 << 20];
    let _ = endless.0.write_all(&flood).await;
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), endless.0.read_to_end(&mut rest)).await.expect("it is closed");
    door.close().await;
}

#[tokio::test]
async fn without_a_database_the_sender_keeps_the_mail() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let mut client = Client::greeted(&door).await;
    let raw = mail("anna@example.it", "Away", "f1@example.it", "", "Hello");
    assert!(client.send(&["help@bottega.example"], &raw).await.starts_with("250"));
    processed(&desk, 1).await;
    desk.database.set_away(true).await;
    // The recipient is remembered, the mail cannot be stored.
    let raw = mail("anna@example.it", "Away", "f2@example.it", "", "Hello");
    let answer = client.send(&["help@bottega.example"], &raw).await;
    assert!(answer.starts_with("451 4.3.0"), "{answer}");
    client.expect("MAIL FROM:<a@b.it>", "250").await;
    client.expect("RCPT TO:<nobody@bottega.example>", "451 4.3.0").await;
    client.expect("RSET", "250").await;
    desk.database.set_away(false).await;
    assert!(client.send(&["help@bottega.example"], &raw).await.starts_with("250"));
    processed(&desk, 2).await;
    door.close().await;
}

#[tokio::test]
async fn the_door_closes_in_order() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let mut idle = Client::greeted(&door).await;
    let mut busy = Client::greeted(&door).await;
    busy.expect("MAIL FROM:<a@b.it>", "250").await;
    busy.expect("RCPT TO:<help@bottega.example>", "250").await;
    busy.expect("DATA", "354").await;
    busy.raw(b"From: a@b.it\r\nMessage-ID: <g1@b.it>\r\n").await;
    door.stop.cancel();
    assert!(idle.answer().await.starts_with("421 4.3.2"));
    busy.raw(b"\r\nHello\r\n.\r\n").await;
    assert!(busy.answer().await.starts_with("250"), "what is in hand is finished");
    assert!(busy.answer().await.starts_with("421"));
    door.close().await;
    assert_eq!(desk.count("select count(*) from messages").await, 1);
}

async fn swaks(door: &SmtpDoor, arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new("swaks")
        .args(["--server", &door.address.to_string(), "--from", "anna@example.it", "--timeout", "10"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("swaks is installed");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn swaks_delivers() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let (ok, said) = swaks(&door, &["--to", "help@bottega.example", "--body", "clear"]).await;
    assert!(ok, "{said}");
    let (ok, said) = swaks(&door, &["--to", "help@bottega.example", "--pipeline"]).await;
    assert!(ok, "{said}");
    let (ok, said) = swaks(&door, &["--to", "friend@elsewhere.example"]).await;
    assert!(!ok && said.contains("550 5.1.1"), "{said}");
    let ticket = {
        processed(&desk, 2).await;
        sportello::ids::TicketId(desk.count("select min(ticket_id) from messages").await)
    };
    let back = format!("help+{}@bottega.example", tickets::reply_tag(&desk.app.keys, ticket));
    let (ok, said) = swaks(&door, &["--to", &back, "--h-To", "help@bottega.example", "--body", "an answer"]).await;
    assert!(ok, "{said}");
    door.close().await;
    assert_eq!(desk.thread(ticket).await.len(), 2, "the reply address alone brings it home");
}

#[tokio::test]
async fn a_client_that_insists_on_encryption_gets_it() {
    use lettre::transport::smtp::client::{Tls, TlsParameters};
    use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    // The certificate was made a moment ago: nobody can know it.
    let tls = TlsParameters::builder("desk.bottega.example".to_owned()).dangerous_accept_invalid_certs(true).build().expect("TLS");
    let client =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(door.address.port()).tls(Tls::Required(tls)).build();
    let envelope = lettre::address::Envelope::new(
        Some("anna@example.it".parse().expect("an address")),
        vec!["help@bottega.example".parse().expect("an address")],
    );
    client
        .send_raw(&envelope.expect("an envelope"), &mail("anna@example.it", "Secret", "h1@example.it", "", "Hello"))
        .await
        .expect("delivered");
    drop(client);
    processed(&desk, 1).await;
    door.close().await;
    assert_eq!(desk.count("select count(*) from deliveries where convert_from(raw, 'UTF8') like '%with ESMTPS;%'").await, 1);
    let key = desk.app.config.data.join("smtp-key.pem");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(key).expect("the key").permissions()) & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_said_in_the_clear_counts_after_starttls() {
    let desk = MailDesk::new().await;
    let door = desk.smtp().await;
    let mut client = Client::greeted(&door).await;
    client.raw(b"STARTTLS\r\nMAIL FROM:<eve@example.it>\r\n").await;
    assert!(client.answer().await.starts_with("220"));
    assert_eq!(client.answer().await, "", "it hangs up");
    door.close().await;
}
