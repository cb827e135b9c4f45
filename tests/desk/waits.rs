//! How long a customer waits: noted with each first answer, and estimated from what was noted.

use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::directory;
use sportello::desk::hours::{Clock, Schedule, Shift};
use sportello::desk::kinds::ChannelKind;
use sportello::desk::teams;
use sportello::desk::tickets::reply;
use sportello::desk::waits::{self, Basis, Estimate, Question, Targets};
use sportello::ids::{TeamId, TicketId};
use sqlx::AssertSqlSafe;

use crate::channels::email::mail;
use crate::support::mail_desk::MailDesk;

fn at(text: &str) -> Ts {
    Ts(text.parse().expect("a moment"))
}

async fn run(desk: &MailDesk, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&desk.app.db)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .rows_affected()
}

/// `count` mails asked on the four Mondays before 16 November 2026 at 10:00 in Rome and answered after 1, 2, 3 … minutes.
async fn history(desk: &MailDesk, team: Option<TeamId>, count: i64, minutes: i64) {
    let team = team.map_or("null".to_owned(), |id| id.to_string());
    run(desk, "insert into contacts (name) select 'Anna' where not exists (select from contacts)").await;
    run(
        desk,
        &format!(
            "with asked as (
                 insert into tickets (channel_id, contact_id, subject, status, created_at)
                 select (select min(id) from channels), (select min(id) from contacts), n::text, 'solved',
                        timestamptz '2026-11-16 10:00+01' - make_interval(days => 7 * (1 + n % 3)) + make_interval(hours => n / 3 % 2)
                 from generate_series(0, {count} - 1) n returning id, channel_id, subject::int as n, created_at)
             insert into first_answers (ticket_id, channel_id, kind, team_id, asked_at, answered_at, open_seconds)
             select id, channel_id, 'email', {team}, created_at, created_at + make_interval(mins => {minutes} + n), 60 * ({minutes} + n) from asked"
        ),
    )
    .await;
    desk.app.cache.invalidate_all();
}

async fn ask(desk: &MailDesk, team: Option<TeamId>, ahead: i64, now: &str) -> Estimate {
    let question = Question { kind: ChannelKind::Email, team, ahead, on_duty: 0 };
    waits::estimate(&desk.app, &question, at(now)).await.expect("an estimate")
}

const TEN: &str = "2026-11-16T09:10:00Z";

#[tokio::test]
async fn too_little_history_names_the_target() {
    let desk = MailDesk::new().await;
    history(&desk, None, 19, 1).await;
    let estimate = ask(&desk, None, 0, TEN).await;
    assert_eq!(estimate, Estimate { seconds: 4 * 3600, basis: Basis::Target, by: at("2026-11-16T13:10:00Z") });
    assert_eq!(serde_json::to_value(estimate).expect("JSON"), serde_json::json!({"seconds": 14400, "basis": "target"}));
    // Friday evening: four hours of work are Monday at one.
    let closed = ask(&desk, None, 0, "2026-11-20T19:00:00Z").await;
    assert_eq!((closed.basis, closed.by), (Basis::Target, at("2026-11-23T12:00:00Z")));

    let mut change = Change::begin(&desk.app).await.expect("a database");
    let mut targets = Targets::default();
    targets.set("email", 30);
    directory::update_targets(&mut change, &targets).await.expect("a database");
    change.touch_settings();
    change.commit().await.expect("a database");
    assert_eq!(ask(&desk, None, 0, TEN).await.seconds, 1800);
}

#[tokio::test]
async fn four_in_five_of_the_last_four_weeks_and_the_queue() {
    let desk = MailDesk::new().await;
    history(&desk, None, 20, 1).await;
    // 1 to 20 minutes: the sixteenth of twenty.
    let usual = ask(&desk, None, 2, TEN).await;
    assert_eq!(usual.basis, Basis::History);
    let alone = ask(&desk, None, 0, TEN).await;
    let queue = ask(&desk, None, 20, TEN).await;
    assert!(alone.seconds <= 16 * 60 && queue.seconds > 16 * 60, "{alone:?} {queue:?}");
    // Kept: however many ask within half a minute, the table is read once.
    run(&desk, "delete from first_answers").await;
    assert_eq!(ask(&desk, None, 0, TEN).await, alone);
    desk.app.cache.invalidate_all();
    assert_eq!(ask(&desk, None, 0, TEN).await.basis, Basis::Target);
    // Five weeks later it is long ago.
    history(&desk, None, 40, 1).await;
    assert_eq!(ask(&desk, None, 0, "2026-12-21T09:10:00Z").await.basis, Basis::Target);
}

#[tokio::test]
async fn a_team_with_enough_answers_has_its_own_wait() {
    let desk = MailDesk::new().await;
    let mut change = Change::begin(&desk.app).await.expect("a database");
    let (fast, small) =
        (teams::create(&mut change, "Fast").await.expect("a team"), teams::create(&mut change, "Small").await.expect("a team"));
    // One that is there at night, on the other side of the ocean.
    let night = Shift::new(Clock::from_minutes(20 * 60).expect("a time"), Clock::from_minutes(2 * 60).expect("a time")).expect("a shift");
    let nights = Schedule { zone: Some("America/New_York".into()), week: std::array::from_fn(|_| vec![night]), exceptions: Vec::new() };
    let owls = teams::create(&mut change, "Owls").await.expect("a team");
    assert!(teams::set_hours(&mut change, owls, Some(&nights)).await.expect("a database"));
    change.touch_settings();
    change.commit().await.expect("a database");
    history(&desk, Some(fast), 20, 1).await;
    history(&desk, Some(small), 10, 300).await;
    history(&desk, None, 30, 100).await;
    let own = ask(&desk, Some(fast), 1, TEN).await;
    assert!(own.basis == Basis::History && own.seconds < 3600, "{own:?}");
    // The small team's are too few to say anything of their own; everybody's say more than an hour.
    let all = ask(&desk, Some(small), 100, TEN).await;
    assert!(all.basis == Basis::History && all.seconds > 3600, "{all:?}");
    // Closed at ten in Rome, which is four in the morning there: what the desk needs counts from eight in the evening, 01:00 UTC.
    let night = ask(&desk, Some(owls), 0, TEN).await;
    assert!(night.basis == Basis::History && (1..4).contains(&(night.by.seconds_since(at("2026-11-17T01:00:00Z")) / 3600)), "{night:?}");
    // Five weeks later, when what was read above is forgotten.
    desk.app.cache.invalidate_all();
    assert_eq!(ask(&desk, Some(owls), 0, "2026-12-21T09:10:00Z").await.by, at("2026-12-22T05:00:00Z"), "four hours by the target");
}

async fn noted(desk: &MailDesk, ticket: TicketId) -> Option<(i64, Option<i64>)> {
    sqlx::query_as("select open_seconds, agent_id from first_answers where ticket_id = $1 and kind = 'email' and answered_at >= asked_at")
        .bind(ticket.0)
        .fetch_optional(&desk.app.db)
        .await
        .expect("a database")
}

#[tokio::test]
async fn the_first_answer_is_noted_and_forgotten_when_it_is_taken_back() {
    let desk = MailDesk::new().await;
    run(&desk, "update desk set hours = jsonb_set(hours, '{week}', (select jsonb_agg('[{\"from\": \"00:00\", \"to\": \"24:00\"}]'::jsonb) from generate_series(1, 7)))").await;
    desk.app.cache.invalidate_all();
    let (anna, bruno) = (desk.agent("Anna").await, desk.agent("Bruno").await);
    let ticket = desk
        .receive(&mail("casa@example.it", "Ordine", "a1@example.it", "", "Dove si trova il mio ordine?"))
        .await
        .ticket
        .expect("a ticket");
    run(&desk, "update tickets set created_at = now() - interval '1 hour', waiting_since = now() - interval '1 hour'").await;
    assert_eq!(noted(&desk, ticket).await, None);

    let first = desk.reply(&anna, ticket, "Un attimo.").await;
    let (open, agent) = noted(&desk, ticket).await.expect("noted");
    assert!((3600..3660).contains(&open) && agent == Some(anna.id.0), "{open} {agent:?}");
    let second = desk.reply(&bruno, ticket, "Parte domani.").await;
    assert_eq!(noted(&desk, ticket).await.map(|(_, agent)| agent), Some(Some(anna.id.0)), "only the first counts");

    for (agent, message, left) in [(&anna, first, Some(Some(bruno.id.0))), (&bruno, second, None)] {
        let mut change = Change::begin(&desk.app).await.expect("a database");
        assert!(reply::undo(&mut change, agent, ticket, message).await.expect("taken back"));
        change.commit().await.expect("a database");
        assert_eq!(noted(&desk, ticket).await.map(|(_, agent)| agent), left);
    }
    // Answered again: noted again. What nobody waits for is not.
    desk.reply(&bruno, ticket, "Eccomi.").await;
    assert!(noted(&desk, ticket).await.is_some());
    desk.drain().await;
    let machine = mail("robot@example.it", "Report", "r1@example.it", "Auto-Submitted: auto-generated", "It is hot.");
    let machine = desk.receive(&machine).await.ticket.expect("a ticket");
    desk.reply(&anna, machine, "Thanks.").await;
    assert_eq!(noted(&desk, machine).await, None);
}

#[tokio::test]
async fn a_desk_from_before_has_its_last_four_weeks() {
    let desk = MailDesk::new().await;
    let agent = desk.agent("Anna").await;
    // A whole week: forty-five hours of it from Monday to Friday, whatever day today is and whether or not clocks changed.
    let answered = desk.receive(&mail("casa@example.it", "Ordine", "a1@example.it", "", "Dove?")).await.ticket.expect("a ticket");
    desk.reply(&agent, answered, "Qui.").await;
    let old = desk.receive(&mail("casa@example.it", "Vecchio", "a2@example.it", "", "Dove?")).await.ticket.expect("a ticket");
    desk.receive(&mail("casa@example.it", "Aperto", "a3@example.it", "", "Dove?")).await;
    run(&desk, "update tickets set created_at = first_answered_at - interval '7 days' where first_answered_at is not null").await;
    run(&desk, &format!("update tickets set created_at = now() - interval '40 days', first_answered_at = now() where id = {old}")).await;
    run(&desk, "delete from first_answers").await;
    let migration = include_str!("../../migrations/0003_hours.sql");
    let backfill = &migration[migration.find("insert into first_answers").expect("it is there")..];
    assert_eq!(run(&desk, backfill).await, 1);
    assert_eq!(noted(&desk, answered).await, Some((45 * 3600, Some(agent.id.0))));
}

#[tokio::test]
async fn who_came_before_is_counted() {
    let desk = MailDesk::new().await;
    for n in 0..4 {
        desk.receive(&mail("casa@example.it", &format!("Ordine {n}"), &format!("a{n}@example.it"), "", "Dove?")).await;
    }
    let mut db = desk.app.db.acquire().await.expect("a database");
    let later = Ts::now().plus_seconds(1);
    assert_eq!(waits::ahead(&mut db, ChannelKind::Email, None, later).await.expect("a database"), 4);
    assert_eq!(waits::ahead(&mut db, ChannelKind::Form, None, later).await.expect("a database"), 0);
    assert_eq!(waits::ahead(&mut db, ChannelKind::Email, Some(TeamId(1)), later).await.expect("a database"), 0);
    run(&desk, "update tickets set first_answered_at = now() where subject = 'Ordine 0'").await;
    run(&desk, "update tickets set status = 'solved' where subject = 'Ordine 1'").await;
    assert_eq!(waits::ahead(&mut db, ChannelKind::Email, None, later).await.expect("a database"), 2);
}
