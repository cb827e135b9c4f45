//! What mail servers say when they refuse a message (RFC 3463 and what they really write), in plain words.

use std::sync::LazyLock;

use regex::Regex;

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has this address.
    NoAddress,
    /// The part behind the @ does not exist or takes no mail.
    NoDomain,
    /// The address is switched off.
    Closed,
    Full,
    TooLarge,
    Spam,
    /// SPF, DKIM or DMARC.
    Unproven,
    /// The address takes mail only from some.
    NotAllowed,
    Unreachable,
    Loop,
    /// Something in the message itself.
    Content,
    TooMany,
    Unknown,
}

impl Refusal {
    /// As agents read it, to follow "anna@example.it:".
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoAddress => "this address does not exist",
            Self::NoDomain => "the part of the address behind the @ does not exist or takes no mail",
            Self::Closed => "this address is switched off",
            Self::Full => "the mailbox is full",
            Self::TooLarge => "the message is too large for their server",
            Self::Spam => "their server takes the message for spam",
            Self::Unproven => {
                "their server does not believe that the message comes from you; an admin should check SPF, DKIM and DMARC of your domain"
            }
            Self::NotAllowed => "this address does not take mail from you",
            Self::Unreachable => "their server could not be reached, and no more attempts follow",
            Self::Loop => "the message went round in a circle between mail servers",
            Self::Content => "their server refuses something in the message, perhaps an attachment",
            Self::TooMany => "their server takes no more messages for now",
            Self::Unknown => "their server refused the message",
        }
    }

    /// Whether writing there again is useless whatever is written.
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::NoAddress | Self::NoDomain | Self::Closed)
    }
}

/// By what the free words of servers are known; the first that fits counts.
const PHRASES: [(Refusal, &[&str]); 11] = [
    (
        Refusal::Full,
        &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "overquota",
            "quota exceeded",
            "exceeded storage",
            "out of storage",
            "insufficient storage",
            "is over its quota",
            "mailbox size limit",
            "casella piena",
            "boîte pleine",
            "postfach voll",
            "mailbox quota",
        ],
    ),
    (Refusal::Unproven, &["dmarc", "spf check", "spf fail", "spf validation", "unauthenticated", "not authenticated", "dkim"]),
    (
        Refusal::NoDomain,
        &[
            "host or domain name not found",
            "domain not found",
            "no such domain",
            "host not found",
            "host unknown",
            "unrouteable",
            "unroutable",
            "nxdomain",
            "name service error",
            "domain does not exist",
            "null mx",
            "does not accept mail (nullmx)",
            "no mail hosts",
            "bad destination host",
            "couldn't find any host",
        ],
    ),
    (
        Refusal::Closed,
        &[
            "account disabled",
            "account has been disabled",
            "mailbox disabled",
            "account is disabled",
            "inactive user",
            "account inactive",
            "user inactive",
            "account suspended",
            "mailbox is inactive",
            "deactivated",
            "no longer active",
            "account closed",
            "account expired",
        ],
    ),
    (
        Refusal::NoAddress,
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "does not exist",
            "doesn't exist",
            "no such recipient",
            "recipient unknown",
            "unknown recipient",
            "unknown address",
            "invalid recipient",
            "no mailbox here",
            "no such mailbox",
            "mailbox not found",
            "mailbox unavailable",
            "recipient not found",
            "user not found",
            "address unknown",
            "not a valid recipient",
            "no longer available",
            "no such address",
            "recipientnotfound",
            "utente sconosciuto",
            "utilisateur inconnu",
            "unbekannter empfänger",
            "invalid mailbox",
            "not our customer",
            "unknown or illegal alias",
            "recipient address rejected: undeliverable",
            "recipient address rejected: access denied",
            "addressee unknown",
        ],
    ),
    (
        Refusal::TooLarge,
        &[
            "message too large",
            "too big",
            "size exceeds",
            "exceeds size limit",
            "exceeded maximum",
            "message size",
            "maximum allowed size",
            "exceeds the maximum",
            "larger than",
        ],
    ),
    (
        Refusal::Spam,
        &[
            "spam",
            "blacklist",
            "blocklist",
            "blocked using",
            "block list",
            "spamhaus",
            "reputation",
            "unsolicited",
            "junk mail",
            "listed at",
            " rbl",
            "barracuda",
        ],
    ),
    (Refusal::TooMany, &["rate limit", "too many messages", "too many connections", "receiving mail at a rate", "throttl"]),
    (Refusal::Loop, &["too many hops", "mail loop", "loops back", "hop count", "loop detected", "too many received"]),
    (Refusal::Content, &["content rejected", "attachment", "virus", "malware", "message content", "banned file"]),
    (
        Refusal::Unreachable,
        &[
            "timed out",
            "connection refused",
            "no route to host",
            "retry timeout exceeded",
            "could not connect",
            "connection timeout",
            "too long in queue",
            "message expired",
            "temporarily unavailable",
            "unable to connect",
            "retry time not reached",
            "been in the queue too long",
            "couldn't deliver for too long",
        ],
    ),
];

static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b").ok());
static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:^|[\s#(:])([45])\d\d[\s\-:;]").ok());

/// The enhanced status code in a server's words: `5.1.1`. Where only a reply code stands there (`550`), its class: `5.0.0`. Empty: neither.
pub fn status_in(said: &str) -> String {
    // An IP address looks much the same, and has a fourth number.
    let whole = |found: &regex::Match<'_>| {
        let (before, after) = (&said[..found.start()], &said[found.end()..]);
        let fourth = after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        !fourth && !before.ends_with('.')
    };
    if let Some(found) = STATUS.as_ref().and_then(|status| status.find_iter(said).find(whole)) {
        return found.as_str().to_owned();
    }
    let code = CODE.as_ref().and_then(|code| code.captures(said)).and_then(|found| found.get(1).map(|class| class.as_str().to_owned()));
    code.map(|class| format!("{class}.0.0")).unwrap_or_default()
}

/// Why a server refused, by its status code and its own words.
pub fn refusal(status: &str, said: &str) -> Refusal {
    let said = said.to_lowercase();
    let phrase = PHRASES.iter().find(|(_, phrases)| phrases.iter().any(|phrase| said.contains(phrase))).map(|&(refusal, _)| refusal);
    let mut numbers = status.split('.').skip(1).map(|number| number.parse::<u16>().unwrap_or(0));
    let (subject, detail) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let by_code = match (subject, detail) {
        (1, 2) => Refusal::NoDomain,
        // An address in a form that the server cannot read, or of which it knows nothing.
        (1, 1 | 3 | 4 | 6 | 10) => Refusal::NoAddress,
        (1, 7 | 8) => Refusal::Unproven,
        (2, 1) => Refusal::Closed,
        (2, 2) => Refusal::Full,
        (2, 3) | (3, 4) => Refusal::TooLarge,
        (3, 2) | (4, 1 | 2 | 7) => Refusal::Unreachable,
        (4, 4) => Refusal::NoDomain,
        (4, 6 | 14) => Refusal::Loop,
        (5, 3) => Refusal::TooMany,
        (6, _) => Refusal::Content,
        (7, 9 | 23 | 24 | 25 | 26 | 27 | 29 | 30) => Refusal::Unproven,
        (7, 124 | 133 | 193) => Refusal::NotAllowed,
        _ => Refusal::Unknown,
    };
    match (by_code, phrase) {
        // A refusal by policy may be for anything; only the words tell. Nobody is unknown by policy.
        (Refusal::Unknown, Some(Refusal::NoAddress)) if subject == 7 => Refusal::NotAllowed,
        (Refusal::Unknown, Some(phrase)) => phrase,
        // "5.1.1 mailbox full" and "5.1.0 … 5.4.1 access denied" exist; a full mailbox is not a wrong address.
        (Refusal::NoAddress, Some(phrase @ (Refusal::Full | Refusal::Spam | Refusal::Unproven | Refusal::Closed | Refusal::NoDomain))) => {
            phrase
        }
        (Refusal::Closed, Some(phrase @ (Refusal::TooMany | Refusal::Full))) => phrase,
        (Refusal::Unreachable, Some(phrase @ (Refusal::NoDomain | Refusal::Full | Refusal::NoAddress))) => phrase,
        (Refusal::Unknown, None) if subject == 7 => Refusal::NotAllowed,
        (code, _) => code,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("5.1.1", "550 5.1.1 <anna@example.it>: Recipient address rejected: User unknown in virtual mailbox table", Refusal::NoAddress)]
    #[case("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", Refusal::NoAddress)]
    #[case("5.0.0", "550 No such user here", Refusal::NoAddress)]
    #[case("5.4.1", "550 5.4.1 Recipient address rejected: Access denied.", Refusal::NoAddress)]
    #[case("5.1.2", "Host unknown", Refusal::NoDomain)]
    #[case("5.4.4", "Host or domain name not found. Name service error for name=exmaple.it type=A: Host not found", Refusal::NoDomain)]
    #[case("5.2.2", "552 5.2.2 The email account that you tried to reach is over quota", Refusal::Full)]
    #[case("4.2.2", "452 4.2.2 Mailbox full", Refusal::Full)]
    #[case("5.1.1", "550 mailbox full", Refusal::Full)]
    #[case("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", Refusal::Closed)]
    #[case("5.3.4", "552 5.3.4 Message size exceeds fixed limit", Refusal::TooLarge)]
    #[case("5.7.1", "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus", Refusal::Spam)]
    #[case("5.7.1", "554 5.7.1 Message rejected as spam by Content Filtering", Refusal::Spam)]
    #[case(
        "5.7.26",
        "550-5.7.26 Unauthenticated email from bottega.example is not accepted due to domain's DMARC policy",
        Refusal::Unproven
    )]
    #[case("5.7.1", "550 5.7.1 Delivery not authorized, message refused", Refusal::NotAllowed)]
    #[case("4.4.7", "Delivery expired", Refusal::Unreachable)]
    #[case("4.4.1", "connect to mx.example.it[192.0.2.1]:25: Connection timed out", Refusal::Unreachable)]
    #[case("5.4.6", "Too many hops", Refusal::Loop)]
    #[case("", "something odd", Refusal::Unknown)]
    #[case("", "", Refusal::Unknown)]
    fn servers_are_understood(#[case] status: &str, #[case] said: &str, #[case] expected: Refusal) {
        assert_eq!(refusal(status, said), expected);
    }

    #[rstest]
    #[case("550 5.1.1 User unknown", "5.1.1")]
    #[case("host mx[192.0.2.1] said: 550 User unknown", "5.0.0")]
    #[case("host 5.9.7.1 said nothing", "")]
    #[case("host mx [5.9.7.1] said: 452 4.2.2 full", "4.2.2")]
    #[case("Order 5500 is late", "")]
    fn codes_are_found_in_words(#[case] said: &str, #[case] expected: &str) {
        assert_eq!(status_in(said), expected);
    }
}
