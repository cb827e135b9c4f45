//! What an operator may set, by flag or environment. Everything has a default that works on a laptop.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use url::Url;

/// The whole configuration, one struct per concern.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Folder for the private database, attachments, keys and unsent mail
    #[arg(long, env = "SPORTELLO_DATA", default_value = "./data", global = true)]
    pub data: PathBuf,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub web: WebConfig,
    #[command(flatten)]
    pub mail: MailConfig,
    /// 64 hexadecimal digits that seal stored passwords and sign links [default: generated into the data folder]
    #[arg(long, env = "SPORTELLO_SECRET", hide_env_values = true, global = true)]
    pub secret: Option<String>,
}

/// Which Postgres.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// Use this Postgres (14 or later) instead of a private one in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// Folder with Postgres's own programs, for the private cluster
    #[arg(long, env = "SPORTELLO_POSTGRES_BIN", global = true)]
    pub postgres_bin: Option<PathBuf>,
    /// Whom the private cluster runs as when Sportello is started by root
    #[arg(long, env = "SPORTELLO_POSTGRES_USER", global = true)]
    pub postgres_user: Option<String>,
    /// Connections that this process may hold
    #[arg(long, env = "SPORTELLO_DB_CONNECTIONS", default_value_t = 20, global = true)]
    pub db_connections: u32,
}

/// The web side.
#[derive(Debug, Clone, Args)]
pub struct WebConfig {
    /// Where to serve the web pages
    #[arg(long, env = "SPORTELLO_LISTEN", default_value = "0.0.0.0:8080", global = true)]
    pub listen: SocketAddr,
    /// How browsers and customers reach this desk [default: http://localhost and the port]
    #[arg(long, env = "SPORTELLO_PUBLIC_URL", global = true)]
    pub public_url: Option<Url>,
    /// Addresses of proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(long, env = "SPORTELLO_TRUSTED_PROXIES", value_delimiter = ',', global = true)]
    pub trusted_proxies: Vec<IpAddr>,
    /// Let channels and webhooks call addresses in private networks too, and without TLS
    #[arg(long, env = "SPORTELLO_ALLOW_PRIVATE_NETWORKS", global = true)]
    pub allow_private_networks: bool,
    /// Who shows this token may read /metrics; without one only this machine may
    #[arg(long, env = "SPORTELLO_METRICS_TOKEN", hide_env_values = true, global = true)]
    pub metrics_token: Option<String>,
}

/// Incoming and outgoing mail.
#[derive(Debug, Clone, Args)]
pub struct MailConfig {
    /// Where to accept incoming mail
    #[arg(long, env = "SPORTELLO_SMTP_LISTEN", default_value = "0.0.0.0:2525", global = true)]
    pub smtp_listen: SocketAddr,
    /// Where to accept mail by LMTP from a mail server of your own, an address such as 127.0.0.1:2424 or the path of a socket [default: nowhere]
    #[arg(long, env = "SPORTELLO_LMTP_LISTEN", global = true)]
    pub lmtp_listen: Option<String>,
    /// Certificate chain for incoming mail, PEM [default: self-signed]
    #[arg(long, env = "SPORTELLO_SMTP_CERT", requires = "smtp_key", global = true)]
    pub smtp_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, env = "SPORTELLO_SMTP_KEY", requires = "smtp_cert", global = true)]
    pub smtp_key: Option<PathBuf>,
    /// Largest mail that is accepted, in bytes
    #[arg(long, env = "SPORTELLO_MAX_MAIL", default_value_t = 35 * 1024 * 1024, global = true)]
    pub max_mail: usize,
    /// Server for outgoing mail, e.g. smtps://user:password@smtp.example.com; without one, mail is written to data/outbox
    #[arg(long, env = "SPORTELLO_SMTP_URL", hide_env_values = true, global = true)]
    pub smtp_url: Option<String>,
    /// Sender of mails to agents (invitations, password resets) [default: the first mailbox]
    #[arg(long, env = "SPORTELLO_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Seconds in which a sent reply can still be undone
    #[arg(long, env = "SPORTELLO_UNDO_SECONDS", default_value_t = 5, global = true)]
    pub undo_seconds: u32,
}

impl Config {
    /// Where browsers find this desk, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.web.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://localhost:{}", self.web.listen.port()),
        }
    }

    /// Whether customers and agents reach this desk over TLS; decides the cookie's Secure mark.
    pub fn is_https(&self) -> bool {
        self.web.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}
