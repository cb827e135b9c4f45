//! How the receiving server judged where a mail comes from (RFC 8601).

use super::Headers;
use super::headers::without_comments;
use crate::desk::envelope::Checks;

/// Servers that name nobody before their judgement; who trusts `outlook.com` trusts these.
const NAMELESS: &str = "outlook.com";

/// The judgement of the topmost header alone, and only where it names one of `judges`: whatever stands below it may have come with the mail.
/// What other servers handed on (ARC) is not asked.
pub fn checks(headers: &Headers<'_>, judges: &[String]) -> Option<Checks> {
    let field = without_comments(&headers.first("Authentication-Results")?);
    let mut parts = field.split(';').map(str::trim);
    let first = parts.next()?;
    let named = !first.contains('=');
    let by = if named { first.split_whitespace().next().unwrap_or_default().to_ascii_lowercase() } else { String::new() };
    let trusted = match by.as_str() {
        "" => judges.iter().any(|judge| judge == NAMELESS),
        by => judges.iter().any(|judge| by == judge || by.strip_suffix(judge.as_str()).is_some_and(|host| host.ends_with('.'))),
    };
    if !trusted {
        return None;
    }
    let mut checks = Checks { by: if by.is_empty() { NAMELESS.to_owned() } else { by }, ..Checks::default() };
    for part in (!named).then_some(first).into_iter().chain(parts).take(40) {
        let Some((method, result)) = part.split_once('=') else { continue };
        let result: String = result.trim().chars().take_while(char::is_ascii_alphabetic).take(20).collect::<String>().to_ascii_lowercase();
        match method.trim().to_ascii_lowercase().split('/').next().unwrap_or_default().trim() {
            "spf" if checks.spf.is_empty() => checks.spf = result,
            // One good signature is enough.
            "dkim" if checks.dkim.is_empty() || result == "pass" => checks.dkim = result,
            "dmarc" if checks.dmarc.is_empty() => checks.dmarc = result,
            _ => {}
        }
    }
    (!checks.spf.is_empty() || !checks.dkim.is_empty() || !checks.dmarc.is_empty()).then_some(checks)
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use rstest::rstest;

    use super::*;

    fn judged(fields: &str, judges: &[&str]) -> Option<Checks> {
        let raw = format!("{fields}From: anna@example.it\n\nHello");
        let message = MessageParser::default().parse(raw.as_bytes()).expect("a message");
        let judges: Vec<String> = judges.iter().map(|&judge| judge.to_owned()).collect();
        checks(&Headers::of(&message), &judges)
    }

    #[rstest]
    #[case("mx.google.com; dkim=pass header.i=@example.it; spf=pass smtp.mailfrom=a@example.it; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.it", &["google.com"], false)]
    #[case("mx.google.com; spf=softfail smtp.mailfrom=a@example.it; dmarc=fail (p=REJECT) header.from=example.it", &["google.com"], true)]
    #[case("spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=example.it; dkim=none (message not signed) header.d=none;dmarc=fail action=oreject header.from=example.it;compauth=fail", &["outlook.com"], true)]
    #[case("mail.bottega.example; spf=fail smtp.mailfrom=x; dkim=fail header.d=example.it", &["bottega.example"], true)]
    #[case("mail.bottega.example; spf=fail smtp.mailfrom=x; dkim=pass header.d=example.it", &["bottega.example"], false)]
    #[case("mail.bottega.example; dkim=fail header.d=a; dkim=pass header.d=b; spf=fail", &["bottega.example"], false)]
    #[case("mail.bottega.example 1; dmarc=none", &["bottega.example"], false)]
    #[case("mail.bottega.example; x=\"(\"; dmarc=fail", &["bottega.example"], true)]
    fn judgements_are_read(#[case] field: &str, #[case] judges: &[&str], #[case] failed: bool) {
        let checks = judged(&format!("Authentication-Results: {field}\n"), judges).expect("a judgement");
        assert_eq!(checks.failed(), failed, "{checks:?}");
    }

    #[rstest]
    #[case("Authentication-Results: mx.evil.example; dmarc=fail\n")]
    #[case("Authentication-Results: evilbottega.example; dmarc=fail\n")]
    #[case("Authentication-Results: mx.evil.example; dmarc=pass\nAuthentication-Results: bottega.example; dmarc=fail\n")]
    #[case("ARC-Authentication-Results: i=1; bottega.example; dmarc=fail\n")]
    #[case("Authentication-Results: bottega.example; none\n")]
    #[case("Authentication-Results: dmarc=fail\n")]
    #[case("")]
    fn strangers_judge_nothing(#[case] fields: &str) {
        assert_eq!(judged(fields, &["bottega.example"]), None);
    }
}
