//! A closed loop of requests: each connection sends the next one when the answer to the last is read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// An answer that takes longer ends the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTP/1.1 connection that stays open.
pub struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

/// What came back, without its body.
pub struct Answer {
    pub status: u16,
    pub cookie: Option<String>,
    pub bytes: usize,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), body: Vec::new() })
    }

    /// Sends a whole request and reads its answer to the end.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.context("no answer in time")?
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.get_mut().write_all(request).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(|| format!("not HTTP: {line:?}"))?;
        let (mut length, mut cookie) = (None, None);
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse::<usize>().ok(),
                "set-cookie" if value.contains("session") => cookie = value.trim().split(';').next().map(str::to_owned),
                _ => {}
            }
        }
        let bytes = match length {
            Some(length) => {
                self.body.resize(length, 0);
                self.stream.read_exact(&mut self.body).await?;
                length
            }
            None => self.chunks(&mut line).await?,
        };
        Ok(Answer { status, cookie, bytes })
    }

    async fn chunks(&mut self, line: &mut String) -> anyhow::Result<usize> {
        let mut bytes = 0;
        loop {
            line.clear();
            self.stream.read_line(line).await?;
            let length = usize::from_str_radix(line.trim(), 16).with_context(|| format!("not a chunk: {line:?}"))?;
            self.body.resize(length + 2, 0);
            self.stream.read_exact(&mut self.body).await?;
            bytes += length;
            if length == 0 {
                return Ok(bytes);
            }
        }
    }

    /// The text of the last answer that had a length.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What a closed loop measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    pub requests: usize,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
    pub slowest: f64,
    pub bytes: usize,
}

/// Runs `connections` loops over the requests for `time`; each starts at another one.
pub async fn closed_loop(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let mut loops = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let requests = requests.clone();
        loops.spawn(async move {
            let mut client = Client::connect(address).await?;
            let (mut times, mut bytes) = (Vec::new(), 0);
            let mut next = connection * 37;
            while began.elapsed() < time {
                let start = Instant::now();
                let request = &requests[next % requests.len()];
                let answer = client.send(request).await?;
                times.push(start.elapsed().as_secs_f64() * 1000.0);
                anyhow::ensure!(
                    answer.status == 200,
                    "{} answered {}",
                    String::from_utf8_lossy(request).lines().next().unwrap_or_default(),
                    answer.status
                );
                bytes += answer.bytes;
                next += 1;
            }
            anyhow::Ok((times, bytes))
        });
    }
    let (mut times, mut bytes) = (Vec::new(), 0);
    while let Some(done) = loops.join_next().await {
        let (more, read) = done??;
        times.extend(more);
        bytes += read;
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1))).copied().unwrap_or(0.0);
    Ok(Measured {
        requests: times.len(),
        per_second: times.len() as f64 / seconds,
        p50: at(0.5),
        p99: at(0.99),
        slowest: times.last().copied().unwrap_or(0.0),
        bytes: bytes / times.len().max(1),
    })
}
