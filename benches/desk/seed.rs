//! Fills a desk with so many tickets of three messages each, by COPY, and leaves it as a desk of that size would be.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Context as _;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sportello::desk::agents;
use sportello::desk::channels::{self, ChannelDraft};
use sportello::desk::kinds::{ChannelKind, Role};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _, PgPool};

use crate::words::{self, Language, Text};

/// A seed made by other rules is not reused.
const RULES: i32 = 2;
const AGENTS: i64 = 10;
const TAGS: i64 = 40;
/// The newest tickets among which the open ones are.
const RECENT: f64 = 0.1;
/// Tickets per round of COPY; within a round the first messages of all come before the second ones, as in life.
const ROUND: i64 = 500;

pub const EMAIL: &str = "bench@example.com";
pub const PASSWORD: &str = "bench-bench-bench";
pub const MAILBOX: &str = "help@bench.example";

/// The tables that are filled, with the columns.
const TABLES: [(&str, &str); 8] = [
    ("contacts", "id, name, language, created_at, updated_at"),
    ("identities", "id, contact_id, kind, address, created_at"),
    (
        "tickets",
        "id, channel_id, contact_id, subject, status, priority, assignee_id, team_id, language, waiting_since, snoozed_until, solved_at, \
         first_answered_at, message_count, last_message_at, excerpt, last_direction, tag_ids, created_at, updated_at",
    ),
    ("ticket_tags", "tag_id, ticket_id"),
    (
        "messages",
        "id, ticket_id, channel_id, direction, agent_id, contact_id, body, language, provider_id, envelope, delivery, sent_at, created_at",
    ),
    ("thread_keys", "channel_id, key, ticket_id"),
    ("events", "id, ticket_id, agent_id, kind, data, created_at"),
    ("search_documents", "message_id, ticket_id, words"),
];

/// Makes the desk hold exactly `tickets`; does nothing when it does already.
pub async fn fill(pool: &PgPool, options: &PgConnectOptions, tickets: i64) -> anyhow::Result<()> {
    let mut db = PgConnection::connect_with(&options.clone().options([("statement_timeout", "0")])).await?;
    db.execute("create table if not exists bench_seed (tickets bigint not null, rules int not null)").await?;
    let known: Option<(i64, i32)> = sqlx::query_as("select tickets, rules from bench_seed").fetch_optional(&mut db).await?;
    if known == Some((tickets, RULES)) {
        return Ok(());
    }
    anyhow::ensure!(known.is_none(), "the folder holds another seed; delete it");
    let began = Instant::now();
    let channel = furnish(&mut db).await?;
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "select indexname::text, indexdef from pg_indexes where schemaname = 'public' and tablename = any($1)
         and not exists (select from pg_constraint where conname = indexname)",
    )
    .bind(TABLES.map(|(table, _)| table))
    .fetch_all(&mut db)
    .await?;
    for (name, _) in &indexes {
        db.execute(sqlx::AssertSqlSafe(format!("drop index {name}"))).await?;
    }
    let mut rng = StdRng::seed_from_u64(11);
    let languages = words::languages(&mut db, &mut rng).await?;
    let mut tables = Vec::new();
    for (table, columns) in TABLES {
        let mut connection = pool.acquire().await?;
        connection.execute("set session_replication_role = replica; set statement_timeout = 0; set synchronous_commit = off").await?;
        tables.push(Table { name: table, columns, connection: connection.detach(), rows: Vec::new() });
    }
    let mut shop = Shop { languages, rng, tickets, channel, now: jiff::Timestamp::now().as_second(), event: 0, tag: 0 };
    shop.contacts(&mut tables);
    let mut next = 1;
    while next <= tickets {
        let end = (next + ROUND).min(tickets + 1);
        shop.round(next..end, &mut tables)?;
        for table in &mut tables {
            if table.rows.len() > 1 << 20 || end > tickets {
                table.send().await?;
            }
        }
        next = end;
    }
    eprintln!("  rows of {tickets} tickets after {:.0} s", began.elapsed().as_secs_f64());
    db.execute("set maintenance_work_mem = '1GB'").await?;
    for (_, definition) in &indexes {
        db.execute(sqlx::AssertSqlSafe(definition.clone())).await?;
    }
    for (table, columns) in TABLES {
        if columns.starts_with("id,") {
            db.execute(sqlx::AssertSqlSafe(format!(
                "select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))"
            )))
            .await?;
        }
    }
    sqlx::query("insert into bench_seed values ($1, $2)").bind(tickets).bind(RULES).execute(&mut db).await?;
    db.execute("vacuum (analyze)").await?;
    db.execute("checkpoint").await?;
    eprintln!("  seeded {tickets} tickets in {:.0} s", began.elapsed().as_secs_f64());
    Ok(db.close().await?)
}

async fn furnish(db: &mut PgConnection) -> anyhow::Result<i64> {
    for number in 1..=AGENTS {
        let (email, role) = if number == 1 { (EMAIL.to_owned(), Role::Admin) } else { (format!("agent{number}@example.com"), Role::Agent) };
        let id = agents::create(db, &email, &format!("Agent {number}"), role).await?;
        if number == 1 {
            agents::set_password(db, id, PASSWORD, None).await?;
        }
    }
    db.execute("insert into teams (name) values ('Care'), ('Returns'), ('Wholesale')").await?;
    db.execute(sqlx::AssertSqlSafe(format!("insert into tags (name) select 'tag-' || n from generate_series(1, {TAGS}) n"))).await?;
    let draft = ChannelDraft {
        kind: ChannelKind::Email,
        name: MAILBOX.to_owned(),
        address: Some(MAILBOX.to_owned()),
        team_id: None,
        language: None,
        enabled: true,
        settings: serde_json::json!({}),
        secrets: None,
    };
    Ok(channels::create(db, &draft).await?.0)
}

struct Table {
    name: &'static str,
    columns: &'static str,
    connection: PgConnection,
    rows: Vec<u8>,
}

impl Table {
    async fn send(&mut self) -> anyhow::Result<()> {
        let statement = format!("copy {} ({}) from stdin", self.name, self.columns);
        let mut copy = self.connection.copy_in_raw(&statement).await?;
        copy.send(std::mem::take(&mut self.rows)).await?;
        copy.finish().await.with_context(|| format!("copy into {}", self.name))?;
        Ok(())
    }
}

struct Shop {
    languages: Vec<Language>,
    rng: StdRng,
    tickets: i64,
    channel: i64,
    now: i64,
    event: i64,
    tag: usize,
}

/// One ticket while its round is written.
struct Draft {
    id: i64,
    language: usize,
    contact: i64,
    subject: Text,
    created: i64,
    agent: i64,
    open: bool,
    excerpt: String,
}

fn address(contact: i64) -> String {
    format!(
        "{}.{}{contact}@mail.example",
        FIRST[usize::try_from(contact).unwrap_or(0) % FIRST.len()],
        LAST[usize::try_from(contact / 7).unwrap_or(0) % LAST.len()]
    )
}

fn name(contact: i64) -> (&'static str, &'static str) {
    (FIRST[usize::try_from(contact).unwrap_or(0) % FIRST.len()], LAST[usize::try_from(contact / 7).unwrap_or(0) % LAST.len()])
}

const FIRST: [&str; 16] = [
    "anna", "marco", "giulia", "luca", "sofia", "hans", "greta", "jonas", "camille", "hugo", "chloe", "carmen", "pablo", "emma", "oliver",
    "grace",
];
const LAST: [&str; 16] = [
    "rossi", "bianchi", "ferrari", "weber", "schmidt", "keller", "dubois", "moreau", "garcia", "torres", "smith", "brown", "murphy",
    "conti", "greco", "leroy",
];

impl Shop {
    fn contact_count(&self) -> i64 {
        (self.tickets / 3).max(1)
    }

    fn contacts(&mut self, tables: &mut [Table]) {
        for id in 1..=self.contact_count() {
            let (first, last) = name(id);
            let code = self.languages[usize::try_from(id).unwrap_or(0) % 5].code;
            let at = stamp(self.now - 3 * 365 * 86_400);
            row(&mut tables[0].rows, format_args!("{id}\t{first} {last}\t{code}\t{at}\t{at}"));
            row(&mut tables[1].rows, format_args!("{id}\t{id}\temail\t{}\t{at}", address(id)));
        }
    }

    fn round(&mut self, ids: std::ops::Range<i64>, tables: &mut [Table]) -> anyhow::Result<()> {
        let span = 3 * 365 * 86_400;
        let mut drafts: Vec<Draft> = Vec::new();
        for id in ids {
            let contact = self.rng.random_range(1..=self.contact_count());
            let language = usize::try_from(contact)? % 5;
            let mut subject = Text::default();
            let length = self.rng.random_range(3..7);
            self.languages[language].say(&mut self.rng, &mut subject, length);
            let recent = id as f64 > self.tickets as f64 * (1.0 - RECENT);
            let created = self.now - 7200 - (self.tickets - id) * span / self.tickets;
            let (agent, open) = (self.rng.random_range(1..=AGENTS), recent && self.rng.random_bool(0.2));
            drafts.push(Draft { id, language, contact, subject, created, agent, open, excerpt: String::new() });
        }
        for place in 0..3 {
            for draft in &mut drafts {
                self.message(draft, place, tables);
            }
        }
        for draft in &drafts {
            self.ticket(draft, tables);
        }
        Ok(())
    }

    fn message(&mut self, draft: &mut Draft, place: i64, tables: &mut [Table]) {
        // Rounds number their messages first, first, …, second, second, …
        let first_of_round = (draft.id - 1) / ROUND * ROUND;
        let in_round = ROUND.min(self.tickets - first_of_round);
        let id = first_of_round * 3 + place * in_round + (draft.id - first_of_round);
        let language = &self.languages[draft.language];
        let mut text = Text::default();
        let length = self.rng.random_range(20..70);
        language.say(&mut self.rng, &mut text, length);
        let fifth = (self.tickets * 3 / 5).max(1);
        language.say_named(&mut self.rng, &mut text, id % fifth == fifth / 2);
        draft.excerpt = text.text.chars().take(160).collect();
        text.index_all(&draft.subject);
        let ours = place == 1;
        let (first, last) = name(draft.contact);
        let address = address(draft.contact);
        if !ours {
            for word in [first, last, &address] {
                text.index(Some(word));
            }
        }
        let (ticket, channel, code, subject) = (draft.id, self.channel, language.code, &draft.subject.text);
        let at = stamp(draft.created + place * 1800);
        let (direction, agent, contact) =
            if ours { ("outbound", draft.agent.to_string(), "\\N".into()) } else { ("inbound", "\\N".into(), draft.contact.to_string()) };
        let key = format!("t{ticket}.m{id}.bench@{}", if ours { "bench.example" } else { "mail.example" });
        let envelope = format!(
            r#"{{"from":{{"name":"{first} {last}","address":"{address}"}},"to":[{{"name":"","address":"{MAILBOX}"}}],"subject":"{subject}"}}"#
        );
        let (delivery, sent) = if ours { ("sent", at.as_str()) } else { ("\\N", "\\N") };
        row(
            &mut tables[4].rows,
            format_args!(
                "{id}\t{ticket}\t{channel}\t{direction}\t{agent}\t{contact}\t{}\t{code}\t{key}\t{envelope}\t{delivery}\t{sent}\t{at}",
                text.text
            ),
        );
        row(&mut tables[5].rows, format_args!("{channel}\t{key}\t{ticket}"));
        self.event += 1;
        let kind = ["created", "replied", "received"][usize::try_from(place).unwrap_or(0)];
        row(&mut tables[6].rows, format_args!("{}\t{ticket}\t{agent}\t{kind}\t{{\"message\": {id}}}\t{at}", self.event));
        let documents = &mut tables[7].rows;
        let _ = write!(documents, "{id}\t{ticket}\t");
        text.tsvector(id, documents);
        documents.push(b'\n');
    }

    fn ticket(&mut self, draft: &Draft, tables: &mut [Table]) {
        let dice = self.rng.random_range(0..1000);
        let last = draft.created + 3600;
        let nothing = || "\\N".to_owned();
        let (mut waiting, mut snoozed, mut solved, mut assignee) = (nothing(), nothing(), nothing(), draft.agent.to_string());
        let status = if draft.open {
            if dice < 300 {
                assignee = nothing();
            }
            if dice % 4 == 0 {
                "pending"
            } else {
                waiting = stamp(last);
                "open"
            }
        } else if dice < 10 {
            assignee = nothing();
            "spam"
        } else if dice < 13 {
            snoozed = stamp(self.now + 86_400 + draft.id % 86_400);
            "snoozed"
        } else {
            solved = stamp(last + 600);
            "solved"
        };
        let mut tags: Vec<i64> = Vec::new();
        for _ in 0..dice % 4 {
            self.tag += 1;
            let tag = (self.tag as f64).sqrt() as i64 % TAGS + 1;
            if !tags.contains(&tag) {
                tags.push(tag);
                row(&mut tables[3].rows, format_args!("{tag}\t{}", draft.id));
            }
        }
        let list = tags.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let Draft { id, contact, subject, created, excerpt, .. } = draft;
        let (code, team, channel) = (self.languages[draft.language].code, dice % 3 + 1, self.channel);
        let priority = if dice % 20 == 0 { "high" } else { "normal" };
        let (at, answered, end) = (stamp(*created), stamp(created + 1800), stamp(last));
        row(
            &mut tables[2].rows,
            format_args!(
                "{id}\t{channel}\t{contact}\t{}\t{status}\t{priority}\t{assignee}\t{team}\t{code}\t{waiting}\t{snoozed}\t{solved}\t{answered}\t3\t{end}\t{excerpt}\tinbound\t{{{list}}}\t{at}\t{end}",
                subject.text
            ),
        );
    }
}

fn row(out: &mut Vec<u8>, line: std::fmt::Arguments<'_>) {
    // A Vec takes whatever is written.
    let _ = out.write_fmt(line);
    out.push(b'\n');
}

fn stamp(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap_or_default().to_string()
}
