//! The servers of well-known mail providers, so that an admin need not look them up.

use crate::channels::email::settings::OauthService;
use crate::mailer::Security;

/// How a mailbox is probably reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub imap: (String, u16, Security),
    pub smtp: (String, u16, Security),
    /// What this provider asks for besides the password.
    pub advice: Option<&'static str>,
    /// Whether the provider is known, rather than inferred from the domain's name.
    pub known: bool,
    /// Lets programs in only by a sign-in at Microsoft's.
    pub microsoft: bool,
}

const GOOGLE: &str = "Google does not take the account’s own password here. Either sign in with Google below, which needs an app registered with Google once, or use an app password: in the Google account, under Security, switch on 2-Step Verification, then create one under “App passwords”.";
const MICROSOFT: &str = "Microsoft does not let programs sign in by password any more: sign in with Microsoft below. That needs an app registered with Microsoft once. Or have the mailbox forward its mail to Sportello’s own mail port, and answer through another server.";
const APP_PASSWORD: &str =
    "This provider wants an app password here, not the account’s own. It is created in the account’s security settings.";
const SWITCH_ON: &str = "This provider lets programs in only once IMAP is switched on in the webmail’s settings, under POP3 and IMAP.";

struct Provider {
    /// Domains; one that ends in a dot stands for every ending (`yahoo.` is `yahoo.it` and `yahoo.co.uk`).
    domains: &'static [&'static str],
    imap: &'static str,
    smtp: &'static str,
    smtp_port: u16,
    advice: Option<&'static str>,
}

const fn provider(
    domains: &'static [&'static str],
    imap: &'static str,
    smtp: &'static str,
    smtp_port: u16,
    advice: Option<&'static str>,
) -> Provider {
    Provider { domains, imap, smtp, smtp_port, advice }
}

/// `{}` is the ending of the domain where the servers carry it too.
const PROVIDERS: &[Provider] = &[
    provider(&["gmail.com", "googlemail.com"], "imap.gmail.com", "smtp.gmail.com", 465, Some(GOOGLE)),
    provider(&["outlook.", "hotmail.", "live.", "msn.com"], "outlook.office365.com", "smtp-mail.outlook.com", 587, Some(MICROSOFT)),
    provider(&["office365.com", "onmicrosoft.com"], "outlook.office365.com", "smtp.office365.com", 587, Some(MICROSOFT)),
    provider(&["yahoo.", "ymail.com", "rocketmail.com"], "imap.mail.yahoo.com", "smtp.mail.yahoo.com", 465, Some(APP_PASSWORD)),
    provider(&["icloud.com", "me.com", "mac.com"], "imap.mail.me.com", "smtp.mail.me.com", 587, Some(APP_PASSWORD)),
    provider(&["fastmail.com", "fastmail.fm"], "imap.fastmail.com", "smtp.fastmail.com", 465, Some(APP_PASSWORD)),
    provider(&["zoho.eu", "zohomail.eu"], "imap.zoho.eu", "smtp.zoho.eu", 465, None),
    provider(&["zoho.com", "zohomail.com"], "imap.zoho.com", "smtp.zoho.com", 465, None),
    provider(&["aruba.it"], "imaps.aruba.it", "smtps.aruba.it", 465, None),
    provider(&["pec.it", "arubapec.it"], "imaps.pec.aruba.it", "smtps.pec.aruba.it", 465, None),
    provider(&["libero.it", "iol.it", "inwind.it", "blu.it", "giallo.it"], "imapmail.libero.it", "smtp.libero.it", 465, Some(APP_PASSWORD)),
    provider(&["virgilio.it"], "in.virgilio.it", "out.virgilio.it", 465, None),
    provider(&["tiscali.it"], "imap.tiscali.it", "smtp.tiscali.it", 465, None),
    provider(&["gmx.de", "gmx.net", "gmx.at", "gmx.ch"], "imap.gmx.net", "mail.gmx.net", 465, Some(SWITCH_ON)),
    provider(&["gmx."], "imap.gmx.com", "mail.gmx.com", 465, Some(SWITCH_ON)),
    provider(&["web.de"], "imap.web.de", "smtp.web.de", 587, Some(SWITCH_ON)),
    provider(&["t-online.de"], "secureimap.t-online.de", "securesmtp.t-online.de", 465, None),
    provider(&["posteo.de", "posteo.net"], "posteo.de", "posteo.de", 465, None),
    provider(&["mailbox.org"], "imap.mailbox.org", "smtp.mailbox.org", 465, None),
    provider(&["strato.de"], "imap.strato.de", "smtp.strato.de", 465, None),
    provider(&["ionos."], "imap.ionos.{}", "smtp.ionos.{}", 465, None),
    provider(&["ovh.", "ovh.net"], "ssl0.ovh.net", "ssl0.ovh.net", 465, None),
    provider(&["orange.fr", "wanadoo.fr"], "imap.orange.fr", "smtp.orange.fr", 465, None),
    provider(&["free.fr"], "imap.free.fr", "smtp.free.fr", 465, None),
    provider(&["laposte.net"], "imap.laposte.net", "smtp.laposte.net", 465, None),
];

/// The servers of a provider as text for a form's hint, shown where a domain says nothing: shops mostly have their own.
pub const HOSTS: &[(&str, &str, &str)] = &[
    ("Google Workspace", "imap.gmail.com", "smtp.gmail.com"),
    ("Aruba", "imaps.aruba.it", "smtps.aruba.it"),
    ("IONOS", "imap.ionos.it", "smtp.ionos.it"),
    ("OVH", "ssl0.ovh.net", "ssl0.ovh.net"),
    ("Strato", "imap.strato.de", "smtp.strato.de"),
];

/// The servers of a service at which one signs in.
pub fn own_hosts(service: OauthService) -> &'static [&'static str] {
    match service {
        OauthService::Google => &["imap.gmail.com", "smtp.gmail.com"],
        OauthService::Microsoft => &["outlook.office365.com", "smtp.office365.com", "smtp-mail.outlook.com"],
        OauthService::Other => &[],
    }
}

/// How the mailbox of this address is probably reached.
pub fn guess(address: &str) -> Guess {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).trim().to_lowercase();
    let of = |port| if port == 587 { Security::Starttls } else { Security::Tls };
    for provider in PROVIDERS {
        for pattern in provider.domains {
            let ending = match pattern.strip_suffix('.') {
                Some(_) => domain.strip_prefix(pattern),
                None => (domain == *pattern || domain.ends_with(&format!(".{pattern}"))).then_some(""),
            };
            let Some(ending) = ending else { continue };
            let imap = (provider.imap.replace("{}", ending), 993, Security::Tls);
            let smtp = (provider.smtp.replace("{}", ending), provider.smtp_port, of(provider.smtp_port));
            return Guess { imap, smtp, advice: provider.advice, known: true, microsoft: provider.advice == Some(MICROSOFT) };
        }
    }
    Guess {
        imap: (format!("imap.{domain}"), 993, Security::Tls),
        smtp: (format!("smtp.{domain}"), 465, Security::Tls),
        advice: None,
        known: false,
        microsoft: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_domains_have_their_servers() {
        for (address, imap, smtp) in [
            ("a@gmail.com", "imap.gmail.com", "smtp.gmail.com:465"),
            ("a@hotmail.it", "outlook.office365.com", "smtp-mail.outlook.com:587"),
            ("a@shop.onmicrosoft.com", "outlook.office365.com", "smtp.office365.com:587"),
            ("a@ionos.de", "imap.ionos.de", "smtp.ionos.de:465"),
            ("A@GMX.DE", "imap.gmx.net", "mail.gmx.net:465"),
            ("a@gmx.es", "imap.gmx.com", "mail.gmx.com:465"),
            ("a@web.de", "imap.web.de", "smtp.web.de:587"),
            ("a@shop.example", "imap.shop.example", "smtp.shop.example:465"),
        ] {
            let guess = guess(address);
            assert_eq!((guess.imap.0.as_str(), format!("{}:{}", guess.smtp.0, guess.smtp.1).as_str()), (imap, smtp), "{address}");
        }
        assert!(!guess("a@notgmail.com").known);
    }
}
