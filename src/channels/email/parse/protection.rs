//! Letters that are signed or sealed (RFC 8551, RFC 3156).

use mail_parser::{Message, MessagePart, MimeHeaders as _};

use crate::desk::envelope::Protection;

/// How the letter is signed or sealed, if it is.
pub fn protection(message: &Message<'_>, body: &str) -> Option<Protection> {
    for part in message.parts.iter().take(20) {
        let Some(kind) = part.content_type() else { continue };
        let (main, sub) = (kind.ctype().to_ascii_lowercase(), kind.subtype().unwrap_or_default().to_ascii_lowercase());
        let attribute = |name: &str| kind.attribute(name).unwrap_or_default().to_ascii_lowercase();
        match (&*main, &*sub) {
            ("multipart", "encrypted") => return Some(Protection::PgpSealed),
            ("multipart", "signed") if attribute("protocol").contains("pgp") => return Some(Protection::PgpSigned),
            ("multipart", "signed") => return Some(Protection::SmimeSigned),
            ("application", "pkcs7-mime" | "x-pkcs7-mime") => {
                let kind = attribute("smime-type");
                return Some(if kind.contains("signed") { Protection::SmimeOpaque } else { Protection::SmimeSealed });
            }
            _ => {}
        }
    }
    // In the text itself, at the beginning of a line; somebody who writes about it does so within one.
    body.lines().take(200).find_map(|line| match line.trim_end() {
        "-----BEGIN PGP MESSAGE-----" => Some(Protection::PgpSealed),
        "-----BEGIN PGP SIGNED MESSAGE-----" => Some(Protection::PgpSigned),
        _ => None,
    })
}

/// Whether this part says nothing to people: a signature, or the note that something is encrypted.
pub fn is_seal(part: &MessagePart<'_>) -> bool {
    ["pkcs7-signature", "x-pkcs7-signature", "pgp-signature", "pgp-encrypted"].iter().any(|kind| part.is_content_type("application", kind))
}
