//! What the shop's own mail server, or a filter before it, says of a message: is it spam? A sender can forge these fields, but only to say
//! so of their own mail.

use super::Headers;

/// The words of whoever took the message for spam, for an agent to read; none where nobody did.
pub fn verdict(headers: &Headers<'_>) -> Option<String> {
    flag(headers).or_else(|| status(headers)).or_else(|| exchange(headers)).or_else(|| action(headers))
}

/// SpamAssassin, Amavis, Mailgun, Bogofilter, DSPAM and what imitates them.
fn flag(headers: &Headers<'_>) -> Option<String> {
    const FLAGS: [(&str, &[&str]); 8] = [
        ("X-Spam-Flag", &["yes", "true", "spam"]),
        ("X-Spam", &["yes", "true", "spam"]),
        ("X-Mailgun-Sflag", &["yes"]),
        ("X-Bogosity", &["spam", "yes"]),
        ("X-DSPAM-Result", &["spam"]),
        ("X-Spam-Result", &["spam"]),
        ("X-Barracuda-Spam-Flag", &["yes"]),
        ("X-Ham-Report-Class", &["spam"]),
    ];
    let said = |name: &str, words: &[&str]| {
        let value = headers.first(name)?;
        let first = value.split([',', ';', ' ', '(']).next().unwrap_or_default();
        words.iter().any(|word| first.eq_ignore_ascii_case(word)).then(|| format!("{name}: {}", shortened(&value)))
    };
    FLAGS.iter().find_map(|(name, words)| said(name, words))
}

/// `X-Spam-Status: Yes, score=12.3 required=5.0 …`
fn status(headers: &Headers<'_>) -> Option<String> {
    let value = headers.first("X-Spam-Status")?;
    let is_yes = value.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("yes"));
    is_yes.then(|| {
        let number = |name: &str| value.split([' ', ',', '\t']).find_map(|word| word.strip_prefix(name)).map(str::to_owned);
        match (number("score="), number("required=")) {
            (Some(score), Some(required)) => format!("{} points, {} are enough", shortened(&score), shortened(&required)),
            _ => format!("X-Spam-Status: {}", shortened(&value)),
        }
    })
}

/// Exchange: a spam confidence level from 5 on goes to the junk folder; `SFV:SPM` is what its filter said.
fn exchange(headers: &Headers<'_>) -> Option<String> {
    let level = headers.first("X-MS-Exchange-Organization-SCL").and_then(|level| level.trim().parse::<i32>().ok());
    if let Some(level) = level.filter(|level| *level >= 5) {
        return Some(format!("Exchange’s spam confidence is {level} of 9"));
    }
    let report = headers.first("X-Forefront-Antispam-Report")?;
    let said =
        report.split(';').map(str::trim).any(|field| ["SFV:SPM", "SFV:SKB", "SFV:SKS"].iter().any(|mark| field.eq_ignore_ascii_case(mark)));
    said.then(|| "Exchange’s filter marked it".to_owned())
}

/// Rspamd, where it only advises, and Proofpoint.
fn action(headers: &Headers<'_>) -> Option<String> {
    let advised = headers.first("X-Rspamd-Action").or_else(|| headers.first("X-Spam-Action"));
    let bad =
        |action: &String| ["reject", "add header", "rewrite subject", "quarantine"].iter().any(|word| action.eq_ignore_ascii_case(word));
    if let Some(action) = advised.filter(bad) {
        return Some(format!("its filter advises “{}”", shortened(&action)));
    }
    let details = headers.first("X-Proofpoint-Spam-Details")?;
    details.split_whitespace().any(|word| word.eq_ignore_ascii_case("rule=spam")).then(|| "Proofpoint marked it".to_owned())
}

fn shortened(value: &str) -> String {
    crate::text::excerpts::excerpt(value, 60)
}

#[cfg(test)]
mod tests {
    use super::super::{Own, parse};

    fn said(header: &str) -> Option<String> {
        let raw = format!("From: a@b.example\r\nSubject: x\r\n{header}\r\n\r\nWords\r\n");
        parse(raw.as_bytes(), None, &[], &Own::default()).junk
    }

    #[test]
    fn what_servers_say_is_understood() {
        for (header, words) in [
            ("X-Spam-Flag: YES", Some("X-Spam-Flag: YES")),
            ("X-Spam-Flag: NO", None),
            ("X-Spam-Status: Yes, score=12.3 required=5.0 tests=BAYES_99", Some("12.3 points, 5.0 are enough")),
            ("X-Spam-Status: No, score=-1.2 required=5.0", None),
            ("X-Bogosity: Spam, tests=bogofilter, spamicity=1.0", Some("X-Bogosity: Spam, tests=bogofilter, spamicity=1.0")),
            ("X-MS-Exchange-Organization-SCL: 6", Some("Exchange’s spam confidence is 6 of 9")),
            ("X-MS-Exchange-Organization-SCL: -1", None),
            ("X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV:SPM;SCL:5", Some("Exchange’s filter marked it")),
            ("X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV:NSPM", None),
            ("X-Rspamd-Action: add header", Some("its filter advises “add header”")),
            ("X-Rspamd-Action: no action", None),
            ("X-Mailgun-Sflag: Yes", Some("X-Mailgun-Sflag: Yes")),
            ("X-Spam:", None),
        ] {
            assert_eq!(said(header).as_deref(), words, "{header}");
        }
    }
}
