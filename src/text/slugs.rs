//! Names in addresses: of forms and chats in ours, of the shops' own sites.

/// `https://shop.example` from what an admin typed, also without the scheme or with a path. `None`: no site's address.
pub fn origin(text: &str) -> Option<String> {
    let text = text.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = url::Url::parse(&text).ok()?;
    let host = url.host_str()?;
    // What stands in a header may contain nothing that ends or widens it.
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'[' | b']' | b':'));
    (matches!(url.scheme(), "http" | "https") && plain && (host.contains('.') || host == "localhost" || host.starts_with('[')))
        .then(|| url.origin().ascii_serialization())
}

/// The `frame-ancestors` of a document that these sites may show in a frame, and our own pages always; any site when none is named.
pub fn frame_ancestors(origins: &[String]) -> String {
    if origins.is_empty() { "*".to_owned() } else { format!("'self' {}", origins.join(" ")) }
}

/// Whether this may be the last part of a form's address: lower-case letters, digits and hyphens.
pub fn is_slug(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A key or an address from a label: "Taglia e colore" is `taglia-e-colore`.
pub fn slug(label: &str) -> String {
    let folded = crate::text::folding::fold(label);
    let mut slug = String::new();
    for c in folded.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_cannot_widen_the_policy() {
        assert_eq!(origin("shop.example/contact").as_deref(), Some("https://shop.example"));
        assert_eq!(origin("http://localhost:3000/x").as_deref(), Some("http://localhost:3000"));
        assert_eq!(origin("https://shop.example; script-src *").as_deref(), None);
        assert_eq!(origin("*"), None);
        assert_eq!(origin("javascript://x"), None);
    }

    #[test]
    fn names_in_addresses_are_plain() {
        assert!(is_slug("contact-2") && !is_slug("Contact") && !is_slug("-a") && !is_slug(""));
        assert_eq!(slug("Größe & Farbe"), "grosse-farbe");
    }
}
