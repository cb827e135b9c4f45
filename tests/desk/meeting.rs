//! A message and what is told of it arrive in the same instant, and two processes understand them side by side: neither sees what the other
//! has not committed, and yet they must find each other.

use std::time::Duration;

use serde_json::{Value, json};
use sportello::app::App;
use sportello::channels::wire::network;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::channels::Channel;
use sportello::desk::networks::take::{self, Door, Taken};
use sportello::desk::networks::{Happening, Notice, Said};

use crate::support::public_desk::PublicDesk;

fn said(id: &str, reply_to: Option<&str>) -> Happening {
    Happening::Said(Box::new(Said {
        id: id.to_owned(),
        conversation: "dm:900000056".to_owned(),
        text: "Parola".to_owned(),
        reply_to: reply_to.map(str::to_owned),
        ..Said::default()
    }))
}

fn removed(target: &str) -> Happening {
    Happening::Noticed { target: target.to_owned(), notice: Notice::Removed { at: Some(Ts::now()) } }
}

/// Takes one thing in, and leaves the end of it to the caller.
async fn begin(app: &App, channel: &Channel, happening: &Happening) -> (Change, Taken) {
    let abilities = network(channel.kind).expect("a network").abilities(channel);
    let mut change = Change::begin(app).await.expect("a database");
    let door = Door { channel, abilities: &abilities, delivery: None, patient: false };
    let taken = take::take(&mut change, &door, happening, &[]).await.expect("taken");
    (change, taken)
}

/// Takes both in at once: the second begins while the first is not committed, and waits for it or is done before.
async fn at_once(first: Happening, second: Happening) -> (PublicDesk, Taken) {
    let desk = PublicDesk::new().await;
    let channel = desk.row().await;
    let (change, _) = begin(&desk.app, &channel, &first).await;
    let (app, other) = (desk.app.clone(), channel.clone());
    let second = tokio::spawn(async move {
        let (change, taken) = begin(&app, &other, &second).await;
        change.commit().await.expect("a database");
        taken
    });
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let settled = async {
        while !second.is_finished() && sqlx::query_scalar::<_, i64>(waiting).fetch_one(&desk.app.db).await.expect("a database") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("it waits or is done");
    change.commit().await.expect("a database");
    let taken = second.await.expect("taken");
    (desk, taken)
}

async fn stands(desk: &PublicDesk) -> Value {
    sqlx::query_scalar(
        "select jsonb_build_object('removed', (select jsonb_agg(provider_id) from messages where removed_at is not null and body = ''),
                'answers', (select jsonb_object_agg(m.provider_id, o.provider_id) from messages m join messages o on o.id = m.reply_to_id),
                'waits', (select count(*) from parked_notices))",
    )
    .fetch_one(&desk.app.db)
    .await
    .expect("a database")
}

#[tokio::test]
async fn what_is_taken_back_while_its_message_comes_in_is_gone() {
    let (desk, taken) = at_once(said("m_703", None), removed("m_703")).await;
    assert!(matches!(taken, Taken::Changed(_)), "{taken:?}");
    assert_eq!(stands(&desk).await, json!({ "removed": ["m_703"], "answers": null, "waits": 0 }));
}

#[tokio::test]
async fn a_message_that_comes_while_it_is_taken_back_is_gone() {
    let (desk, taken) = at_once(removed("m_703"), said("m_703", None)).await;
    assert!(matches!(taken, Taken::Kept(_)), "{taken:?}");
    assert_eq!(stands(&desk).await, json!({ "removed": ["m_703"], "answers": null, "waits": 0 }));
}

#[tokio::test]
async fn an_answer_and_what_it_answers_find_each_other() {
    let (desk, _) = at_once(said("m_2", Some("m_1")), said("m_1", None)).await;
    assert_eq!(stands(&desk).await, json!({ "removed": null, "answers": { "m_2": "m_1" }, "waits": 0 }));
}
