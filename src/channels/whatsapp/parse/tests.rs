use serde_json::{Value, json};

use super::*;
use crate::clock::Ts;
use crate::desk::networks::{Card, Location, Media, MediaKind};
use crate::ids::{ChannelId, PartId};

const NUMBER: &str = "106540352242922";

fn channel() -> Channel {
    Channel {
        id: ChannelId(1),
        kind: ChannelKind::Whatsapp,
        name: "WhatsApp".to_owned(),
        address: Some(NUMBER.to_owned()),
        team_id: None,
        language: None,
        enabled: true,
        settings: json!({}),
        sealed: None,
        cursor: json!({}),
        last_ok_at: None,
        last_error: None,
        last_error_at: None,
        sign_in_lost_at: None,
        last_event_at: None,
    }
}

fn change(field: &str, value: Value) -> Value {
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "210987654321098", "changes": [{ "field": field, "value": value }] }] })
}

fn told(webhook: &Value) -> Vec<Result<Happening, String>> {
    read(&channel(), webhook.to_string().as_bytes()).into_iter().map(|element| element.told).collect()
}

fn frame(inner: Value) -> Value {
    let mut value = json!({ "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "390612345678", "phone_number_id": NUMBER },
        "contacts": [{ "profile": { "name": "Anna Verdi" }, "wa_id": "393331234567", "user_id": "IT.13491208655302741918" }] });
    for (key, part) in inner.as_object().into_iter().flatten() {
        value[key] = part.clone();
    }
    value
}

/// A fragment of the reference in its frame.
fn message(fragment: &str) -> Value {
    let mut message =
        json!({ "from": "393331234567", "from_user_id": "IT.13491208655302741918", "id": "wamid.IN1", "timestamp": "1791002000" });
    let fragment: Value = serde_json::from_str(fragment).expect("JSON");
    for (key, part) in fragment.as_object().into_iter().flatten() {
        message[key] = part.clone();
    }
    change("messages", frame(json!({ "messages": [message] })))
}

fn one(webhook: &Value) -> Happening {
    let mut all = told(webhook);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).expect("it is understood")
}

fn said(fragment: &str) -> Said {
    match one(&message(fragment)) {
        Happening::Said(said) => *said,
        other => panic!("{other:?}"),
    }
}

fn at(seconds: i64) -> Option<Ts> {
    jiff::Timestamp::from_second(seconds).ok().map(Ts)
}

#[test]
fn the_whole_webhook_of_the_reference() {
    let raw = br#"{"object":"whatsapp_business_account","entry":[{"id":"210987654321098","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"390612345678","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Anna Verdi"},"wa_id":"393331234567","user_id":"IT.13491208655302741918"}],"messages":[{"from":"393331234567","from_user_id":"IT.13491208655302741918","id":"wamid.HBgMMzkzMzMx","timestamp":"1791002000","type":"text","text":{"body":"Buongiorno"}}]}}]}]}"#;
    let elements = read(&channel(), raw);
    let expected = Said {
        id: "wamid.HBgMMzkzMzMx".to_owned(),
        conversation: "dm:+393331234567".to_owned(),
        aliases: vec!["dm:IT.13491208655302741918".to_owned()],
        person: Person {
            identity: Some((IdentityKind::Whatsapp, "IT.13491208655302741918".to_owned())),
            also: vec![(IdentityKind::Phone, "+393331234567".to_owned())],
            name: "Anna Verdi".to_owned(),
            ..Person::default()
        },
        text: "Buongiorno".to_owned(),
        at: at(1_791_002_000),
        opens_window: true,
        ..Said::default()
    };
    assert_eq!(elements, [Element::of(ChannelKind::Whatsapp, NUMBER, Happening::Said(Box::new(expected)))]);
}

#[test]
fn files_are_fetched_by_their_id() {
    let image = said(
        r#"{"type":"image","image":{"id":"1088000000000001","mime_type":"image/jpeg","sha256":"base64…","caption":"rotto","url":"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1088"}}"#,
    );
    assert_eq!(image.text, "rotto");
    let media = |kind, source: &str, name: &str, media_type: &str| Media {
        kind,
        source: source.to_owned(),
        name: Some(name.to_owned()),
        media_type: Some(media_type.to_owned()),
    };
    assert_eq!(image.media, [media(MediaKind::Picture, "1088000000000001", "photo.jpg", "image/jpeg")]);
    let document = said(
        r#"{"type":"document","document":{"id":"1088000000000002","filename":"fattura.pdf","mime_type":"application/pdf","sha256":"…"}}"#,
    );
    assert_eq!(document.media, [media(MediaKind::File, "1088000000000002", "fattura.pdf", "application/pdf")]);
    let voice =
        said(r#"{"type":"audio","audio":{"id":"1088000000000003","mime_type":"audio/ogg; codecs=opus","sha256":"…","voice":true}}"#);
    assert_eq!(voice.media, [media(MediaKind::Voice, "1088000000000003", "voice.ogg", "audio/ogg")]);
    let sticker = said(r#"{"type":"sticker","sticker":{"id":1088000000000004,"mime_type":"image/webp","sha256":"…","animated":false}}"#);
    assert_eq!(sticker.media, [media(MediaKind::Sticker, "1088000000000004", "sticker.webp", "image/webp")]);
    let video = said(r#"{"type":"video","video":{"id":"1","mime_type":"video/mp4","caption":"guarda"}}"#);
    assert_eq!((&*video.text, &video.media[..]), ("guarda", &[media(MediaKind::Video, "1", "video.mp4", "video/mp4")][..]));
    assert_eq!(said(r#"{"type":"image","image":{}}"#).extras.missing.len(), 1);
}

#[test]
fn places_and_cards() {
    let place = said(
        r#"{"type":"location","location":{"latitude":45.4642,"longitude":9.19,"name":"Duomo","address":"P.za Duomo","url":"https://…"}}"#,
    );
    let duomo = Location { latitude: 45.4642, longitude: 9.19, name: "Duomo".to_owned(), address: "P.za Duomo".to_owned() };
    assert_eq!(place.extras.location, Some(duomo));
    let cards = said(
        r#"{"type":"contacts","contacts":[{"name":{"formatted_name":"Ugo Neri","first_name":"Ugo"},"phones":[{"phone":"+39 333 000111","wa_id":"39333000111","type":"CELL"}]}]}"#,
    );
    assert_eq!(cards.extras.cards, [Card { name: "Ugo Neri".to_owned(), phones: vec!["+39 333 000111".to_owned()] }]);
}

#[test]
fn answers_forwards_and_where_they_come_from() {
    let answer = said(r#"{"type":"text","text":{"body":"questo"},"context":{"from":"390612345678","id":"wamid.OUT1"}}"#);
    assert_eq!((answer.reply_to.as_deref(), answer.extras.forwarded), (Some("wamid.OUT1"), false));
    for flag in ["forwarded", "frequently_forwarded"] {
        let chain = said(&format!(r#"{{"type":"text","text":{{"body":"catena"}},"context":{{"{flag}":true}}}}"#));
        assert_eq!((chain.reply_to, chain.extras.forwarded), (None, true));
    }
    let ad = said(
        r#"{"type":"text","text":{"body":"Info?"},"referral":{"source_url":"https://fb.me/x","source_id":"238","source_type":"ad","headline":"Promo","body":"…","media_type":"image","image_url":"https://…","ctwa_clid":"ARA"}}"#,
    );
    assert_eq!(ad.extras.came_from.as_deref(), Some("Promo · https://fb.me/x"));
    let product = said(
        r#"{"type":"text","text":{"body":"C’è?"},"context":{"from":"390612345678","id":"x","referred_product":{"catalog_id":"c","product_retailer_id":"sku-1"}}}"#,
    );
    assert_eq!(product.extras.came_from.as_deref(), Some("The product sku-1"));
}

#[test]
fn what_is_pressed_and_ordered_is_said() {
    let pressed = |fragment: &str| {
        let said = said(fragment);
        assert!(said.opens_window && said.extras.unsupported.is_none());
        (said.text, said.extras.payload.unwrap_or_default(), said.reply_to.unwrap_or_default())
    };
    let three = |text: &str, payload: &str, reply: &str| (text.to_owned(), payload.to_owned(), reply.to_owned());
    assert_eq!(
        pressed(
            r#"{"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"yes","title":"Sì"}},"context":{"from":"390612345678","id":"wamid.OUT2"}}"#
        ),
        three("Sì", "yes", "wamid.OUT2")
    );
    assert_eq!(
        pressed(
            r#"{"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"r1","title":"Reso","description":"…"}},"context":{"from":"390612345678","id":"wamid.OUT3"}}"#
        ),
        three("Reso", "r1", "wamid.OUT3")
    );
    assert_eq!(
        pressed(
            r#"{"type":"button","button":{"payload":"CONFIRM","text":"Conferma"},"context":{"from":"390612345678","id":"wamid.OUT4"}}"#
        ),
        three("Conferma", "CONFIRM", "wamid.OUT4")
    );
    let form = r#"{"flow_token":"t","size":"M","gift":true}"#;
    let flow = json!({ "type": "interactive", "interactive": { "type": "nfm_reply",
        "nfm_reply": { "name": "flow", "body": "Sent", "response_json": form } } });
    assert_eq!(pressed(&flow.to_string()), three("gift: true\nsize: M", form, ""));
    let order = r#"{"type":"order","order":{"catalog_id":"7","text":"Subito","product_items":[{"product_retailer_id":"sku-1","quantity":2,"item_price":9.5,"currency":"EUR"}]}}"#;
    assert_eq!(said(order).text, "Subito\n2 × sku-1 (9.5 EUR)");
}

#[test]
fn changes_of_messages_name_them() {
    let noticed = |target: &str, notice: Notice| Happening::Noticed { target: target.to_owned(), notice };
    let when = at(1_791_002_000);
    let reacted = |emoji: Option<&str>| Notice::Reacted { by: Who::Customer, emoji: emoji.map(str::to_owned), at: when };
    assert_eq!(
        one(&message(r#"{"type":"reaction","reaction":{"message_id":"wamid.OUT1","emoji":"\ud83d\udc4d"}}"#)),
        noticed("wamid.OUT1", reacted(Some("👍")))
    );
    for gone in [r#"{"message_id":"wamid.OUT1","emoji":""}"#, r#"{"message_id":"wamid.OUT1"}"#] {
        let fragment = format!(r#"{{"type":"reaction","reaction":{gone}}}"#);
        assert_eq!(one(&message(&fragment)), noticed("wamid.OUT1", reacted(None)));
    }
    assert_eq!(
        one(&message(
            r#"{"type":"edit","edit":{"original_message_id":"wamid.TXT","message":{"type":"text","text":{"body":"corretto"},"context":{"id":"M0"}}}}"#
        )),
        noticed("wamid.TXT", Notice::Edited { text: "corretto".to_owned(), at: when })
    );
    assert_eq!(
        one(&message(r#"{"type":"revoke","revoke":{"original_message_id":"wamid.TXT"}}"#)),
        noticed("wamid.TXT", Notice::Removed { at: when })
    );
}

#[test]
fn what_is_not_understood_is_kept_as_such() {
    let kept = said(
        r#"{"type":"unsupported","errors":[{"code":131051,"title":"Message type unknown","message":"Message type unknown","error_data":{"details":"Message type is currently not supported."}}]}"#,
    );
    assert_eq!(kept.extras.unsupported.as_deref(), Some("Message type is currently not supported."));
    assert_eq!(said(r#"{"type":"hologram","hologram":{}}"#).extras.unsupported.as_deref(), Some("hologram"));
}

#[test]
fn a_changed_number_joins() {
    let renamed = |from: &str, to: &str| Ok(Happening::Account(AccountNews::Renamed { from: from.to_owned(), to: to.to_owned() }));
    let known = |conversation: &str, identities: &[(IdentityKind, &str)]| {
        let identities = identities.iter().map(|(kind, address)| (*kind, (*address).to_owned())).collect();
        Ok(Happening::Account(AccountNews::Known { conversation: conversation.to_owned(), identities }))
    };
    let moved =
        message(r#"{"type":"system","system":{"type":"user_changed_number","wa_id":"393339998877","body":"Anna changed from … to …"}}"#);
    let phone = (IdentityKind::Phone, "+393339998877");
    assert_eq!(
        told(&moved),
        [
            renamed("dm:+393331234567", "dm:+393339998877"),
            renamed("dm:IT.13491208655302741918", "dm:+393339998877"),
            known("dm:+393339998877", &[phone])
        ]
    );
    let hidden = json!({ "id": "wamid.S", "timestamp": 1_791_002_000, "type": "system",
        "system": { "type": "user_changed_user_id", "user_id": "IT.2", "body": "User Anna changed from IT.1 to IT.2" } });
    let webhook = change("messages", frame(json!({ "messages": [hidden] })));
    assert_eq!(told(&webhook), [renamed("dm:IT.1", "dm:IT.2"), known("dm:IT.2", &[(IdentityKind::Whatsapp, "IT.2")])]);
    let update = change("user_id_update", frame(json!({ "user_id_update": [{ "user_id": { "previous": "IT.1", "current": "IT.2" } }] })));
    assert_eq!(told(&update), told(&webhook));
}

#[test]
fn a_customer_who_hides_the_number_is_known_by_the_id() {
    let value = json!({ "metadata": { "phone_number_id": NUMBER },
        "contacts": [{ "profile": { "name": "Anna", "username": "@annav" }, "user_id": "IT.1" }],
        "messages": [{ "from_user_id": "IT.1", "id": "wamid.B", "timestamp": 1_791_002_000, "type": "text", "text": { "body": "Ciao" } }] });
    let Happening::Said(said) = one(&change("messages", value)) else { panic!("a message") };
    assert_eq!((&*said.conversation, &said.aliases[..]), ("dm:IT.1", &[][..]));
    assert_eq!(said.person.identity, Some((IdentityKind::Whatsapp, "IT.1".to_owned())));
    assert_eq!((said.person.also.len(), said.person.handle.as_deref()), (0, Some("annav")));
}

#[test]
fn statuses_carry_our_mark() {
    let statuses = json!([
        {"id":"wamid.OUT1","status":"sent","timestamp":"1791002100","recipient_id":"393331234567","conversation":{"id":"7270432eae37","expiration_timestamp":"1791088500","origin":{"type":"service"}},"pricing":{"billable":false,"pricing_model":"PMP","category":"service"},"biz_opaque_callback_data":"sportello:5512"},
        {"id":"wamid.OUT1","status":"read","timestamp":"1791002105","recipient_id":"393331234567"},
        {"id":"wamid.OUT1","status":"played","timestamp":"1791002105"},
        {"id":"wamid.OUT1","status":"delivered","timestamp":1_791_002_104},
        {"id":"wamid.OUT5","status":"failed","timestamp":"1791002110","recipient_id":"393331234567","errors":[{"code":131047,"title":"Re-engagement message","message":"Re-engagement message","error_data":{"details":"More than 24 hours have passed since the customer last replied."},"href":"https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}]},
        {"id":"wamid.OUT6","status":"pondering"}
    ]);
    let all = told(&change("messages", frame(json!({ "statuses": statuses }))));
    let progress = |target: &str, step: Step, part: Option<PartId>, seconds: i64| {
        Ok(Happening::Noticed { target: target.to_owned(), notice: Notice::Progress { step, part, at: at(seconds) } })
    };
    assert_eq!(all[0], progress("wamid.OUT1", Step::Sent, Some(PartId(5512)), 1_791_002_100));
    assert_eq!(all[1], progress("wamid.OUT1", Step::Read, None, 1_791_002_105));
    assert_eq!(all[2], progress("wamid.OUT1", Step::Read, None, 1_791_002_105));
    assert_eq!(all[3], progress("wamid.OUT1", Step::Delivered, None, 1_791_002_104));
    let Ok(Happening::Noticed { target, notice: Notice::Progress { step: Step::Failed(Fault::Window(words)), .. } }) = &all[4] else {
        panic!("{:?}", all[4])
    };
    assert_eq!(target, "wamid.OUT5");
    assert!(words.contains("since the customer last replied"));
    assert!(all[5].is_err());
}

#[test]
fn what_is_said_in_the_phones_own_app_is_ours() {
    let echo = json!({"from":"390612345678","to":"393331234567","to_user_id":"IT.13491208655302741918","id":"wamid.ECHO1","timestamp":"1791002200","type":"text","text":{"body":"Dal telefono"}});
    let value = json!({ "metadata": { "phone_number_id": NUMBER }, "message_echoes": [echo] });
    let Happening::Said(said) = one(&change("smb_message_echoes", value)) else { panic!("a message") };
    assert_eq!(said.echo, Some(Echo { part: None, app: Some("WhatsApp Business app".to_owned()) }));
    assert_eq!((&*said.conversation, &*said.text, said.opens_window), ("dm:+393331234567", "Dal telefono", false));
    assert_eq!(said.person.also, [(IdentityKind::Phone, "+393331234567".to_owned())]);
}

#[test]
fn news_of_the_account_are_told() {
    let rejected = change(
        "message_template_status_update",
        json!({ "event": "REJECTED", "message_template_id": 594_425_479_261_596_i64, "message_template_name": "order_update",
            "message_template_language": "it", "reason": "INVALID_FORMAT" }),
    );
    let words = "The template “order_update” (it) is rejected now. Reason: INVALID_FORMAT.".to_owned();
    assert_eq!(one(&rejected), Happening::Account(AccountNews::Notice(words)));
    let banned = change("account_update", json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE" } }));
    assert!(matches!(one(&banned), Happening::Account(AccountNews::Notice(words)) if words.contains("disabled update")));
    let quality = change(
        "phone_number_quality_update",
        json!({ "display_phone_number": "390612345678", "event": "FLAGGED", "current_limit": "TIER_1K" }),
    );
    assert!(matches!(one(&quality), Happening::Account(AccountNews::Notice(words)) if words.contains("TIER_1K")));
}

#[test]
fn one_odd_element_never_fails_the_rest() {
    let value = frame(json!({
        "messages": [
            { "type": "text" },
            "nonsense",
            { "from": "393331234567", "id": "wamid.OK", "timestamp": "soon", "type": "text", "text": { "body": "Eccomi" } },
            { "id": "wamid.NOBODY", "type": "text", "text": { "body": "?" } }
        ],
        "statuses": [{ "status": "sent" }]
    }));
    let mut webhook = change("messages", value);
    webhook["entry"][0]["changes"].as_array_mut().expect("a list").insert(0, json!({ "field": "calls", "value": {} }));
    webhook["entry"].as_array_mut().expect("a list").insert(0, json!(17));
    let all = told(&webhook);
    let fine: Vec<_> = all.iter().filter_map(|told| told.as_ref().ok()).collect();
    assert_eq!(all.len(), 6);
    assert!(matches!(fine[..], [Happening::Said(said)] if said.id == "wamid.OK" && said.at.is_none()), "{fine:?}");
    assert_eq!(told(&json!([])).len(), 1);
    assert!(read(&channel(), b"{").iter().all(|element| element.told.is_err()));
}
