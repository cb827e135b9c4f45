//! What a mailbox can be told, as its row holds it.

use serde::{Deserialize, Serialize};

use crate::channels::wire::oauth::Tokens;
use crate::desk::channels::Channel;
use crate::desk::kinds::ChannelKind;
use crate::desk::mailboxes::Pace;
use crate::mailer::{Security, Server};

/// The settings of a mailbox. Every field has a default, so that an older row is still read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Further addresses whose mail belongs to this mailbox.
    pub aliases: Vec<String>,
    /// Whether replies ask for answers to `help+t42-…@`, which most servers deliver to `help@`.
    pub plus_addressing: bool,
    /// Where mail is fetched from; none: it comes by SMTP or `ingest`.
    pub imap: Option<ImapSettings>,
    /// The mailbox's own server for outgoing mail; none: the desk's.
    pub smtp: Option<SmtpSettings>,
    /// Whether a new ticket is acknowledged to its customer.
    pub acknowledge: bool,
    /// How the mailbox signs in where it does so without a password.
    pub oauth: Option<OauthSettings>,
    /// How much may leave.
    pub pace: Pace,
    /// A mail service that brings mail by webhook.
    pub hook: Option<HookService>,
    /// What letters are signed with.
    pub dkim: Option<DkimSettings>,
    /// The sign-in was lost at the server for outgoing mail alone: that mail comes in says nothing about it.
    pub smtp_shut_out: bool,
}

/// Whose sign-in page admins are sent to, and as which app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthSettings {
    pub service: OauthService,
    /// The app that was registered there for this desk.
    pub client_id: String,
    /// Microsoft: the organisation; `common` for any.
    #[serde(default)]
    pub tenant: String,
    /// Other providers: their pages.
    #[serde(default)]
    pub authorize: String,
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    pub scopes: String,
}

/// Who lets a mailbox in without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthService {
    Google,
    Microsoft,
    Other,
}

/// Services that bring mail by webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookService {
    Mailgun,
    Postmark,
    Sendgrid,
}

/// The signature of letters (RFC 6376). The private key is among the secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimSettings {
    pub selector: String,
    pub algorithm: DkimAlgorithm,
    /// As it stands in the DNS record, base64.
    pub public_key: String,
    /// Whether letters are signed already; before its record is there that would only do harm.
    #[serde(default)]
    pub active: bool,
}

/// How letters are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DkimAlgorithm {
    Rsa,
    Ed25519,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            aliases: Vec::new(),
            plus_addressing: true,
            imap: None,
            smtp: None,
            acknowledge: true,
            oauth: None,
            pace: Pace::default(),
            hook: None,
            dkim: None,
            smtp_shut_out: false,
        }
    }
}

/// A mailbox on an IMAP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImapSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    #[serde(default = "inbox")]
    pub folder: String,
    #[serde(default)]
    pub after_fetch: AfterFetch,
    /// How many days of older mail the first connection brings in; 0: only what comes from then on.
    #[serde(default)]
    pub first_days: u16,
}

fn inbox() -> String {
    "INBOX".to_owned()
}

/// What happens on the IMAP server to mail that has been fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterFetch {
    /// Nothing; the mailbox is only read.
    #[default]
    Keep,
    /// It is marked as read.
    Seen,
}

/// A server for outgoing mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Empty: the server asks for no password.
    #[serde(default)]
    pub user: String,
    /// Whether it is entered with the mailbox's sign-in ([`Settings::oauth`]) instead of a password.
    #[serde(default)]
    pub by_token: bool,
}

/// The passwords of a mailbox, stored sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    pub imap_password: String,
    pub smtp_password: String,
    /// Of the app at whose provider the mailbox signs in.
    pub oauth_client_secret: String,
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Part of the address at which a mail service brings mail.
    pub hook_secret: String,
    /// What the service signs with, where it does.
    pub hook_key: String,
    /// The private key of [`Settings::dkim`]: in base64, for RSA of its PKCS#8 DER, for Ed25519 of its seed.
    pub dkim_key: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Settings {
    /// The settings of a mailbox. What an older or newer version wrote and this one cannot read counts as not set.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_else(|error| {
            tracing::warn!(channel = %channel.id, %error, "the settings of this mailbox cannot be read");
            Self::default()
        })
    }

    /// The mailbox's own server for outgoing mail, with its password. One that is entered by token has none here: see `access::server`.
    pub fn server_with(&self, secrets: &Secrets) -> Option<Server> {
        let smtp = self.smtp.as_ref()?;
        let credentials = (!smtp.user.is_empty() && !smtp.by_token).then(|| (smtp.user.clone(), secrets.smtp_password.clone()));
        Some(Server { host: smtp.host.clone(), port: smtp.port, security: smtp.security, credentials, by_token: false })
    }

    /// Whether anything of this mailbox is entered with a sign-in at its provider's.
    pub fn signs_in(&self) -> bool {
        self.oauth.is_some() && (self.imap.is_some() || self.smtp.as_ref().is_some_and(|smtp| smtp.by_token))
    }
}

/// The addresses of a mailbox: its own and its aliases, in lower case.
pub fn addresses(channel: &Channel) -> Vec<String> {
    let aliases = Settings::of(channel).aliases;
    channel.address.iter().chain(&aliases).map(|address| address.trim().to_lowercase()).filter(|address| !address.is_empty()).collect()
}

/// `help+tag@example.com` without its tag; none when it has none.
pub fn without_tag(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (local, _) = local.split_once('+')?;
    (!local.is_empty()).then(|| format!("{local}@{domain}"))
}

/// The mailbox that an envelope recipient belongs to: by its address, by an alias, or by either with a tag.
pub fn mailbox_of<'a>(channels: &'a [Channel], recipient: &str) -> Option<&'a Channel> {
    let recipient = recipient.trim().to_lowercase();
    let by_address = |wanted: &str| {
        channels
            .iter()
            .filter(|channel| channel.kind == ChannelKind::Email)
            .find(|channel| addresses(channel).iter().any(|address| address == wanted))
    };
    by_address(&recipient).or_else(|| by_address(&without_tag(&recipient)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_row_means_the_defaults() {
        let settings: Settings = serde_json::from_str("{}").expect("defaults");
        assert_eq!(settings, Settings::default());
        assert!(settings.plus_addressing && settings.acknowledge);
    }

    #[test]
    fn a_tag_ends_the_local_part() {
        assert_eq!(without_tag("help+t42-abc@shop.it").as_deref(), Some("help@shop.it"));
        assert_eq!(without_tag("help@shop.it"), None);
        assert_eq!(without_tag("+x@shop.it"), None);
    }
}
