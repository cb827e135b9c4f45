//! "Test it": signs in to a mailbox's servers now and says in plain words what failed and what to do.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::app::App;
use crate::channels::email::access::{self, AccessError};
use crate::channels::email::deliver;
use crate::channels::email::imap::connection::{Connection, ImapError};
use crate::channels::email::settings::{ImapSettings, OauthService, Settings};
use crate::desk::channels::Channel;
use crate::mailer::{Mailer, Security, SendError, Server};
use crate::secrets::{self, Keys};

/// For the sign-in. With the look-up and the connection before it shorter than a page may take.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_UP: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(6);
/// How long the message to itself may be on its way while somebody looks at the page.
const ROUND: Duration = Duration::from_secs(8);

/// Names a message to itself beside its Message-ID.
const FIELD: &str = "X-Sportello-Trial";

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Works,
    /// It works, and there is something to know.
    Note,
    Fails,
}

/// One step of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub mark: Mark,
    /// A few words, then what happened and what to do next.
    pub title: String,
    pub detail: String,
}

impl Trial {
    fn works(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Works, title: title.into(), detail: detail.into() }
    }

    fn note(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Note, title: title.into(), detail: detail.into() }
    }

    fn fails(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Fails, title: title.into(), detail: detail.into() }
    }

    /// Whether this is why the mailbox does not work.
    pub fn failed(&self) -> bool {
        self.mark == Mark::Fails
    }
}

/// Everything that was found out about a mailbox.
#[derive(Debug, Default)]
pub struct Report {
    pub steps: Vec<Trial>,
    /// The folders that the server has; empty if it did not come so far.
    pub folders: Vec<String>,
    /// The mailbox has to sign in again.
    pub sign_in: Option<String>,
}

impl Report {
    /// The first thing that does not work.
    pub fn failure(&self) -> Option<&Trial> {
        self.steps.iter().find(|step| step.failed())
    }
}

/// Tries everything that a mailbox is set to do.
pub async fn run(app: &App, channel: &Channel) -> Report {
    let settings = Settings::of(channel);
    let incoming = async {
        match &settings.imap {
            Some(imap) => incoming(app, channel, &settings, imap).await,
            None => Report::default(),
        }
    };
    let (mut report, outgoing) = tokio::join!(incoming, outgoing(app, channel));
    report.steps.extend(outgoing.steps);
    report.sign_in = report.sign_in.or(outgoing.sign_in);
    if let (None, Some(imap)) = (report.failure(), &settings.imap)
        && deliver::delivers(app, channel)
    {
        report.steps.push(round_trip(app, channel, &settings, imap).await);
    }
    report
}

/// Signs in where mail is fetched and looks around.
async fn incoming(app: &App, channel: &Channel, settings: &Settings, imap: &ImapSettings) -> Report {
    let (host, port) = (&imap.host, imap.port);
    let mut report = Report::default();
    if let Err(trial) = reach("Incoming", host, port).await {
        report.steps.push(trial);
        return report;
    }
    report.steps.push(Trial::works("The server for incoming mail answers", format!("{host} at port {port}.")));
    let mut connection = match tokio::time::timeout(PATIENCE, access::imap(app, channel, settings, imap)).await {
        Err(_) => {
            report.steps.push(slow("Incoming", host, port, imap.security));
            return report;
        }
        Ok(Err(AccessError::Token(fault))) => {
            report.steps.push(Trial::fails("Incoming mail: not signed in", fault.to_string()));
            if let crate::desk::networks::Fault::SignIn(words) = fault {
                report.sign_in = Some(words);
            }
            return report;
        }
        Ok(Err(AccessError::Imap(error))) => {
            report.steps.push(explain_imap(imap, &error));
            return report;
        }
        Ok(Ok(connection)) => connection,
    };
    let how = match (imap.security, settings.oauth.is_some()) {
        (Security::Plain, _) => "without encryption",
        (_, true) => "encrypted, without a password",
        (_, false) => "encrypted",
    };
    report.steps.push(Trial::works("Signed in for incoming mail", format!("As {}, {how}.", imap.user)));
    match tokio::time::timeout(PATIENCE, look_around(&mut connection, imap)).await {
        Err(_) => report.steps.push(slow("Incoming", host, port, imap.security)),
        Ok((steps, folders)) => {
            report.steps.extend(steps);
            report.folders = folders;
        }
    }
    connection.close().await;
    report
}

async fn look_around(connection: &mut Connection, imap: &ImapSettings) -> (Vec<Trial>, Vec<String>) {
    let mut steps = Vec::new();
    let folders = connection.folders().await.unwrap_or_default();
    match connection.open_folder(&imap.folder, true).await {
        Ok(_) => steps.push(Trial::works(
            format!("The folder “{}” can be opened", imap.folder),
            match folders.len() {
                0 | 1 => "It is the only one.".to_owned(),
                n => format!("One of {n}; another can be chosen below."),
            },
        )),
        Err(error) => {
            let reason = match error {
                ImapError::Folder { reason, .. } => short(&reason),
                other => short(&other.to_string()),
            };
            steps.push(Trial::fails(
                "Incoming mail: there is no such folder",
                format!("The sign-in works, but {} has no folder “{}” ({reason}). Choose one of its folders below; the main one is called INBOX.", imap.host, imap.folder),
            ));
        }
    }
    steps.push(match connection.can_idle().await {
        Ok(true) => Trial::works("New mail shows at once", "The server tells of it by itself (IDLE)."),
        _ => Trial::note(
            "New mail shows within 15 seconds",
            "The server does not tell of it by itself (it lacks IDLE), so it is asked again and again.",
        ),
    });
    (steps, folders)
}

/// What an IMAP server or the way to it would not do, for people.
fn explain_imap(imap: &ImapSettings, error: &ImapError) -> Trial {
    let (host, port) = (&imap.host, imap.port);
    match error {
        ImapError::Login { reason, .. } => refused_password("Incoming", host, reason),
        ImapError::Tls(_, reason) => bad_certificate("Incoming", host, port, imap.security, reason),
        ImapError::TimeOut => slow("Incoming", host, port, imap.security),
        ImapError::Connect { reason, .. } | ImapError::Folder { reason, .. } => closed("Incoming", host, port, imap.security, reason),
        ImapError::Protocol(error) => closed("Incoming", host, port, imap.security, &error.to_string()),
    }
}

/// Signs in where answers leave; sends nothing.
async fn outgoing(app: &App, channel: &Channel) -> Report {
    let mut report = Report::default();
    let server = match access::server(app, channel, None).await {
        Ok(Some(server)) => server,
        Ok(None) => {
            report.steps.push(desk_way(app).await);
            return report;
        }
        Err(fault) => {
            report.steps.push(Trial::fails("Outgoing mail: not signed in", fault.to_string()));
            return report;
        }
    };
    let (host, port) = (&server.host, server.port);
    if let Err(trial) = reach("Outgoing", host, port).await {
        report.steps.push(trial);
        return report;
    }
    report.steps.push(Trial::works("The server for outgoing mail answers", format!("{host} at port {port}.")));
    let check = async { Mailer::smtp(&server)?.check().await };
    report.steps.push(match tokio::time::timeout(PATIENCE, check).await {
        Err(_) => slow("Outgoing", host, port, server.security),
        Ok(Ok(())) => match &server.credentials {
            Some((user, _)) => Trial::works("Signed in for outgoing mail", format!("As {user}.")),
            None => Trial::works("Outgoing mail is taken", "The server asks for no password."),
        },
        Ok(Err(error)) => explain_smtp(&server, &error),
    });
    report
}

/// The desk's own way out, for mailboxes without one.
async fn desk_way(app: &App) -> Trial {
    if !app.mailer.delivers() {
        return Trial::fails(
            "Outgoing mail: there is no server",
            format!(
                "Answers of this mailbox would be written to {} and reach nobody. Enter the mailbox’s own server below, or start Sportello with --smtp-url.",
                app.config.data.join("outbox").display()
            ),
        );
    }
    match tokio::time::timeout(PATIENCE, app.mailer.check()).await {
        Ok(Ok(())) => Trial::works("Outgoing mail is taken", "By the desk’s own mail server."),
        Ok(Err(error)) => {
            let server = Server {
                host: "The desk’s own mail server".to_owned(),
                port: 0,
                security: Security::Tls,
                credentials: None,
                by_token: false,
            };
            explain_smtp(&server, &error)
        }
        Err(_) => Trial::fails("Outgoing mail: no answer", "The desk’s own mail server did not answer in time."),
    }
}

/// The name under which a message to itself is known again, in whatever form it comes back: signed, so that nobody else can send mail that
/// becomes no ticket.
fn message_id(keys: &Keys, domain: &str) -> String {
    let token = secrets::token()[..16].to_lowercase();
    format!("trial.{token}.{}@{domain}", keys.sign("trial", &token, 16))
}

/// Whether a mail is one with which a mailbox was tried.
pub fn is_ours(keys: &Keys, raw: &[u8]) -> bool {
    let head = &raw[..raw.len().min(64 * 1024)];
    if !head.windows(6).any(|window| window == b"trial.") {
        return false;
    }
    let Some(message) = mail_parser::MessageParser::new().parse_headers(head) else { return false };
    let known = |id: &str| {
        let mut parts = id.split('@').next().unwrap_or_default().split('.');
        parts.next() == Some("trial")
            && parts.next().zip(parts.next()).is_some_and(|(token, signature)| keys.verify("trial", token, 16, signature))
    };
    // Some servers give a mail another id; the field stays.
    message.message_id().is_some_and(known) || message.header_raw(FIELD).is_some_and(|id| known(id.trim()))
}

/// Sends a message from the mailbox to itself, finds it there and removes it.
async fn round_trip(app: &App, channel: &Channel, settings: &Settings, imap: &ImapSettings) -> Trial {
    let address = channel.address.clone().unwrap_or_default();
    let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let id = message_id(&app.keys, domain);
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let raw = format!(
        "From: <{address}>\r\nTo: <{address}>\r\nSubject: Sportello tries this mailbox\r\nMessage-ID: <{id}>\r\n{FIELD}: {id}\r\nDate: {date}\r\nAuto-Submitted: auto-generated\r\n         X-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n         Somebody pressed \"Test it\" on the page of this mailbox. Sportello removes this message again; otherwise it may be deleted.\r\n"
    );
    let sending = async {
        let mailer = deliver::way_out(app, channel).await?;
        mailer.send(&address, std::slice::from_ref(&address), raw.as_bytes()).await
    };
    match tokio::time::timeout(PATIENCE, sending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            return Trial::fails(
                "A message to itself was not taken",
                format!(
                    "The sign-in works, but the server refuses mail from {address} ({}). Often the user may not send in the name of this address.",
                    short(&error.to_string())
                ),
            );
        }
        Err(_) => return Trial::fails("A message to itself was not taken", "The server for outgoing mail did not answer in time."),
    }
    let finding = async {
        let mut connection = access::imap(app, channel, settings, imap).await.ok()?;
        connection.open_folder(&imap.folder, false).await.ok()?;
        let began = Instant::now();
        while began.elapsed() < ROUND {
            connection.noop().await.ok()?;
            let mut found = connection.find_header("Message-ID", &id).await.ok()?;
            if found.is_empty() {
                found = connection.find_header(FIELD, &id).await.ok()?;
            }
            if !found.is_empty() {
                let removed = connection.remove(&found).await.is_ok();
                connection.close().await;
                return Some((began.elapsed(), removed));
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        connection.close().await;
        None
    };
    match tokio::time::timeout(ROUND + Duration::from_secs(4), finding).await {
        Ok(Some((took, true))) => Trial::works(
            "A message to itself arrived",
            format!("After {:.1} seconds. It has been removed again.", took.as_secs_f64().max(0.1)),
        ),
        Ok(Some((_, false))) => Trial::works(
            "A message to itself arrived",
            "It could not be removed and can be deleted by hand. It becomes no ticket.".to_owned(),
        ),
        _ => Trial::note(
            "A message to itself is still on its way",
            format!(
                "It was taken, but has not arrived in “{}” within {} seconds. Some servers take minutes, or put it into another folder. It becomes no ticket.",
                imap.folder,
                ROUND.as_secs()
            ),
        ),
    }
}

/// The first two things that can go wrong, told apart better here than by any mail library: the name and the way.
async fn reach(which: &str, host: &str, port: u16) -> Result<(), Trial> {
    let unknown = |reason: &str| {
        Trial::fails(
            format!("{which} mail: no such server"),
            format!("The name “{host}” leads nowhere{reason}. Check its spelling, or look the server up in your provider’s help."),
        )
    };
    let addresses = match tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port))).await {
        Err(_) => {
            return Err(Trial::fails(
                format!("{which} mail: the name look-up takes too long"),
                "This machine’s DNS does not answer. Try again in a minute; if it stays so, tell whoever runs this machine.",
            ));
        }
        Ok(Err(_)) => return Err(unknown("")),
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
    };
    if addresses.is_empty() {
        return Err(unknown(""));
    }
    match tokio::time::timeout(CONNECT, TcpStream::connect(&*addresses)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Err(Trial::fails(
            format!("{which} mail: nobody answers at that port"),
            format!(
                "{host} exists, but refuses connections at port {port}. Usual ports are 993 for incoming, 465 or 587 for outgoing mail."
            ),
        )),
        Ok(Err(error)) => {
            Err(Trial::fails(format!("{which} mail: the server cannot be reached"), format!("{host} at port {port}: {error}.")))
        }
        Err(_) => Err(Trial::fails(
            format!("{which} mail: no way to the server"),
            format!(
                "Nothing comes back from {host} at port {port}. Most likely a firewall on the way blocks it, as many hosters do for mail (port 25 above all), or the port is wrong: usual are 993 for incoming, 465 or 587 for outgoing mail."
            ),
        )),
    }
}

/// Where the port speaks another kind of encryption than the chosen one, that is it.
fn wrong_mode(which: &str, host: &str, port: u16, security: Security) -> Option<Trial> {
    let (fits, chosen) = match (port, security) {
        (993 | 465, Security::Starttls) => ("TLS", "STARTTLS"),
        (993 | 465, Security::Plain) => ("TLS", "no encryption"),
        (143 | 587 | 25, Security::Tls) => ("STARTTLS", "TLS"),
        _ => return None,
    };
    Some(Trial::fails(
        format!("{which} mail: the kind of encryption does not fit the port"),
        format!("Port {port} of {host} expects {fits}, but {chosen} is chosen. Choose {fits}."),
    ))
}

fn slow(which: &str, host: &str, port: u16, security: Security) -> Trial {
    wrong_mode(which, host, port, security).unwrap_or_else(|| {
        Trial::fails(
            format!("{which} mail: no answer in time"),
            format!(
                "{host} did not answer at port {port}. Check the port and the kind of encryption; a firewall on the way may also block it, as many hosters do for mail."
            ),
        )
    })
}

fn closed(which: &str, host: &str, port: u16, security: Security, reason: &str) -> Trial {
    wrong_mode(which, host, port, security).unwrap_or_else(|| {
        Trial::fails(
            format!("{which} mail: the server broke off"),
            format!(
                "{host} answered at port {port}, but not as expected ({}). Often the kind of encryption does not fit the port.",
                short(reason)
            ),
        )
    })
}

/// Which service a server belongs to, by its name.
fn service_of(host: &str) -> Option<OauthService> {
    let host = host.to_lowercase();
    if ["gmail.com", "googlemail.com", "google.com"].iter().any(|known| host.ends_with(known)) {
        Some(OauthService::Google)
    } else if ["outlook.com", "office365.com", "hotmail.com", "live.com"].iter().any(|known| host.ends_with(known)) {
        Some(OauthService::Microsoft)
    } else {
        None
    }
}

/// A refused sign-in, with what helps at this provider.
fn refused_password(which: &str, host: &str, reason: &str) -> Trial {
    let lower = reason.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let said = short(reason);
    if says(&["5.7.30", "basic authentication is not supported", "5.7.139", "basic authentication is disabled"]) {
        return Trial::fails(
            format!("{which} mail: Microsoft takes no passwords any more"),
            format!(
                "{host} says “{said}”. Choose “Sign in with Microsoft” above instead of a password; an administrator of your Microsoft 365 may have to allow it."
            ),
        );
    }
    if says(&[
        "not enabled for imap",
        "imap access is disabled",
        "imap is disabled",
        "imap4 is disabled",
        "imap disabled",
        "enable imap",
        "protocol disabled",
        "imap access is not",
        "smtpclientauthentication is disabled",
    ]) {
        return Trial::fails(
            format!("{which} mail: programs are shut out of this account"),
            format!(
                "{host} says “{said}”. Switch IMAP (or SMTP sign-in) on in the account’s settings at your provider, wait a few minutes, and test again."
            ),
        );
    }
    let app_password = |who: &str, how: &str| {
        Trial::fails(
            format!("{which} mail: {who} wants an app password"),
            format!("{host} says “{said}”. The account’s own password does not work here. {how}"),
        )
    };
    if service_of(host) == Some(OauthService::Google) {
        return app_password(
            "Google",
            "Choose “Sign in with Google” above, or create an app password: in the Google account, under Security, 2-Step Verification, App passwords.",
        );
    }
    if service_of(host) == Some(OauthService::Microsoft) {
        return Trial::fails(
            format!("{which} mail: Microsoft does not take this password"),
            format!("{host} says “{said}”. Microsoft lets programs in only by a sign-in: choose “Sign in with Microsoft” above."),
        );
    }
    if host.contains("yahoo") || host.contains("aol.") {
        return app_password("Yahoo", "Create one in the Yahoo account, under Security, “Generate and manage app passwords”.");
    }
    if host.ends_with("me.com") || host.contains("icloud") {
        return app_password(
            "Apple",
            "Create one at account.apple.com, under Sign-In and Security, App-Specific Passwords; the user is the part before @icloud.com, or the whole address.",
        );
    }
    if says(&["app password", "application-specific", "app-specific", "application password"]) {
        return app_password("the provider", "Create an app password in the account’s security settings.");
    }
    Trial::fails(
        format!("{which} mail: the server refused the password"),
        format!(
            "{host} says “{said}”. Check the user and enter the password again. If the account uses two-step sign-in, create an app password there."
        ),
    )
}

fn bad_certificate(which: &str, host: &str, port: u16, security: Security, reason: &str) -> Trial {
    let lower = reason.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if says(&["expired", "notvalidyet", "not valid yet"]) {
        return Trial::fails(
            format!("{which} mail: the server’s certificate has expired"),
            format!(
                "{host} shows a certificate whose time is over ({}). Whoever runs that server has to renew it; check the clock of this machine too.",
                short(reason)
            ),
        );
    }
    if says(&["certificate", "unknownissuer", "notvalidfor"]) {
        return Trial::fails(
            format!("{which} mail: the certificate is not for this server"),
            format!(
                "{host} shows a certificate that cannot be trusted ({}). Use the server’s name exactly as your provider writes it.",
                short(reason)
            ),
        );
    }
    wrong_mode(which, host, port, security).unwrap_or_else(|| {
        Trial::fails(
            format!("{which} mail: no encrypted connection"),
            format!(
                "{host} does not speak the chosen encryption at port {port} ({}). Try the other kind: TLS with 993 or 465, STARTTLS with 143 or 587.",
                short(reason)
            ),
        )
    })
}

fn explain_smtp(server: &Server, error: &SendError) -> Trial {
    let (host, port, security) = (&*server.host, server.port, server.security);
    let words = error.to_string();
    let lower = words.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    match error {
        SendError::SignIn(_) if server.by_token => Trial::fails(
            "Outgoing mail: the server does not accept the sign-in",
            format!(
                "{host} says “{}”. Sign in once more, with the account of this mailbox. At Microsoft an administrator may have to allow “Authenticated SMTP” for it.",
                short(&words)
            ),
        ),
        SendError::SignIn(_) => refused_password("Outgoing", host, &words),
        _ if says(&["535", "534", "authentication", "credential", "username", "password", "5.7.8"]) => {
            refused_password("Outgoing", host, &words)
        }
        _ if says(&["certificate", "tls", "ssl", "handshake", "unknownissuer", "corrupt message", "expired"]) => {
            bad_certificate("Outgoing", host, port, security, &words)
        }
        _ if says(&["timed out", "timeout"]) => slow("Outgoing", host, port, security),
        _ => closed("Outgoing", host, port, security, &words),
    }
}

/// A server's words, short enough for a sentence.
fn short(reason: &str) -> String {
    crate::text::excerpts::excerpt(reason.trim_end_matches('.'), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, port: u16, security: Security) -> Server {
        Server { host: host.to_owned(), port, security, credentials: None, by_token: false }
    }

    #[test]
    fn an_smtp_error_becomes_advice() {
        let title = |words: &str| explain_smtp(&server("smtp.example.com", 2465, Security::Tls), &SendError::Later(words.to_owned())).title;
        assert!(title("permanent error (535): 5.7.8 Error: authentication failed").contains("password"));
        assert!(title("Connection error: invalid peer certificate: UnknownIssuer").contains("certificate"));
        assert!(title("Connection error: invalid peer certificate: Expired").contains("expired"));
        assert!(title("Connection error: received corrupt message of type InvalidContentType").contains("encrypted"));
        assert!(title("internal error: connection closed").contains("broke off"));
    }

    #[test]
    fn every_provider_has_its_own_remedy() {
        let told = |host: &str, words: &str| refused_password("Incoming", host, words);
        for (host, words, title, remedy) in [
            ("imap.gmail.com", "Application-specific password required: 5.7.9", "Google wants an app password", "Sign in with Google"),
            ("imap.gmail.com", "[ALERT] Your account is not enabled for IMAP use.", "shut out", "Switch IMAP"),
            (
                "smtp.office365.com",
                "550 5.7.30 Basic authentication is not supported for Client Submission.",
                "no passwords any more",
                "Sign in with Microsoft",
            ),
            ("outlook.office365.com", "LOGIN failed.", "Microsoft does not take", "Sign in with Microsoft"),
            ("imap.mail.yahoo.com", "[AUTHENTICATIONFAILED] LOGIN Invalid credentials", "Yahoo wants", "app passwords"),
            ("imap.mail.me.com", "Authentication Failed", "Apple wants", "account.apple.com"),
            ("imap.shop.example", "Authentication failed.", "refused the password", "enter the password again"),
        ] {
            let trial = told(host, words);
            assert!(trial.title.contains(title) && trial.detail.contains(remedy), "{host}: {trial:?}");
        }
    }

    #[test]
    fn a_kind_of_encryption_that_does_not_fit_the_port_is_named() {
        let trial = slow("Incoming", "imap.example.com", 993, Security::Starttls);
        assert!(trial.title.contains("does not fit") && trial.detail.ends_with("Choose TLS."), "{trial:?}");
        let trial =
            explain_smtp(&server("s", 587, Security::Tls), &SendError::Later("received corrupt message of type InvalidContentType".into()));
        assert!(trial.detail.ends_with("Choose STARTTLS."), "{trial:?}");
    }

    #[test]
    fn only_our_own_messages_to_itself_are_known() {
        let keys = Keys::from_bytes([3; 32]);
        let id = message_id(&keys, "shop.it");
        assert!(is_ours(&keys, format!("Subject: x\r\nMessage-ID: <{id}>\r\n\r\n").as_bytes()));
        assert!(!is_ours(&keys, format!("Subject: x\r\nMessage-ID: <1@x>\r\n\r\n<{id}>").as_bytes()));
        assert!(!is_ours(&keys, b"Message-ID: <trial.0123456789abcdef.0123456789abcdef@shop.it>\r\n\r\n"));
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_and_a_closed_port_are_told_apart() {
        let nowhere = reach("Incoming", "imap.nowhere.invalid", 993).await.expect_err("no such name");
        assert!(nowhere.title.contains("no such server") || nowhere.title.contains("too long"), "{nowhere:?}");
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let shut = reach("Incoming", "127.0.0.1", port).await.expect_err("nobody listens");
        assert!(shut.title.contains("nobody answers"), "{shut:?}");
    }
}
