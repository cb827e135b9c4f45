//! The promise: at every instant every open chat has somebody who holds it or a moment at which the desk acts. Under agents who come, go,
//! accept, decline and fall silent at random, visitors who write at random, transactions that die and workers that crash with a timer in hand.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::chats::{self, Target, Way};
use sportello::desk::events::ChatEnd;
use sportello::desk::kinds::{Role, Wish};
use sportello::desk::presence;
use sportello::desk::tickets::reply::{self, NewReply};
use sportello::ids::TicketId;
use sportello::jobs::{self, Lane};
use sportello::worker;

use crate::support::chat_desk::ChatDesk;

/// A timer that a crashed worker had in hand comes back after its lease; this much later than its time it may be due.
const LEASE: i64 = jobs::QUICK_LEASE_SECONDS + 1;

/// The most seconds that pass at a time.
const LEAP: i64 = 25;

struct World {
    desk: ChatDesk,
    agents: Vec<Agent>,
    chats: Vec<TicketId>,
    now: Ts,
    /// A worker crashed when time last passed; the next one does not.
    crashed: bool,
    dice: StdRng,
}

impl World {
    async fn new(seed: u64) -> Self {
        let desk = ChatDesk::new().await;
        let mut agents = Vec::new();
        for (name, role) in [("Anna", Role::Agent), ("Bruno", Role::Agent), ("Carla", Role::Agent), ("Dora", Role::Lead)] {
            agents.push(desk.on_duty(name, role).await);
        }
        Self { desk, agents, chats: Vec::new(), now: Ts::now(), crashed: false, dice: StdRng::seed_from_u64(seed) }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    async fn act(&mut self) {
        let agent = self.agents.choose(&mut self.dice).expect("agents").clone();
        if self.chats.len() < 3 || (self.chats.len() < 12 && self.chance(15)) {
            self.chats.push(self.desk.begin(self.now).await);
            return;
        }
        let Some(chat) = self.chats.choose(&mut self.dice).copied() else { return };
        let choice = self.dice.random_range(0..13);
        // One transaction in ten dies before its end.
        let dies = self.chance(10);
        let colleague = self.agents.choose(&mut self.dice).expect("agents").id;
        let now = self.now;
        let mut change = Change::begin(&self.desk.app).await.expect("a database");
        match choice {
            0 | 1 => drop(chats::accept(&mut change, &agent, chat, now).await),
            2 => drop(chats::decline(&mut change, &agent, chat, now).await.expect("a database")),
            3 | 4 => drop(presence::beat(&mut change, agent.id, now).await.expect("a database")),
            5 => presence::leave(&mut change, agent.id, presence::CLOSING, now).await.expect("a database"),
            6 => {
                let wish = *[Wish::Online, Wish::Online, Wish::Busy, Wish::Away].choose(&mut self.dice).expect("wishes");
                presence::set_wish(&mut change, agent.id, wish, now).await.expect("a database");
            }
            7 => drop(reply::reply(&mut change, &agent, chat, &words()).await),
            8 => chats::hear(&mut change, chat, Some(120), now).await.expect("a database"),
            9 => drop(chats::transfer(&mut change, &agent, chat, Target::Agent(colleague), "Wants to know", now).await),
            10 => chats::choose(&mut change, chat, &Way::Wait(120), now).await.expect("a database"),
            11 => drop(chats::end(&mut change, ChatEnd::Visitor, chat, now).await.expect("a database")),
            _ => {
                if let Some(lead) = agent.clone().lead() {
                    chats::step_in(&mut change, &lead, chat, now).await.expect("a database");
                }
            }
        }
        if dies {
            drop(change);
        } else {
            change.commit().await.expect("a database");
        }
    }

    /// Time passes; what is due is done, except that a worker may crash with a timer in hand.
    async fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
        self.crashed = !self.crashed && self.chance(20);
        if self.crashed {
            // Claimed, and never heard of again.
            let _ = jobs::claim(&self.desk.app.db, Lane::Quick, self.now).await.expect("a database");
        }
        let errors = worker::drain(&self.desk.app, self.now).await;
        assert!(errors.is_empty(), "{errors:?}");
    }

    async fn check(&self, step: usize) {
        let dropped: Vec<(i64, String)> = sqlx::query_as(
            "select c.ticket_id, c.state::text from chats c
             where c.state in ('ringing', 'queued', 'active', 'parked')
               and not exists (select from jobs j where j.unique_key = 'chat:' || c.ticket_id and j.dead_at is null
                               and j.run_at <= greatest(c.deadline_at, $1) + make_interval(secs => $2))",
        )
        .bind(self.now)
        .bind(LEASE as f64)
        .fetch_all(&self.desk.app.db)
        .await
        .expect("a database");
        assert!(dropped.is_empty(), "step {step}: chats without a timer: {dropped:?}");
        let late: i64 = sqlx::query_scalar(
            "select count(*) from chats where state in ('ringing', 'queued', 'active', 'parked') and deadline_at < $1 - make_interval(secs => $2)",
        )
        .bind(self.now)
        // Time passes here in leaps: a timer may lie one leap back when a worker takes it into the grave, and comes back after its lease.
        .bind((LEASE + 2 * LEAP) as f64)
        .fetch_one(&self.desk.app.db)
        .await
        .expect("a database");
        assert_eq!(late, 0, "step {step}: deadlines that passed unnoticed");
        let orphans: i64 = sqlx::query_scalar(
            "select count(*) from chat_offers o join chats c on c.ticket_id = o.ticket_id where o.outcome is null and c.state <> 'ringing'",
        )
        .fetch_one(&self.desk.app.db)
        .await
        .expect("a database");
        assert_eq!(orphans, 0, "step {step}: something rings that is not there to be taken");
    }
}

fn words() -> NewReply {
    NewReply { body: "Here I am".into(), ..NewReply::default() }
}

async fn live_through(seed: u64) {
    let mut world = World::new(seed).await;
    for step in 0..120 {
        world.act().await;
        let seconds = world.dice.random_range(0..LEAP);
        world.pass(seconds).await;
        world.check(step).await;
    }
    // Everybody goes home: each chat still comes to an end, or goes on as a letter.
    for agent in world.agents.clone() {
        let mut change = Change::begin(&world.desk.app).await.expect("a database");
        presence::leave(&mut change, agent.id, 0, world.now).await.expect("a database");
        change.commit().await.expect("a database");
    }
    for step in 0..240 {
        world.pass(LEAP).await;
        world.check(1000 + step).await;
    }
    let open = "select count(*) from chats where state in ('ringing', 'queued', 'active', 'parked')";
    assert_eq!(world.desk.count(open).await, 0, "seed {seed}: an hour and a half later somebody still waits");
}

#[tokio::test]
async fn no_chat_is_ever_dropped() {
    for seed in [1, 2, 3] {
        live_through(seed).await;
    }
}
