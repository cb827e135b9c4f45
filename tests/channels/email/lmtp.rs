//! Mail that a mail server of the house hands over by LMTP.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::mail;
use crate::support::mail_desk::MailDesk;

async fn say(socket: &mut UnixStream, words: &[u8], answers: usize) -> String {
    socket.write_all(words).await.expect("sent");
    let mut heard = String::new();
    while heard.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).count() < answers {
        let mut buffer = [0; 4096];
        let n = socket.read(&mut buffer).await.expect("an answer");
        assert!(n > 0, "it hung up after {heard:?}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    heard
}

#[tokio::test]
async fn each_recipient_has_an_answer_of_its_own() {
    let desk = MailDesk::new().await;
    desk.mailbox("Sales", "sales@bottega.example", serde_json::json!({})).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lmtp.sock").display().to_string();
    let door = desk.lmtp(&path).await;
    let mut socket = UnixStream::connect(&path).await.expect("the socket");
    assert!(say(&mut socket, b"", 1).await.contains("LMTP"));
    assert!(say(&mut socket, b"EHLO mx\r\n", 1).await.starts_with("500"));
    assert!(say(&mut socket, b"LHLO mx\r\n", 1).await.contains("SMTPUTF8"));
    let envelope = b"MAIL FROM:<anna@example.it>\r\nRCPT TO:<help@bottega.example>\r\nRCPT TO:<nobody@bottega.example>\r\nRCPT TO:<sales@bottega.example>\r\n";
    let answers = say(&mut socket, envelope, 4).await;
    assert_eq!(answers.matches("250 ").count(), 3, "{answers}");
    assert!(say(&mut socket, b"DATA\r\n", 1).await.starts_with("354"));
    let text = [mail("anna@example.it", "Order", "l1@example.it", "", "Hello"), b".\r\n".to_vec()].concat();
    let answers = say(&mut socket, &text, 2).await;
    assert_eq!(answers.matches("250 2.0.0").count(), 2, "one for each that was taken: {answers}");
    assert_eq!(desk.count("select count(*) from deliveries where door = 'lmtp'").await, 2);
    say(&mut socket, b"QUIT\r\n", 1).await;
    door.close().await;
    // A socket that was left behind does not keep the next one out.
    desk.lmtp(&path).await.close().await;
}
