//! What stands in a ticket for a mail that stayed on its server.

/// Header fields that describe the body that is not there.
const BODILY: [&str; 5] = ["content-type", "content-transfer-encoding", "content-disposition", "content-id", "mime-version"];

/// Says that a mail is larger than this desk takes.
pub fn too_large(size: usize, max: usize) -> String {
    let mega = |bytes: usize| bytes.div_ceil(1024 * 1024);
    format!(
        "This mail has {} MB, more than the {} MB that this desk takes in. It was left in the mailbox on the mail server, where it can be read.",
        mega(size),
        mega(max)
    )
}

/// Says that the server would not hand a mail over.
pub fn unfetchable(reason: &str) -> String {
    let reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    format!(
        "This mail could not be fetched and was left in the mailbox on the mail server, where it can be read. The server's answer: {reason}"
    )
}

/// A mail with the header of the real one and `note` as its text. `place` names one without a header.
pub fn stand_in(header: &[u8], note: &str, place: &str) -> Vec<u8> {
    let mut mail = Vec::with_capacity(header.len() + note.len() + 200);
    let mut keep = true;
    for line in header.split_inclusive(|&byte| byte == b'\n') {
        let content = line.trim_ascii_end();
        if content.is_empty() {
            break;
        }
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if !folded {
            let name = content.split(|&byte| byte == b':').next().unwrap_or_default().trim_ascii();
            keep = content.contains(&b':') && !BODILY.iter().any(|bodily| name.eq_ignore_ascii_case(bodily.as_bytes()));
        }
        if keep {
            mail.extend_from_slice(content);
            mail.extend_from_slice(b"\r\n");
        }
    }
    if mail.is_empty() {
        mail.extend_from_slice(format!("Subject: (mail left on the server)\r\nMessage-ID: <left.{place}@missing>\r\n").as_bytes());
    }
    mail.extend_from_slice(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    mail.extend_from_slice(note.as_bytes());
    mail.extend_from_slice(b"\r\n");
    mail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_stays_and_the_body_is_the_note() {
        let header = b"From: anna@example.it\r\nSubject: Photos\r\nContent-Type: multipart/mixed;\r\n boundary=x\r\nMessage-ID: <1@example.it>\r\n\r\n";
        let mail = String::from_utf8(stand_in(header, &too_large(48 << 20, 35 << 20), "1.2")).expect("text");
        assert!(mail.starts_with("From: anna@example.it\r\nSubject: Photos\r\nMessage-ID: <1@example.it>\r\nMIME-Version"), "{mail}");
        assert!(!mail.contains("boundary"), "{mail}");
        assert!(mail.contains("48 MB"), "{mail}");
    }

    #[test]
    fn a_mail_without_a_header_has_a_name_all_the_same() {
        let mail = String::from_utf8(stand_in(b"", "note", "7.42")).expect("text");
        assert!(mail.contains("Message-ID: <left.7.42@missing>"), "{mail}");
    }
}
