//! Lines to mail servers on which something goes wrong, and a mail server that goes wrong by itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// A line to another port.
pub struct Line {
    pub port: u16,
    /// Bytes that the server may still say until the line is cut, once; negative: as many as it likes.
    pub left: Arc<AtomicI64>,
    /// Milliseconds for which the server thinks before it says anything.
    pub thinks: Arc<AtomicU64>,
    /// Connections so far.
    pub connections: Arc<AtomicUsize>,
}

impl Line {
    /// Opens one; `hook` hears what the client says before the server does.
    pub async fn to(port: u16, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hook: Hook = Arc::new(hook);
        let line = Self {
            port: listener.local_addr().expect("a port").port(),
            left: Arc::new(AtomicI64::new(-1)),
            thinks: Arc::default(),
            connections: Arc::default(),
        };
        let (left, thinks, connections) = (line.left.clone(), line.thinks.clone(), line.connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                tokio::spawn(carry(client, server, hook.clone(), left.clone(), thinks.clone()));
            }
        });
        line
    }
}

async fn carry(client: TcpStream, server: TcpStream, hook: Hook, left: Arc<AtomicI64>, thinks: Arc<AtomicU64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            hook(&String::from_utf8_lossy(&buffer[..n]));
            if to_server.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 4 * 1024];
        while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
            tokio::time::sleep(Duration::from_millis(thinks.load(Ordering::SeqCst))).await;
            let may = left.load(Ordering::SeqCst);
            let n_wide = i64::try_from(n).expect("small");
            if may >= 0 && n_wide > may {
                let _ = to_client.write_all(&buffer[..usize::try_from(may).expect("small")]).await;
                left.store(-1, Ordering::SeqCst);
                return;
            }
            if may >= 0 {
                left.store(may - n_wide, Ordering::SeqCst);
            }
            if to_client.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

/// A server for incoming mail that lets nobody in, with these words; answers with its port.
pub async fn shut(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(turn_away(socket, words));
        }
    });
    port
}

async fn turn_away(socket: TcpStream, words: &str) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"* OK ready\r\n").await?;
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (tag, asked) = line.split_once(' ').unwrap_or_default();
        if asked.starts_with("AUTHENTICATE") {
            socket.write_all(b"+ \r\n").await?;
            socket.read_line(&mut String::new()).await?;
        }
        let answer = if asked.starts_with("CAPABILITY") { "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n" } else { "" };
        let result = if asked.starts_with("CAPABILITY") { "OK done" } else { &format!("NO {words}") };
        socket.write_all(format!("{answer}{tag} {result}\r\n").as_bytes()).await?;
    }
}

/// What goes wrong at a mail server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// 451 to so many recipients, then it takes them.
    pub greylist: usize,
    /// Hangs up so many times after it has taken the whole mail, without saying so.
    pub lost_after_dot: usize,
    /// Refuses this many mails after their text, with these words.
    pub refuse_data: Option<String>,
    /// Refuses senders with a tag.
    pub no_tags: bool,
    /// Lets in only with tokens that begin so.
    pub tokens: Option<String>,
    /// What it offers besides.
    pub extensions: Vec<&'static str>,
}

/// What it was given: sender, recipients, mail.
#[derive(Debug, Clone)]
pub struct Given {
    pub from: String,
    pub to: Vec<String>,
    pub mail: String,
    /// The token with which it was let in.
    pub token: String,
}

/// A mail server that goes wrong as it is told.
#[derive(Clone)]
pub struct Moody {
    pub address: SocketAddr,
    pub faults: Arc<Mutex<Faults>>,
    pub given: Arc<Mutex<Vec<Given>>>,
    /// Every token that was shown.
    pub shown: Arc<Mutex<Vec<String>>>,
}

impl Moody {
    /// Starts one.
    pub async fn start(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let moody = Self {
            address: listener.local_addr().expect("a port"),
            faults: Arc::new(Mutex::new(faults)),
            given: Arc::default(),
            shown: Arc::default(),
        };
        let server = moody.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(socket).await });
            }
        });
        moody
    }

    /// What it was given so far.
    pub fn given(&self) -> Vec<Given> {
        self.given.lock().expect("nobody panicked").clone()
    }

    async fn serve(self, socket: TcpStream) -> std::io::Result<()> {
        let mut socket = BufReader::new(socket);
        socket.write_all(b"220 moody ESMTP\r\n").await?;
        let (mut from, mut to, mut token) = (String::new(), Vec::new(), String::new());
        loop {
            let mut line = String::new();
            if socket.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let faults = self.faults.lock().expect("nobody panicked").clone();
            let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let answer = match verb.as_str() {
                "EHLO" => {
                    let auth = faults.tokens.as_ref().map(|_| "AUTH XOAUTH2 PLAIN");
                    let lines: Vec<&str> = ["moody"].into_iter().chain(faults.extensions.iter().copied()).chain(auth).collect();
                    let last = lines.len() - 1;
                    lines.iter().enumerate().map(|(at, line)| format!("250{}{line}\r\n", if at == last { ' ' } else { '-' })).collect()
                }
                "AUTH" => {
                    let said = line.rsplit(' ').next().and_then(|said| STANDARD.decode(said).ok()).unwrap_or_default();
                    let said = String::from_utf8_lossy(&said).into_owned();
                    token = said.split("Bearer ").nth(1).unwrap_or_default().trim_end_matches('\u{1}').to_owned();
                    self.shown.lock().expect("nobody panicked").push(token.clone());
                    if faults.tokens.as_ref().is_some_and(|good| !token.is_empty() && token.starts_with(good)) {
                        "235 2.7.0 Accepted\r\n".to_owned()
                    } else {
                        let why = STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#);
                        socket.write_all(format!("334 {why}\r\n").as_bytes()).await?;
                        socket.read_line(&mut String::new()).await?;
                        "535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 moody\r\n".to_owned()
                    }
                }
                "MAIL" if faults.tokens.is_some() && token.is_empty() => "530 5.7.0 Authentication Required\r\n".to_owned(),
                "MAIL" if faults.no_tags && line.contains('+') => {
                    "550 5.7.60 SMTP; Client does not have permissions to send as this sender\r\n".to_owned()
                }
                "MAIL" => {
                    (from, to) = (address(), Vec::new());
                    "250 2.1.0 OK\r\n".to_owned()
                }
                "RCPT" if faults.greylist > 0 => {
                    self.faults.lock().expect("nobody panicked").greylist -= 1;
                    "451 4.7.1 Greylisted, please try again in a minute\r\n".to_owned()
                }
                "RCPT" => {
                    to.push(address());
                    "250 2.1.5 OK\r\n".to_owned()
                }
                "DATA" => {
                    socket.write_all(b"354 go\r\n").await?;
                    let mut mail = Vec::new();
                    while !mail.ends_with(b"\r\n.\r\n") {
                        if socket.read_until(b'\n', &mut mail).await? == 0 {
                            return Ok(());
                        }
                    }
                    if let Some(words) = faults.refuse_data {
                        words
                    } else {
                        let mail = String::from_utf8_lossy(&mail).into_owned();
                        self.given.lock().expect("nobody panicked").push(Given {
                            from: from.clone(),
                            to: to.clone(),
                            mail,
                            token: token.clone(),
                        });
                        if faults.lost_after_dot > 0 {
                            self.faults.lock().expect("nobody panicked").lost_after_dot -= 1;
                            return Ok(());
                        }
                        "250 2.0.0 kept\r\n".to_owned()
                    }
                }
                "QUIT" => {
                    socket.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "250 OK\r\n".to_owned(),
            };
            socket.write_all(answer.as_bytes()).await?;
        }
    }
}
