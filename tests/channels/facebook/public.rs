//! Comments, posts of visitors, mentions and recommendations, from the door to the answer.

use http::Method;
use serde_json::json;
use sportello::channels::wire::{Act, network};
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::networks::Fault;

use super::{PAGE, VERDI, comment, desk};
use crate::support::meta_desk::MetaDesk;
use crate::support::providers::graph::Say;

async fn act(desk: &MetaDesk, target: &str, act: Act) -> Result<(), Fault> {
    desk.way(async |way| network(desk.kind).expect("a network").act(way, target, act).await).await
}

#[tokio::test]
async fn a_comment_is_answered_below_it() {
    let desk = desk().await;
    let post = json!({ "id": format!("{PAGE}_5500"), "message": "Nuovi orari!", "from": { "id": PAGE, "name": "Bar Sport" } });
    desk.graph.on(Method::GET, &format!("/{PAGE}_5500"), Say::json(200, post));
    desk.changes(PAGE, json!([comment("5500_6600", None, VERDI, "Aperti domenica?")])).await;
    desk.changes(PAGE, json!([comment("5500_6601", Some("5500_6600"), ("42", "Ugo Neri"), "Anche io lo chiedo")])).await;
    let ticket = desk.ticket().await;
    assert_eq!(desk.lines(ticket).await, ["< Aperti domenica?", "< Anche io lo chiedo"]);
    assert!(desk.thread(ticket).await.iter().all(|message| message.public));
    assert_eq!(
        desk.value("select jsonb_build_array(provider_id, url, author, body) from posts").await,
        json!([format!("{PAGE}_5500"), "https://www.facebook.com/x", "Bar Sport", "Nuovi orari!"])
    );
    let message = desk.send(ticket, "Sì, dalle 8").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let calls = desk.graph.calls_to(Method::POST, "/5500_6601/comments");
    assert_eq!(calls[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(calls[0].field("message").as_deref(), Some("Sì, dalle 8"));
    // Our own comment comes back as an event, and is known.
    desk.changes(PAGE, json!([comment("5500_7701", Some("5500_6600"), (PAGE, "Bar Sport"), "Sì, dalle 8")])).await;
    assert_eq!(desk.lines(ticket).await.len(), 3);
    // What colleagues write on Facebook itself is not.
    desk.changes(PAGE, json!([comment("5500_6699", Some("5500_6600"), (PAGE, "Bar Sport"), "Anche lunedì")])).await;
    assert_eq!(desk.lines(ticket).await[3], "> Anche lunedì");
    assert_eq!(desk.count("select count(*) from contacts").await, 2);
    assert_eq!(desk.tickets().await.len(), 1);
}

#[tokio::test]
async fn comments_are_edited_hidden_and_removed_in_their_place() {
    let desk = desk().await;
    desk.changes(PAGE, json!([comment("5500_6600", None, VERDI, "Aperti domenica?")])).await;
    let ticket = desk.ticket().await;
    let mut change = comment("5500_6600", None, VERDI, "Aperti domenica sera?");
    for (verb, check) in
        [("edited", "body = 'Aperti domenica sera?'"), ("hide", "hidden"), ("unhide", "not hidden"), ("remove", "removed_at is not null")]
    {
        change["value"]["verb"] = json!(verb);
        desk.changes(PAGE, json!([change.clone()])).await;
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from messages where {check}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&desk.app.db).await.expect("a number");
        assert_eq!(count, 1, "{verb}");
    }
    assert_eq!(desk.lines(ticket).await, ["< "]);
}

#[tokio::test]
async fn what_an_agent_does_to_a_comment() {
    let desk = desk().await;
    act(&desk, "5500_6600", Act::Hide(true)).await.expect("hidden");
    act(&desk, "5500_6600", Act::Hide(false)).await.expect("shown");
    let hides: Vec<Option<String>> = desk.graph.calls_to(Method::POST, "/5500_6600").iter().map(|call| call.field("is_hidden")).collect();
    assert_eq!(hides, [Some("true".to_owned()), Some("false".to_owned())]);
    act(&desk, "5500_6600", Act::Like(true)).await.expect("liked");
    act(&desk, "5500_6600", Act::Like(false)).await.expect("not liked");
    act(&desk, "5500_6600", Act::Delete).await.expect("deleted");
    assert_eq!(desk.graph.calls_to(Method::POST, "/5500_6600/likes").len(), 1);
    assert_eq!(desk.graph.calls_to(Method::DELETE, "/5500_6600/likes").len(), 1);
    assert_eq!(desk.graph.calls_to(Method::DELETE, "/5500_6600").len(), 1);
    desk.graph.on(Method::POST, "/gone", Say::error(400, 100, 33, "Unsupported post request."));
    assert!(matches!(act(&desk, "gone", Act::Hide(true)).await, Err(Fault::Permanent(words)) if words.contains("not there any more")));
}

#[tokio::test]
async fn a_commenter_is_answered_privately_once() {
    let desk = desk().await;
    let mut new = comment("5500_6600", None, VERDI, "Aperti domenica?");
    new["value"]["created_time"] = json!(jiff::Timestamp::now().as_second());
    desk.changes(PAGE, json!([new])).await;
    let ticket = desk.ticket().await;
    let id = desk.try_answer(ticket, "Le scrivo qui", true, &[]).await.expect("a reply");
    desk.served.desk.drain().await;
    assert_eq!(desk.message(id).await.delivery, Some(DeliveryStatus::Sent));
    let sent = &desk.graph.sent()[0];
    assert_eq!(sent["recipient"], json!({ "comment_id": "5500_6600" }));
    assert_eq!(sent["message"]["text"], "Le scrivo qui");
    assert!(sent.get("messaging_type").is_none());
    assert!(desk.try_answer(ticket, "Ancora", true, &[]).await.is_err());
    // They write back: a conversation of its own, of the person who commented.
    let back = json!([{ "sender": { "id": "7412589630147852" }, "recipient": { "id": PAGE }, "timestamp": jiff::Timestamp::now().as_millisecond(),
        "message": { "mid": "m_back", "text": "Grazie" } }]);
    desk.messaging(PAGE, back).await;
    assert_eq!(desk.tickets().await.len(), 2);
    assert_eq!(desk.count("select count(distinct contact_id) from tickets").await, 1);
}

#[tokio::test]
async fn all_that_is_said_under_a_visitors_post_is_one_conversation() {
    let desk = desk().await;
    let post = format!("{PAGE}_5599");
    let value = json!({ "item": "status", "verb": "add", "post_id": post, "from": { "id": VERDI.0, "name": VERDI.1 },
        "message": "Post di un visitatore", "published": 1, "created_time": 1_791_000_500 });
    desk.changes(PAGE, json!([{ "field": "feed", "value": value }])).await;
    let ticket = desk.ticket().await;
    desk.send(ticket, "Grazie!").await;
    assert_eq!(desk.graph.calls_to(Method::POST, &format!("/{post}/comments"))[0].field("message").as_deref(), Some("Grazie!"));
    // Our answer comes back; then somebody answers it.
    let under = |id: &str, parent: &str, from: (&str, &str), text: &str| {
        json!({ "field": "feed", "value": { "item": "comment", "verb": "add", "post_id": post, "parent_id": parent, "comment_id": id,
            "from": { "id": from.0, "name": from.1 }, "message": text, "created_time": 1_791_000_600 } })
    };
    desk.changes(PAGE, json!([under("5500_7701", &post, (PAGE, "Bar Sport"), "Grazie!")])).await;
    desk.changes(PAGE, json!([under("5599_2", "5500_7701", VERDI, "Prego"), under("5599_3", &post, ("42", "Ugo"), "Anch'io")])).await;
    assert_eq!(desk.lines(ticket).await, ["< Post di un visitatore", "> Grazie!", "< Prego", "< Anch'io"]);
    assert_eq!(desk.tickets().await.len(), 1);
}

#[tokio::test]
async fn our_own_posts_and_comments_begin_no_conversation() {
    let desk = desk().await;
    desk.changes(PAGE, json!([comment("5500_1", None, (PAGE, "Bar Sport"), "Guardate il menu")])).await;
    assert!(desk.tickets().await.is_empty());
    assert_eq!(desk.count("select count(*) from contacts").await, 0);
}

#[tokio::test]
async fn a_mention_is_asked_for_its_author() {
    let desk = desk().await;
    let found = json!({ "id": "1122_4455", "from": { "id": "31", "name": "Ugo Neri" }, "permalink_url": "https://www.facebook.com/m" });
    desk.graph.on(Method::GET, "/1122_4455", Say::json(200, found));
    let value = json!({ "item": "comment", "verb": "add", "post_id": "998877_1122", "comment_id": "1122_4455", "message": "Chiedi a Bar Sport", "created_time": 1_791_000_600 });
    desk.changes(PAGE, json!([{ "field": "mention", "value": value }])).await;
    let ticket = desk.ticket().await;
    assert_eq!(desk.value("select to_jsonb(name) from contacts").await, json!("Ugo Neri"));
    assert_eq!(desk.value("select to_jsonb(url) from posts").await, json!("https://www.facebook.com/m"));
    desk.send(ticket, "Eccoci").await;
    assert_eq!(desk.graph.calls_to(Method::POST, "/1122_4455/comments").len(), 1);
}

#[tokio::test]
async fn a_recommendation_is_kept_with_what_it_says_and_answered_where_that_is_still_possible() {
    let desk = desk().await;
    let rating = |verb: &str, kind: &str, text: &str| {
        json!([{ "field": "ratings", "value": { "item": "rating", "verb": verb, "open_graph_story_id": "10215544332211009", "reviewer_id": VERDI.0,
            "reviewer_name": VERDI.1, "recommendation_type": kind, "review_text": text, "created_time": 1_791_000_700 } }])
    };
    desk.changes(PAGE, rating("add", "POSITIVE", "Ottimo")).await;
    desk.changes(PAGE, rating("edit", "NEGATIVE", "Non più")).await;
    let ticket = desk.ticket().await;
    let thread = desk.thread(ticket).await;
    assert_eq!((&*thread[0].body, thread[0].extras().review.expect("a review").recommends), ("Non più", Some(false)));
    let refusal = Say::error(400, 12, 0, "(#12) deprecated");
    desk.graph.once(Method::POST, "/10215544332211009/comments", refusal);
    let message = desk.send(ticket, "Ci dispiace").await;
    assert!(message.delivery_error.expect("words").contains("answer on the page itself"));
    // A colleague answers there; Meta does not say who, so it is asked.
    desk.graph.on(Method::GET, "/10215544332211009_77", Say::json(200, json!({ "from": { "id": PAGE, "name": "Bar Sport" } })));
    let value = json!({ "item": "comment", "verb": "add", "open_graph_story_id": "10215544332211009", "comment_id": "10215544332211009_77",
        "message": "Grazie!", "created_time": 1_791_000_800 });
    desk.changes(PAGE, json!([{ "field": "ratings", "value": value }])).await;
    assert_eq!(desk.lines(ticket).await.last().map(String::as_str), Some("> Grazie!"));
}
