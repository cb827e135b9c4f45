//! "Test it": signs in to a mailbox's servers now and says in plain words what failed and what to do.

mod remedies;

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::app::App;
use crate::channels::email::access::{self, AccessError};
use crate::channels::email::deliver;
use crate::channels::email::imap::connection::{Connection, ImapError};
use crate::channels::email::settings::{ImapSettings, Settings};
use crate::channels::email::trial::remedies::{explain_imap, explain_smtp, short, slow};
use crate::desk::channels::Channel;
use crate::mailer::{Mailer, Security, Server};
use crate::secrets::{self, Keys};

/// For everything together: a page may take thirty seconds.
const TOTAL: Duration = Duration::from_secs(25);
/// For the sign-in.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_UP: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(6);
/// How long the message to itself may be on its way while somebody looks at the page.
const ROUND: Duration = Duration::from_secs(8);
/// With less than this left nothing is sent.
const TOO_LATE: Duration = Duration::from_secs(6);

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

/// By when a step must be over that takes so long at most.
fn within(ends: Instant, patience: Duration) -> Instant {
    ends.min(Instant::now() + patience)
}

/// Tries everything that a mailbox is set to do.
pub async fn run(app: &App, channel: &Channel) -> Report {
    let ends = Instant::now() + TOTAL;
    let settings = Settings::of(channel);
    let incoming = async {
        match &settings.imap {
            Some(imap) => incoming(app, channel, &settings, imap, ends).await,
            None => Report::default(),
        }
    };
    let (mut report, outgoing) = tokio::join!(incoming, outgoing(app, channel, ends));
    report.steps.extend(outgoing.steps);
    report.sign_in = report.sign_in.or(outgoing.sign_in);
    if let (None, Some(imap)) = (report.failure(), &settings.imap)
        && deliver::delivers(app, channel)
    {
        let in_time = ends.saturating_duration_since(Instant::now()) >= TOO_LATE;
        report.steps.push(match in_time {
            true => round_trip(app, channel, &settings, imap, ends).await,
            false => Trial::note("No message to itself was sent", "The servers answer, but so slowly that there was no time left for it."),
        });
    }
    report
}

/// Signs in where mail is fetched and looks around.
async fn incoming(app: &App, channel: &Channel, settings: &Settings, imap: &ImapSettings, ends: Instant) -> Report {
    let (host, port) = (&imap.host, imap.port);
    let mut report = Report::default();
    if let Err(trial) = reach("Incoming", host, port).await {
        report.steps.push(trial);
        return report;
    }
    report.steps.push(Trial::works("The server for incoming mail answers", format!("{host} at port {port}.")));
    let mut connection = match tokio::time::timeout_at(within(ends, PATIENCE), access::imap(app, channel, settings, imap)).await {
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
    match tokio::time::timeout_at(within(ends, PATIENCE), look_around(&mut connection, imap)).await {
        Err(_) => report.steps.push(slow("Incoming", host, port, imap.security)),
        Ok((steps, folders)) => {
            report.steps.extend(steps);
            report.folders = folders;
        }
    }
    let _ = tokio::time::timeout_at(ends, connection.close()).await;
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

/// Signs in where answers leave; sends nothing.
async fn outgoing(app: &App, channel: &Channel, ends: Instant) -> Report {
    let mut report = Report::default();
    let server = match tokio::time::timeout_at(within(ends, PATIENCE), access::server(app, channel, None)).await {
        Ok(Ok(Some(server))) => server,
        Ok(Ok(None)) => {
            report.steps.push(desk_way(app).await);
            return report;
        }
        Err(_) => {
            let words = "The provider did not renew the sign-in in time. Test again in a minute.";
            report.steps.push(Trial::fails("Outgoing mail: not signed in", words));
            return report;
        }
        Ok(Err(fault)) => {
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
    report.steps.push(match tokio::time::timeout_at(within(ends, PATIENCE), check).await {
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

/// A message of the mailbox to itself.
fn letter(address: &str, id: &str) -> String {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    [
        &*format!("From: <{address}>"),
        &*format!("To: <{address}>"),
        "Subject: Sportello tries this mailbox",
        &*format!("Message-ID: <{id}>"),
        &*format!("{FIELD}: {id}"),
        &*format!("Date: {date}"),
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Somebody pressed \"Test it\" on the page of this mailbox. Sportello removes this message again; otherwise it may be deleted.",
        "",
    ]
    .join("\r\n")
}

/// Sends a message from the mailbox to itself, finds it there and removes it.
async fn round_trip(app: &App, channel: &Channel, settings: &Settings, imap: &ImapSettings, ends: Instant) -> Trial {
    let address = channel.address.clone().unwrap_or_default();
    let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let id = message_id(&app.keys, domain);
    let raw = letter(&address, &id);
    let sending = async {
        let mailer = deliver::way_out(app, channel).await?;
        mailer.send(&address, std::slice::from_ref(&address), raw.as_bytes()).await
    };
    match tokio::time::timeout_at(within(ends, PATIENCE), sending).await {
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
    let sent = Instant::now();
    let finding = async {
        let mut connection = access::imap(app, channel, settings, imap).await.ok()?;
        connection.open_folder(&imap.folder, false).await.ok()?;
        let began = Instant::now();
        let gives_up = within(ends, ROUND);
        while Instant::now() < gives_up {
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
    match tokio::time::timeout_at(within(ends, ROUND + Duration::from_secs(4)), finding).await {
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
                sent.elapsed().as_secs().max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_itself_has_a_clean_header() {
        let letter = letter("help@shop.it", "trial.1.2@shop.it");
        let (head, body) = letter.split_once("\r\n\r\n").expect("a body");
        assert!(head.lines().all(|line| line.split_once(": ").is_some_and(|(name, _)| !name.contains(' '))), "{head}");
        assert!(
            head.contains("\r\nX-Auto-Response-Suppress: All\r\n") && body.starts_with("Somebody") && body.ends_with(".\r\n"),
            "{letter}"
        );
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
