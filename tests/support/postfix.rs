//! A real Postfix: its own configuration, queue, log and port, nothing shared with one that the machine may run.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::{Gid, Uid, User, chown, geteuid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::mail_servers::free_port;

/// The domain whose mail stays here, in one box per address.
pub const DOMAIN: &str = "courriel.example";
/// How long a mail may take from one server to the next.
const PATIENCE: Duration = Duration::from_secs(40);

/// A mail server of the customers; gone when dropped.
pub struct Postfix {
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Postfix {
    /// Starts one with these boxes at [`DOMAIN`] that brings the mail of `bottega.example` to `shop`. Debian: `postfix`; needs root.
    pub async fn start(boxes: &[&str], shop: SocketAddr) -> Self {
        assert!(geteuid().is_root(), "Postfix can be started by root alone: please run these tests as root");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port().await;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("our folder");
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir(folder.path().join(name)).expect("our folder");
        }
        let nobody = User::from_name("nobody").ok().flatten().expect("nobody is everywhere");
        own(&folder.path().join("mail"), nobody.uid, nobody.gid);
        let owner = Command::new("/usr/sbin/postconf").args(["-dh", "mail_owner"]).output().expect("postfix is installed");
        let owner = User::from_name(String::from_utf8_lossy(&owner.stdout).trim()).ok().flatten().expect("Postfix has its user");
        own(&folder.path().join("data"), owner.uid, owner.gid);
        let server = Self { port, folder };
        for (file, text) in [("main.cf", include_str!("../postfix/main.cf")), ("master.cf", include_str!("../postfix/master.cf"))] {
            let text = text
                .replace("@FOLDER@", &server.folder.path().to_string_lossy())
                .replace("@PORT@", &port.to_string())
                .replace("@DOMAINS@", DOMAIN)
                .replace("@SHOP@", "bottega.example")
                .replace("@NOBODY@", &nobody.uid.to_string());
            server.write(file, &text);
        }
        server.write("boxes", &boxes.iter().map(|local| format!("{local}@{DOMAIN} {local}/\n")).collect::<String>());
        server.write("access", "");
        server.write("transport", &format!("bottega.example smtp:[{}]:{}\n", shop.ip(), shop.port()));
        server.order("start");
        server
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join("etc").join(file), text).expect("our folder");
    }

    fn order(&self, order: &str) {
        let done = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg(order)
            .output()
            .expect("postfix is installed (Debian: postfix)");
        assert!(done.status.success(), "postfix {order}: {}\n{}", String::from_utf8_lossy(&done.stderr), self.log());
    }

    /// What it says to this recipient from now on; to all again as ever where `said` is empty.
    pub fn say(&self, recipient: &str, said: &str) {
        let rule = if said.is_empty() { String::new() } else { format!("{recipient} {said}\n") };
        self.write("access", &rule);
        self.order("reload");
    }

    /// What it says about itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What lies in a box, as soon as there are this many.
    pub async fn mails(&self, local: &str, wanted: usize) -> Vec<Vec<u8>> {
        let began = Instant::now();
        let new: PathBuf = self.folder.path().join("mail").join(local).join("new");
        loop {
            let files: Vec<PathBuf> =
                std::fs::read_dir(&new).map(|files| files.filter_map(Result::ok).map(|file| file.path()).collect()).unwrap_or_default();
            if files.len() >= wanted {
                return files.iter().map(|file| std::fs::read(file).expect("our file")).collect();
            }
            assert!(began.elapsed() < PATIENCE, "{} of {wanted} mails for {local}\n{}", files.len(), self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A line to it that breaks when the first mail has been handed over, before it can say so.
    pub async fn breaking_line(&self) -> BreakingLine {
        BreakingLine::to(self.port).await
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new("/usr/sbin/postfix").arg("-c").arg(self.folder.path().join("etc")).arg("stop").output();
    }
}

fn own(path: &Path, user: Uid, group: Gid) {
    chown(path, Some(user), Some(group)).expect("we are root");
}

/// Carries bytes both ways; once, after a mail's final dot, it carries nothing back.
pub struct BreakingLine {
    pub port: u16,
    /// How often it broke.
    pub broken: Arc<AtomicUsize>,
}

impl BreakingLine {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let broken = Arc::new(AtomicUsize::new(0));
        let count = broken.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, count.clone()));
            }
        });
        Self { port, broken }
    }
}

async fn carry(client: TcpStream, server: u16, broken: Arc<AtomicUsize>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let got = from_client.read(&mut buffer).await?;
        if got == 0 {
            break;
        }
        said.extend_from_slice(&buffer[..got]);
        let last = said.ends_with(b"\r\n.\r\n") && broken.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if last {
            back.abort();
        }
        to_server.write_all(&buffer[..got]).await?;
        if last {
            // It has the mail; who sent it hears no more.
            tokio::time::sleep(Duration::from_millis(300)).await;
            break;
        }
    }
    back.abort();
    Ok(())
}
