//! Thousands of open widgets on one process while two hundred chats go on: memory, processor time, and how long a word takes from the
//! visitor's hand to the agent's screen, and back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use sportello::desk::agents;
use sportello::desk::kinds::Role;
use sportello::desk::sessions;
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};

use crate::client::Client;
use crate::report::Report;
use crate::usage::{self, Watched};
use crate::{PROGRAM, free_address};

/// The agents who hold the chats.
const AGENTS: usize = 70;
/// A visitor says something every so many seconds, give or take one.
const PAUSE: f64 = 5.0;
/// Connections that are opened at the same time.
const OPENING: usize = 64;
/// A word that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who holds the chats.
struct Agent {
    cookie: String,
    /// Who waits to be told that this chat changed.
    waiting: Arc<Mutex<HashMap<i64, mpsc::UnboundedSender<()>>>>,
}

/// Opens `visitors` widgets, lets so many chats go on for `time`, and notes what it cost.
pub async fn measure(
    pool: &PgPool,
    data: &Path,
    visitors: usize,
    chats: usize,
    time: Duration,
    postmaster: u32,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cookies = prepare(pool).await?;
    let (web, mail) = (free_address()?, free_address()?);
    let log = std::fs::File::create(data.join("chat-server.log"))?;
    let mut server = tokio::process::Command::new(PROGRAM)
        .arg("--data")
        .arg(data)
        // Every widget has an address of its own, as visitors have; the desk believes what its proxy says about it.
        .args(["--listen", &web.to_string(), "--smtp-listen", &mail.to_string(), "--trusted-proxies", "127.0.0.1", "serve"])
        .env("RUST_LOG", "warn")
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let pid = server.id().context("the server ended at once")?;
    wait_for(web).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let empty = usage::memory(pid, "VmRSS");

    let opening = Arc::new(Semaphore::new(OPENING));
    let mut widgets = tokio::task::JoinSet::new();
    for number in 0..visitors {
        let opening = opening.clone();
        widgets.spawn(async move {
            let _turn = opening.acquire().await?;
            Stream::open(web, number, "/chat/bench/events?lang=it", "").await
        });
    }
    let mut open = Vec::with_capacity(visitors);
    while let Some(widget) = widgets.join_next().await {
        open.push(widget??);
    }
    // What they are told meanwhile is read and thrown away, as a browser would read it.
    let idle: Vec<_> = open.into_iter().map(|mut stream| tokio::spawn(async move { while stream.event().await.is_ok() {} })).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let connected = usage::memory(pid, "VmRSS");
    let watched = Watched { server: Some(pid), postmaster };
    let before = watched.usage();
    let rested = Instant::now();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let rest = watched.usage() - before;
    let rest_share = (rest.server + rest.postgres) / rested.elapsed().as_secs_f64() * 100.0;

    let mut agents = Vec::new();
    for cookie in cookies {
        agents.push(Arc::new(Agent::listen(web, cookie).await?));
    }
    // One after another: whom a new chat rings is decided by one transaction at a time, and two hundred never begin in one instant.
    let mut begun = Vec::new();
    for number in 0..chats {
        begun.push(Chat::begin(web, visitors + number, agents[number % agents.len()].clone()).await?);
    }
    let (before, start) = (watched.usage(), Instant::now());
    let mut talking = tokio::task::JoinSet::new();
    for chat in begun {
        talking.spawn(chat.go_on(time));
    }
    let (mut there, mut back) = (Vec::new(), Vec::new());
    while let Some(times) = talking.join_next().await {
        let (one, other) = times??;
        there.extend(one);
        back.extend(other);
    }
    let used = watched.usage() - before;
    let seconds = start.elapsed().as_secs_f64();
    let (resident, highest) = (usage::memory(pid, "VmRSS"), usage::memory(pid, "VmHWM"));
    let both: Vec<f64> = there.iter().zip(&back).map(|(there, back)| there + back).collect();
    if report.chats.is_empty() {
        report.chats = "| Widgets open | KB each | MB idle | MB with chats | MB at most | CPU at rest | CPU with chats | Words/s | to the agent p50 / p99 ms | back p50 / p99 ms | both p50 / p99 ms |\n\
                        |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    }
    let line = format!(
        "| {visitors} | {:.1} | {connected:.0} | {resident:.0} | {highest:.0} | {rest_share:.0} % | {:.0} % | {:.0} | {} | {} | {} |",
        (connected - empty) * 1024.0 / visitors.max(1) as f64,
        (used.server + used.postgres) / seconds * 100.0,
        (there.len() + back.len()) as f64 / seconds,
        spread(there),
        spread(back),
        spread(both),
    );
    eprintln!("  {line}");
    report.chats.push_str(&line);
    report.chats.push('\n');
    idle.into_iter().for_each(|widget| widget.abort());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(pid)?), nix::sys::signal::Signal::SIGTERM)?;
    tokio::time::timeout(Duration::from_secs(60), server.wait()).await.context("the server does not stop")??;
    Ok(())
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1))).copied().unwrap_or(0.0);
    format!("{:.1} / {:.1}", at(0.5), at(0.99))
}

/// A chat that is always open, and agents who are there all day. Returns their cookies.
async fn prepare(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    sqlx::query("insert into channels (kind, name, address) values ('chat', 'Bench chat', 'bench') on conflict do nothing")
        .execute(pool)
        .await?;
    sqlx::query("delete from jobs where kind in ('chat_step', 'chat_mail', 'agent_lapse')").execute(pool).await?;
    sqlx::query("delete from chats").execute(pool).await?;
    sqlx::query("delete from visitors").execute(pool).await?;
    let day = json!([{ "from": "00:00", "to": "24:00" }]);
    let week: Vec<&Value> = (0..7).map(|_| &day).collect();
    sqlx::query("update desk set hours = $1").bind(json!({ "week": week })).execute(pool).await?;
    let mut db = pool.acquire().await?;
    let mut cookies = Vec::new();
    for number in 0..AGENTS {
        let email = format!("chat{number}@bench.example");
        let known: Option<i64> = sqlx::query_scalar("select id from agents where email = $1").bind(&email).fetch_optional(&mut *db).await?;
        let id = match known {
            Some(id) => sportello::ids::AgentId(id),
            None => agents::create(&mut db, &email, &format!("Agent {number}"), Role::Agent).await?,
        };
        sqlx::query("update agents set chat_limit = 20 where id = $1").bind(id.0).execute(&mut *db).await?;
        sqlx::query(
            "insert into presence (agent_id, seen_at) values ($1, now() + interval '1 day') on conflict (agent_id) do update
             set seen_at = excluded.seen_at, wish = 'online', missed = 0",
        )
        .bind(id.0)
        .execute(&mut *db)
        .await?;
        cookies.push(format!("sportello_session={}", sessions::open(&mut db, id, "bench", "127.0.0.1").await?));
    }
    Ok(cookies)
}

async fn wait_for(web: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..200 {
        if let Ok(mut client) = Client::connect(web).await
            && client.send(format!("GET /healthz HTTP/1.1\r\nHost: {web}\r\n\r\n").as_bytes()).await.is_ok()
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the server does not answer; see chat-server.log in the scratch folder")
}

/// The address of a visitor, one for each.
fn address(number: usize) -> String {
    format!("10.{}.{}.{}", number / 60_000, number / 250 % 240, number % 250 + 1)
}

/// A stream of events.
struct Stream {
    reader: BufReader<TcpStream>,
    line: String,
}

impl Stream {
    /// Opens it, and waits for the first event.
    async fn open(web: SocketAddr, number: usize, path: &str, headers: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(web).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {web}\r\nX-Forwarded-For: {}\r\n{headers}\r\n", address(number));
        stream.write_all(request.as_bytes()).await?;
        let mut stream = Self { reader: BufReader::with_capacity(1024, stream), line: String::new() };
        stream.next_line().await?;
        anyhow::ensure!(stream.line.contains(" 200 "), "the stream answered {}", stream.line);
        tokio::time::timeout(PATIENCE, stream.event()).await.context("no first event")??;
        Ok(stream)
    }

    async fn next_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        anyhow::ensure!(self.reader.read_line(&mut self.line).await? > 0, "the stream ended");
        Ok(())
    }

    /// The next event: its name and data. Chunk sizes and comments are no events.
    async fn event(&mut self) -> anyhow::Result<(String, String)> {
        let mut name = String::new();
        loop {
            self.next_line().await?;
            if let Some(rest) = self.line.strip_prefix("event:") {
                rest.trim().clone_into(&mut name);
            } else if let Some(data) = self.line.strip_prefix("data:") {
                return Ok((name, data.trim().to_owned()));
            }
        }
    }
}

impl Agent {
    /// The chats of this agent but for one, with commas.
    fn others(&self, ticket: i64) -> String {
        let waiting = self.waiting.lock().expect("nobody panics with it");
        waiting.keys().filter(|id| **id != ticket).map(i64::to_string).collect::<Vec<_>>().join(",")
    }

    async fn listen(web: SocketAddr, cookie: String) -> anyhow::Result<Self> {
        let waiting: Arc<Mutex<HashMap<i64, mpsc::UnboundedSender<()>>>> = Arc::default();
        let mut stream = Stream::open(web, 0, "/live", &format!("Cookie: {cookie}\r\n")).await?;
        let told = waiting.clone();
        tokio::spawn(async move {
            while let Ok((name, data)) = stream.event().await {
                if name != "chat" {
                    continue;
                }
                let id = serde_json::from_str::<Value>(&data).ok().and_then(|data| data["id"].as_i64()).unwrap_or_default();
                if let Some(chat) = told.lock().expect("nobody panics with it").get(&id) {
                    let _ = chat.send(());
                }
            }
        });
        Ok(Self { cookie, waiting })
    }
}

/// A visitor and the agent who holds their chat.
struct Chat {
    web: SocketAddr,
    number: usize,
    ticket: i64,
    token: String,
    agent: Arc<Agent>,
    visitor_posts: Client,
    agent_posts: Client,
    stream: Stream,
    changed: mpsc::UnboundedReceiver<()>,
}

impl Chat {
    async fn begin(web: SocketAddr, number: usize, agent: Arc<Agent>) -> anyhow::Result<Self> {
        let mut visitor_posts = Client::connect(web).await?;
        let body = json!({ "id": format!("begin-{number}-{}", std::process::id()), "text": "Buongiorno" }).to_string();
        let answer = visitor_posts.send(&say(web, number, "", &body)).await?;
        anyhow::ensure!(answer.status == 201, "{}: {}", answer.status, visitor_posts.text());
        let said: Value = serde_json::from_str(&visitor_posts.text())?;
        let ticket = said["chat"]["number"].as_i64().context("a number")?;
        let token = said["token"].as_str().context("a token")?.to_owned();
        let mut agent_posts = Client::connect(web).await?;
        let accept = format!(
            "POST /chats/{ticket}/accept HTTP/1.1\r\nHost: {web}\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
            agent.cookie
        );
        let answer = agent_posts.send(accept.as_bytes()).await?;
        anyhow::ensure!(answer.status < 400, "accepting answered {}: {}", answer.status, agent_posts.text());
        let (sender, changed) = mpsc::unbounded_channel();
        agent.waiting.lock().expect("nobody panics with it").insert(ticket, sender);
        let newest = said["message"]["id"].as_i64().context("an id")?;
        let headers = format!("Authorization: Bearer {token}\r\n");
        let stream = Stream::open(web, number, &format!("/chat/bench/events?after={newest}&lang=it"), &headers).await?;
        Ok(Self { web, number, ticket, token, agent, visitor_posts, agent_posts, stream, changed })
    }

    /// Says something every few seconds and waits until it stands on the agent's screen; the agent answers, and the visitor sees it.
    async fn go_on(mut self, time: Duration) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
        let began = Instant::now();
        let (mut there, mut back) = (Vec::new(), Vec::new());
        tokio::time::sleep(Duration::from_secs_f64(rand::random::<f64>() * PAUSE)).await;
        while began.elapsed() < time {
            let word = format!("word-{}-{}", self.ticket, there.len());
            let (to_agent, to_visitor) = tokio::time::timeout(PATIENCE, self.exchange(&word)).await.context("a word got lost")??;
            there.push(to_agent);
            back.push(to_visitor);
            tokio::time::sleep(Duration::from_secs_f64(PAUSE - 1.0 + 2.0 * rand::random::<f64>())).await;
        }
        Ok((there, back))
    }

    async fn exchange(&mut self, word: &str) -> anyhow::Result<(f64, f64)> {
        while self.changed.try_recv().is_ok() {}
        let start = Instant::now();
        let body = json!({ "id": format!("{word}-{}", std::process::id()), "text": word }).to_string();
        let request = say(self.web, self.number, &self.token, &body);
        let answer = self.visitor_posts.send(&request).await?;
        anyhow::ensure!(answer.status == 201, "{}: {}", answer.status, self.visitor_posts.text());
        // The screen is told, reads itself again, and has the word on it.
        loop {
            self.changed.recv().await.context("the agent's stream ended")?;
            // As the page's script asks: of the agent's other chats nothing was heard.
            let page = format!(
                "GET /chats?open={} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nX-Requested-With: sportello\r\nX-Same: {}\r\n\r\n",
                self.ticket,
                self.web,
                self.agent.cookie,
                self.agent.others(self.ticket)
            );
            let answer = self.agent_posts.send(page.as_bytes()).await?;
            anyhow::ensure!(answer.status == 200, "/chats answered {}", answer.status);
            if self.agent_posts.text().contains(word) {
                break;
            }
        }
        let there = start.elapsed().as_secs_f64() * 1000.0;
        let start = Instant::now();
        let body = format!("body=re-{word}&then=send&once={word}");
        let request = format!(
            "POST /chats/{}/say HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nX-Requested-With: sportello\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.ticket,
            self.web,
            self.agent.cookie,
            body.len()
        );
        let answer = self.agent_posts.send(request.as_bytes()).await?;
        anyhow::ensure!(answer.status == 200, "saying answered {}: {}", answer.status, self.agent_posts.text());
        let wanted = format!("re-{word}\"");
        loop {
            let (name, data) = self.stream.event().await?;
            if name == "message" && data.contains(&wanted) {
                break;
            }
        }
        Ok((there, start.elapsed().as_secs_f64() * 1000.0))
    }
}

/// The request with which a widget sends a message.
fn say(web: SocketAddr, number: usize, token: &str, body: &str) -> Vec<u8> {
    let bearer = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!(
        "POST /chat/bench/messages HTTP/1.1\r\nHost: {web}\r\nX-Forwarded-For: {}\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        address(number),
        body.len()
    )
    .into_bytes()
}
