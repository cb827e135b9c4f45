//! Spam: held with its reason, released, taught, and senders who are let in or never.

use sportello::channels::Processed;
use sportello::desk::kinds::Role;

use crate::support::served::{Browser, ServedDesk};

fn mail(from: &str, id: &str, header: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: help@bottega.example\r\nSubject: {subject}\r\nMessage-ID: <{id}@x.example>\r\n{header}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

async fn desk() -> (ServedDesk, Browser) {
    let desk = ServedDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    (desk, marta)
}

async fn status(desk: &ServedDesk, of: &Processed) -> String {
    let ticket = of.ticket.expect("a ticket").0;
    sqlx::query_scalar("select status::text from tickets where id = $1").bind(ticket).fetch_one(&desk.app.db).await.expect("a row")
}

async fn learnt(desk: &ServedDesk) -> (i64, i64) {
    desk.drain().await;
    (desk.count("select spam_learnt::bigint from desk").await, desk.count("select ham_learnt::bigint from desk").await)
}

#[tokio::test]
async fn what_the_mail_server_marked_is_held_unless_its_sender_was_answered() {
    let (desk, marta) = desk().await;
    let marked = "X-Spam-Status: Yes, score=9.1 required=5.0\r\n";
    let held = desk.receive(&mail("seo@offers.example", "1", marked, "Rankings", "First page, guaranteed")).await;
    assert_eq!((status(&desk, &held).await.as_str(), held.acknowledged), ("spam", false));
    let ticket = held.ticket.expect("a ticket");
    let page = marta.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.text("#held-spam p"), "Held as spam. The mail server took it for spam: 9.1 points, 5.0 are enough.");
    desk.drain().await;
    assert!(desk.sent().is_empty(), "nobody is told that we read it");
    // Somebody whom the shop has answered before.
    let first = desk.receive(&mail("anna@example.it", "2", "", "Ordine", "Dov'è il mio ordine?")).await;
    let agent = desk.desk.agent("Bruno").await;
    desk.reply(&agent, first.ticket.expect("a ticket"), "Arriva domani").await;
    let second = desk.receive(&mail("anna@example.it", "3", marked, "Altro ordine", "E l'altro?")).await;
    assert_eq!(status(&desk, &second).await, "open");
    // Told not to believe the server, the desk does not.
    marta.post("/settings/spam", &[("filter", "careful")]).await.is(303);
    let third = desk.receive(&mail("seo@offers.example", "4", marked, "Rankings", "Second page")).await;
    assert_eq!(status(&desk, &third).await, "open");
}

#[tokio::test]
async fn a_blocked_sender_is_held_and_one_who_is_let_in_never() {
    let (desk, marta) = desk().await;
    let page = marta.post("/settings/spam/senders", &[("sender", "not an address"), ("list", "")]).await.is(422);
    assert!(page.text("#sender-error").contains("anna@example.com") && page.attribute("#sender", "value") == "not an address");
    assert!(
        marta.post("/settings/spam/senders", &[("sender", "com"), ("list", "")]).await.is(422).text("#sender-error").contains("everybody")
    );
    marta.post("/settings/spam/senders", &[("sender", "@Offers.example"), ("list", "")]).await.is(303);
    marta.post("/settings/spam/senders", &[("sender", "good@offers.example"), ("list", "allowed")]).await.is(303);
    let bad = desk.receive(&mail("x@mail.offers.example", "1", "", "Ciao", "Un'offerta")).await;
    let good = desk.receive(&mail("good@offers.example", "2", "X-Spam-Flag: YES\r\n", "Bolla", "La bolla di consegna")).await;
    assert_eq!((status(&desk, &bad).await, status(&desk, &good).await), ("spam".to_owned(), "open".to_owned()));
    let page = marta.visit("/settings/spam").await;
    assert_eq!(page.texts("#senders tbody td")[..2], ["offers.example", "1"]);
    assert_eq!(marta.visit("/settings/spam?list=allowed").await.texts("#senders tbody td")[0], "good@offers.example");
    // Off the list again.
    let remove = page.attribute("#senders tbody form", "action");
    marta.post(&remove, &[]).await.is(303);
    let after = desk.receive(&mail("x@mail.offers.example", "3", "", "Ciao", "Un'altra offerta")).await;
    assert_eq!(status(&desk, &after).await, "open");
    desk.agent("Giulia", Role::Agent).await.get("/settings/spam").await.is(403);
}

#[tokio::test]
async fn whom_a_mail_only_claims_to_come_from_opens_no_door() {
    let (desk, marta) = desk().await;
    marta.post("/settings/spam/senders", &[("sender", "carrier.example"), ("list", "allowed")]).await.is(303);
    let agent = desk.desk.agent("Bruno").await;
    let first = desk.receive(&mail("anna@example.it", "1", "", "Ordine", "Dov'è il mio ordine?")).await;
    desk.reply(&agent, first.ticket.expect("a ticket"), "Arriva domani").await;
    let marked = "Authentication-Results: bottega.example; dmarc=fail header.from=x\r\nX-Spam: Yes\r\n";
    for (from, id) in [("news@carrier.example", "2"), ("anna@example.it", "3")] {
        let forged = desk.receive(&mail(from, id, marked, "Paga ora", "Clicca qui")).await;
        assert_eq!(status(&desk, &forged).await, "spam", "{from}");
        let honest = desk.receive(&mail(from, &format!("{id}b"), "X-Spam: Yes\r\n", "Il pacco", "È partito")).await;
        assert_eq!(status(&desk, &honest).await, "open", "{from}");
    }
}

#[tokio::test]
async fn a_mail_without_a_sender_puts_nobody_on_a_list() {
    let (desk, marta) = desk().await;
    let nameless = desk.receive(b"Subject: x\r\nX-Spam: Yes\r\nMessage-ID: <n@x>\r\n\r\nWords\r\n").await;
    let ticket = nameless.ticket.expect("a ticket");
    marta.post(&format!("/tickets/{ticket}/sender"), &[("rule", "block")]).await.is(400);
    assert_eq!(desk.count("select count(*) from sender_rules").await, 0);
}

#[tokio::test]
async fn an_agent_blocks_or_lets_in_from_the_ticket_and_releases_from_the_list() {
    let (desk, _) = desk().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let first = desk.receive(&mail("news@carrier.example", "1", "X-Spam: Yes\r\n", "Spedizione", "Il suo pacco parte")).await;
    let ticket = first.ticket.expect("a ticket");
    let list = giulia.visit("/inbox/spam").await;
    assert_eq!(list.attributes(".row-act", "action"), [format!("/tickets/{ticket}/status")]);
    let released = giulia.post(&format!("/tickets/{ticket}/status"), &[("status", "open"), ("back", "spam")]).await.is(303);
    assert_eq!(released.location.as_deref(), Some("/inbox/spam"));
    assert_eq!(status(&desk, &first).await, "open");
    assert!(giulia.visit("/inbox/spam").await.attributes(".row-act", "action").is_empty());
    assert!(giulia.visit("/inbox/open").await.attributes(".row-act", "action").is_empty(), "only there");
    let again = desk.receive(&mail("news@carrier.example", "2", "X-Spam: Yes\r\n", "Spedizione", "Il suo pacco è arrivato")).await;
    let ticket = again.ticket.expect("a ticket");
    giulia.post(&format!("/tickets/{ticket}/sender"), &[("rule", "allow")]).await.is(303);
    assert_eq!(status(&desk, &again).await, "open");
    let third = desk.receive(&mail("news@carrier.example", "3", "X-Spam: Yes\r\n", "Spedizione", "Consegnato")).await;
    assert_eq!(status(&desk, &third).await, "open");
    giulia.post(&format!("/tickets/{ticket}/sender"), &[("rule", "block")]).await.is(303);
    assert_eq!(status(&desk, &again).await, "spam");
    let fourth = desk.receive(&mail("news@carrier.example", "4", "", "Spedizione", "Che ne pensa?")).await;
    assert_eq!(status(&desk, &fourth).await, "spam");
    let page = giulia.visit(&format!("/tickets/{}", fourth.ticket.expect("a ticket"))).await;
    assert!(page.text("#held-spam").contains("news@carrier.example is on the list of senders that are blocked"));
    assert!(!page.body.contains("Block the sender"), "they are");
    giulia.post(&format!("/tickets/{ticket}/sender"), &[("rule", "maybe")]).await.is(400);
}

#[tokio::test]
async fn the_filter_learns_by_what_agents_do_and_says_why_it_holds() {
    let (desk, marta) = desk().await;
    let agent = desk.desk.agent("Bruno").await;
    for n in 0..10 {
        let offer = format!("We offer cheap backlinks and guaranteed ranking for your website number {n}");
        let spam = desk.receive(&mail(&format!("seo{n}@a{n}.example"), &format!("s{n}"), "", "Cheap ranking", &offer)).await;
        marta.post(&format!("/tickets/{}/status", spam.ticket.expect("a ticket")), &[("status", "spam")]).await.is(303);
        let question = format!("Buongiorno, il mio ordine {n} non è arrivato, quando parte il pacco?");
        let ham = desk.receive(&mail(&format!("c{n}@c{n}.example"), &format!("h{n}"), "", "Ordine", &question)).await;
        if n == 0 {
            assert_eq!(status(&desk, &ham).await, "open");
            assert!(marta.visit("/settings/spam?try=cheap+backlinks").await.text("#try [role=status]").contains("Too little"));
        }
        desk.reply(&agent, ham.ticket.expect("a ticket"), "Parte domani").await;
        desk.reply(&agent, ham.ticket.expect("a ticket"), "È partito").await;
    }
    assert_eq!(learnt(&desk).await, (10, 10), "each ticket teaches once");
    let offer = "Dear owner, cheap backlinks for your website, ranking guaranteed by our experts";
    let held = desk.receive(&mail("new@other.example", "n1", "", "Your website", offer)).await;
    assert_eq!(status(&desk, &held).await, "spam");
    let ticket = held.ticket.expect("a ticket");
    let reason = marta.visit(&format!("/tickets/{ticket}")).await.text("#held-spam p");
    assert!(reason.starts_with("Held as spam. It reads like what was marked as spam here: ") && reason.contains("“backlinks”"), "{reason}");
    let fine = desk.receive(&mail("nuova@cliente.example", "n2", "", "Il mio ordine", "Quando arriva il pacco con il mio ordine?")).await;
    assert_eq!(status(&desk, &fine).await, "open");
    let page = marta.visit("/settings/spam?try=cheap+backlinks+ranking").await;
    assert!(page.text("#try [role=status]").contains("sure that it is spam"), "{}", page.text("#try [role=status]"));
    assert!(page.texts("#words td").contains(&"“backlinks”".to_owned()));
    // Whoever changes their mind takes back what was taught.
    marta.post(&format!("/tickets/{ticket}/status"), &[("status", "open")]).await.is(303);
    assert_eq!(learnt(&desk).await, (10, 11));
    marta.post(&format!("/tickets/{ticket}/status"), &[("status", "spam")]).await.is(303);
    assert_eq!(learnt(&desk).await, (11, 10));
    // Off, it holds nothing; forgotten, it knows nothing.
    marta.post("/settings/spam", &[("filter", "off"), ("server", "1")]).await.is(303);
    let let_in = desk.receive(&mail("more@other.example", "n3", "", "Your website", offer)).await;
    assert_eq!(status(&desk, &let_in).await, "open");
    marta.post("/settings/spam/forget", &[]).await.is(303);
    assert_eq!(learnt(&desk).await, (0, 0));
    assert_eq!(desk.count("select count(*) from spam_words").await, 0);
}
