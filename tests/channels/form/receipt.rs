//! When an answer can be expected, on the receipt and in the mail.

use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::waits::{self, Place};
use sportello::i18n::Language;
use sqlx::AssertSqlSafe;

use super::{but, shop_form};
use crate::support::visitors::WebDesk;

/// Opening hours of the desk, by day of the week, Monday first.
async fn open(web: &WebDesk, week: [serde_json::Value; 7]) {
    let hours = json!({ "week": week });
    let sql = format!("update desk set hours = '{hours}', targets = '{{\"email\": 30, \"form\": 30}}'");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&web.desk.app.db).await.expect("a database");
    web.desk.app.cache.invalidate_all();
}

/// Sends the form in Italian from this time zone; what the receipt and the mail say about the answer.
async fn sent(web: &WebDesk, zone: &str) -> (String, String) {
    let channel = web.form("contact", shop_form()).await;
    let stamp = web.open("contact", channel).await;
    let fields = but(&[("form", &stamp.id), ("stamp", &stamp.at), ("zone", zone)]);
    let sent = web.post("/forms/contact?lang=it", &fields, &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let receipt = web.get(&sent.location()).await;
    assert_eq!(web.desk.drain().await, Vec::<String>::new());
    let ticket = web.newest().await;
    let body = web.desk.thread(ticket.id).await.pop().expect("the acknowledgement").body;
    (receipt.words(".steps").concat(), body)
}

#[tokio::test]
async fn an_open_desk_says_how_soon() {
    let web = WebDesk::new().await;
    open(&web, std::array::from_fn(|_| json!([{"from": "00:00", "to": "24:00"}]))).await;
    let (page, mail) = sent(&web, "").await;
    for text in [page, mail] {
        assert!(text.contains("Contiamo di risponderLe entro 30 minuti."), "{text}");
    }
}

#[tokio::test]
async fn a_closed_desk_says_when_and_by_whose_clock() {
    let web = WebDesk::new().await;
    let rome = TimeZone::get("Europe/Rome").expect("a zone");
    let day = Zoned::now().with_time_zone(rome.clone()).checked_add(3.days()).expect("a date").weekday();
    let place = usize::try_from(day.to_monday_zero_offset()).expect("a day");
    open(&web, std::array::from_fn(|at| if at == place { json!([{"from": "15:00", "to": "16:00"}]) } else { json!([]) })).await;
    let (page, mail) = sent(&web, "Asia/Kolkata").await;
    let ticket = web.newest().await;
    let wait = waits::of_ticket(&web.desk.app, ticket.id, Ts::now()).await.expect("a database").expect("not answered yet");
    let kolkata = Place::Own(TimeZone::get("Asia/Kolkata").expect("a zone"));
    let own = waits::wait_words(Language::It, &wait, &kolkata, Ts::now());
    assert!(page.contains(&own) && !own.contains("15:30"), "{own} in {page}");
    let named = waits::wait_words(Language::It, &wait, &Place::Named(rome), Ts::now());
    assert!(mail.contains(&named) && named.contains("entro le 15:30 (Europe/Rome) di "), "{named} in {mail}");
    // A browser that says nothing, or nonsense, gets the shop's clock, and is told so.
    let form = web.get("/forms/contact?lang=it").await;
    assert_eq!(form.attribute("input[name=zone]", "value"), "");
    let link =
        format!("/forms/contact/sent/{}?lang=it&zone=Middle/Earth", sportello::desk::tickets::link_token(&web.desk.app.keys, ticket.id));
    assert!(web.get(&link).await.words(".steps").concat().contains(&named));
}

#[tokio::test]
async fn who_comes_back_after_the_answer_is_promised_nothing() {
    let web = WebDesk::new().await;
    open(&web, std::array::from_fn(|_| json!([{"from": "00:00", "to": "24:00"}]))).await;
    sent(&web, "").await;
    let ticket = web.newest().await;
    let link = format!("/forms/contact/sent/{}?lang=it", sportello::desk::tickets::link_token(&web.desk.app.keys, ticket.id));
    assert!(web.get(&link).await.text.contains("Contiamo di"));
    sqlx::query("update tickets set waiting_since = now() - interval '2 hours'").execute(&web.desk.app.db).await.expect("a database");
    let page = web.get(&link).await;
    assert!(!page.text.contains("Contiamo di") && page.text.contains("Le risponderemo per e-mail"));
    let agent = web.desk.agent("Anna").await;
    web.desk.reply(&agent, ticket.id, "Eccoci.").await;
    assert!(!web.get(&link).await.text.contains("Contiamo di"));
}
