//! How fast the desk is: seeds a private desk of a given size, serves it with the real program and measures from outside.
//!
//! `scripts/bench --help` tells the options; docs/benchmarks.md tells what the numbers mean.

mod chat;
mod client;
mod ingest;
mod report;
mod seed;
mod usage;
mod words;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use sportello::database::{Database, Settings};
use sqlx::PgPool;

use crate::client::Client;
use crate::report::{Line, Report};
use crate::usage::Watched;

/// Measures Sportello at several sizes and prints a table.
#[derive(Debug, Parser)]
struct Args {
    /// Tickets, such as 10k,100k,1m
    #[arg(long, value_delimiter = ',', default_value = "10k,100k")]
    sizes: Vec<String>,
    /// Seconds per measure
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only measures whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Connections of the closed loops
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    connections: Vec<usize>,
    /// Senders of mail at the same time
    #[arg(long, default_value_t = 8)]
    senders: usize,
    /// Widgets of visitors that are open at the same time, such as 1k,5k,10k; measured at the first size only
    #[arg(long, value_delimiter = ',', default_value = "1k")]
    visitors: Vec<String>,
    /// Chats that go on meanwhile
    #[arg(long, default_value_t = 200)]
    chats: usize,
    /// Where the seeded desks are kept from run to run
    #[arg(long, default_value = "/tmp/sportello-bench")]
    scratch: PathBuf,
    /// The table is also written here
    #[arg(long, default_value = "target/bench.md")]
    out: PathBuf,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

/// The program under test, built with this harness.
const PROGRAM: &str = env!("CARGO_BIN_EXE_sportello");

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("a TLS provider was chosen before");
    }
    let mut report = Report::default();
    for size in &args.sizes {
        let tickets = parse_size(size)?;
        eprintln!("{size} tickets");
        let data = args.scratch.join(size.to_lowercase());
        measure_size(&args, &data, size, tickets, &mut report).await.with_context(|| format!("at {size} tickets"))?;
    }
    let text = report.text();
    println!("{text}");
    std::fs::write(&args.out, &text).with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(())
}

fn parse_size(size: &str) -> anyhow::Result<i64> {
    let lower = size.to_lowercase();
    let (digits, factor) = match lower.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => lower.strip_suffix('m').map_or((lower.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    Ok(digits.parse::<i64>().with_context(|| format!("{size} is not a size such as 10k"))? * factor)
}

async fn measure_size(args: &Args, data: &Path, size: &str, tickets: i64, report: &mut Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(data)?;
    let settings = Settings { data_dir: data.to_owned(), guard_program: Some(PROGRAM.into()), max_connections: 40, ..Settings::default() };
    let database = Database::open(&settings).await?;
    database.migrate().await?;
    seed::fill(database.pool(), &database.connect_options(), tickets).await?;
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(database.pool()).await?;
    let postmaster = u32::try_from(backend).ok().and_then(usage::parent).context("no /proc here")?;
    if report.facts.is_empty() {
        report.facts = report::facts(&database);
    }
    if let Some(socket) = database.connect_options().get_socket() {
        eprintln!("  psql -h {} -U sportello sportello", socket.display());
    }
    let pages = pages(database.pool(), tickets).await?;
    if pages.iter().any(|(name, _)| args.wants(name)) {
        measure_pages(args, data, size, postmaster, &pages, report).await?;
    }
    if args.wants("ingest") {
        let watched = Watched { server: None, postmaster };
        ingest::measure(&database, data, args.senders, Duration::from_secs(args.seconds), watched, size, report).await?;
    }
    if args.wants("chat") && args.sizes.first().is_some_and(|first| first == size) {
        for visitors in &args.visitors {
            let (visitors, time) = (usize::try_from(parse_size(visitors)?)?, Duration::from_secs(args.seconds));
            chat::measure(database.pool(), data, visitors, args.chats, time, postmaster, report)
                .await
                .with_context(|| format!("with {visitors} widgets"))?;
        }
    }
    database.close().await;
    Ok(())
}

/// The measured pages: name and addresses.
async fn pages(pool: &PgPool, tickets: i64) -> anyhow::Result<Vec<(&'static str, Vec<String>)>> {
    let deep: Option<String> = sqlx::query_scalar(
        "select (extract(epoch from solved_at) * 1000000)::bigint || '.' || id from tickets where status = 'solved'
         order by solved_at desc, id desc limit 1 offset $1",
    )
    .bind(tickets / 2)
    .fetch_optional(pool)
    .await?;
    let contact: String = sqlx::query_scalar("select address from identities order by id offset 100 limit 1").fetch_one(pool).await?;
    let some = (1..=400).map(|n| format!("/tickets/{}", (n * 7_919_i64) % tickets + 1)).collect();
    let search = |question: &str| vec![format!("/search?q={question}")];
    Ok(vec![
        ("inbox", vec!["/inbox/open".to_owned()]),
        ("inbox compressed", vec!["/inbox/open".to_owned()]),
        ("inbox by tag", vec!["/inbox/open?tag=30".to_owned()]),
        ("solved", vec!["/inbox/solved".to_owned()]),
        ("solved deep", vec![format!("/inbox/solved?after={}", deep.unwrap_or_default())]),
        ("solved by rare tag", vec!["/inbox/solved?tag=2".to_owned()]),
        ("ticket", some),
        ("search rare", search(words::RARE)),
        ("search seldom", search(words::SELDOM)),
        ("search common", search(words::COMMON)),
        ("search two common", search(&format!("{}+{}", words::COMMON, words::ALSO_COMMON))),
        ("search common and rare", search(&format!("{}+{}", words::COMMON, words::RARE))),
        ("search nothing", search("nirgendwo")),
        ("search address", search(&contact[..contact.find('@').map_or(4, |at| at + 1)].replace('@', "%40"))),
    ])
}

async fn measure_pages(
    args: &Args,
    data: &Path,
    size: &str,
    postmaster: u32,
    pages: &[(&'static str, Vec<String>)],
    report: &mut Report,
) -> anyhow::Result<()> {
    let (web, mail) = (free_address()?, free_address()?);
    let log = std::fs::File::create(data.join("server.log"))?;
    let mut server = tokio::process::Command::new(PROGRAM)
        .arg("--data")
        .arg(data)
        .args(["--listen", &web.to_string(), "--smtp-listen", &mail.to_string(), "serve"])
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let pid = server.id().context("the server ended at once")?;
    let cookie = sign_in(web).await?;
    let watched = Watched { server: Some(pid), postmaster };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = usage::memory(pid, "VmRSS");
    for (name, paths) in pages.iter().filter(|(name, _)| args.wants(name)) {
        let encoding = if name.ends_with("compressed") { "Accept-Encoding: gzip, deflate, br\r\n" } else { "" };
        let requests: Arc<Vec<Vec<u8>>> = Arc::new(
            paths
                .iter()
                .map(|path| format!("GET {path} HTTP/1.1\r\nHost: {web}\r\nCookie: {cookie}\r\n{encoding}\r\n").into_bytes())
                .collect(),
        );
        client::closed_loop(web, &requests, 2, Duration::from_millis(700)).await.with_context(|| format!("warming up for {name}"))?;
        for connections in &args.connections {
            let before = watched.usage();
            let measured = client::closed_loop(web, &requests, *connections, Duration::from_secs(args.seconds)).await?;
            let line = Line { size: size.to_owned(), name, connections: *connections, measured, used: watched.usage() - before };
            eprintln!("  {}", line.brief());
            report.lines.push(line);
        }
    }
    let (resident, highest) = (usage::memory(pid, "VmRSS"), usage::memory(pid, "VmHWM"));
    report.notes.push(format!(
        "{size}: resident memory of the server {idle:.0} MB idle, {resident:.0} MB after the load, {highest:.0} MB at most."
    ));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(pid)?), nix::sys::signal::Signal::SIGTERM)?;
    tokio::time::timeout(Duration::from_secs(60), server.wait()).await.context("the server does not stop")??;
    Ok(())
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits for the server and returns the cookie of a session.
async fn sign_in(web: SocketAddr) -> anyhow::Result<String> {
    let form = format!("email={}&password={}&next=%2F", seed::EMAIL.replace('@', "%40"), seed::PASSWORD);
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {web}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    for _ in 0..200 {
        if let Ok(mut client) = Client::connect(web).await {
            let answer = client.send(request.as_bytes()).await?;
            return answer.cookie.with_context(|| format!("signing in answered {}: {}", answer.status, client.text()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the server does not answer; see server.log in the scratch folder")
}
