//! From a shop's question to the answer.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sportello::desk::kinds::Role;

use super::desk::Desk;

fn question(subject: &str) -> Value {
    json!({
        "contact": {"name": "Anna Verdi", "email": "Anna@Example.com"},
        "subject": subject,
        "message": {"text": "Buongiorno, il mio ordine non è ancora arrivato."},
    })
}

#[tokio::test]
async fn a_ticket_lives_from_question_to_answer() {
    let desk = Desk::open().await;
    desk.sql("insert into teams (name) values ('Returns')").await;
    desk.sql("insert into channels (kind, name, address) values ('email', 'Help', 'help@shop.example')").await;
    let mut new = question("Dov'è il pacco?");
    new["priority"] = json!("high");
    new["tags"] = json!(["shipping", "Shipping", "late"]);
    new["team"] = json!("returns");
    new["assignee"] = json!("me");
    new["message"]["html"] = json!("<p onclick=x()>Buongiorno, <b>il mio ordine</b> non è ancora arrivato.</p><script>x()</script>");
    new["attachments"] = json!([{"name": "../foto à.txt", "content": "Y2lhbw=="}]);
    let created = desk.post("/tickets", new).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.json);
    let ticket = &created.json["ticket"];
    let id = ticket["id"].as_i64().unwrap();
    assert_eq!(created.json["outcome"], "created");
    assert_eq!(ticket["channel_kind"], "api");
    assert_eq!(ticket["contact"]["email"], "anna@example.com");
    assert_eq!((&ticket["status"], &ticket["priority"], &ticket["language"]), (&json!("open"), &json!("high"), &json!("it")));
    assert_eq!(ticket["assignee_id"], desk.admin.0);
    let tags: Vec<&str> = ticket["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(tags, ["shipping", "late"]);
    assert!(ticket["waiting_since"].as_str().unwrap().ends_with('Z'));
    assert!(ticket["link"].as_str().unwrap().starts_with(&format!("https://desk.example/r/{id}-")));
    assert_eq!(ticket["url"], format!("https://desk.example/tickets/{id}"));

    let listed = desk.walk("/tickets?view=mine&team=Returns&tag=late&language=it&assignee=me&channel=API").await;
    assert_eq!(listed, std::slice::from_ref(ticket));
    assert_eq!(desk.get(&format!("/tickets/{id}")).await.json, *ticket);

    let changed = desk
        .patch(&format!("/tickets/{id}"), json!({"priority": "urgent", "assignee": null, "team": null, "subject": "Il pacco", "add_tags": ["vip"], "remove_tags": ["LATE", "never"]}))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json);
    assert_eq!((&changed.json["assignee_id"], &changed.json["team_id"]), (&Value::Null, &Value::Null));
    assert_eq!((&changed.json["priority"], &changed.json["subject"]), (&json!("urgent"), &json!("Il pacco")));
    assert_eq!(
        changed.json["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["shipping", "vip"]
    );

    let snoozed = desk.patch(&format!("/tickets/{id}"), json!({"status": "snoozed", "snoozed_until": "2090-01-01T09:00:00+01:00"})).await;
    assert_eq!(snoozed.json["snoozed_until"], "2090-01-01T08:00:00Z");
    let open = desk.patch(&format!("/tickets/{id}"), json!({"status": "open"})).await;
    assert_eq!((&open.json["status"], &open.json["snoozed_until"]), (&json!("open"), &Value::Null));

    let note = desk.post(&format!("/tickets/{id}/messages"), json!({"type": "note", "text": "Asked the courier."})).await;
    assert_eq!((note.status, &note.json["direction"], &note.json["delivery"]), (StatusCode::CREATED, &json!("note"), &Value::Null));
    let reply = json!({"type": "reply", "text": "Arriva domani.", "attachments": [{"name": "label.pdf", "content": "JVBERi0xLjQK"}]});
    let reply = desk.post(&format!("/tickets/{id}/messages"), reply).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.json);
    assert_eq!(reply.json["to"], json!([{"name": "Anna Verdi", "address": "anna@example.com"}]));
    assert_eq!((&reply.json["delivery"], &reply.json["agent_id"]), (&json!("queued"), &json!(desk.admin.0)));
    assert_eq!(reply.json["attachments"][0]["media_type"], "application/pdf");
    let after = desk.get(&format!("/tickets/{id}")).await.json;
    assert_eq!((&after["status"], &after["waiting_since"], &after["message_count"]), (&json!("pending"), &Value::Null, &json!(3)));

    let messages = desk.walk(&format!("/tickets/{id}/messages?limit=2")).await;
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2], reply.json);
    let first = desk.get(&format!("/messages/{}", created.json["message_id"])).await.json;
    assert_eq!(first, messages[0]);
    assert_eq!(first["from"], json!({"name": "Anna Verdi", "address": "anna@example.com"}));
    assert_eq!(first["text"], first["new_text"]);
    assert!(first["html"].as_str().unwrap().contains("<b>il mio ordine</b>"));
    assert!(!first["html"].as_str().unwrap().contains("script") && !first["html"].as_str().unwrap().contains("onclick"));
    assert_eq!(first["raw"], Value::Null);
    let file = &first["attachments"][0];
    assert_eq!((&file["file_name"], &file["size"], &file["media_type"]), (&json!("foto à.txt"), &json!(4), &json!("text/plain")));
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    let content = desk.get(file["url"].as_str().unwrap().strip_prefix("https://desk.example/api/v1").unwrap()).await;
    assert_eq!(content.bytes, b"ciao");
    assert_eq!(content.headers["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(content.headers["x-content-type-options"], "nosniff");
    assert!(content.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"foto _.txt\""));

    let kinds: Vec<Value> = desk.walk(&format!("/tickets/{id}/events?limit=5")).await.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds[0], "created");
    for kind in ["tagged", "untagged", "snoozed", "noted", "replied", "status_changed", "subject_changed"] {
        assert!(kinds.contains(&json!(kind)), "{kind} is missing in {kinds:?}");
    }
    assert_eq!(desk.post(&format!("/messages/{}/retry", reply.json["id"]), json!({})).await.json["delivery"], "queued");
    let refused = desk.post(&format!("/messages/{}/retry", note.json["id"]), json!({})).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::CONFLICT, &json!("conflict")));
}

#[tokio::test]
async fn the_same_message_makes_one_ticket_and_a_follow_up_joins_it() {
    let desk = Desk::open().await;
    let mut new = question("Where is my parcel?");
    new["external_id"] = json!("order-1");
    new["tags"] = json!(["once"]);
    let (one, two) = tokio::join!(desk.post("/tickets", new.clone()), desk.post("/tickets", new.clone()));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CREATED], "{} {}", one.json, two.json);
    assert_eq!(one.json["ticket"]["id"], two.json["ticket"]["id"]);
    assert_eq!(one.json["message_id"], two.json["message_id"]);
    let again = desk.post("/tickets", new).await;
    assert_eq!((again.status, &again.json["outcome"]), (StatusCode::OK, &json!("duplicate")));
    assert_eq!(desk.walk("/tickets").await.len(), 1);
    assert_eq!(desk.get("/channels").await.json["data"][0]["kind"], "api");

    let id = one.json["ticket"]["id"].as_i64().unwrap();
    desk.patch(&format!("/tickets/{id}"), json!({"status": "solved"})).await;
    let mut more = question("Re: Where is my parcel?");
    more["in_reply_to"] = json!("order-1");
    let more = desk.post("/tickets", more).await;
    assert_eq!((more.status, &more.json["outcome"]), (StatusCode::CREATED, &json!("appended")));
    assert_eq!((&more.json["ticket"]["id"], &more.json["ticket"]["status"]), (&json!(id), &json!("open")));
}

#[tokio::test]
async fn every_page_is_walked_and_every_filter_narrows() {
    let desk = Desk::open().await;
    for number in 0..23 {
        let mut new = question(&format!("Frage {number}"));
        new["contact"]["email"] = json!(format!("kunde{}@example.com", number % 2));
        new["language"] = json!(if number % 3 == 0 { "de" } else { "it" });
        new["message"]["text"] = json!(if number % 4 == 0 { "Wo ist mein Paket?" } else { "Ciao" });
        assert_eq!(desk.post("/tickets", new).await.status, StatusCode::CREATED);
    }
    desk.sql("update tickets set waiting_since = null where id % 5 = 0; update tickets set status = 'solved', solved_at = created_at where id in (1, 2, 3)").await;
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>();
    let all = ids(&desk.walk("/tickets?limit=4").await);
    assert_eq!(all, (1..=23).rev().collect::<Vec<i64>>());
    let mut open = ids(&desk.walk("/tickets?view=open&limit=3").await);
    assert_eq!(open[16..], [5, 10, 15, 20], "who waits for nothing comes last");
    open.sort_unstable();
    assert_eq!(open, (4..=23).collect::<Vec<i64>>());
    assert_eq!(ids(&desk.walk("/tickets?view=solved&limit=1").await), [3, 2, 1]);
    assert_eq!(ids(&desk.walk("/tickets?status=solved&limit=2").await), [3, 2, 1]);
    assert_eq!(desk.walk("/tickets?language=de&limit=5").await.len(), 8);
    assert_eq!(desk.walk("/tickets?view=unassigned&assignee=none&limit=7").await.len(), 20);
    assert_eq!(desk.walk("/tickets?assignee=me").await.len(), 0);

    let since = desk.get("/tickets/20").await.json["updated_at"].as_str().unwrap().to_owned();
    assert_eq!(ids(&desk.walk(&format!("/tickets?updated_since={since}&limit=2")).await), [20, 21, 22, 23], "the oldest change first");
    let mut found = ids(&desk.walk("/tickets?q=paket&limit=2").await);
    found.dedup();
    assert_eq!(found, [21, 17, 13, 9, 5, 1]);
    assert_eq!(ids(&desk.walk("/tickets?q=paket&status=solved&limit=2").await), [1]);
    assert_eq!(desk.walk("/tickets?q=kunde1@&limit=4").await.len(), 11);
    let contact = desk.get("/tickets/1").await.json["contact"]["id"].clone();
    assert_eq!(desk.walk(&format!("/contacts/{contact}/tickets?limit=5")).await.len(), 12);
    assert_eq!(desk.walk(&format!("/tickets?contact={contact}&limit=5")).await.len(), 12);
}

#[tokio::test]
async fn what_is_wrong_is_told_field_by_field() {
    let desk = Desk::open().await;
    let fields = |json: &Value| json["error"]["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let bad = json!({
        "contact": {"email": "nobody", "name": "n".repeat(201)}, "subject": " ", "message": {}, "language": "italian", "tags": [""],
        "attachments": [{"name": "a", "content": "%"}],
    });
    let refused = desk.post("/tickets", bad).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("validation_failed")));
    assert_eq!(
        fields(&refused.json),
        ["attachments[0].content", "contact.email", "contact.name", "language", "message", "subject", "tags"]
    );

    let mut unknown = question("?");
    unknown["contact"]["phone"] = json!("1");
    let refused = desk.post("/tickets", unknown).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.json["error"]["fields"]["contact.phone"].as_str().unwrap().contains("unknown field `phone`"), "{}", refused.json);

    desk.sql("insert into channels (kind, name, address) values ('email', 'Help', 'help@shop.example')").await;
    for (field, value) in [
        ("channel", json!("Help")),
        ("channel", json!(99)),
        ("team", json!("none such")),
        ("assignee", json!("who@shop.example")),
        ("priority", json!("huge")),
    ] {
        let mut new = question("?");
        new[field] = value.clone();
        let refused = desk.post("/tickets", new).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}: {}", refused.json);
        assert_eq!(fields(&refused.json), [field]);
    }
    assert_eq!(desk.walk("/tickets").await.len(), 0);
    let nul = json!({"contact": {"email": "a@example.com"}, "subject": "a\u{0}b", "message": {"text": "\u{0}x"}});
    let created = desk.post("/tickets", nul).await;
    assert_eq!((created.status, &created.json["ticket"]["subject"]), (StatusCode::CREATED, &json!("ab")));

    for (body, field) in [
        (json!({"status": "snoozed"}), "snoozed_until"),
        (json!({"status": "snoozed", "snoozed_until": "2001-01-01T00:00:00Z"}), "snoozed_until"),
        (json!({"status": "open", "snoozed_until": "2090-01-01T00:00:00Z"}), "snoozed_until"),
        (json!({"subject": ""}), "subject"),
        (json!({"colour": 1}), "colour"),
    ] {
        let refused = desk.patch("/tickets/1", body).await;
        assert_eq!((refused.status, fields(&refused.json)), (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()]));
    }
    for query in [
        "limit=0",
        "limit=101",
        "view=all",
        "after=x",
        "after=999999999999999999.1",
        "tag=none",
        "updated_since=0001-01-01T00:00:00Z",
        "updated_since=yesterday",
        "colour=1",
        "q=%20",
        "status=lost",
    ] {
        let refused = desk.get(&format!("/tickets?{query}")).await;
        let name = query.split('=').next().unwrap();
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", refused.json);
        assert_eq!(fields(&refused.json), [name], "{query}");
    }
    let refused = desk.post("/tickets/1/messages", json!({"type": "note", "text": " ", "status": "open"})).await;
    assert_eq!(fields(&refused.json), ["status", "text"]);
    let refused = desk.post("/tickets/1/messages", json!({"type": "shout", "text": "a"})).await;
    assert_eq!(fields(&refused.json), ["type"]);
    for path in [
        "/tickets/99",
        "/tickets/x",
        "/tickets/-1",
        "/tickets/99/messages",
        "/tickets/99/events",
        "/messages/99",
        "/messages/1/raw",
        "/messages/99/raw",
        "/attachments/99",
        "/contacts/99",
        "/contacts/99/tickets",
        "/canned-replies/99",
        "/nothing",
        "",
    ] {
        let refused = desk.get(path).await;
        assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{path}");
    }
    assert_eq!(desk.patch("/tickets/99", json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.post("/tickets/99/messages", json!({"type": "note", "text": "a"})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_reply_does_not_cross_a_newer_message_nor_empty_the_composer() {
    let desk = Desk::open().await;
    let mut new = question("Where is my parcel?");
    new["external_id"] = json!("one");
    let first = desk.post("/tickets", new).await.json;
    let id = first["ticket"]["id"].as_i64().unwrap();
    let path = format!("/tickets/{id}/messages");
    let lost = desk.post(&path, json!({"type": "reply", "text": "Hello"})).await;
    assert_eq!(lost.status, StatusCode::CONFLICT, "no mailbox to answer from: {}", lost.json);
    desk.sql("insert into channels (kind, name, address) values ('email', 'Help', 'help@shop.example')").await;
    desk.sql("insert into drafts (ticket_id, agent_id, note, body) values (1, 1, false, 'half a sentence')").await;
    let mut more = question("more");
    more["in_reply_to"] = json!("one");
    desk.post("/tickets", more).await;
    let crossed = desk.post(&path, json!({"type": "reply", "text": "Hello", "seen": first["message_id"]})).await;
    assert_eq!(crossed.status, StatusCode::CONFLICT);
    assert!(crossed.json["error"]["fields"]["seen"].is_string());
    let sent = desk.post(&path, json!({"type": "reply", "text": "Hello", "status": "solved"})).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.json);
    assert_eq!(sent.json["in_reply_to"], Value::Null, "a program's own number is no Message-ID");
    assert_eq!(desk.get(&format!("/tickets/{id}")).await.json["status"], "solved");
    let draft: String = sqlx::query_scalar("select body from drafts").fetch_one(&desk.app.db).await.unwrap();
    assert_eq!(draft, "half a sentence");
}

#[tokio::test]
async fn a_source_is_given_back_byte_for_byte() {
    let desk = Desk::open().await;
    desk.post("/tickets", question("?")).await;
    desk.sql("insert into deliveries (channel_id, door, raw, state) values (1, 'smtp', convert_to(E'Subject: ?\\r\\n\\r\\n<script>x</script>', 'UTF8'), 'processed');
              update messages set delivery_id = 1, body = E'Grazie\\n\\n> Ciao', quote_from = 8, quote_to = 14")
        .await;
    let message = desk.get("/messages/1").await.json;
    assert_eq!((&message["new_text"], &message["quoted_text"]), (&json!("Grazie"), &json!("> Ciao")));
    assert_eq!(message["raw"], "https://desk.example/api/v1/messages/1/raw");
    let raw = desk.get("/messages/1/raw").await;
    assert_eq!(raw.bytes, b"Subject: ?\r\n\r\n<script>x</script>");
    assert_eq!(raw.headers["content-type"], "message/rfc822");
    assert_eq!(raw.headers["content-security-policy"], "default-src 'none'; sandbox");
}

#[tokio::test]
async fn an_agent_without_rank_may_work_but_not_assign_to_who_has_left() {
    let desk = Desk::open().await;
    let (left, _) = desk.join("left@shop.example", Role::Agent).await;
    let (me, token) = desk.join("ben@shop.example", Role::Agent).await;
    desk.sql("update agents set disabled_at = now() where email = 'left@shop.example'").await;
    let mut new = question("?");
    new["assignee"] = json!("BEN@shop.example");
    let created = desk.call_as(&token, Method::POST, "/tickets", Some(new)).await;
    assert_eq!(created.json["ticket"]["assignee_id"], me.0, "{}", created.json);
    let refused = desk.patch("/tickets/1", json!({"assignee": left.0})).await;
    assert_eq!(refused.json["error"]["fields"]["assignee"], "This agent has left the desk.");
}
