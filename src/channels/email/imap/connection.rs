//! One connection to an IMAP server, in the few words that fetching takes. Every wait has its time-out.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_imap::extensions::idle::IdleResponse;
use async_imap::types::{Fetch, NameAttribute, UnsolicitedResponse};
use async_imap::{Authenticator, Client, Session};
use futures_util::TryStreamExt as _;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::channels::email::settings::ImapSettings;
use crate::mailer::Security;

const CONNECT: Duration = Duration::from_secs(15);
const COMMAND: Duration = Duration::from_secs(30);
/// For the mails themselves, which may be large and the line slow.
const FETCH: Duration = Duration::from_secs(60);
/// The most of a header that is read when the mail itself is not.
const MAX_HEADER: usize = 256 * 1024;

/// What an IMAP server or the way to it would not do.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    #[error("cannot reach {host}: {reason}")]
    Connect { host: String, reason: String },
    #[error("{0} does not offer STARTTLS, or its certificate is not trusted: {1}")]
    Tls(String, String),
    #[error("the server does not let {user} in: {reason}")]
    Login { user: String, reason: String },
    #[error("the server lets nobody in just now: {0}")]
    Busy(String),
    #[error("cannot open the folder “{folder}”: {reason}")]
    Folder { folder: String, reason: String },
    #[error("{0}")]
    Protocol(#[from] async_imap::error::Error),
    #[error("the server did not answer in time")]
    TimeOut,
}

/// What opens a mailbox.
#[derive(Clone, Copy)]
pub enum Login<'a> {
    Password(&'a str),
    /// An access token, shown by XOAUTH2.
    Token(&'a str),
}

/// Says once who we are. A server that does not like it explains itself and wants an empty line before it says no.
struct Xoauth2(Option<String>);

impl Authenticator for Xoauth2 {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}

/// What a server told while we listened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Something changed in the folder.
    News,
    /// Nothing, for as long as we wanted to listen.
    Nothing,
}

/// Whatever bytes travel over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Wire for T {}

/// A folder as it was when it was opened.
#[derive(Debug, Clone, Copy)]
pub struct Folder {
    pub uid_validity: u32,
    pub uid_next: Option<u32>,
}

/// A connection that has been let in.
pub struct Connection {
    session: Session<Box<dyn Wire>>,
}

impl Connection {
    /// Connects and logs in.
    pub async fn open(settings: &ImapSettings, login: Login<'_>) -> Result<Self, ImapError> {
        let host = settings.host.clone();
        let refused = |reason: String| ImapError::Connect { host: host.clone(), reason };
        let tcp = tokio::time::timeout(CONNECT, TcpStream::connect((settings.host.as_str(), settings.port))).await;
        let tcp = tcp.map_err(|_| refused("no answer".to_owned()))?.map_err(|error| refused(error.to_string()))?;
        let client = tokio::time::timeout(COMMAND, greet(settings, tcp)).await.map_err(|_| ImapError::TimeOut)??;
        let user = &settings.user;
        let entering = async {
            match login {
                Login::Password(password) => client.login(user, password).await,
                Login::Token(token) => {
                    client.authenticate("XOAUTH2", Xoauth2(Some(format!("user={user}\x01auth=Bearer {token}\x01\x01")))).await
                }
            }
        };
        let entered = tokio::time::timeout(COMMAND, entering).await.map_err(|_| ImapError::TimeOut)?;
        let session = entered.map_err(|(error, _)| match error {
            // Only a clear no is one: a line that broke, or an answer that cannot be read, says nothing about the password.
            async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_) => match words_of(&error) {
                words if passes(&words) => ImapError::Busy(words),
                words => ImapError::Login { user: user.clone(), reason: words },
            },
            error => ImapError::Protocol(error),
        })?;
        Ok(Self { session })
    }

    /// Opens a folder, only to read it if so wished.
    pub async fn open_folder(&mut self, folder: &str, read_only: bool) -> Result<Folder, ImapError> {
        let opening = async {
            match read_only {
                true => self.session.examine(folder).await,
                false => self.session.select(folder).await,
            }
        };
        let mailbox = tokio::time::timeout(COMMAND, opening).await.map_err(|_| ImapError::TimeOut)?;
        let mailbox = mailbox.map_err(|error| ImapError::Folder { folder: folder.to_owned(), reason: error.to_string() })?;
        Ok(Folder { uid_validity: mailbox.uid_validity.unwrap_or(0), uid_next: mailbox.uid_next })
    }

    /// Whether the server tells of new mail by itself (RFC 2177).
    pub async fn can_idle(&mut self) -> Result<bool, ImapError> {
        let asked = tokio::time::timeout(COMMAND, self.session.capabilities()).await.map_err(|_| ImapError::TimeOut)??;
        Ok(asked.has_str("IDLE"))
    }

    /// Whether a single mail can be removed without removing others that somebody has marked (RFC 4315).
    async fn can_remove_one(&mut self) -> Result<bool, ImapError> {
        let asked = tokio::time::timeout(COMMAND, self.session.capabilities()).await.map_err(|_| ImapError::TimeOut)??;
        Ok(asked.has_str("UIDPLUS"))
    }

    /// Listens until something happens in the open folder, at most so long. Dropped in between, the connection is to be given up.
    pub async fn listen(self, limit: Duration) -> Result<(Self, Heard), ImapError> {
        let mut handle = self.session.idle();
        tokio::time::timeout(COMMAND, handle.init()).await.map_err(|_| ImapError::TimeOut)??;
        let (waiting, interrupt) = handle.wait_with_timeout(limit);
        // The library's own limit begins anew with every sign of life; ours does not.
        let heard = match tokio::time::timeout(limit, waiting).await {
            Ok(heard) => match heard? {
                IdleResponse::NewData(_) => Heard::News,
                IdleResponse::Timeout | IdleResponse::ManualInterrupt => Heard::Nothing,
            },
            Err(_) => Heard::Nothing,
        };
        drop(interrupt);
        let session = tokio::time::timeout(COMMAND, handle.done()).await.map_err(|_| ImapError::TimeOut)??;
        Ok((Self { session }, heard))
    }

    /// Whether the server has told of new mail in passing, since we last looked.
    pub fn heard_in_passing(&mut self) -> bool {
        let mut news = false;
        while let Ok(told) = self.session.unsolicited_responses.try_recv() {
            news |= matches!(told, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Recent(_));
        }
        news
    }

    /// The folders that can be opened, as the server names them; a guard keeps the list short.
    pub async fn folders(&mut self) -> Result<Vec<String>, ImapError> {
        const MAX: usize = 300;
        let listing = async {
            let listed = self.session.list(Some(""), Some("*")).await?.try_collect::<Vec<_>>().await?;
            Ok::<_, async_imap::error::Error>(listed)
        };
        let listed = tokio::time::timeout(COMMAND, listing).await.map_err(|_| ImapError::TimeOut)??;
        let open = listed.iter().filter(|name| !name.attributes().iter().any(|mark| matches!(mark, NameAttribute::NoSelect)));
        let mut names: Vec<String> = open.map(|name| name.name().to_owned()).take(MAX).collect();
        names.sort_unstable_by_key(|name| (!name.eq_ignore_ascii_case("inbox"), name.to_lowercase()));
        Ok(names)
    }

    /// The mails with these words in a field of their header; both plain ASCII without quotation marks.
    pub async fn find_header(&mut self, field: &str, words: &str) -> Result<Vec<u32>, ImapError> {
        self.search(&format!("HEADER {field} \"{words}\"")).await
    }

    /// Lets the server tell what is new.
    pub async fn noop(&mut self) -> Result<(), ImapError> {
        tokio::time::timeout(COMMAND, self.session.noop()).await.map_err(|_| ImapError::TimeOut)??;
        Ok(())
    }

    /// Removes mails from the open folder; where the server cannot remove single ones they are only marked for it.
    pub async fn remove(&mut self, uids: &[u32]) -> Result<(), ImapError> {
        let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let alone = self.can_remove_one().await?;
        let removing = async {
            self.session.uid_store(&set, "+FLAGS.SILENT (\\Deleted)").await?.try_collect::<Vec<Fetch>>().await?;
            if alone {
                self.session.uid_expunge(&set).await?.try_collect::<Vec<_>>().await?;
            }
            Ok::<_, async_imap::error::Error>(())
        };
        tokio::time::timeout(COMMAND, removing).await.map_err(|_| ImapError::TimeOut)??;
        Ok(())
    }

    async fn search(&mut self, query: &str) -> Result<Vec<u32>, ImapError> {
        let found = tokio::time::timeout(COMMAND, self.session.uid_search(query)).await.map_err(|_| ImapError::TimeOut)??;
        Ok(found.into_iter().collect())
    }

    /// The UIDs above `last`. `n:*` names the last mail even where it lies below n, hence the filter.
    pub async fn uids_after(&mut self, last: u32) -> Result<Vec<u32>, ImapError> {
        let found = self.search(&format!("UID {}:*", last.saturating_add(1))).await?;
        Ok(found.into_iter().filter(|&uid| uid > last).collect())
    }

    /// The UIDs of what came in on or after a day such as `21-Nov-2026`.
    pub async fn uids_since(&mut self, day: &str) -> Result<Vec<u32>, ImapError> {
        self.search(&format!("SINCE {day}")).await
    }

    async fn fetch(&mut self, uids: &[u32], what: &str) -> Result<Vec<Fetch>, ImapError> {
        let set: Vec<String> = uids.iter().map(u32::to_string).collect();
        let fetching = async { self.session.uid_fetch(set.join(","), what).await?.try_collect::<Vec<Fetch>>().await };
        Ok(tokio::time::timeout(FETCH, fetching).await.map_err(|_| ImapError::TimeOut)??)
    }

    /// The size in bytes of each mail that is still there.
    pub async fn sizes(&mut self, uids: &[u32]) -> Result<HashMap<u32, u32>, ImapError> {
        let fetched = self.fetch(uids, "(UID RFC822.SIZE)").await?;
        Ok(fetched.iter().filter_map(|mail| Some((mail.uid?, mail.size?))).collect())
    }

    /// The mails as they are, without marking them as read.
    pub async fn bodies(&mut self, uids: &[u32]) -> Result<HashMap<u32, Vec<u8>>, ImapError> {
        let fetched = self.fetch(uids, "(UID BODY.PEEK[])").await?;
        Ok(fetched.iter().filter_map(|mail| Some((mail.uid?, mail.body()?.to_vec()))).collect())
    }

    /// The header of a mail, as much of it as is reasonable.
    pub async fn header(&mut self, uid: u32) -> Result<Option<Vec<u8>>, ImapError> {
        let fetched = self.fetch(&[uid], &format!("(UID BODY.PEEK[HEADER]<0.{MAX_HEADER}>)")).await?;
        Ok(fetched.iter().find(|mail| mail.uid == Some(uid)).and_then(|mail| mail.header().map(<[u8]>::to_vec)))
    }

    /// Marks mails as read.
    pub async fn mark_seen(&mut self, uids: &[u32]) -> Result<(), ImapError> {
        let set: Vec<String> = uids.iter().map(u32::to_string).collect();
        let marking = async {
            let answers = self.session.uid_store(set.join(","), "+FLAGS.SILENT (\\Seen)").await?;
            answers.try_collect::<Vec<Fetch>>().await
        };
        tokio::time::timeout(COMMAND, marking).await.map_err(|_| ImapError::TimeOut)??;
        Ok(())
    }

    /// Says goodbye; nobody waits for the answer.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.session.logout()).await;
    }
}

/// Whether a no at the door is about the server (RFC 5530) or about how many are inside, and not about who asks.
fn passes(words: &str) -> bool {
    const SIGNS: [&str; 15] = [
        "[unavailable]",
        "[inuse]",
        "[limit]",
        "[serverbug]",
        "too many simultaneous",
        "too many concurrent",
        "too many connections",
        "too many open",
        "maximum number of connections",
        "authenticated but not connected",
        "temporary authentication failure",
        "temporary failure",
        "temporarily unavailable",
        "server busy",
        "try again later",
    ];
    // Who is locked out for having guessed is told to come later too.
    const REFUSALS: [&str; 3] = ["[authenticationfailed]", "failed attempts", "login failures"];
    let lower = words.to_lowercase();
    SIGNS.iter().any(|sign| lower.contains(sign)) && !REFUSALS.iter().any(|sign| lower.contains(sign))
}

/// The server's own words.
fn words_of(error: &async_imap::error::Error) -> String {
    match error {
        async_imap::error::Error::No(told) | async_imap::error::Error::Bad(told) => {
            // The library writes down how it read the answer; the words are in there.
            let said = told.split_once("info: Some(\"").and_then(|(_, rest)| rest.strip_suffix("\")"));
            said.unwrap_or(told).to_owned()
        }
        other => other.to_string(),
    }
}

async fn greet(settings: &ImapSettings, tcp: TcpStream) -> Result<Client<Box<dyn Wire>>, ImapError> {
    let closed = || ImapError::Connect { host: settings.host.clone(), reason: "the server closed the connection".to_owned() };
    let wire: Box<dyn Wire> = match settings.security {
        Security::Plain => Box::new(tcp),
        Security::Tls => Box::new(encrypt(settings, tcp).await?),
        Security::Starttls => {
            let mut client = Client::new(tcp);
            client.read_response().await.map_err(async_imap::error::Error::Io)?.ok_or_else(closed)?;
            let answer = client.run_command_and_check_ok("STARTTLS", None).await;
            answer.map_err(|error| ImapError::Tls(settings.host.clone(), error.to_string()))?;
            // Whatever the other side sent in the clear after its answer is lost with the client, on purpose.
            let wire: Box<dyn Wire> = Box::new(encrypt(settings, client.into_inner()).await?);
            return Ok(Client::new(wire));
        }
    };
    let mut client = Client::new(wire);
    client.read_response().await.map_err(async_imap::error::Error::Io)?.ok_or_else(closed)?;
    Ok(client)
}

async fn encrypt(settings: &ImapSettings, tcp: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ImapError> {
    let failed = |reason: String| ImapError::Tls(settings.host.clone(), reason);
    let name = ServerName::try_from(settings.host.clone()).map_err(|error| failed(error.to_string()))?;
    let config = client_config().map_err(failed)?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|error| failed(error.to_string()))
}

/// Trusts what the system trusts; `SSL_CERT_FILE` names other roots.
fn client_config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err("this machine trusts no certificate authority; install ca-certificates".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_a_wrong_password() {
        for words in [
            "[UNAVAILABLE] Temporary authentication failure.",
            "[INUSE] Mailbox is locked",
            "[ALERT] Too many simultaneous connections. (Failure)",
            "[LIMIT] Maximum number of connections from user+IP exceeded",
            "User is authenticated but not connected.",
            "AUTHENTICATE Server error - Please try again later",
        ] {
            assert!(passes(words), "{words}");
        }
        for words in [
            "[AUTHENTICATIONFAILED] Authentication failed.",
            "LOGIN failed.",
            "Invalid credentials (Failure)",
            "[EXPIRED] Choose another",
            "Account locked: too many failed attempts",
            "[ALERT] Too many login failures. Try again later.",
        ] {
            assert!(!passes(words), "{words}");
        }
    }
}
