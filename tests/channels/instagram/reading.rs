//! Every event that the reference shows, read by itself.

use serde_json::{Value, json};
use sportello::channels::meta::events;
use sportello::clock::Ts;
use sportello::desk::kinds::{ChannelKind, IdentityKind};
use sportello::desk::networks::{Happening, MediaKind, Notice, Said, Step, Story, Who};

use super::{ACCOUNT, ANNA};

const AT: i64 = 1_790_999_999_871;

fn told(body: &Value) -> Vec<Happening> {
    events::read(body.to_string().as_bytes())
        .into_iter()
        .map(|element| {
            assert_eq!(element.account, Some((ChannelKind::Instagram, ACCOUNT.to_owned())));
            element.told.expect("understood")
        })
        .collect()
}

fn one(fragment: &str) -> Happening {
    let mut item: Value = serde_json::from_str(fragment).expect("the reference is JSON");
    let echo = item["message"]["is_echo"].as_bool() == Some(true);
    let (sender, recipient) = if echo { (ACCOUNT, ANNA) } else { (ANNA, ACCOUNT) };
    item["sender"] = json!({ "id": sender });
    item["recipient"] = json!({ "id": recipient });
    item["timestamp"] = json!(AT);
    let mut all = told(&json!({ "object": "instagram", "entry": [{ "id": ACCOUNT, "time": AT, "messaging": [item] }] }));
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn said(fragment: &str) -> Said {
    match one(fragment) {
        Happening::Said(said) => *said,
        other => panic!("{other:?}"),
    }
}

fn notice(fragment: &str) -> (String, Notice) {
    match one(fragment) {
        Happening::Noticed { target, notice } => (target, notice),
        other => panic!("{other:?}"),
    }
}

fn at(milliseconds: i64) -> Option<Ts> {
    jiff::Timestamp::from_millisecond(milliseconds).ok().map(Ts)
}

#[test]
fn words_pictures_and_answers() {
    let words = said(r#"{"message":{"mid":"aWdfT1","text":"Ciao"}}"#);
    assert_eq!((&*words.id, &*words.conversation, &*words.text), ("aWdfT1", "dm:6543210987654321", "Ciao"));
    assert_eq!(words.person.identity, Some((IdentityKind::Instagram, format!("{ACCOUNT}:{ANNA}"))));
    let picture = said(
        r#"{"message":{"mid":"aWdfI1","attachments":[{"type":"image","payload":{"url":"https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1801&signature=Ab"}}]}}"#,
    );
    assert_eq!(picture.media[0].source, "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1801&signature=Ab");
    assert_eq!(said(r#"{"message":{"mid":"aWdfR1","text":"Sì","reply_to":{"mid":"aWdfO9"}}}"#).reply_to.as_deref(), Some("aWdfO9"));
}

#[test]
fn stories_that_are_answered_and_that_mention_us() {
    let answered = said(
        r#"{"message":{"mid":"aWdfR2","text":"Bello!","reply_to":{"story":{"id":"17900000000000007","url":"https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1802"}}}}"#,
    );
    let story =
        |mention: bool, id: u32| Some(Story { mention, url: format!("https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id={id}") });
    assert_eq!((answered.extras.story, answered.media.len()), (story(false, 1802), 1));
    let mentioned = said(
        r#"{"message":{"mid":"aWdfSM","attachments":[{"type":"story_mention","payload":{"url":"https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1803"}}]}}"#,
    );
    assert_eq!((mentioned.extras.story, mentioned.media.len()), (story(true, 1803), 1));
}

#[test]
fn what_is_shared() {
    let reel = said(
        r#"{"message":{"mid":"aWdfRL","attachments":[{"type":"ig_reel","payload":{"reel_video_id":"1805","title":"Reel","url":"https://lookaside.fbsbx.com/x"}}]}}"#,
    );
    assert_eq!((reel.media[0].kind, &*reel.text), (MediaKind::Video, "Reel"));
    let story = said(
        r#"{"message":{"mid":"aWdfST","attachments":[{"type":"ig_story","payload":{"story_media_id":"1806","story_media_url":"https://lookaside.fbsbx.com/y"}}]}}"#,
    );
    assert_eq!(story.media[0].source, "https://lookaside.fbsbx.com/y");
    let post = said(
        r#"{"message":{"mid":"a","attachments":[{"type":"ig_post","payload":{"ig_post_media_id":"7","title":"Torta","url":"https://lookaside.fbsbx.com/z"}}]}}"#,
    );
    assert_eq!((&*post.text, post.media.len()), ("Torta", 1));
    let odd = said(r#"{"message":{"mid":"a","attachments":[{"type":"unsupported_type","payload":{}}]}}"#);
    assert_eq!(odd.extras.unsupported.as_deref(), Some("unsupported_type"));
    assert!(said(r#"{"message":{"mid":"aWdfU1","is_unsupported":true}}"#).extras.unsupported.is_some());
}

#[test]
fn what_happens_to_messages() {
    assert_eq!(notice(r#"{"message":{"mid":"aWdfT1","is_deleted":true}}"#), ("aWdfT1".into(), Notice::Removed { at: at(AT) }));
    let read = Notice::Progress { step: Step::Read, part: None, at: at(AT) };
    assert_eq!(notice(r#"{"read":{"mid":"aWdfO9"}}"#), ("aWdfO9".into(), read));
    let love = Notice::Reacted { by: Who::Customer, emoji: Some("\u{2764}".into()), at: at(AT) };
    assert_eq!(notice(r#"{"reaction":{"mid":"aWdfO9","action":"react","reaction":"love","emoji":"\u2764"}}"#), ("aWdfO9".into(), love));
    let edit = Notice::Edited { text: "Ciao!!".into(), at: at(AT) };
    assert_eq!(notice(r#"{"message_edit":{"mid":"aWdfT1","text":"Ciao!!","num_edit":1}}"#), ("aWdfT1".into(), edit));
    let pressed = said(r#"{"postback":{"mid":"aWdfP1","title":"Orari","payload":"HOURS"}}"#);
    assert_eq!((&*pressed.text, pressed.extras.payload.as_deref()), ("Orari", Some("HOURS")));
    let echo = said(r#"{"message":{"mid":"aWdfO9","is_echo":true,"text":"Eccoci"}}"#);
    assert!(echo.echo.is_some() && echo.conversation == format!("dm:{ANNA}"));
}

fn entry(entry: &str) -> Said {
    let entry: Value = serde_json::from_str(entry).expect("the reference is JSON");
    match told(&json!({ "object": "instagram", "entry": [entry] })).into_iter().next() {
        Some(Happening::Said(said)) => *said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn comments_in_both_shapes() {
    let answer = entry(
        r#"{"id":"17841400000000001","time":1791001100,"changes":[{"field":"comments","value":{"id":"17950000000000011","text":"Prezzo?","from":{"id":"6543210987654321","username":"anna.verdi","self_ig_scoped_id":"6543210987654321"},"media":{"id":"18000000000000022","media_product_type":"FEED"},"parent_id":"17950000000000010"}}]}"#,
    );
    assert_eq!(answer.conversation, "comment:18000000000000022:17950000000000010");
    assert_eq!((&*answer.id, answer.reply_to.as_deref(), &*answer.text), ("17950000000000011", Some("17950000000000010"), "Prezzo?"));
    assert_eq!(answer.person.handle.as_deref(), Some("anna.verdi"));
    assert_eq!(answer.person.identity, Some((IdentityKind::Instagram, format!("{ACCOUNT}:{ANNA}"))));
    assert!(answer.public && answer.at == at(1_791_001_100_000));
    let bare = entry(
        r#"{"id":"17841400000000001","time":1791001300,"field":"comments","value":{"id":"17950000000000012","text":"Ok","from":{"id":"6543210987654321","username":"anna.verdi"},"media":{"id":"18000000000000022","media_product_type":"AD","ad_id":"2385","ad_title":"Promo","original_media_id":"18000000000000020"}}}"#,
    );
    assert_eq!(bare.conversation, "comment:18000000000000020:17950000000000012");
    assert_eq!(bare.extras.came_from.as_deref(), Some("advertisement “Promo” (2385)"));
    let own = entry(
        r#"{"id":"17841400000000001","time":1791001300,"changes":[{"field":"live_comments","value":{"id":"1","text":"Ok","from":{"id":"17841400000000001","username":"bar.sport"},"media":{"id":"18"},"parent_id":"2"}}]}"#,
    );
    assert!(own.echo.is_some() && own.person.identity.is_none());
}

#[test]
fn mentions_are_ids() {
    let mention = entry(
        r#"{"id":"17841400000000001","time":1791001200,"changes":[{"field":"mentions","value":{"media_id":"18000000000000099","comment_id":"17950000000000077"}}]}"#,
    );
    assert_eq!((&*mention.id, &*mention.conversation), ("17950000000000077", "mention:17950000000000077"));
    assert_eq!(mention.post.expect("a post").id, "18000000000000099");
    let caption =
        entry(r#"{"id":"17841400000000001","time":1791001200,"changes":[{"field":"mentions","value":{"media_id":"18000000000000099"}}]}"#);
    assert_eq!(caption.conversation, "mention:18000000000000099");
}

#[test]
fn messages_as_changes_and_the_test_of_the_dashboard() {
    let test = json!({ "object": "instagram", "entry": [{ "id": "0", "time": 1, "changes": [{ "field": "messages", "value": {
        "sender": { "id": "12334" }, "recipient": { "id": "23245" }, "timestamp": "1527459824",
        "message": { "mid": "random_mid", "text": "random_text" } } }] }] });
    let read = events::read(test.to_string().as_bytes());
    assert!(read.len() == 1 && read[0].told.is_err() && read[0].account.is_none());
    let real = entry(
        r#"{"id":"17841400000000001","time":1,"changes":[{"field":"messages","value":{"sender":{"id":"12334"},"recipient":{"id":"17841400000000001"},"timestamp":"1527459824","message":{"mid":"m","text":"Ciao"}}}]}"#,
    );
    assert_eq!((&*real.conversation, real.at), ("dm:12334", at(1_527_459_824_000)));
}
