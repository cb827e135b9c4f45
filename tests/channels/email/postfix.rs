//! A real Postfix between the desk and its customers.

use std::sync::atomic::Ordering;

use lettre::AsyncTransport as _;
use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::kinds::DeliveryStatus;
use sportello::ids::{MessageId, TicketId};
use sportello::worker;

use super::mail;
use crate::support::mail_desk::{MailDesk, SmtpDoor};
use crate::support::postfix::{DOMAIN, Postfix};

/// A desk whose mail leaves by this Postfix and comes back by the desk's own door.
struct Town {
    desk: MailDesk,
    postfix: Postfix,
    door: SmtpDoor,
}

impl Town {
    async fn new(boxes: &[&str]) -> Self {
        let desk = MailDesk::new().await;
        let door = desk.smtp().await;
        let postfix = Postfix::start(boxes, door.address).await;
        let town = Self { desk, postfix, door };
        town.leave_by(town.postfix.port).await;
        town
    }

    async fn leave_by(&self, port: u16) {
        let settings = json!({"acknowledge": false, "smtp": {"host": "127.0.0.1", "port": port, "security": "plain"}});
        sqlx::query("update channels set settings = $1").bind(settings).execute(&self.desk.app.db).await.expect("sql");
        self.desk.app.cache.invalidate_all();
    }

    async fn answer(&self, from: &str, words: &str) -> (TicketId, MessageId) {
        let ticket = self.desk.receive(&mail(from, "Order", "x1@example.it", "", "Where is it?")).await.ticket.expect("a ticket");
        let agent = self.desk.agent("Bea").await;
        (ticket, self.desk.reply(&agent, ticket, words).await)
    }

    /// Does what is due soon; what did not work comes back as words.
    async fn now(&self) -> Vec<String> {
        worker::drain(&self.desk.app, Ts::now().plus_seconds(6)).await
    }

    /// The same for the next hours, pauses between attempts included.
    async fn later(&self) -> Vec<String> {
        worker::drain(&self.desk.app, Ts::now().plus_seconds(6 * 3600)).await
    }

    /// Waits until so many mails have come in by the door and been understood.
    async fn came_in(&self, wanted: i64) {
        let began = std::time::Instant::now();
        while self.desk.count("select count(*) from deliveries where door = 'smtp' and state <> 'received'").await < wanted {
            assert!(began.elapsed().as_secs() < 40, "nothing comes\n{}", self.postfix.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(self.now().await, Vec::<String>::new());
    }

    /// Hands Postfix a mail, as a customer's program does.
    async fn post(&self, from: &str, to: &str, raw: &[u8]) {
        let envelope = lettre::address::Envelope::new(from.parse().ok(), vec![to.parse().expect("an address")]).expect("an envelope");
        lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(self.postfix.port)
            .build()
            .send_raw(&envelope, raw)
            .await
            .expect("taken");
    }
}

#[tokio::test]
async fn greylisting_is_waited_out_and_every_letter_arrives() {
    let town = Town::new(&["anna"]).await;
    let anna = format!("anna@{DOMAIN}");
    town.postfix.say(&anna, "450 4.2.0 Greylisted, see you in five minutes");
    let (_, message) = town.answer(&anna, "È partito ☂ ieri.").await;
    let errors = town.now().await;
    assert!(errors.iter().any(|error| error.contains("450")), "{errors:?}");
    let waiting = town.desk.message(message).await;
    assert_eq!(waiting.delivery, Some(DeliveryStatus::Queued));
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("Greylisted")), "{waiting:?}");
    town.postfix.say("", "");
    assert_eq!(town.later().await, Vec::<String>::new());
    assert_eq!(town.desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    let arrived = town.postfix.mails("anna", 1).await;
    let arrived = String::from_utf8_lossy(&arrived[0]);
    assert!(arrived.is_ascii() && arrived.contains("=C3=88 partito =E2=98=82 ieri."), "{arrived}");
    town.door.close().await;
}

#[tokio::test]
async fn what_postfix_refuses_fails_at_once_with_its_words() {
    let town = Town::new(&["anna"]).await;
    let anna = format!("anna@{DOMAIN}");
    town.postfix.say(&anna, "550 5.7.1 We take nothing from shops");
    let (_, message) = town.answer(&anna, "On its way.").await;
    town.later().await;
    let failed = town.desk.message(message).await;
    assert_eq!(failed.delivery, Some(DeliveryStatus::Failed));
    assert!(failed.delivery_error.as_deref().is_some_and(|words| words.contains("We take nothing from shops")), "{failed:?}");
    town.door.close().await;
}

#[tokio::test]
async fn a_line_lost_after_the_final_dot_brings_the_same_mail_twice_and_never_none() {
    let town = Town::new(&["anna"]).await;
    let line = town.postfix.breaking_line().await;
    town.leave_by(line.port).await;
    let (_, message) = town.answer(&format!("anna@{DOMAIN}"), "On its way.").await;
    town.now().await;
    let waiting = town.desk.message(message).await;
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("may have arrived")), "{waiting:?}");
    assert_eq!(line.broken.load(Ordering::SeqCst), 1);
    assert_eq!(town.later().await, Vec::<String>::new());
    assert_eq!(town.desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    let arrived = town.postfix.mails("anna", 2).await;
    let ids: Vec<String> = arrived
        .iter()
        .map(|mail| String::from_utf8_lossy(mail).lines().find(|line| line.starts_with("Message-ID:")).expect("an id").to_owned())
        .collect();
    // By the same name mailboxes show it once.
    assert_eq!(ids[0], ids[1]);
    town.door.close().await;
}

#[tokio::test]
async fn what_postfix_took_and_cannot_deliver_comes_home_to_the_message() {
    let town = Town::new(&["anna"]).await;
    let gone = format!("gone@{DOMAIN}");
    let (ticket, message) = town.answer(&gone, "On its way.").await;
    assert_eq!(town.now().await, Vec::<String>::new());
    town.came_in(1).await;
    let failed = town.desk.message(message).await;
    assert_eq!(failed.delivery, Some(DeliveryStatus::Failed), "{failed:?}");
    assert!(failed.delivery_error.as_deref().is_some_and(|words| words.contains(&gone)), "{failed:?}");
    assert_eq!(town.desk.count("select count(*) from tickets").await, 1, "the notice is part of the ticket");
    assert_eq!(town.desk.thread(ticket).await.iter().filter(|message| message.automatic).count(), 1);
    assert_eq!(town.desk.count("select count(*) from identities where undeliverable_at is not null").await, 1);
    town.door.close().await;
}

#[tokio::test]
async fn addresses_in_any_script_are_written_to_and_heard_from() {
    let town = Town::new(&["józef"]).await;
    let jozef = format!("józef@{DOMAIN}");
    let raw = format!(
        "From: Józef <{jozef}>\r\nTo: help@bottega.example\r\nSubject: Zamówienie\r\nMessage-ID: <z1@{DOMAIN}>\r\n\r\nGdzie jest moja łódź?\r\n"
    );
    town.post(&jozef, "help@bottega.example", raw.as_bytes()).await;
    town.came_in(1).await;
    let ticket = TicketId(town.desk.count("select max(id) from tickets").await);
    let thread = town.desk.thread(ticket).await;
    assert_eq!(thread[0].body.trim(), "Gdzie jest moja łódź?");
    let agent = town.desk.agent("Bea").await;
    let message = town.desk.reply(&agent, ticket, "Łódź płynie.").await;
    assert_eq!(town.now().await, Vec::<String>::new());
    let sent = town.desk.message(message).await;
    assert_eq!(sent.delivery, Some(DeliveryStatus::Sent), "{sent:?}");
    let arrived = town.postfix.mails("józef", 1).await;
    let arrived = String::from_utf8(arrived[0].clone()).expect("as it was written");
    assert!(arrived.contains("=C5=81=C3=B3d=C5=BA p=C5=82ynie.") && arrived.contains(&jozef), "{arrived}");
    // And their answer finds the ticket.
    let reply_to = arrived.lines().find_map(|line| line.strip_prefix("Reply-To: ")).expect("a way back").trim().to_owned();
    let back = reply_to.rsplit(['<', ' ']).next().expect("an address").trim_end_matches('>').to_owned();
    let raw = format!("From: {jozef}\r\nTo: {back}\r\nSubject: Re\r\nMessage-ID: <z2@{DOMAIN}>\r\n\r\nDziękuję!\r\n");
    town.post(&jozef, &back, raw.as_bytes()).await;
    town.came_in(2).await;
    assert_eq!(town.desk.thread(ticket).await.len(), 3);
    town.door.close().await;
}
