//! The way out for mail: a server, or a folder where nothing pretends to have been delivered.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a mail did not leave, by what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server refused this mail for good (5xx), in its own words.
    #[error("{0}")]
    Refused(String),
    /// Not now (4xx, no connection); worth another try.
    #[error("{0}")]
    Later(String),
    /// The server does not let us in with what we have; the mail itself was not looked at.
    #[error("{0}")]
    SignIn(String),
    /// The provider gives no token with which to enter; the server was not asked.
    #[error("{0}")]
    Token(String),
    /// The connection broke while the mail was handed over: it may have arrived. Worth another try under the same Message-ID.
    #[error("{0}")]
    Unsure(String),
}

/// How a mail server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, String)>,
    /// The password is an access token (XOAUTH2).
    pub by_token: bool,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte (465, 993).
    Tls,
    /// STARTTLS, required (587, 143).
    Starttls,
    /// None: only for a server on the same machine.
    Plain,
}

/// A way out.
#[derive(Clone)]
pub enum Mailer {
    /// A mail server, with pooled connections.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// A folder of `.eml` files.
    Directory(Arc<Path>),
    /// Kept in memory, for tests: sender, recipients, the mail.
    Memory(Arc<Mutex<Vec<Sent>>>),
}

/// A mail as it left, for tests.
#[derive(Debug, Clone)]
pub struct Sent {
    pub from: String,
    pub to: Vec<String>,
    pub raw: Vec<u8>,
}

impl Mailer {
    /// A pooled connection to `server`.
    pub fn smtp(server: &Server) -> Result<Self, SendError> {
        let refused = |error: lettre::transport::smtp::Error| SendError::Refused(error.to_string());
        let mut builder = match server.security {
            Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&server.host).map_err(refused)?,
            Security::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&server.host).map_err(refused)?,
            Security::Plain => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host),
        };
        builder = builder.port(server.port).timeout(Some(TIMEOUT));
        if let Some((user, password)) = &server.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
            if server.by_token {
                builder = builder.authentication(vec![Mechanism::Xoauth2]);
            }
        }
        Ok(Self::Smtp(builder.build()))
    }

    /// A server from a URL such as `smtps://user:password@host:465` or `smtp://localhost:25`.
    pub fn from_url(url: &str) -> Result<Self, SendError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|error| SendError::Refused(error.to_string()))?;
        Ok(Self::Smtp(builder.timeout(Some(TIMEOUT)).build()))
    }

    /// A folder that takes the place of a server.
    pub fn directory(folder: impl Into<PathBuf>) -> Self {
        Self::Directory(folder.into().into())
    }

    /// Whether mails really leave this way.
    pub fn delivers(&self) -> bool {
        !matches!(self, Self::Directory(_))
    }

    /// Hands over one finished mail. The same `Message-ID` may be handed over twice after a crash.
    pub async fn send(&self, from: &str, to: &[String], raw: &[u8]) -> Result<(), SendError> {
        match self {
            Self::Smtp(transport) => {
                let envelope = envelope(from, to)?;
                transport.send_raw(&envelope, raw).await.map_err(|error| judge(&error))?;
                Ok(())
            }
            Self::Directory(folder) => {
                let later = |error: std::io::Error| SendError::Later(format!("cannot write to {}: {error}", folder.display()));
                tokio::fs::create_dir_all(folder).await.map_err(later)?;
                let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
                let name = format!("{stamp}-{}.eml", &crate::secrets::token()[..8]);
                tokio::fs::write(folder.join(name), raw).await.map_err(later)
            }
            Self::Memory(sent) => {
                let mail = Sent { from: from.to_owned(), to: to.to_vec(), raw: raw.to_vec() };
                sent.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
                Ok(())
            }
        }
    }

    /// Whether the server answers, for the doctor and for "Test it".
    pub async fn check(&self) -> Result<(), SendError> {
        match self {
            Self::Smtp(transport) => match transport.test_connection().await {
                Ok(true) => Ok(()),
                Ok(false) => Err(SendError::Later("the server closed the connection".into())),
                Err(error) => Err(judge(&error)),
            },
            Self::Directory(_) | Self::Memory(_) => Ok(()),
        }
    }
}

fn envelope(from: &str, to: &[String]) -> Result<Envelope, SendError> {
    let refused = |address: &str| SendError::Refused(format!("“{address}” is not a mail address"));
    let from: Address = from.parse().map_err(|_| refused(from))?;
    let to: Vec<Address> = to.iter().map(|address| address.parse().map_err(|_| refused(address))).collect::<Result<_, _>>()?;
    Envelope::new(Some(from), to).map_err(|_| SendError::Refused("the mail has no recipient".into()))
}

/// What an error means for the mail.
fn judge(error: &lettre::transport::smtp::Error) -> SendError {
    let words = words(error);
    if let Some(code) = error.status() {
        let code = u16::from(code);
        // Codes of RFC 4954; and Microsoft's way to say that passwords are no longer taken.
        let entry = matches!(code, 530 | 534 | 535 | 538) || words.contains("5.7.30") || words.contains("5.7.139");
        return match (entry, error.is_permanent()) {
            (true, _) => SendError::SignIn(words),
            (false, true) => SendError::Refused(words),
            (false, false) => SendError::Later(words),
        };
    }
    let lower = words.to_lowercase();
    // The server asks back instead of taking the token: that is how it says no.
    if lower.contains("does not expect a challenge") {
        return SendError::SignIn("The mail server does not accept the sign-in".to_owned());
    }
    if lower.contains("no compatible authentication mechanism") {
        return SendError::SignIn(
            "The mail server offers no way to sign in that we know; with the wrong encryption it often offers none".to_owned(),
        );
    }
    // What cannot be written down for this server will not be written down tomorrow either.
    if error.is_client() && lower.contains("does not support") {
        return SendError::Refused(plain(&words));
    }
    // Before the greeting nothing has been handed over.
    if lower.starts_with("connection error") || error.is_tls() || error.is_transport_shutdown() {
        return SendError::Later(words);
    }
    SendError::Unsure(format!(
        "The connection to the mail server broke off during the hand-over ({words}): it may have arrived. It is sent again under the same Message-ID, so that a mailbox can tell that it is the same"
    ))
}

/// What the library says of servers that lack something, for people.
fn plain(words: &str) -> String {
    if words.contains("SMTPUTF8") {
        "The mail server cannot deliver to addresses with letters beyond a to z (it lacks SMTPUTF8)".to_owned()
    } else if words.contains("8BITMIME") {
        "The mail server takes only plain ASCII (it lacks 8BITMIME)".to_owned()
    } else {
        words.to_owned()
    }
}

/// The error and what it is caused by, since the cause holds the server's words.
fn words(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    // "permanent error (550): no such user" is the library's way to say it.
    for kind in ["permanent error (", "transient error ("] {
        if let Some((code, said)) = text.strip_prefix(kind).and_then(|rest| rest.split_once("): ")) {
            return format!("The mail server answered {code}: {said}");
        }
    }
    text
}
