//! The documents of the reference, and what goes wrong around them.

use serde_json::{Value, json};

use super::*;
use crate::desk::networks::{Said, Step};

const OWN: &str = "1111111111";
const ANNA: &str = "2222222222";

fn read_json(body: &Value) -> Vec<Element> {
    read(Account { id: OWN, handle: "barsport" }, body.to_string().as_bytes())
}

fn said(elements: &[Element]) -> Vec<&Said> {
    let said = elements.iter().filter_map(|element| match &element.told {
        Ok(Happening::Said(said)) => Some(&**said),
        _ => None,
    });
    said.collect()
}

fn only(body: &Value) -> Said {
    let elements = read_json(body);
    assert!(elements.iter().all(|element| element.account.as_ref().is_some_and(|(_, id)| id == OWN)), "{elements:?}");
    let said = said(&elements);
    assert_eq!(said.len(), 1, "{elements:?}");
    said[0].clone()
}

fn activity(kind: &str, payload: &Value) -> Value {
    json!({ "data": { "event_uuid": "-68504", "filter": { "user_id": OWN }, "event_type": kind, "tag": "sportello-17", "payload": payload } })
}

fn mention() -> Value {
    json!({ "id": "2080770000000000001", "text": "@barsport aperti?", "author_id": ANNA, "conversation_id": "2080770000000000001",
        "created_at": "2026-10-03T09:50:00.000Z", "edit_history_tweet_ids": ["2080770000000000001"],
        "entities": { "mentions": [{ "start": 0, "end": 9, "username": "barsport", "id": OWN }] } })
}

#[test]
fn a_direct_message_of_the_activity_api() {
    let payload = json!({ "direct_message_events": [{ "type": "message_create", "id": "2080765901528535096",
        "created_timestamp": "1791003000372", "message_create": { "target": { "recipient_id": OWN }, "sender_id": ANNA,
            "message_data": { "text": "ciao &amp; grazie https://t.co/abc", "entities": { "hashtags": [], "symbols": [], "user_mentions": [],
                "urls": [{ "url": "https://t.co/abc", "expanded_url": "https://bottega.example/stivali", "display_url": "bottega.example/stivali" }] },
                "attachment": { "type": "media", "media": { "id_str": "9000000000000000001", "type": "photo",
                    "media_url_https": "https://ton.twitter.com/1.1/ton/data/dm/1/2/x.jpg" } } } } }],
        "users": { ANNA: { "data": { "id": ANNA, "name": "Anna", "username": "annav", "profile_image_url": "https://pbs.twimg.com/a.jpg" } } } });
    let said = only(&activity("dm.received", &payload));
    assert_eq!((&*said.id, &*said.conversation), ("2080765901528535096", "dm:2222222222"));
    assert_eq!(said.text, "ciao & grazie https://bottega.example/stivali");
    assert_eq!(said.person.identity, Some((IdentityKind::X, ANNA.to_owned())));
    assert_eq!((&*said.person.name, said.person.handle.as_deref()), ("Anna", Some("annav")));
    assert_eq!(said.at.map(|at| at.0.as_millisecond()), Some(1_791_003_000_372));
    assert_eq!(said.media[0].source, "https://ton.twitter.com/1.1/ton/data/dm/1/2/x.jpg");
    assert!(said.opens_window && said.echo.is_none() && !said.public);
}

#[test]
fn a_mention_and_its_other_events_are_one_post() {
    let told = only(
        &json!({ "data": { "event_uuid": "2", "filter": { "user_id": OWN }, "event_type": "post.mention.create", "payload": mention(),
        "includes": { "users": [{ "id": ANNA, "name": "Anna", "username": "annav" }] } } }),
    );
    assert_eq!((&*told.id, &*told.conversation), ("2080770000000000001", "post:2080770000000000001:2222222222"));
    assert!(told.public && !told.extras.uncalled && told.echo.is_none());
    assert_eq!(told.person.handle.as_deref(), Some("annav"));
    let mut reply = mention();
    reply["id"] = json!("2080770000000000002");
    reply["in_reply_to_user_id"] = json!(OWN);
    reply["entities"] = json!({});
    reply["referenced_tweets"] = json!([{ "type": "replied_to", "id": "2080770000000000000" }]);
    reply["conversation_id"] = json!("2080770000000000000");
    let told = only(&activity("post.reply.create", &reply));
    assert!(told.extras.uncalled, "an answer without a mention does not invite one");
    assert_eq!(told.reply_to.as_deref(), Some("2080770000000000000"));
    assert_eq!(told.post.map(|post| post.id).as_deref(), Some("2080770000000000000"));
    reply["referenced_tweets"] = json!([{ "type": "quoted", "id": "2080769999999999999" }]);
    assert!(!only(&activity("post.quote.create", &reply)).extras.uncalled, "a quote does");
    reply["referenced_tweets"] = json!([{ "type": "retweeted", "id": "2080769999999999999" }]);
    assert!(read_json(&activity("post.mention.create", &reply)).is_empty());
}

#[test]
fn our_own_posts_and_messages_are_echoes() {
    let mut own = mention();
    own["author_id"] = json!(OWN);
    own["text"] = json!("@annav @marco sì, fino alle 20");
    own["in_reply_to_user_id"] = json!(ANNA);
    own["referenced_tweets"] = json!([{ "type": "replied_to", "id": "2080770000000000001" }]);
    own["id"] = json!("2080770000000000009");
    let told = only(&activity("post.create", &own));
    assert_eq!((&*told.text, &*told.conversation), ("sì, fino alle 20", "post:2080770000000000001:2222222222"));
    assert!(told.echo.is_some() && !told.opens_window);
    let sent = json!({ "direct_message_events": [{ "type": "message_create", "id": 2_080_765_901_i64, "created_timestamp": 1_791_003_000_372_i64,
        "message_create": { "target": { "recipient_id": 2_222_222_222_i64 }, "sender_id": 1_111_111_111_i64, "source_app_id": "7",
            "message_data": { "text": "Eccoci" } } }], "apps": { "7": { "id": "7", "name": "Sportello" } } });
    let told = only(&activity("dm.sent", &sent));
    assert_eq!((&*told.conversation, told.echo.and_then(|echo| echo.app).as_deref()), ("dm:2222222222", Some("Sportello")));
    let nobody = json!({ "id": "5", "text": "Saldi!", "author_id": OWN, "conversation_id": "5", "created_at": "2026-10-03T09:50:00.000Z" });
    assert_eq!(only(&activity("post.create", &nobody)).person.identity, None);
}

#[test]
fn every_list_of_the_older_api_is_read() {
    let dm = |id: &str| {
        json!({ "type": "message_create", "id": id, "created_timestamp": "1791003100372",
            "message_create": { "target": { "recipient_id": OWN }, "sender_id": ANNA, "message_data": { "text": "ciao", "entities": { "urls": [] } } } })
    };
    let post = json!({ "created_at": "Sat Oct 03 09:50:00 +0000 2026", "id": 2_080_770_000_000_000_000_i64, "id_str": "2080770000000000001",
        "text": "@barsport aperti…", "truncated": true, "extended_tweet": { "full_text": "@barsport aperti domenica?" },
        "in_reply_to_status_id_str": null, "user": { "id_str": ANNA, "name": "Anna", "screen_name": "annav" },
        "entities": { "user_mentions": [{ "id_str": OWN, "screen_name": "barsport", "indices": [0, 9] }] } });
    let mut passed_on = post.clone();
    passed_on["id_str"] = json!("77");
    passed_on["retweeted_status"] = post.clone();
    let body = json!({ "for_user_id": OWN, "direct_message_events": [dm("1"), { "type": "message_create" }, dm("2")],
        "users": { ANNA: { "id": ANNA, "name": "Anna", "screen_name": "annav", "profile_image_url_https": "https://pbs.twimg.com/a.jpg" } },
        "tweet_create_events": [post, passed_on], "favorite_events": [{}], "circle_events": [{}],
        "tweet_delete_events": [{ "status": { "id": "2080770000000000001", "user_id": ANNA }, "timestamp_ms": "1791003300662" }],
        "direct_message_mark_read_events": [{ "created_timestamp": "1791003200662", "sender_id": ANNA, "target": { "recipient_id": OWN },
            "last_read_event_id": "2080765901528535096" }] });
    let elements = read_json(&body);
    let all = said(&elements);
    assert_eq!(all.iter().map(|said| &*said.id).collect::<Vec<_>>(), ["1", "2", "2080770000000000001"]);
    assert_eq!(all[0].person.handle.as_deref(), Some("annav"));
    assert_eq!(
        (&*all[2].text, all[2].at.map(|at| at.0.to_string()).as_deref()),
        ("@barsport aperti domenica?", Some("2026-10-03T09:50:00Z"))
    );
    assert_eq!(elements.iter().filter(|element| element.told.is_err()).count(), 2, "the broken one, and the list nobody knows");
    assert!(elements.iter().any(|element| matches!(&element.told,
        Ok(Happening::Noticed { target, notice: Notice::Removed { .. } }) if target == "2080770000000000001")));
    assert!(elements.iter().any(|element| matches!(&element.told,
        Ok(Happening::Reached { conversation, step: Step::Read, .. }) if conversation == "dm:2222222222")));
}

#[test]
fn rights_that_are_taken_back_are_told_in_both_ways() {
    let new = json!({ "data": { "event_uuid": "3", "filter": { "user_id": OWN }, "event_type": "oauth.revoke",
        "payload": { "date_time": "2026-10-03T10:00:00+00:00", "user_id": OWN, "app_id": "13090192" } } });
    let old = json!({ "user_event": { "revoke": { "date_time": "2026-10-03T10:00:00+00:00", "target": { "app_id": "13090192" },
        "source": { "user_id": OWN } } } });
    for body in [new, old] {
        let elements = read_json(&body);
        assert!(matches!(&elements[0].told, Ok(Happening::Account(AccountNews::SignInLost(_)))), "{elements:?}");
        assert_eq!(elements[0].account, Some((ChannelKind::X, OWN.to_owned())));
    }
}

#[test]
fn pages_are_read_as_they_come() {
    let body = json!({ "data": [
        { "id": "12", "event_type": "MessageCreate", "text": "ciao", "sender_id": ANNA, "dm_conversation_id": "1111111111-2222222222",
          "created_at": "2026-10-03T09:50:00.000Z", "attachments": { "media_keys": ["3_1"] } },
        { "id": "12", "event_type": "MessageCreate", "text": "ciao", "sender_id": ANNA, "dm_conversation_id": "1111111111-2222222222" },
        { "id": "13", "event_type": "MessageCreate", "text": "sì", "sender_id": OWN, "dm_conversation_id": "1111111111-2222222222" },
        { "id": "14", "event_type": "MessageCreate", "text": "in tanti", "sender_id": ANNA, "dm_conversation_id": "99887766" },
        { "id": "15", "event_type": "ParticipantsJoin", "dm_conversation_id": "99887766" }],
        "includes": { "users": [{ "id": ANNA, "name": "Anna", "username": "annav" }],
            "media": [{ "media_key": "3_1", "type": "video", "preview_image_url": "https://pbs.twimg.com/p.jpg",
                "variants": [{ "bit_rate": 1, "content_type": "video/mp4", "url": "https://video.twimg.com/low.mp4" },
                    { "bit_rate": 9, "content_type": "video/mp4", "url": "https://video.twimg.com/high.mp4" },
                    { "content_type": "application/x-mpegURL", "url": "https://video.twimg.com/l.m3u8" }] }] },
        "meta": { "result_count": 5, "next_token": "n" } });
    let elements = read_json(&body);
    let said = said(&elements);
    let keys: Vec<_> = said.iter().map(|said| (&*said.id, &*said.conversation, said.echo.is_some())).collect();
    assert_eq!(keys, [("12", "dm:2222222222", false), ("13", "dm:2222222222", true), ("14", "group:99887766", false)]);
    assert_eq!(said[0].media[0].source, "https://video.twimg.com/high.mp4");
    assert!(read_json(&json!({ "meta": { "result_count": 0 } }))[0].told.is_err(), "an empty page is never stored");
    let mut post = mention();
    post["note_tweet"] = json!({ "text": "A long one, @barsport", "entities": { "mentions": [{ "username": "BarSport" }] } });
    post["entities"] = json!({});
    let told = only(&json!({ "data": [post], "includes": {} }));
    assert_eq!((&*told.text, told.extras.uncalled), ("A long one, @barsport", false));
}

#[test]
fn what_is_unknown_is_said_and_never_stops_the_rest() {
    assert!(read_json(&json!({ "hello": 1 }))[0].told.is_err());
    assert!(read(Account { id: OWN, handle: "" }, b"{\"half")[0].told.is_err());
    assert!(read_json(&activity("profile.update.bio", &json!({})))[0].told.is_err());
    assert!(read_json(&activity("dm.indicate_typing", &json!({}))).is_empty());
    let secret = json!({ "id": "88", "sender_id": ANNA, "encrypted": "…" });
    assert_eq!(only(&activity("chat.received", &secret)).extras.unsupported.as_deref(), Some("encrypted message"));
    let deleted = read_json(&activity("post.delete", &json!({ "id": "2080770000000000001" })));
    assert!(matches!(&deleted[0].told, Ok(Happening::Noticed { notice: Notice::Removed { .. }, .. })));
}
