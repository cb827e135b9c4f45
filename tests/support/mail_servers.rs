//! Other people's mail servers: a real Dovecot, and a small SMTP server that does as it is told.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::unistd::{Gid, Uid, User, chown, geteuid};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// The password of every user.
pub const PASSWORD: &str = "secret";

/// An IMAP server with a folder of its own; gone when dropped.
pub struct Dovecot {
    pub port: u16,
    folder: tempfile::TempDir,
    child: Child,
    owner: (Uid, Gid),
}

impl Dovecot {
    /// Starts one and waits until it answers. Debian: `dovecot-imapd`.
    pub async fn start() -> Self {
        Self::start_with("", "").await
    }

    /// One that does not tell of new mail by itself.
    pub async fn start_without_idle() -> Self {
        Self::start_with("", "imap_capability = IMAP4rev1 SASL-IR ENABLE LITERAL+ UIDPLUS\n").await
    }

    /// One that takes no password but tokens, which it has looked at by this address (`…/tokeninfo?access_token=`).
    pub async fn start_with_tokens(token_info: &str) -> Self {
        Self::start_with(token_info, "").await
    }

    async fn start_with(token_info: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = geteuid().is_root();
        // Mail must not belong to root; without root everything belongs to whoever runs the tests.
        let name = if root { "nobody" } else { "" };
        let owner = match User::from_name(name).ok().flatten() {
            Some(user) if root => (user.uid, user.gid),
            _ => (geteuid(), nix::unistd::getegid()),
        };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("our folder");
        let mail = folder.path().join("mail");
        std::fs::create_dir(&mail).expect("our folder");
        chown(&mail, Some(owner.0), Some(owner.1)).expect("our folder");
        let port = free_port().await;
        let file = folder.path().join("dovecot.conf");
        let mut text = configuration(folder.path(), port, owner, root) + more;
        if !token_info.is_empty() {
            let passwords = format!("passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n");
            let oauth = folder.path().join("oauth2.conf");
            std::fs::write(&oauth, format!("tokeninfo_url = {token_info}\nusername_attribute = email\n")).expect("our folder");
            let tokens =
                format!("auth_mechanisms = xoauth2\npassdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {}\n}}\n", oauth.display());
            text = text.replace(&passwords, &tokens);
        }
        std::fs::write(&file, text).expect("our folder");
        let child = run(&file);
        let server = Self { port, folder, child, owner };
        server.answers().await;
        server
    }

    async fn answers(&self) {
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "dovecot does not answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it and starts it again, with all that it has.
    pub async fn restart(&mut self) {
        self.stop();
        self.child = run(&self.folder.path().join("dovecot.conf"));
        self.answers().await;
    }

    fn stop(&mut self) {
        // Its own order to stop, so that its children stop too.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(0));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }

    /// Removes the mails of an inbox in which these words stand, as another program would.
    pub fn remove(&self, user: &str, words: &str) {
        for part in ["new", "cur"] {
            for file in std::fs::read_dir(self.maildir(user).join(part)).expect("the folder is there").filter_map(Result::ok) {
                if std::fs::read_to_string(file.path()).is_ok_and(|mail| mail.contains(words)) {
                    std::fs::remove_file(file.path()).expect("our file");
                }
            }
        }
    }

    /// How many mails an inbox has.
    pub fn count(&self, user: &str) -> usize {
        ["new", "cur"].iter().map(|part| std::fs::read_dir(self.maildir(user).join(part)).map_or(0, Iterator::count)).sum()
    }

    /// What it says about itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn maildir(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user).join("Maildir")
    }

    /// Puts a mail into somebody's inbox.
    pub fn deliver(&self, user: &str, raw: &[u8]) {
        let maildir = self.maildir(user);
        let mut made = self.folder.path().join("mail");
        for part in [user, "Maildir"] {
            made.push(part);
            self.own_folder(&made);
        }
        for part in ["tmp", "new", "cur"] {
            self.own_folder(&maildir.join(part));
        }
        let stamp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let name = format!("{}.M{}P{}.test", stamp.as_secs(), stamp.subsec_nanos(), std::process::id());
        let temporary = maildir.join("tmp").join(&name);
        std::fs::write(&temporary, raw).expect("our folder");
        chown(&temporary, Some(self.owner.0), Some(self.owner.1)).expect("our file");
        std::fs::rename(temporary, maildir.join("new").join(name)).expect("our folder");
    }

    fn own_folder(&self, path: &Path) {
        if std::fs::create_dir(path).is_ok() {
            chown(path, Some(self.owner.0), Some(self.owner.1)).expect("our folder");
        }
    }

    /// How many mails of an inbox are marked as read.
    pub fn seen(&self, user: &str) -> usize {
        let files = std::fs::read_dir(self.maildir(user).join("cur")).expect("the folder is there");
        files
            .filter_map(Result::ok)
            .filter(|file| file.file_name().to_string_lossy().rsplit(',').next().is_some_and(|flags| flags.contains('S')))
            .count()
    }

    /// Forgets all numbers: the next visitor finds another UIDVALIDITY.
    pub fn renumber(&self, user: &str) {
        for file in std::fs::read_dir(self.maildir(user)).expect("the folder is there").filter_map(Result::ok) {
            if file.file_name().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(file.path()).expect("our file");
            }
        }
        // UIDVALIDITY is the time in seconds.
        std::thread::sleep(Duration::from_millis(1100));
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(file: &Path) -> Child {
    Command::new("dovecot")
        .arg("-F")
        .arg("-c")
        .arg(file)
        .env("PATH", format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default()))
        .stdin(Stdio::null())
        .spawn()
        .expect("dovecot is installed (Debian: dovecot-imapd)")
}

fn configuration(folder: &Path, port: u16, owner: (Uid, Gid), root: bool) -> String {
    let folder = folder.display();
    let (uid, gid) = owner;
    let users = if root {
        String::new()
    } else {
        let user = User::from_uid(geteuid()).ok().flatten().map(|user| user.name).unwrap_or_default();
        format!(
            "default_internal_user = {user}\ndefault_login_user = {user}\nservice anvil {{\n chroot =\n}}\nservice imap-login {{\n chroot =\n}}\n"
        )
    };
    format!(
        "base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\n\
         disable_plaintext_auth = no\nmail_location = maildir:~/Maildir\nfirst_valid_uid = 1\n{users}\
         service imap-login {{\n inet_listener imap {{\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
         passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
         userdb {{\n driver = static\n args = uid={uid} gid={gid} home={folder}/mail/%u\n}}\n"
    )
}

/// A port that nobody listens on at the moment.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("a port").port()
}

/// What the sink says to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Accept,
    /// 451: not now.
    Later,
    /// 550: never.
    Refuse,
}

/// A mail server that keeps what it is given.
pub struct Sink {
    pub address: SocketAddr,
    pub mood: Arc<Mutex<Mood>>,
    pub mails: Arc<Mutex<Vec<String>>>,
    /// Connections it has seen.
    pub connections: Arc<Mutex<usize>>,
}

impl Sink {
    /// Starts one.
    pub async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sink = Self {
            address: listener.local_addr().expect("a port"),
            mood: Arc::new(Mutex::new(mood)),
            mails: Arc::default(),
            connections: Arc::default(),
        };
        let (mood, mails, connections) = (sink.mood.clone(), sink.mails.clone(), sink.connections.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *connections.lock().expect("nobody panicked") += 1;
                tokio::spawn(serve(socket, mood.clone(), mails.clone()));
            }
        });
        sink
    }

    /// Changes what it says.
    pub fn set(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panicked") = mood;
    }

    /// What it was given.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("nobody panicked").clone()
    }
}

async fn serve(socket: tokio::net::TcpStream, mood: Arc<Mutex<Mood>>, mails: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"220 sink ESMTP\r\n").await?;
    loop {
        let mut line = String::new();
        if (&mut socket).take(4096).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let mood = *mood.lock().expect("nobody panicked");
        let answer = match (verb.as_str(), mood) {
            ("EHLO" | "HELO", _) => "250-sink\r\n250 8BITMIME\r\n",
            ("RCPT", Mood::Later) => "451 4.7.1 Greylisted, come back later\r\n",
            ("RCPT", Mood::Refuse) => "550 5.1.1 No such user here\r\n",
            ("DATA", _) => {
                socket.write_all(b"354 go\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if socket.read_line(&mut mail).await? == 0 {
                        return Ok(());
                    }
                }
                mails.lock().expect("nobody panicked").push(mail);
                "250 2.0.0 kept\r\n"
            }
            ("QUIT", _) => {
                socket.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 OK\r\n",
        };
        socket.write_all(answer.as_bytes()).await?;
    }
}
