//! Mail coming in, beside `pgbench` inserting the same rows with the same commits on the same cluster.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use sportello::app::App;
use sportello::channels;
use sportello::commands::assemble;
use sportello::config::Config;
use sportello::database::Database;
use sportello::desk::channels as rows;
use sportello::desk::deliveries::{self, NewDelivery};
use sportello::desk::kinds::ChannelKind;
use sportello::ids::ChannelId;
use sqlx::{PgPool, Row as _};

use crate::report::Report;
use crate::seed::MAILBOX;
use crate::usage::Watched;

/// Turns of ours and pgbench's, one after the other; medians are compared.
const ROUNDS: usize = 3;
/// The tables whose growth must be the same on both sides.
const TABLES: [&str; 8] = ["deliveries", "contacts", "identities", "tickets", "messages", "thread_keys", "search_documents", "events"];

const BODY: &str = "Buongiorno,\n\nho ordinato un paio di scarponcini due settimane fa e il corriere non aggiorna la spedizione da quattro giorni. \
     Potete dirmi quando arriva il pacco? Parto sabato prossimo e vorrei portarli con me, altrimenti preferisco annullare e avere il rimborso.\n\n\
     L'indirizzo di consegna corretto è quello del negozio, il citofono non funziona.\n\nGrazie mille e buona giornata\nAnna Rossi";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// Takes mail in for some time with so many senders at once, then lets pgbench do the same, in turns.
pub async fn measure(
    database: &Database,
    data: &Path,
    senders: usize,
    time: Duration,
    watched: Watched,
    size: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pool = database.pool();
    let cli = Cli::try_parse_from([std::ffi::OsStr::new("bench"), std::ffi::OsStr::new("--data"), data.as_os_str()])?;
    let app = assemble(cli.config, database)?;
    let mailbox = {
        let mut db = pool.acquire().await?;
        rows::find_by_address(&mut db, ChannelKind::Email, MAILBOX).await?.context("the seed has a mailbox")?.id
    };
    let script = data.join("ingest.pgbench.sql");
    std::fs::write(&script, pgbench_script(mailbox))?;
    let marks = marks(pool).await?;
    take_in(&app, mailbox, senders, Duration::from_secs(1)).await?;
    let (mut ours, mut theirs, mut cpu) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    let mut growth: [Vec<i64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        let (before, used) = (counts(pool).await?, watched.usage());
        let (messages, seconds) = take_in(&app, mailbox, senders, time).await?;
        let used = watched.usage() - used;
        cpu[0].push(used.server * 1000.0 / messages as f64);
        cpu[1].push(used.postgres * 1000.0 / messages as f64);
        ours.push(messages as f64 / seconds);
        let between = counts(pool).await?;
        theirs.push(pgbench(database, &script, senders, time, watched.postmaster).await?);
        let after = counts(pool).await?;
        growth = [difference(&between, &before), difference(&after, &between)];
    }
    for (table, (left, right)) in TABLES.iter().zip(growth[0].iter().zip(&growth[1])) {
        let share = |rows: &i64, all: &[i64]| *rows as f64 / all[0].max(1) as f64;
        let (left, right) = (share(left, &growth[0]), share(right, &growth[1]));
        anyhow::ensure!(
            (left - right).abs() < 0.05,
            "{table} grows by {left:.2} rows per mail, with pgbench by {right:.2}: the script is out of date"
        );
    }
    let (ours, theirs, [own, postgres]) = (median(ours), median(theirs), cpu.map(median));
    let note = format!(
        "{size}: mail taken in by {senders} senders: {ours:.0} messages/s ({own:.2} ms processor time each, and {postgres:.2} ms of Postgres’); \
         pgbench inserting the same rows with as many clients: {theirs:.0}/s; ratio {:.2}.",
        ours / theirs
    );
    eprintln!("  {note}");
    report.notes.push(note);
    clean(pool, marks).await
}

/// Stores and understands mail for some time; how many mails, in how many seconds.
async fn take_in(app: &App, mailbox: ChannelId, senders: usize, time: Duration) -> anyhow::Result<(u64, f64)> {
    let began = Instant::now();
    let count = Arc::new(AtomicU64::new(0));
    let run: u64 = rand::random();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let (app, count) = (app.clone(), count.clone());
        tasks.spawn(async move {
            for number in 0_u64.. {
                if began.elapsed() >= time {
                    break;
                }
                let (from, raw) = mail(&format!("{run:x}.{sender}.{number}"));
                let to = [MAILBOX.to_owned()];
                let new = NewDelivery { channel: mailbox, door: "smtp", envelope_from: Some(&from), envelope_to: &to, raw: raw.as_bytes() };
                let id = deliveries::store(&mut *app.db.acquire().await?, new).await?;
                channels::process(&app, id).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((count.load(Ordering::Relaxed), began.elapsed().as_secs_f64()))
}

/// A mail as a customer's program writes it, with the sender's address.
fn mail(unique: &str) -> (String, String) {
    let from = format!("anna.{unique}@mail.example");
    let body = BODY.replace('\n', "\r\n");
    let raw = format!(
        "Received: from mx.mail.example (mx.mail.example [192.0.2.7]) by bench.example with ESMTPS id 4Zx; Fri, 20 Nov 2026 10:11:12 +0100\r\n\
         DKIM-Signature: v=1; a=rsa-sha256; d=mail.example; s=s1; h=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=abc\r\n\
         Message-ID: <{unique}@mail.example>\r\nDate: Fri, 20 Nov 2026 10:11:11 +0100\r\nFrom: Anna Rossi <{from}>\r\nTo: {MAILBOX}\r\n\
         Subject: Dove si trova il mio ordine?\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    );
    (from, raw)
}

/// What the desk writes for such a mail, statement by statement: see `desk::deliveries` and `desk::tickets::receive`.
fn pgbench_script(mailbox: ChannelId) -> String {
    let (_, raw) = mail("0123456789abcdef.0.00000");
    let raw = hex::encode(raw);
    let body = BODY.replace('\'', "''");
    let excerpt: String = body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(190).collect();
    let words = sportello::text::folding::fold(&format!(
        "Dove si trova il mio ordine?\nAnna Rossi\nanna.0123456789abcdef.0.0@mail.example\n{BODY}"
    ))
    .replace('\'', "''");
    format!(
        r#"\set n random(1, 1000000000000000)
begin;
insert into deliveries (channel_id, door, envelope_from, envelope_to, raw) values ({mailbox}, 'smtp', 'anna.' || :n::text || '@mail.example', '{{{MAILBOX}}}', '\x{raw}'::bytea) returning id \gset d_
insert into jobs (kind, args, unique_key, run_at) values ('process_delivery', jsonb_build_object('delivery', :d_id::bigint), 'delivery:' || :d_id::text, now() + interval '60 seconds') on conflict (unique_key) where unique_key is not null and dead_at is null do update set run_at = excluded.run_at;
commit;
begin;
insert into contacts (name, language) values ('Anna Rossi', 'it') returning id \gset c_
insert into identities (contact_id, kind, address) values (:c_id::bigint, 'email', 'anna.' || :n::text || '@mail.example') on conflict do nothing;
insert into tickets (channel_id, contact_id, subject, team_id, language, waiting_since, message_count, excerpt, last_direction, details) values ({mailbox}, :c_id::bigint, 'Dove si trova il mio ordine?', null, 'it', now(), 1, '{excerpt}', 'inbound', '[]') returning id \gset t_
insert into messages (ticket_id, channel_id, direction, contact_id, body, quote_from, quote_to, html, language, provider_id, envelope, automatic, bounce, delivery_id) values (:t_id::bigint, {mailbox}, 'inbound', :c_id::bigint, '{body}', 0, 0, null, 'it', :n::text || '@mail.example', jsonb_build_object('from', jsonb_build_object('name', 'Anna Rossi', 'address', 'anna.' || :n::text || '@mail.example'), 'to', jsonb_build_array(jsonb_build_object('name', '', 'address', '{MAILBOX}')), 'subject', 'Dove si trova il mio ordine?'), false, false, :d_id::bigint) returning id \gset m_
insert into thread_keys (channel_id, key, ticket_id) values ({mailbox}, :n::text || '@mail.example', :t_id::bigint) on conflict do nothing;
insert into search_documents (message_id, ticket_id, words) values (:m_id::bigint, :t_id::bigint, to_tsvector('italian'::regconfig, '{words}' || :n::text) || array_to_tsvector(array['$a' || (:m_id::bigint / 4096)::text, '$b' || (:m_id::bigint / 65536)::text, '$c' || (:m_id::bigint / 1048576)::text]));
insert into events (ticket_id, agent_id, kind, data) values (:t_id::bigint, null, 'created', '{{}}');
insert into jobs (kind, args, unique_key, run_at) values ('acknowledge', jsonb_build_object('ticket', :t_id::bigint, 'message', :m_id::bigint), null, now()) on conflict (unique_key) where unique_key is not null and dead_at is null do update set run_at = excluded.run_at;
update deliveries set state = 'processed', reason = null where id = :d_id::bigint;
delete from jobs where unique_key = 'delivery:' || :d_id::text and dead_at is null and attempts = 0;
commit;
"#
    )
}

async fn pgbench(database: &Database, script: &Path, clients: usize, time: Duration, postmaster: u32) -> anyhow::Result<f64> {
    let options = database.connect_options();
    let beside = std::fs::read_link(format!("/proc/{postmaster}/exe")).ok().and_then(|exe| Some(exe.parent()?.join("pgbench")));
    let program = beside.filter(|path| path.exists()).unwrap_or_else(|| "pgbench".into());
    let socket = options.get_socket().context("a private cluster has a socket")?;
    let output = tokio::process::Command::new(&program)
        .args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", "2", "-T", &time.as_secs().to_string(), "-f"])
        .arg(script)
        .args(["-U", options.get_username(), "-h"])
        .arg(socket)
        .args(["-p", &options.get_port().to_string(), "sportello"])
        .output()
        .await
        .with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    found.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

async fn counts(pool: &PgPool) -> anyhow::Result<Vec<i64>> {
    // The newest number of each table that has one: counting a million rows would warm and slow what is measured.
    let row = sqlx::query(
        "select (select max(id) from deliveries), (select max(id) from contacts), (select max(id) from identities), (select max(id) from tickets),
                (select max(id) from messages), (select count(*) from thread_keys where ticket_id > (select tickets from bench_seed)),
                (select count(*) from search_documents where message_id > 3 * (select tickets from bench_seed)), (select max(id) from events)",
    )
    .fetch_one(pool)
    .await?;
    Ok((0..TABLES.len()).map(|column| row.get::<Option<i64>, _>(column).unwrap_or(0)).collect())
}

fn difference(after: &[i64], before: &[i64]) -> Vec<i64> {
    after.iter().zip(before).map(|(after, before)| after - before).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The newest rows of the seed, to find what came after.
async fn marks(pool: &PgPool) -> anyhow::Result<(i64, i64)> {
    Ok(sqlx::query_as("select max(id), (select max(id) from contacts) from tickets").fetch_one(pool).await?)
}

/// Takes away what was taken in, so that the desk has its size again.
async fn clean(pool: &PgPool, (ticket, contact): (i64, i64)) -> anyhow::Result<()> {
    let mut db = pool.acquire().await?.detach();
    for statement in ["set session_replication_role = replica", "set statement_timeout = 0", "delete from deliveries", "delete from jobs"] {
        sqlx::query(statement).execute(&mut db).await?;
    }
    for (table, column, last) in [
        ("search_documents", "ticket_id", ticket),
        ("events", "ticket_id", ticket),
        ("thread_keys", "ticket_id", ticket),
        ("messages", "ticket_id", ticket),
        ("tickets", "id", ticket),
        ("identities", "contact_id", contact),
        ("contacts", "id", contact),
    ] {
        let statement = format!("delete from {table} where {column} > {last}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut db).await?;
    }
    sqlx::query("vacuum (analyze)").execute(&mut db).await?;
    Ok(())
}
