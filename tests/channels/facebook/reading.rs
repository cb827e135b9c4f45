//! Every event that the reference shows, read by itself.

use serde_json::{Value, json};
use sportello::channels::meta::events;
use sportello::clock::Ts;
use sportello::desk::kinds::{ChannelKind, IdentityKind};
use sportello::desk::networks::{AccountNews, Element, Happening, MediaKind, Notice, Said, Step, Who};
use sportello::ids::PartId;

use super::{ANNA, PAGE};

const AT: i64 = 1_790_999_999_871;

fn read(body: &Value) -> Vec<Element> {
    events::read(body.to_string().as_bytes())
}

/// What a fragment tells, sent by Anna (an echo: by the page).
fn all(fragment: &str) -> Vec<Happening> {
    let mut item: Value = serde_json::from_str(fragment).expect("the reference is JSON");
    let echo = item["message"]["is_echo"].as_bool() == Some(true);
    let (sender, recipient) = if echo { (PAGE, ANNA) } else { (ANNA, PAGE) };
    item["sender"] = json!({ "id": sender });
    item["recipient"] = json!({ "id": recipient });
    item["timestamp"] = json!(AT);
    told(&json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1_791_000_000_123_i64, "messaging": [item] }] }))
}

fn told(body: &Value) -> Vec<Happening> {
    let elements = read(body);
    elements
        .into_iter()
        .map(|element| {
            assert_eq!(element.account, Some((ChannelKind::Facebook, PAGE.to_owned())));
            element.told.expect("understood")
        })
        .collect()
}

fn one(fragment: &str) -> Happening {
    let mut all = all(fragment);
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
fn words_of_a_customer() {
    let said = said(r#"{"message":{"mid":"m_T1","text":"Il mio ordine?"}}"#);
    assert_eq!((&*said.id, &*said.conversation, &*said.text), ("m_T1", "dm:7412589630147852", "Il mio ordine?"));
    assert_eq!(said.person.identity, Some((IdentityKind::Facebook, format!("{PAGE}:{ANNA}"))));
    assert_eq!(said.at, at(AT));
    assert!(said.opens_window && !said.public && said.echo.is_none());
}

#[test]
fn buttons_and_where_somebody_came_from() {
    assert_eq!(
        said(r#"{"message":{"mid":"m_Q1","text":"Rosso","quick_reply":{"payload":"COLOR_RED"}}}"#).extras.payload.as_deref(),
        Some("COLOR_RED")
    );
    let pressed = said(
        r#"{"postback":{"mid":"m_P1","title":"Inizia","payload":"GET_STARTED","referral":{"ref":"promo-7","source":"SHORTLINK","type":"OPEN_THREAD"}}}"#,
    );
    assert_eq!((&*pressed.id, &*pressed.text), ("m_P1", "Inizia"));
    assert_eq!(pressed.extras.payload.as_deref(), Some("GET_STARTED"));
    assert_eq!(pressed.extras.came_from.as_deref(), Some("promo-7 (shortlink)"));
    let referred = said(r#"{"referral":{"ref":"promo-7","source":"ADS","type":"OPEN_THREAD","ad_id":"2385"}}"#);
    assert_eq!(referred.extras.came_from.as_deref(), Some("advertisement 2385, promo-7 (ads)"));
    assert_eq!(referred.id, format!("referral:{ANNA}:{AT}"));
    assert!(referred.opens_window);
}

#[test]
fn answers_to_a_message() {
    let said = said(r#"{"message":{"mid":"m_R1","text":"Questo","reply_to":{"mid":"m_T0","is_self_reply":false}}}"#);
    assert_eq!(said.reply_to.as_deref(), Some("m_T0"));
}

#[test]
fn files_of_every_kind() {
    let files = said(
        r#"{"message":{"mid":"m_I1","attachments":[{"type":"image","payload":{"url":"https://scontent.xx.fbcdn.net/v/t1/foto.jpg?oe=6AFF"}},{"type":"file","payload":{"url":"https://cdn.fbsbx.com/v/fattura.pdf?dl=1"}}]}}"#,
    );
    let kinds: Vec<MediaKind> = files.media.iter().map(|media| media.kind).collect();
    assert_eq!(kinds, [MediaKind::Picture, MediaKind::File]);
    assert_eq!(files.media[1].source, "https://cdn.fbsbx.com/v/fattura.pdf?dl=1");
    for (kind, expected) in [
        ("video", MediaKind::Video),
        ("audio", MediaKind::Voice),
        ("reel", MediaKind::Video),
        ("ig_reel", MediaKind::Video),
        ("post", MediaKind::Picture),
        ("ig_post", MediaKind::Picture),
    ] {
        let fragment = json!({ "message": { "mid": "m", "attachments": [{ "type": kind, "payload": { "url": "https://x.example/a" } }] } });
        let said = said(&fragment.to_string());
        assert_eq!(said.media.len(), 1, "{kind}");
        assert_eq!(said.media[0].kind, expected, "{kind}");
    }
}

#[test]
fn stickers_once_and_the_thumb_as_a_thumb() {
    let thumb = said(
        r#"{"message":{"mid":"m_S1","attachments":[{"type":"sticker","payload":{"url":"https://scontent.xx.fbcdn.net/like.png","sticker_id":369239263222822}}]}}"#,
    );
    assert_eq!((&*thumb.text, thumb.media.len()), ("👍", 0));
    let both = said(
        r#"{"message":{"mid":"m","sticker_id":77,"attachments":[{"type":"image","payload":{"url":"https://x.example/s.png","sticker_id":77}},{"type":"sticker","payload":{"url":"https://x.example/s.png","sticker_id":77}}]}}"#,
    );
    assert_eq!(both.media.len(), 1);
    assert_eq!(both.media[0].kind, MediaKind::Sticker);
}

#[test]
fn places_and_links() {
    let place = said(
        r#"{"message":{"mid":"m_L1","attachments":[{"type":"location","title":"Posizione","url":"https://l.facebook.com/l.php?u=x","payload":{"coordinates":{"lat":45.4642,"long":9.19}}}]}}"#,
    );
    let location = place.extras.location.expect("a place");
    assert_eq!((location.latitude, location.longitude, &*location.name), (45.4642, 9.19, "Posizione"));
    let link = said(
        r#"{"message":{"mid":"m_F1","text":"https://example.com/a","attachments":[{"type":"fallback","title":"Articolo","url":"https://example.com/a","payload":null}]}}"#,
    );
    assert_eq!(link.text, "https://example.com/a\nArticolo");
}

#[test]
fn what_is_not_understood_is_shown_as_such() {
    let unsupported = |fragment: &str| said(fragment).extras.unsupported;
    assert!(unsupported(r#"{"message":{"mid":"m","is_unsupported":true}}"#).is_some());
    let booking = r#"{"message":{"mid":"m","attachments":[{"type":"appointment_booking","payload":{}}]}}"#;
    assert_eq!(unsupported(booking).as_deref(), Some("appointment_booking"));
    assert_eq!(unsupported(r#"{"message":{"mid":"m"}}"#).as_deref(), Some("an empty message"));
}

#[test]
fn reactions_edits_and_what_is_taken_back() {
    let (target, reacted) = notice(r#"{"reaction":{"mid":"m_O9","action":"react","reaction":"love","emoji":"\u2764\ufe0f"}}"#);
    assert_eq!(target, "m_O9");
    assert_eq!(reacted, Notice::Reacted { by: Who::Customer, emoji: Some("❤️".into()), at: at(AT) });
    let (_, gone) = notice(r#"{"reaction":{"mid":"m_O9","action":"unreact"}}"#);
    assert_eq!(gone, Notice::Reacted { by: Who::Customer, emoji: None, at: at(AT) });
    for number in ["1", "\"1\""] {
        let (target, edit) = notice(&format!(r#"{{"message_edit":{{"mid":"m_T1","text":"Il mio ordine 77?","num_edit":{number}}}}}"#));
        assert_eq!((&*target, edit), ("m_T1", Notice::Edited { text: "Il mio ordine 77?".into(), at: at(AT) }));
    }
    assert!(all(r#"{"message_edit":{"mid":"m_T1","text":"","num_edit":"0"}}"#).is_empty());
    assert_eq!(notice(r#"{"message":{"mid":"m_T1","is_deleted":true}}"#), ("m_T1".into(), Notice::Removed { at: at(AT) }));
}

#[test]
fn receipts_by_id_and_by_moment() {
    let reached =
        |until: i64, step: Step| Happening::Reached { conversation: format!("dm:{ANNA}"), until: at(until).expect("a time"), step };
    let delivered = all(r#"{"delivery":{"mids":["m_O9"],"watermark":1791000012000}}"#);
    assert_eq!(delivered.len(), 2);
    let progress = Notice::Progress { step: Step::Delivered, part: None, at: at(AT) };
    assert_eq!(delivered[0], Happening::Noticed { target: "m_O9".into(), notice: progress });
    assert_eq!(delivered[1], reached(1_791_000_012_000, Step::Delivered));
    assert_eq!(one(r#"{"read":{"watermark":1791000013000}}"#), reached(1_791_000_013_000, Step::Read));
    assert_eq!(one(r#"{"delivery":{"watermark":"1791000012000"}}"#), reached(1_791_000_012_000, Step::Delivered));
}

#[test]
fn our_own_words_come_back() {
    let ours =
        said(r#"{"message":{"is_echo":true,"app_id":871234567890123,"metadata":"sportello:5512","mid":"m_O9","text":"Arriva domani"}}"#);
    assert_eq!(ours.echo.expect("an echo").part, Some(PartId(5512)));
    assert_eq!(ours.person.identity, Some((IdentityKind::Facebook, format!("{PAGE}:{ANNA}"))));
    assert_eq!(ours.conversation, format!("dm:{ANNA}"));
    let inbox = said(r#"{"message":{"is_echo":true,"mid":"m_O8","text":"Dall'inbox"}}"#).echo.expect("an echo");
    assert_eq!((inbox.part, inbox.app.as_deref()), (None, Some("Meta’s inbox")));
}

#[test]
fn policies_and_other_apps() {
    let news = one(r#"{"policy_enforcement":{"action":"block","reason":"The bot violated our Platform Policies."}}"#);
    assert!(matches!(news, Happening::Account(AccountNews::Notice(words)) if words.contains("violated our Platform Policies")));
    let standby = told(&json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1, "standby": [
        { "sender": { "id": ANNA }, "recipient": { "id": PAGE }, "timestamp": AT, "message": { "mid": "m_X", "text": "Ciao" } }] }] }));
    assert!(matches!(&standby[0], Happening::Said(said) if said.text == "Ciao"));
}

#[test]
fn a_batch_is_read_in_whole_whatever_is_in_it() {
    let body = json!({ "object": "page", "entry": [
        { "id": PAGE.parse::<u64>().expect("digits"), "time": "1791000000", "messaging": [
            { "sender": { "id": 7_412_589_630_147_852_u64 }, "recipient": { "id": PAGE }, "timestamp": "1790999999871", "message": { "mid": "m_1", "text": "Ciao" } },
            { "sender": { "id": ANNA }, "recipient": { "id": PAGE }, "timestamp": AT, "juggling": {} },
            "nonsense",
            { "recipient": { "id": PAGE }, "message": { "mid": "m_2" } },
            { "sender": { "user_ref": "ref-1" }, "recipient": { "id": PAGE }, "timestamp": AT, "optin": { "ref": "box" } }] },
        { "time": 1 },
        { "id": "999", "changes": [{ "field": "feed", "value": { "item": "album", "verb": "add" } }, { "field": "feed" }] }] });
    let read = read(&body);
    let understood: Vec<bool> = read.iter().map(|element| element.told.is_ok()).collect();
    assert_eq!(understood, [true, false, false, false, true, false, false, false], "{read:?}");
    let Ok(Happening::Said(first)) = &read[0].told else { panic!("{read:?}") };
    assert_eq!((&*first.conversation, first.at), ("dm:7412589630147852", at(AT)));
    assert!(events::read(b"{").iter().all(|element| element.told.is_err()));
    assert!(events::read(br#"{"object":"page","entry":[]}"#).iter().all(|element| element.told.is_err()));
    assert!(
        events::read(br#"{"object":"page","entry":{"id":"1","messaging":null,"changes":7}}"#).iter().all(|element| element.told.is_err())
    );
}

fn changed(value: &str) -> Vec<Happening> {
    let change: Value = serde_json::from_str(value).expect("the reference is JSON");
    told(&json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1_791_000_900, "changes": [change] }] }))
}

fn public(value: &str) -> Said {
    match changed(value).into_iter().next() {
        Some(Happening::Said(said)) => *said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn comments_and_answers_to_them() {
    let first = public(
        r#"{"field":"feed","value":{"item":"comment","verb":"add","post_id":"104512987654321_5500","parent_id":"104512987654321_5500","comment_id":"5500_6600","from":{"id":"5577889900112233","name":"Anna Verdi"},"message":"Aperti domenica?","created_time":1791000100,"post":{"id":"104512987654321_5500","status_type":"mobile_status_update","is_published":true,"permalink_url":"https://www.facebook.com/x"}}}"#,
    );
    assert_eq!((&*first.id, &*first.conversation), ("5500_6600", "comment:104512987654321_5500:5500_6600"));
    assert!(first.public && !first.opens_window && first.echo.is_none() && first.reply_to.is_none());
    assert_eq!(first.person.name, "Anna Verdi");
    assert_eq!(first.person.identity, Some((IdentityKind::Facebook, format!("{PAGE}:5577889900112233"))));
    assert_eq!(first.at, at(1_791_000_100_000));
    let post = first.post.expect("a post");
    assert_eq!((&*post.id, post.url.as_deref()), ("104512987654321_5500", Some("https://www.facebook.com/x")));
    let ours = public(
        r#"{"field":"feed","value":{"item":"comment","verb":"add","post_id":"104512987654321_5500","parent_id":"5500_6600","comment_id":"5500_6655","from":{"id":"104512987654321","name":"Bar Sport"},"message":"Sì, dalle 8","created_time":1791000200}}"#,
    );
    assert_eq!((&*ours.conversation, ours.reply_to.as_deref()), ("comment:104512987654321_5500:5500_6600", Some("5500_6600")));
    assert!(ours.echo.is_some() && ours.person.identity.is_none());
}

#[test]
fn comments_change_hide_and_go() {
    let edited = |verb: &str| {
        changed(&format!(
            r#"{{"field":"feed","value":{{"item":"comment","verb":"{verb}","post_id":"104512987654321_5500","parent_id":"104512987654321_5500","comment_id":"5500_6600","from":{{"id":"5577889900112233","name":"Anna Verdi"}},"message":"Aperti domenica sera?","created_time":1791000100}}}}"#
        ))
    };
    let told = at(1_791_000_900_000);
    for (verb, notice) in [
        ("edited", Notice::Edited { text: "Aperti domenica sera?".into(), at: told }),
        ("edit", Notice::Edited { text: "Aperti domenica sera?".into(), at: told }),
        ("remove", Notice::Removed { at: told }),
        ("hide", Notice::Hidden { hidden: true }),
        ("unhide", Notice::Hidden { hidden: false }),
    ] {
        assert_eq!(edited(verb), [Happening::Noticed { target: "5500_6600".into(), notice }], "{verb}");
    }
}

#[test]
fn posts_of_visitors_and_applause() {
    let post = public(
        r#"{"field":"feed","value":{"item":"status","verb":"add","post_id":"104512987654321_5599","from":{"id":"5577889900112233","name":"Anna Verdi"},"message":"Post di un visitatore","published":1,"created_time":1791000500}}"#,
    );
    assert_eq!((&*post.id, &*post.conversation), ("104512987654321_5599", "post:104512987654321_5599"));
    let applause = r#"{"field":"feed","value":{"item":"reaction","verb":"add","reaction_type":"love","post_id":"104512987654321_5500","parent_id":"104512987654321_5500","from":{"id":"5577889900112233","name":"Anna Verdi"},"created_time":1791000400}}"#;
    assert!(changed(applause).is_empty());
    let own = r#"{"field":"feed","value":{"item":"status","verb":"add","post_id":"104512987654321_5600","from":{"id":"104512987654321","name":"Bar Sport"},"message":"Aperti!","published":1,"created_time":1791000500}}"#;
    assert!(changed(own).is_empty());
    let photo = public(
        r#"{"field":"feed","value":{"item":"photo","verb":"add","post_id":"104512987654321_5601","photo_id":"9","link":"https://scontent.example/p.jpg","sender_id":5577889900112233,"sender_name":"Anna Verdi","message":"Guardate","created_time":1791000500}}"#,
    );
    assert_eq!((photo.media.len(), &*photo.person.name), (1, "Anna Verdi"));
}

#[test]
fn mentions_and_recommendations() {
    let mention = public(
        r#"{"field":"mention","value":{"item":"comment","verb":"add","post_id":"998877_1122","comment_id":"1122_4455","message":"Chiedi a Bar Sport","created_time":1791000600}}"#,
    );
    assert_eq!((&*mention.id, &*mention.conversation, mention.person.identity.is_none()), ("1122_4455", "mention:1122_4455", true));
    let rating = public(
        r#"{"field":"ratings","value":{"item":"rating","verb":"add","open_graph_story_id":"10215544332211009","reviewer_id":"5577889900112233","reviewer_name":"Anna Verdi","recommendation_type":"POSITIVE","review_text":"Ottimo","comment_id":null,"created_time":1791000700}}"#,
    );
    assert_eq!((&*rating.conversation, &*rating.text, &*rating.person.name), ("review:10215544332211009", "Ottimo", "Anna Verdi"));
    assert_eq!(rating.review.expect("a review").recommends, Some(true));
    let under = public(
        r#"{"field":"ratings","value":{"item":"comment","verb":"add","open_graph_story_id":"10215544332211009","post_id":"5577889900112233_10215544332211009","comment_id":"10215544332211009_77","message":"Grazie!","created_time":1791000800}}"#,
    );
    assert_eq!((&*under.id, &*under.conversation), ("10215544332211009_77", "review:10215544332211009"));
    let edited = changed(
        r#"{"field":"ratings","value":{"item":"rating","verb":"edit","open_graph_story_id":"10215544332211009","reviewer_id":"5577889900112233","recommendation_type":"NEGATIVE","review_text":"Mah","created_time":1791000700}}"#,
    );
    assert_eq!(edited.len(), 2);
    assert!(matches!(&edited[1], Happening::Noticed { notice: Notice::Rated { review }, .. } if review.is_negative()));
}
