//! The door for mail servers: an SMTP listener (RFC 5321) that takes mail for the desk's mailboxes and for nobody else.
//!
//! It answers 250 only when the mail lies in the database. It relays nothing and asks nobody to authenticate.

mod recipients;
mod session;
mod tls;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::ids::DeliveryId;

/// What one client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may be silent.
    pub idle: Duration,
    /// How long one mail may take to come in.
    pub mail: Duration,
    pub connections: usize,
    pub connections_per_ip: usize,
    pub recipients: usize,
    /// Bytes of one mail.
    pub mail_bytes: usize,
    /// Mistakes after which a client is shown out.
    pub mistakes: u32,
}

impl Limits {
    /// The limits of a desk in service.
    pub fn of(app: &App) -> Self {
        Self {
            idle: Duration::from_secs(60),
            mail: Duration::from_secs(600),
            connections: 200,
            connections_per_ip: 20,
            recipients: 100,
            mail_bytes: app.config.mail.max_mail,
            mistakes: 20,
        }
    }
}

/// Mails understood at the same time, right after they were taken in.
const PROCESSING: usize = 4;
/// After the order to stop, whoever is in the middle of a mail has this long to finish it.
const GRACE: Duration = Duration::from_secs(10);

/// What all sessions share.
#[derive(Clone)]
struct Door {
    app: App,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    /// How the server names itself.
    name: Arc<str>,
    stop: CancellationToken,
    tracker: TaskTracker,
    processing: Arc<Semaphore>,
    visitors: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Takes in mail until told to stop, then lets what is in hand finish.
///
/// # Errors
/// The certificate that the configuration names cannot be used. One that is made here and cannot be only costs the encryption.
pub async fn serve(app: App, listener: TcpListener, limits: Limits, stop: CancellationToken) -> anyhow::Result<()> {
    let tls = tls::acceptor(&app.config).await?;
    let door = Door::new(app, limits, tls, stop.clone());
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give those who are here time to leave.
                tracing::warn!(%error, "cannot accept a mail connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            door.turn_away(socket, "421 4.3.2 Too many connections, please try again later\r\n");
            continue;
        };
        let Some(visitor) = door.admit(peer) else {
            door.turn_away(socket, "421 4.7.0 Too many connections from your address, please try again later\r\n");
            continue;
        };
        // Answers are small and the client waits for each.
        let _ = socket.set_nodelay(true);
        door.see_in((place, visitor), Box::new(socket), peer.ip(), Talk::Smtp);
    }
    door.close().await;
    Ok(())
}

/// What is spoken at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    Smtp,
    /// RFC 2033: an answer for each recipient, no queue of its own behind it.
    Lmtp,
}

/// Where a mail server of the house hands mail over.
#[derive(Debug)]
pub enum LmtpListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl LmtpListener {
    /// Opens an address such as `127.0.0.1:2424`, or a socket at a path; a socket that a dead process left there is taken over.
    pub async fn bind(at: &str) -> std::io::Result<Self> {
        if !at.starts_with(['/', '.']) {
            return Ok(Self::Tcp(TcpListener::bind(at).await?));
        }
        if tokio::net::UnixStream::connect(at).await.is_ok() {
            return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another process listens there"));
        }
        let is_socket = |file: &std::fs::Metadata| std::os::unix::fs::FileTypeExt::is_socket(&file.file_type());
        if std::fs::symlink_metadata(at).is_ok_and(|file| is_socket(&file)) {
            std::fs::remove_file(at)?;
        }
        Ok(Self::Unix(UnixListener::bind(at)?))
    }

    async fn accept(&self) -> std::io::Result<(Box<dyn wire::Stream>, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                let _ = socket.set_nodelay(true);
                Ok((Box::new(socket), peer.ip()))
            }
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), IpAddr::from([127, 0, 0, 1]))),
        }
    }
}

/// Takes in mail by LMTP until told to stop, then lets what is in hand finish. For mail servers of the house: nothing is encrypted.
pub async fn serve_lmtp(app: App, listener: LmtpListener, limits: Limits, stop: CancellationToken) -> anyhow::Result<()> {
    let door = Door::new(app, limits, None, stop.clone());
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place?,
            () = stop.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                door.see_in(place, stream, peer, Talk::Lmtp);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection of the mail server");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    door.close().await;
    Ok(())
}

impl Door {
    fn new(app: App, limits: Limits, tls: Option<TlsAcceptor>, stop: CancellationToken) -> Self {
        let host = app.config.web.public_url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
        Self {
            name: host.into(),
            app,
            limits,
            tls,
            stop,
            tracker: TaskTracker::new(),
            processing: Arc::new(Semaphore::new(PROCESSING)),
            visitors: Arc::default(),
        }
    }

    /// Serves somebody; `held` are the places that they take until they leave.
    fn see_in(&self, held: impl Send + 'static, stream: Box<dyn wire::Stream>, peer: IpAddr, talk: Talk) {
        let inside = self.clone();
        self.tracker.spawn(async move {
            let _held = held;
            session::run(inside, stream, peer, talk).await;
        });
    }

    /// Lets what is in hand finish.
    async fn close(self) {
        self.tracker.close();
        let _ = tokio::time::timeout(GRACE + Duration::from_secs(20), self.tracker.wait()).await;
    }

    fn turn_away(&self, mut socket: TcpStream, words: &'static str) {
        self.tracker.spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            let _ = tokio::time::timeout(Duration::from_secs(5), socket.write_all(words.as_bytes())).await;
        });
    }

    fn admit(&self, peer: SocketAddr) -> Option<Visitor> {
        let mut visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        let count = visitors.entry(peer.ip()).or_insert(0);
        if *count >= self.limits.connections_per_ip {
            return None;
        }
        *count += 1;
        Some(Visitor { ip: peer.ip(), visitors: self.visitors.clone() })
    }

    /// Understands what was just stored, in the background; the job stored with it is the safety net.
    fn process(&self, deliveries: Vec<DeliveryId>) {
        let door = self.clone();
        self.tracker.spawn(async move {
            for id in deliveries {
                let Ok(_permit) = door.processing.acquire().await else { return };
                if let Err(error) = crate::channels::process(&door.app, id).await {
                    tracing::warn!(delivery = %id, %error, "a mail is stored but not understood yet; a worker tries again");
                }
            }
        });
    }
}

/// One connection of an address, counted while it lasts.
struct Visitor {
    ip: IpAddr,
    visitors: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let mut visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = visitors.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                visitors.remove(&self.ip);
            }
        }
    }
}
