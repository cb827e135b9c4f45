//! Subject lines: what mail programs put before them, and the ticket's mark behind.

use crate::ids::TicketId;

const REPLIES: [&str; 12] = ["re", "r", "rif", "aw", "sv", "antw", "res", "vs", "odp", "ref", "回复", "答复"];
const FORWARDS: [&str; 10] = ["fwd", "fw", "i", "wg", "tr", "rv", "enc", "vb", "pd", "转发"];

/// Longest subject that is written, in characters; a line of a message may have 998 octets.
const MAX_SUBJECT: usize = 240;

enum Prefix {
    Reply,
    Forward,
}

/// The subject without the marks of replies and forwards before it, however many.
pub fn strip_prefixes(subject: &str) -> &str {
    let mut subject = subject.trim();
    while let Some((_, rest)) = prefix(subject) {
        subject = rest;
    }
    subject
}

/// Whether the outermost mark says that the message is passed on rather than answered.
pub fn is_forward(subject: &str) -> bool {
    matches!(prefix(subject.trim()), Some((Prefix::Forward, _)))
}

/// `Re: X [#4711]` from any X, whatever of both it carries already.
pub fn reply_subject(subject: &str, ticket_number: TicketId) -> String {
    let mark = format!("[#{ticket_number}]");
    let bare = subject.replace(&mark, " ");
    let words: Vec<&str> = strip_prefixes(&bare).split_whitespace().collect();
    let bare: String = words.join(" ").chars().take(MAX_SUBJECT).collect();
    match bare.trim_end() {
        "" => format!("Re: {mark}"),
        bare => format!("Re: {bare} {mark}"),
    }
}

/// The first mark (`Re:`, `RE[2]:`, `Antw :`) and what follows it.
fn prefix(subject: &str) -> Option<(Prefix, &str)> {
    let end = subject.char_indices().take(12).find(|&(_, c)| c == ':' || c == '：').map(|(at, _)| at)?;
    let label = subject[..end].trim_end();
    let label = match label.strip_suffix(']').and_then(|label| label.rsplit_once('[')) {
        Some((label, count)) if !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()) => label,
        _ => label,
    };
    let label = label.to_lowercase();
    let kind = if REPLIES.contains(&label.as_str()) {
        Prefix::Reply
    } else if FORWARDS.contains(&label.as_str()) {
        Prefix::Forward
    } else {
        return None;
    };
    Some((kind, subject[end..].trim_start_matches([':', '：']).trim_start()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Ordine 12", "Ordine 12")]
    #[case("Re: R: RIF: Ordine", "Ordine")]
    #[case("AW: WG: SV: TR: Antw: Fwd: FW: I: Ordine", "Ordine")]
    #[case("RE[2]: Ordine", "Ordine")]
    #[case("Re : commande", "commande")]
    #[case("回复：订单", "订单")]
    #[case("Reso: Ordine", "Reso: Ordine")]
    #[case("Re:", "")]
    #[case("12:30 appointment", "12:30 appointment")]
    #[case("", "")]
    fn strips(#[case] subject: &str, #[case] expected: &str) {
        assert_eq!(strip_prefixes(subject), expected);
    }

    #[rstest]
    #[case("Fwd: Re: Ordine", true)]
    #[case("I: Ordine", true)]
    #[case("Re: Fwd: Ordine", false)]
    #[case("Ordine", false)]
    fn tells_forwards(#[case] subject: &str, #[case] expected: bool) {
        assert_eq!(is_forward(subject), expected);
    }

    #[rstest]
    #[case("Ordine", "Re: Ordine [#4711]")]
    #[case("RE: Ordine [#4711]", "Re: Ordine [#4711]")]
    #[case("[#4711] R: Ordine", "Re: Ordine [#4711]")]
    #[case("[#4711] Ordine [#12]", "Re: Ordine [#12] [#4711]")]
    #[case("", "Re: [#4711]")]
    #[case("a\r\nBcc: x@y", "Re: a Bcc: x@y [#4711]")]
    fn answers(#[case] subject: &str, #[case] expected: &str) {
        assert_eq!(reply_subject(subject, TicketId(4711)), expected);
    }

    proptest! {
        #[test]
        fn answering_twice_changes_nothing(subject in "\\PC{0,60}") {
            let once = reply_subject(&subject, TicketId(7));
            prop_assert_eq!(reply_subject(&once, TicketId(7)), once);
        }
    }
}
