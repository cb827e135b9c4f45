//! A mailbox's form: what was typed, what is wrong with it, what it means.

use serde::Deserialize;

use crate::app::App;
use crate::channels::email::providers;
use crate::channels::email::settings::{
    AfterFetch, HookService, ImapSettings, OauthService, OauthSettings, Secrets, Settings, SmtpSettings,
};
use crate::channels::wire::oauth::Tokens;
use crate::desk::channels::{Channel, ChannelDraft};
use crate::desk::directory::Directory;
use crate::desk::kinds::ChannelKind;
use crate::desk::mailboxes::Pace;
use crate::http::problems::Problems;
use crate::i18n::Language;
use crate::ids::TeamId;
use crate::mailer::Security;
use crate::text::addresses::is_address;

/// What was typed, as it was typed; switches are `on` or missing.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct MailboxForm {
    pub name: String,
    pub address: String,
    /// One a line.
    pub aliases: String,
    pub team: String,
    pub language: String,
    pub acknowledge: String,
    pub plus_addressing: String,
    /// `imap` or `none`.
    pub fetch: String,
    pub imap_host: String,
    pub imap_port: String,
    pub imap_security: String,
    pub imap_user: String,
    pub imap_password: String,
    pub imap_folder: String,
    pub imap_seen: String,
    pub first_days: String,
    /// `own` or `desk`.
    pub send: String,
    pub smtp_host: String,
    pub smtp_port: String,
    pub smtp_security: String,
    pub smtp_same: String,
    pub smtp_user: String,
    pub smtp_password: String,
    /// `password`, `google`, `microsoft` or `other`.
    pub sign_in: String,
    pub oauth_client_id: String,
    pub oauth_client_secret: String,
    pub oauth_tenant: String,
    pub oauth_authorize: String,
    pub oauth_token: String,
    pub oauth_scopes: String,
    pub per_minute: String,
    pub per_hour: String,
    pub per_day: String,
    /// Empty, or a service that brings mail by webhook.
    pub hook: String,
    pub hook_key: String,
    /// `save`, `test` or `sign_in`.
    pub then: String,
}

/// A form that can be saved.
#[derive(Debug)]
pub struct Checked {
    pub name: String,
    pub address: String,
    pub team_id: Option<TeamId>,
    pub language: Option<String>,
    pub settings: Settings,
    pub secrets: Secrets,
}

impl Checked {
    /// The row.
    pub fn draft(&self, enabled: bool, sealed: Vec<u8>) -> serde_json::Result<ChannelDraft> {
        Ok(ChannelDraft {
            kind: ChannelKind::Email,
            name: self.name.clone(),
            address: Some(self.address.clone()),
            team_id: self.team_id,
            language: self.language.clone(),
            enabled,
            settings: serde_json::to_value(&self.settings)?,
            secrets: Some(sealed),
        })
    }
}

/// How a security is called in the form.
pub const SECURITIES: [(&str, &str); 3] =
    [("tls", "TLS (993, 465)"), ("starttls", "STARTTLS (143, 587)"), ("plain", "None (only inside your own network)")];

fn word(security: Security) -> String {
    match security {
        Security::Tls => "tls",
        Security::Starttls => "starttls",
        Security::Plain => "plain",
    }
    .to_owned()
}

/// Ways to sign in, as the form calls them.
fn service_word(service: OauthService) -> &'static str {
    match service {
        OauthService::Google => "google",
        OauthService::Microsoft => "microsoft",
        OauthService::Other => "other",
    }
}

/// A limit; nothing for none.
fn limit(number: u32) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

fn switch(on: bool) -> String {
    if on { "on".to_owned() } else { String::new() }
}

impl MailboxForm {
    /// A new mailbox of this address, with its servers guessed.
    pub fn guessed(app: &App, directory: &Directory, address: &str) -> Self {
        let guess = providers::guess(address);
        let local = address.split('@').next().unwrap_or_default();
        let taken = |name: &str| directory.channels.iter().any(|channel| channel.name.eq_ignore_ascii_case(name));
        let name = crate::text::names::display_name(address);
        Self {
            name: if taken(&name) || local.is_empty() { address.to_owned() } else { name },
            address: address.to_owned(),
            acknowledge: switch(true),
            plus_addressing: switch(true),
            fetch: "imap".to_owned(),
            imap_host: guess.imap.0,
            imap_port: guess.imap.1.to_string(),
            imap_security: word(guess.imap.2),
            imap_user: address.to_owned(),
            imap_folder: "INBOX".to_owned(),
            first_days: "0".to_owned(),
            // A desk that has a server of its own answers through it, unless told otherwise.
            send: if app.mailer.delivers() { "desk" } else { "own" }.to_owned(),
            smtp_host: guess.smtp.0,
            smtp_port: guess.smtp.1.to_string(),
            smtp_security: word(guess.smtp.2),
            smtp_same: switch(true),
            sign_in: if guess.microsoft { "microsoft" } else { "password" }.to_owned(),
            ..Self::default()
        }
    }

    /// A mailbox as it is stored. Passwords stay where they are.
    pub fn of(channel: &Channel, secrets: &Secrets) -> Self {
        let settings = Settings::of(channel);
        let guess = providers::guess(channel.address.as_deref().unwrap_or_default());
        let mut form = Self {
            name: channel.name.clone(),
            address: channel.address.clone().unwrap_or_default(),
            aliases: settings.aliases.join("\n"),
            team: channel.team_id.map(|id| id.to_string()).unwrap_or_default(),
            language: channel.language.clone().unwrap_or_default(),
            acknowledge: switch(settings.acknowledge),
            plus_addressing: switch(settings.plus_addressing),
            fetch: if settings.imap.is_some() { "imap" } else { "none" }.to_owned(),
            imap_host: guess.imap.0,
            imap_port: guess.imap.1.to_string(),
            imap_security: word(guess.imap.2),
            imap_folder: "INBOX".to_owned(),
            send: if settings.smtp.is_some() { "own" } else { "desk" }.to_owned(),
            smtp_host: guess.smtp.0,
            smtp_port: guess.smtp.1.to_string(),
            smtp_security: word(guess.smtp.2),
            smtp_same: switch(settings.smtp.is_none()),
            sign_in: settings.oauth.as_ref().map_or("password", |oauth| service_word(oauth.service)).to_owned(),
            per_minute: limit(settings.pace.per_minute),
            per_hour: limit(settings.pace.per_hour),
            per_day: limit(settings.pace.per_day),
            hook: settings.hook.map_or("", HookService::word).to_owned(),
            ..Self::default()
        };
        if let Some(oauth) = &settings.oauth {
            form.oauth_client_id = oauth.client_id.clone();
            form.oauth_tenant = oauth.tenant.clone();
            form.oauth_authorize = oauth.authorize.clone();
            form.oauth_token = oauth.token.clone();
            form.oauth_scopes = oauth.scopes.clone();
        }
        let imap_user = settings.imap.as_ref().map(|imap| imap.user.clone());
        if let Some(imap) = settings.imap {
            form.imap_host = imap.host;
            form.imap_port = imap.port.to_string();
            form.imap_security = word(imap.security);
            form.imap_user = imap.user;
            form.imap_folder = imap.folder;
            form.imap_seen = switch(imap.after_fetch == AfterFetch::Seen);
            form.first_days = imap.first_days.to_string();
        }
        if let Some(smtp) = settings.smtp {
            let same = Some(&smtp.user) == imap_user.as_ref() && (smtp.by_token || secrets.smtp_password == secrets.imap_password);
            form.smtp_host = smtp.host;
            form.smtp_port = smtp.port.to_string();
            form.smtp_security = word(smtp.security);
            form.smtp_same = switch(same);
            form.smtp_user = if same { String::new() } else { smtp.user };
        }
        form
    }

    /// What was typed as a mailbox, if all of it can be taken. An empty password means the stored one, as long as the server is the same.
    pub fn check(&self, directory: &Directory, stored: Option<(&Settings, &Secrets)>) -> Result<Checked, Problems> {
        let mut problems = Problems::default();
        let name = self.name.trim();
        if name.is_empty() {
            problems.add("name", "Enter a name; only your team sees it.");
        } else if name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        let address = self.address.trim();
        if !is_address(address) {
            problems.add("address", "Enter the address that customers write to, like help@example.com.");
        }
        let aliases: Vec<String> =
            self.aliases.split(|c: char| c.is_whitespace() || c == ',').filter(|alias| !alias.is_empty()).map(str::to_lowercase).collect();
        if let Some(wrong) = aliases.iter().find(|alias| !is_address(alias)) {
            problems.add("aliases", format!("“{wrong}” is not a mail address. Enter one address a line."));
        } else if aliases.len() > 50 {
            problems.add("aliases", "Enter at most 50 addresses.");
        }
        let team_id = self.team.parse().ok().map(TeamId).filter(|id| directory.teams.iter().any(|team| team.id == *id));
        let language = Language::ALL.iter().map(|language| language.code()).find(|code| *code == self.language).map(str::to_owned);
        let oauth = self.check_oauth(&mut problems);
        let imap = (self.fetch == "imap").then(|| self.check_imap(stored, oauth.is_some(), &mut problems)).flatten();
        let same = self.smtp_same == "on" && self.fetch == "imap";
        let smtp = (self.send == "own").then(|| self.check_smtp(stored, same, oauth.is_some(), imap.as_ref(), &mut problems)).flatten();
        let pace = Pace {
            per_minute: check_limit("per_minute", &self.per_minute, &mut problems),
            per_hour: check_limit("per_hour", &self.per_hour, &mut problems),
            per_day: check_limit("per_day", &self.per_day, &mut problems),
        };
        let hook = HookService::ALL.into_iter().find(|service| service.word() == self.hook);
        if problems.any() {
            return Err(problems);
        }
        let old = stored.map(|(_, secrets)| secrets.clone()).unwrap_or_default();
        let before = stored.map(|(settings, _)| settings);
        let settings = Settings {
            aliases,
            plus_addressing: self.plus_addressing == "on",
            imap: imap.as_ref().map(|(imap, _)| imap.clone()),
            smtp: smtp.as_ref().map(|(smtp, _)| smtp.clone()),
            acknowledge: self.acknowledge == "on",
            oauth,
            pace,
            hook,
            dkim: before.and_then(|before| before.dkim.clone()),
            smtp_shut_out: before.is_some_and(|before| before.smtp_shut_out) && smtp.as_ref().is_some_and(|(smtp, _)| smtp.by_token),
        };
        // A token goes to the servers and comes from the provider that it was given for, and to no other.
        let tokens = if before.is_some_and(|before| same_sign_in(before, &settings)) { old.tokens } else { Tokens::default() };
        let typed_or = |typed: &str, old: String| if typed.trim().is_empty() { old } else { typed.trim().to_owned() };
        let same_app = before
            .and_then(|before| before.oauth.as_ref())
            .zip(settings.oauth.as_ref())
            .is_some_and(|(a, b)| a.token == b.token && a.service == b.service && a.tenant == b.tenant);
        let secrets = Secrets {
            imap_password: imap.map(|(_, password)| password).unwrap_or_default(),
            smtp_password: smtp.map(|(_, password)| password).unwrap_or_default(),
            oauth_client_secret: typed_or(&self.oauth_client_secret, if same_app { old.oauth_client_secret } else { String::new() }),
            tokens,
            hook_secret: if old.hook_secret.is_empty() { crate::secrets::token() } else { old.hook_secret },
            hook_key: typed_or(&self.hook_key, if before.is_some_and(|before| before.hook == hook) { old.hook_key } else { String::new() }),
            dkim_key: old.dkim_key,
        };
        if hook == Some(HookService::Mailgun) && secrets.hook_key.is_empty() {
            return Err(Problems::one("hook_key", "Enter Mailgun’s webhook signing key."));
        }
        Ok(Checked { name: name.to_owned(), address: address.to_owned(), team_id, language, settings, secrets })
    }

    fn check_oauth(&self, problems: &mut Problems) -> Option<OauthSettings> {
        let service = match self.sign_in.as_str() {
            "google" => OauthService::Google,
            "microsoft" => OauthService::Microsoft,
            "other" => OauthService::Other,
            _ => return None,
        };
        let client_id = self.oauth_client_id.trim();
        if client_id.is_empty() || client_id.len() > 500 {
            problems.add("oauth_client_id", "Enter the client ID of the app that you have registered.");
        }
        let tenant = self.oauth_tenant.trim();
        if !tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')) || tenant.len() > 253 {
            problems.add("oauth_tenant", "Enter the directory’s id or domain, or leave it empty.");
        }
        let is_other = service == OauthService::Other;
        let page = |typed: &str| if is_other { typed.trim().to_owned() } else { String::new() };
        let (authorize, token) = (page(&self.oauth_authorize), page(&self.oauth_token));
        for (field, address) in [("oauth_authorize", &authorize), ("oauth_token", &token)] {
            if is_other && url::Url::parse(address).ok().is_none_or(|url| !matches!(url.scheme(), "https" | "http")) {
                problems.add(field, "Enter an address like https://auth.example.com/oauth2/token.");
            }
        }
        let scopes = page(&self.oauth_scopes);
        Some(OauthSettings { service, client_id: client_id.to_owned(), tenant: tenant.to_owned(), authorize, token, scopes })
    }

    fn check_imap(&self, stored: Option<(&Settings, &Secrets)>, by_token: bool, problems: &mut Problems) -> Option<(ImapSettings, String)> {
        let host = check_host("imap_host", &self.imap_host, problems);
        let port = check_port("imap_port", &self.imap_port, problems);
        let security = check_security("imap_security", &self.imap_security, &self.imap_host, problems);
        let user = self.imap_user.trim();
        if user.is_empty() {
            problems.add("imap_user", "Enter the user; mostly it is the address itself.");
        }
        let known = stored.and_then(|(settings, secrets)| Some((settings.imap.as_ref()?.host.as_str(), secrets.imap_password.as_str())));
        let password = match by_token {
            true => Some(String::new()),
            false => check_password("imap_password", &self.imap_password, host.as_deref(), known, problems),
        };
        let folder = self.imap_folder.trim();
        if folder.chars().count() > 200 || folder.contains(char::is_control) {
            problems.add("imap_folder", "Enter the folder’s name, such as INBOX.");
        }
        let imap = ImapSettings {
            host: host?,
            port: port?,
            security: security?,
            user: user.to_owned(),
            folder: if folder.is_empty() { "INBOX".to_owned() } else { folder.to_owned() },
            after_fetch: if self.imap_seen == "on" { AfterFetch::Seen } else { AfterFetch::Keep },
            first_days: self.first_days.parse().unwrap_or(0).min(365),
        };
        Some((imap, password?))
    }

    fn check_smtp(
        &self,
        stored: Option<(&Settings, &Secrets)>,
        same: bool,
        by_token: bool,
        imap: Option<&(ImapSettings, String)>,
        problems: &mut Problems,
    ) -> Option<(SmtpSettings, String)> {
        let host = check_host("smtp_host", &self.smtp_host, problems);
        let port = check_port("smtp_port", &self.smtp_port, problems);
        let security = check_security("smtp_security", &self.smtp_security, &self.smtp_host, problems);
        let user = self.smtp_user.trim();
        let (user, password) = if same {
            let (imap, password) = imap?;
            (imap.user.clone(), password.clone())
        } else if user.is_empty() {
            (String::new(), String::new())
        } else {
            let known =
                stored.and_then(|(settings, secrets)| Some((settings.smtp.as_ref()?.host.as_str(), secrets.smtp_password.as_str())));
            (user.to_owned(), check_password("smtp_password", &self.smtp_password, host.as_deref(), known, problems)?)
        };
        Some((SmtpSettings { host: host?, port: port?, security: security?, user, by_token: by_token && same }, password))
    }
}

/// Whether two settings have the same provider and app, and tokens go to no server that they were not given for: to those that had them, and
/// to the provider's own.
fn same_sign_in(before: &Settings, after: &Settings) -> bool {
    let imap = |settings: &Settings| settings.imap.as_ref().map(|imap| (imap.host.clone(), imap.user.clone()));
    let smtp = |settings: &Settings| settings.smtp.as_ref().filter(|smtp| smtp.by_token).map(|smtp| (smtp.host.clone(), smtp.user.clone()));
    let app = |settings: &Settings| {
        settings.oauth.as_ref().map(|oauth| (oauth.service, oauth.client_id.clone(), oauth.tenant.clone(), oauth.token.clone()))
    };
    let own = after.oauth.as_ref().map_or(&[][..], |oauth| providers::own_hosts(oauth.service));
    let had: Vec<String> = imap(before).into_iter().chain(smtp(before)).map(|(host, _)| host).collect();
    let fits = |before: Option<(String, String)>, after: Option<(String, String)>| match (before, after) {
        (_, None) => true,
        (None, Some((host, _))) => had.contains(&host) || own.contains(&host.as_str()),
        (before, after) => before == after,
    };
    app(before).is_some() && app(before) == app(after) && fits(imap(before), imap(after)) && fits(smtp(before), smtp(after))
}

fn check_limit(field: &'static str, typed: &str, problems: &mut Problems) -> u32 {
    let typed = typed.trim();
    match typed.parse() {
        _ if typed.is_empty() => 0,
        Ok(number) if number <= 1_000_000 => number,
        _ => {
            problems.add(field, "Enter a number, or nothing for no limit.");
            0
        }
    }
}

fn check_host(field: &'static str, typed: &str, problems: &mut Problems) -> Option<String> {
    let host = typed.trim().trim_end_matches('.').to_lowercase();
    let fits = !host.is_empty() && host.len() <= 253 && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
    if !fits {
        problems.add(field, "Enter the server’s name, such as mail.example.com.");
    }
    fits.then_some(host)
}

fn check_port(field: &'static str, typed: &str, problems: &mut Problems) -> Option<u16> {
    let port = typed.trim().parse().ok().filter(|port| *port > 0);
    if port.is_none() {
        problems.add(field, "Enter a port between 1 and 65535.");
    }
    port
}

/// Unencrypted only where the password does not cross other people's networks.
fn check_security(field: &'static str, typed: &str, host: &str, problems: &mut Problems) -> Option<Security> {
    match typed {
        "tls" => Some(Security::Tls),
        "starttls" => Some(Security::Starttls),
        "plain" if is_near(host.trim()) => Some(Security::Plain),
        "plain" => {
            problems.add(field, "Without encryption everyone on the way could read the password. Choose TLS or STARTTLS.");
            None
        }
        _ => {
            problems.add(field, "Choose how the connection is encrypted.");
            None
        }
    }
}

/// This machine, a neighbour without a domain, or a private address.
fn is_near(host: &str) -> bool {
    use std::net::IpAddr;
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => !host.contains('.') || host.ends_with(".local") || host.ends_with(".internal"),
    }
}

/// `known`: the server and password that are stored. A stored password goes to the server it was given for and to no other.
fn check_password(
    field: &'static str,
    typed: &str,
    host: Option<&str>,
    known: Option<(&str, &str)>,
    problems: &mut Problems,
) -> Option<String> {
    if !typed.is_empty() {
        return Some(typed.to_owned());
    }
    match known {
        Some((known_host, password)) if !password.is_empty() && host.is_none_or(|host| host == known_host) => Some(password.to_owned()),
        Some((_, password)) if !password.is_empty() => {
            problems.add(field, "The server has changed: enter the password again.");
            None
        }
        _ => {
            problems.add(field, "Enter the password.");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let shop = crate::desk::directory::Shop {
            shop_name: "S".into(),
            time_zone: "UTC".into(),
            language: "en".into(),
            accent: "#000000".into(),
        };
        let schedule = crate::desk::hours::Schedule::default();
        let hours = std::sync::Arc::new(schedule.resolve(&jiff::tz::TimeZone::UTC));
        let (agents, teams, tags, channels, members) = (vec![], vec![], vec![], vec![], vec![]);
        Directory {
            shop,
            agents,
            teams,
            tags,
            channels,
            members,
            own_server: false,
            own_addresses: Vec::new(),
            schedule,
            hours,
            targets: Default::default(),
            call_backs: Default::default(),
            approval: Default::default(),
            anger: Default::default(),
            spam: Default::default(),
        }
    }

    fn typed() -> MailboxForm {
        MailboxForm {
            name: "Help".into(),
            address: "help@example.com".into(),
            fetch: "imap".into(),
            imap_host: "imap.example.com".into(),
            imap_port: "993".into(),
            imap_security: "tls".into(),
            imap_user: "help@example.com".into(),
            imap_password: "secret".into(),
            send: "own".into(),
            smtp_host: "smtp.example.com".into(),
            smtp_port: "465".into(),
            smtp_security: "tls".into(),
            smtp_same: "on".into(),
            ..MailboxForm::default()
        }
    }

    #[test]
    fn one_password_serves_both_servers() {
        let checked = typed().check(&directory(), None).expect("valid");
        assert_eq!((checked.secrets.imap_password.as_str(), checked.secrets.smtp_password.as_str()), ("secret", "secret"));
        assert_eq!(checked.settings.smtp.map(|smtp| smtp.user).as_deref(), Some("help@example.com"));
    }

    #[test]
    fn a_stored_password_is_kept_for_its_own_server_only() {
        let first = typed().check(&directory(), None).expect("valid");
        let stored = (&first.settings, &first.secrets);
        let kept = MailboxForm { imap_password: String::new(), ..typed() }.check(&directory(), Some(stored)).expect("the stored password");
        assert_eq!(kept.secrets.imap_password, "secret");
        let moved = MailboxForm { imap_password: String::new(), imap_host: "imap.thief.example".into(), ..typed() };
        assert!(moved.check(&directory(), Some(stored)).expect_err("asks again").of("imap_password").is_some());
    }

    #[test]
    fn a_token_goes_to_no_server_that_it_was_not_given_for() {
        let signed_in = MailboxForm {
            sign_in: "google".into(),
            oauth_client_id: "app".into(),
            imap_host: "imap.gmail.com".into(),
            send: "desk".into(),
            ..typed()
        };
        let mut first = signed_in.check(&directory(), None).expect("valid");
        first.secrets.tokens.access_token = "token".into();
        let kept = |form: &MailboxForm| {
            let stored = (&first.settings, &first.secrets);
            form.check(&directory(), Some(stored)).expect("valid").secrets.tokens.access_token
        };
        assert_eq!(kept(&signed_in), "token");
        let own = |host: &str| MailboxForm { send: "own".into(), smtp_host: host.into(), ..signed_in.clone() };
        assert_eq!(kept(&own("smtp.gmail.com")), "token", "Google’s own");
        assert_eq!(kept(&own("imap.gmail.com")), "token", "it is there already");
        assert_eq!(kept(&own("smtp.thief.example")), "");
    }

    #[test]
    fn no_password_travels_in_the_clear() {
        let plain = |host: &str| MailboxForm { imap_security: "plain".into(), imap_host: host.into(), ..typed() }.check(&directory(), None);
        assert!(plain("imap.example.com").expect_err("far").of("imap_security").is_some());
        assert!(plain("dovecot").is_ok() && plain("127.0.0.1").is_ok() && plain("192.168.1.4").is_ok());
    }
}
