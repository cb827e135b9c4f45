//! "Test it": signs in to a mailbox's servers now and says in plain words what failed and what to do.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::app::App;
use crate::channels::email::imap::connection::{Connection, ImapError};
use crate::channels::email::settings::ImapSettings;
use crate::mailer::{Mailer, Server};

/// For the sign-in. With the look-up and the connection before it shorter than a page may take.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_UP: Duration = Duration::from_secs(6);
const CONNECT: Duration = Duration::from_secs(8);

/// What came of trying one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub works: bool,
    /// A few words, then what happened and what to do next.
    pub title: String,
    pub detail: String,
}

impl Trial {
    fn works(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { works: true, title: title.into(), detail: detail.into() }
    }

    fn fails(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { works: false, title: title.into(), detail: detail.into() }
    }
}

/// Signs in where mail is fetched.
pub async fn incoming(settings: &ImapSettings, password: &str) -> Trial {
    let (host, port) = (&settings.host, settings.port);
    if let Err(trial) = reach("Incoming", host, port).await {
        return trial;
    }
    let visit = async {
        let mut connection = Connection::open(settings, password).await?;
        let folder = connection.open_folder(&settings.folder, true).await;
        connection.close().await;
        folder
    };
    match tokio::time::timeout(PATIENCE, visit).await {
        Err(_) => slow("Incoming", host, port),
        Ok(Ok(_)) => {
            Trial::works("Incoming mail works", format!("Signed in at {host} as {} and opened “{}”.", settings.user, settings.folder))
        }
        Ok(Err(error)) => match error {
            ImapError::Login { reason, .. } => refused_password("Incoming", host, &reason),
            ImapError::Tls(_, reason) => bad_certificate("Incoming", host, port, &reason),
            ImapError::Folder { folder, reason } => Trial::fails(
                "Incoming mail: there is no such folder",
                format!("The sign-in works, but {host} has no folder “{folder}” ({}). The main folder is called INBOX.", short(&reason)),
            ),
            ImapError::TimeOut => slow("Incoming", host, port),
            ImapError::Connect { reason, .. } => closed("Incoming", host, port, &reason),
            ImapError::Protocol(error) => closed("Incoming", host, port, &error.to_string()),
        },
    }
}

/// Signs in where answers leave; sends nothing.
pub async fn outgoing(server: &Server) -> Trial {
    let (host, port) = (&server.host, server.port);
    if let Err(trial) = reach("Outgoing", host, port).await {
        return trial;
    }
    let check = async { Mailer::smtp(server)?.check().await };
    match tokio::time::timeout(PATIENCE, check).await {
        Err(_) => slow("Outgoing", host, port),
        Ok(Ok(())) => match &server.credentials {
            Some((user, _)) => Trial::works("Outgoing mail works", format!("Signed in at {host} as {user}. Nothing was sent.")),
            None => Trial::works("Outgoing mail works", format!("{host} answers. Nothing was sent.")),
        },
        Ok(Err(error)) => explain_smtp(host, port, &error.to_string()),
    }
}

/// The desk's own way out, for mailboxes without one.
pub async fn desk_way(app: &App) -> Trial {
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
        Ok(Ok(())) => Trial::works("Outgoing mail works", "The desk’s own mail server answers. Nothing was sent."),
        Ok(Err(error)) => explain_smtp("The desk’s own mail server", 0, &error.to_string()),
        Err(_) => Trial::fails("Outgoing mail: no answer", "The desk’s own mail server did not answer in time."),
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
        Err(_) => Err(slow(which, host, port)),
    }
}

fn slow(which: &str, host: &str, port: u16) -> Trial {
    Trial::fails(
        format!("{which} mail: no answer in time"),
        format!(
            "{host} did not answer at port {port}. Check the port and the kind of encryption; a firewall on the way may also block it, as many hosters do for mail."
        ),
    )
}

fn closed(which: &str, host: &str, port: u16, reason: &str) -> Trial {
    Trial::fails(
        format!("{which} mail: the server broke off"),
        format!(
            "{host} answered at port {port}, but not as expected ({}). Often the kind of encryption does not fit the port.",
            short(reason)
        ),
    )
}

fn refused_password(which: &str, host: &str, reason: &str) -> Trial {
    Trial::fails(
        format!("{which} mail: the server refused the password"),
        format!(
            "{host} says “{}”. Check the user and enter the password again. If the account uses two-step sign-in, create an app password there.",
            short(reason)
        ),
    )
}

fn bad_certificate(which: &str, host: &str, port: u16, reason: &str) -> Trial {
    let lower = reason.to_lowercase();
    if lower.contains("certificate") || lower.contains("unknownissuer") || lower.contains("notvalidfor") {
        return Trial::fails(
            format!("{which} mail: the certificate is not for this server"),
            format!(
                "{host} shows a certificate that cannot be trusted ({}). Use the server’s name exactly as your provider writes it.",
                short(reason)
            ),
        );
    }
    Trial::fails(
        format!("{which} mail: no encrypted connection"),
        format!(
            "{host} does not speak the chosen encryption at port {port} ({}). Try the other kind: TLS with 993 or 465, STARTTLS with 143 or 587.",
            short(reason)
        ),
    )
}

fn explain_smtp(host: &str, port: u16, words: &str) -> Trial {
    let lower = words.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if says(&["535", "534", "authentication", "credential", "username", "password", "5.7.8"]) {
        refused_password("Outgoing", host, words)
    } else if says(&["certificate", "tls", "ssl", "handshake", "unknownissuer", "corrupt message"]) {
        bad_certificate("Outgoing", host, port, words)
    } else if says(&["timed out", "timeout"]) {
        slow("Outgoing", host, port)
    } else {
        closed("Outgoing", host, port, words)
    }
}

/// A server's words, short enough for a sentence.
fn short(reason: &str) -> String {
    crate::text::excerpts::excerpt(reason.trim_end_matches('.'), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_smtp_error_becomes_advice() {
        let title = |words| explain_smtp("smtp.example.com", 465, words).title;
        assert!(title("permanent error (535): 5.7.8 Error: authentication failed").contains("password"));
        assert!(title("Connection error: invalid peer certificate: UnknownIssuer").contains("certificate"));
        assert!(title("Connection error: received corrupt message of type InvalidContentType").contains("encrypted"));
        assert!(title("internal error: connection closed").contains("broke off"));
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
