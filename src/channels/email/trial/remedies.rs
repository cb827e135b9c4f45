//! What went wrong with a mailbox in plain words, and what to do about it.

use crate::channels::email::imap::connection::ImapError;
use crate::channels::email::settings::{ImapSettings, OauthService};
use crate::channels::email::trial::Trial;
use crate::mailer::{Security, SendError, Server};

/// What an IMAP server or the way to it would not do, for people.
pub(super) fn explain_imap(imap: &ImapSettings, error: &ImapError) -> Trial {
    let (host, port) = (&imap.host, imap.port);
    match error {
        ImapError::Login { reason, .. } => refused_password("Incoming", host, reason),
        ImapError::Busy(reason) => Trial::fails(
            "Incoming mail: the server lets nobody in just now",
            format!("{host} says “{}”. That passes by itself; test again in a few minutes.", short(reason)),
        ),
        ImapError::Tls(_, reason) => bad_certificate("Incoming", host, port, imap.security, reason),
        ImapError::TimeOut => slow("Incoming", host, port, imap.security),
        ImapError::Connect { reason, .. } | ImapError::Folder { reason, .. } => closed("Incoming", host, port, imap.security, reason),
        ImapError::Protocol(error) => closed("Incoming", host, port, imap.security, &error.to_string()),
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

pub(super) fn slow(which: &str, host: &str, port: u16, security: Security) -> Trial {
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

/// The server asks nobody who they are: not at this port, or not with this encryption.
fn no_sign_in(which: &str, host: &str, port: u16, security: Security) -> Trial {
    wrong_mode(which, host, port, security).unwrap_or_else(|| {
        let remedy = match security {
            Security::Plain => "Without encryption most servers offer none: choose TLS with port 993 or 465, or STARTTLS with 143 or 587.",
            Security::Tls | Security::Starttls => {
                "Check the port: mail from programs is mostly taken at 465 or 587, while at 25 servers talk among themselves. A server that needs no password wants the user left empty."
            }
        };
        Trial::fails(format!("{which} mail: the server offers no sign-in"), format!("{host} does not ask for a user at port {port}. {remedy}"))
    })
}

/// A refused sign-in, with what helps at this provider.
fn refused_password(which: &str, host: &str, reason: &str) -> Trial {
    let lower = reason.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let said = short(reason);
    // RFC 5530, and the words before it.
    if says(&["[privacyrequired]", "logindisabled", "plaintext authentication disallowed"]) {
        return Trial::fails(
            format!("{which} mail: the server offers no sign-in without encryption"),
            format!("{host} says “{said}”. Choose TLS with port 993 or 465, or STARTTLS with 143 or 587."),
        );
    }
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

pub(super) fn explain_smtp(server: &Server, error: &SendError) -> Trial {
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
        SendError::SignIn(_) if says(&["offers no way to sign in"]) => no_sign_in("Outgoing", host, port, security),
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
pub(super) fn short(reason: &str) -> String {
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
    fn a_server_that_offers_no_sign_in_has_refused_no_password() {
        let none = "The mail server offers no way to sign in that we know; with the wrong encryption it often offers none";
        let trial = explain_smtp(&server("smtp.example.com", 2525, Security::Starttls), &SendError::SignIn(none.into()));
        assert!(trial.title.contains("offers no sign-in") && trial.detail.contains("465 or 587"), "{trial:?}");
        let trial = refused_password("Incoming", "imap.example.com", "[PRIVACYREQUIRED] Plaintext authentication disallowed");
        assert!(trial.title.contains("without encryption"), "{trial:?}");
    }
}
