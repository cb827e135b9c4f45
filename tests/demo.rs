//! The demo's shop in an empty desk.

use clap::Parser as _;
use sportello::app::App;
use sportello::config::Config;
use sportello::demo::{self, LoadError, Loaded};
use sportello::desk::agents;
use sportello::desk::kinds::Role;
use sportello::desk::search;
use sportello::desk::tickets::{list, thread};
use sportello::ids::AgentId;
use sportello::mailer::Mailer;
use sportello::secrets::Keys;

use crate::support::postgres::TestDatabase;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

struct Empty {
    app: App,
    _database: TestDatabase,
    _data: tempfile::TempDir,
}

async fn empty_desk() -> Empty {
    let database = TestDatabase::new().await;
    let data = tempfile::tempdir().expect("a temporary folder");
    let folder = data.path().to_str().expect("a plain name");
    let config = Cli::try_parse_from(["test", "--data", folder]).expect("a configuration").config;
    let app = App::new(config, database.pool.clone(), Mailer::Memory(std::sync::Arc::default()), Keys::from_bytes([7; 32]));
    Empty { app, _database: database, _data: data }
}

#[tokio::test]
async fn the_demo_fills_an_empty_desk_once() {
    let desk = empty_desk().await;
    let now = jiff::Timestamp::now();
    let plan = demo::plan(now, 7);
    assert_eq!(demo::load(&desk.app, &plan, now).await.expect("loads"), Loaded::Fresh);
    assert_eq!(demo::load(&desk.app, &plan, now).await.expect("is there"), Loaded::There);
    demo::load_chats(&desk.app, &plan).await.expect("loads its chats");

    let mut db = desk.app.db.acquire().await.expect("a connection");
    let people = agents::list(&mut db).await.expect("people");
    assert_eq!(people.len(), plan.agents.len());
    let chiara =
        agents::authenticate(&mut db, &plan.agents[0].email, demo::load::PASSWORD).await.expect("answers").expect("the password is right");
    let counts = list::counts(&mut db, chiara).await.expect("counts");
    assert_eq!((counts.open, counts.waiting, counts.snoozed, counts.spam), (54, 40, 8, 10));
    let found = search::find(&desk.app, &mut db, "Rechnung", None, 50).await.expect("searches");
    assert!(!found.tickets.is_empty());
    let ticket = found.tickets[0].0;
    let messages = thread::list(&mut db, ticket, None, true).await.expect("reads");
    assert!(messages.windows(2).all(|pair| pair[0].created_at <= pair[1].created_at));
    assert!(messages.iter().any(|message| message.automatic), "the first message was acknowledged");
}

#[tokio::test]
async fn a_desk_in_use_is_left_alone() {
    let desk = empty_desk().await;
    let mut db = desk.app.db.acquire().await.expect("a connection");
    let _: AgentId = agents::create(&mut db, "anna@shop.example", "Anna", Role::Admin).await.expect("an agent");
    drop(db);
    let now = jiff::Timestamp::now();
    let refused = demo::load(&desk.app, &demo::plan(now, 7), now).await;
    assert!(matches!(refused, Err(LoadError::InUse)));
}
