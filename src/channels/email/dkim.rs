//! Signs letters (DKIM, RFC 6376; Ed25519 by RFC 8463), for desks that send without a provider that does it for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::channels::email::settings::{DkimAlgorithm, DkimSettings, Secrets, Settings};
use crate::desk::channels::Channel;
use crate::secrets;

/// Fields that a signature covers where a letter has them. `From` once more, so that nobody can add a second one.
const SIGNED: [&str; 15] = [
    "from",
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-unsubscribe",
];
const RSA_BITS: usize = 2048;

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    #[error("the key could not be made")]
    Making,
    #[error("the stored key cannot be used")]
    Key,
}

/// A new key: private as it is stored, public as it stands in the DNS record. Slow for RSA.
pub fn make(algorithm: DkimAlgorithm) -> Result<(String, String), DkimError> {
    match algorithm {
        DkimAlgorithm::Ed25519 => {
            let seed: [u8; 32] = secrets::random();
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| DkimError::Making)?;
            Ok((STANDARD.encode(seed), STANDARD.encode(pair.public_key().as_ref())))
        }
        DkimAlgorithm::Rsa => {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS).map_err(|_| DkimError::Making)?;
            let private = key.to_pkcs8_der().map_err(|_| DkimError::Making)?;
            let public = key.to_public_key().to_public_key_der().map_err(|_| DkimError::Making)?;
            Ok((STANDARD.encode(private.as_bytes()), STANDARD.encode(public.as_bytes())))
        }
    }
}

/// The name of the DNS record.
pub fn record_name(settings: &DkimSettings, domain: &str) -> String {
    format!("{}._domainkey.{domain}", settings.selector)
}

/// What the DNS record says (RFC 6376, 3.6.1).
pub fn record(settings: &DkimSettings) -> String {
    let kind = match settings.algorithm {
        DkimAlgorithm::Rsa => "rsa",
        DkimAlgorithm::Ed25519 => "ed25519",
    };
    format!("v=DKIM1; k={kind}; p={}", settings.public_key)
}

/// A letter with its signature, where the mailbox has one; else as it is.
pub fn sign(app: &App, channel: &Channel, settings: &Settings, letter: Vec<u8>) -> Vec<u8> {
    let Some(dkim) = settings.dkim.as_ref().filter(|dkim| dkim.active) else { return letter };
    let domain = channel.address.as_deref().and_then(|address| address.rsplit_once('@')).map_or("", |(_, domain)| domain);
    let secrets: Secrets = channel.secrets(&app.keys);
    match signature(dkim, &secrets.dkim_key, domain, jiff::Timestamp::now().as_second(), &letter) {
        Ok(field) => [field.as_bytes(), &letter].concat(),
        Err(error) => {
            tracing::error!(channel = %channel.id, %error, "a letter leaves unsigned");
            letter
        }
    }
}

/// The field to be put before the letter.
fn signature(settings: &DkimSettings, key: &str, domain: &str, now: i64, letter: &[u8]) -> Result<String, DkimError> {
    let (fields, body) = split(letter);
    let algorithm = match settings.algorithm {
        DkimAlgorithm::Rsa => "rsa-sha256",
        DkimAlgorithm::Ed25519 => "ed25519-sha256",
    };
    let present: Vec<&str> = SIGNED
        .iter()
        .enumerate()
        // The second `from` names a field that is not there.
        .filter(|(at, name)| *at == 1 || fields.iter().any(|(field, _)| field == *name))
        .map(|(_, name)| *name)
        .collect();
    let body_hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
    let unsigned = format!(
        "v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={}; t={now}; h={}; bh={body_hash}; b=",
        settings.selector,
        present.join(":")
    );
    let mut data = String::new();
    let mut from_seen = false;
    for name in &present {
        if *name == "from" && std::mem::replace(&mut from_seen, true) {
            continue;
        }
        // Of several the last counts first; a letter of ours has one.
        if let Some((_, value)) = fields.iter().rev().find(|(field, _)| field == name) {
            data.push_str(&format!("{name}:{}\r\n", relaxed_value(value)));
        }
    }
    data.push_str(&format!("dkim-signature:{unsigned}"));
    let key = STANDARD.decode(key).map_err(|_| DkimError::Key)?;
    let signed = match settings.algorithm {
        DkimAlgorithm::Rsa => {
            let pair = RsaKeyPair::from_pkcs8(&key).map_err(|_| DkimError::Key)?;
            let mut signed = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data.as_bytes(), &mut signed).map_err(|_| DkimError::Key)?;
            signed
        }
        DkimAlgorithm::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&key).map_err(|_| DkimError::Key)?;
            pair.sign(&Sha256::digest(data.as_bytes())).as_ref().to_vec()
        }
    };
    Ok(format!("DKIM-Signature: {}\r\n", fold(&format!("{unsigned}{}", STANDARD.encode(signed)))))
}

/// Breaks the field into lines, only where spaces count for nothing: between its parts, and within what is base64.
fn fold(field: &str) -> String {
    let mut folded = String::new();
    for (at, part) in field.split("; ").enumerate() {
        if at > 0 {
            folded.push_str(";\r\n ");
        }
        match part.strip_prefix("b=") {
            Some(signature) => {
                folded.push_str("b=");
                for (at, chunk) in signature.as_bytes().chunks(72).enumerate() {
                    if at > 0 {
                        folded.push_str("\r\n ");
                    }
                    folded.push_str(&String::from_utf8_lossy(chunk));
                }
            }
            None => folded.push_str(part),
        }
    }
    folded
}

/// The fields, by name in lower case with their values as they stand, and the body.
fn split(letter: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let end = letter.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = match end {
        Some(at) => (&letter[..at + 2], &letter[at + 4..]),
        None => (letter, &[][..]),
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(head).split_inclusive("\r\n") {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        }
    }
    (fields, body)
}

/// Unfolded, with single spaces and none at the ends (RFC 6376, 3.4.2).
fn relaxed_value(value: &str) -> String {
    let words = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Single spaces, none at the ends of lines, no empty lines at the end (RFC 6376, 3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed: Vec<u8> = Vec::with_capacity(body.len());
    let mut empty = 0;
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
        if end == 0 {
            empty += 1;
            continue;
        }
        relaxed.extend(std::iter::repeat_n(*b"\r\n", std::mem::take(&mut empty)).flatten());
        let mut space = false;
        for &byte in &line[..end] {
            let is_space = matches!(byte, b' ' | b'\t');
            if !is_space || !space {
                relaxed.push(if is_space { b' ' } else { byte });
            }
            space = is_space;
        }
        relaxed.extend_from_slice(b"\r\n");
    }
    relaxed
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn bodies_are_relaxed_as_the_standard_shows() {
        // RFC 6376, 3.4.5.
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_value(" X \r\n\tY  Z \r\n"), "X Y Z");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"a"), b"a\r\n");
    }

    #[test]
    fn the_example_of_the_standard_comes_out_the_same() {
        // RFC 8463, appendix A: its letter, key and body hash.
        let body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
        assert_eq!(STANDARD.encode(Sha256::digest(relaxed_body(body))), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        let seed = STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("base64");
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
        assert_eq!(STANDARD.encode(pair.public_key().as_ref()), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    }

    /// Signs a letter with a new key, and says by the public key whether the signature fits it under a subject.
    fn fits(algorithm: DkimAlgorithm) -> impl Fn(&str) -> bool {
        let (private, public) = make(algorithm).expect("a key");
        let settings = DkimSettings { selector: "s1".into(), algorithm, public_key: public.clone(), active: true };
        let letter = b"From: Shop <help@shop.it>\r\nTo: anna@example.it\r\nSubject: Re:\r\n your  order\r\n\r\nHello\r\n";
        let field = signature(&settings, &private, "shop.it", 1_700_000_000, letter).expect("signed");
        let flat = relaxed_value(field.strip_prefix("DKIM-Signature:").expect("its name"));
        let (unsigned, signed) = flat.rsplit_once(" b=").map(|(head, b)| (format!("{head} b="), b.replace(' ', ""))).expect("its end");
        assert!(flat.contains("h=from:from:to:subject;") && flat.contains("d=shop.it; s=s1;"), "{flat}");
        let (signed, public) = (STANDARD.decode(signed).expect("base64"), STANDARD.decode(public).expect("base64"));
        move |subject| {
            let data = format!("from:Shop <help@shop.it>\r\nto:anna@example.it\r\nsubject:{subject}\r\ndkim-signature:{unsigned}");
            match algorithm {
                DkimAlgorithm::Ed25519 => {
                    UnparsedPublicKey::new(&ED25519, &public).verify(&Sha256::digest(data.as_bytes()), &signed).is_ok()
                }
                // The record holds the key behind what names its kind (24 bytes); ring wants it alone.
                DkimAlgorithm::Rsa => {
                    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public[24..]).verify(data.as_bytes(), &signed).is_ok()
                }
            }
        }
    }

    #[test]
    fn a_signature_fits_its_letter_and_no_other() {
        for algorithm in [DkimAlgorithm::Ed25519, DkimAlgorithm::Rsa] {
            let check = fits(algorithm);
            assert!(check("Re: your order"), "{algorithm:?}");
            assert!(!check("Re: another order"), "{algorithm:?}");
        }
    }
}
