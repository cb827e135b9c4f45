//! The key that seals stored passwords and signs links, and random tokens.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Lower-case letters and digits without the look-alikes 0, 1, l and o: safe in mail addresses, whose case may be folded.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The desk's secret, from which every other key is derived.
#[derive(Clone)]
pub struct Keys {
    root: Arc<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Takes the key from the setting, else from `secret.key` in the data folder, which is made on the first start.
    pub fn load(setting: Option<&str>, data: &Path) -> anyhow::Result<Self> {
        let text = match setting {
            Some(text) => text.to_owned(),
            None => read_or_create(&data.join("secret.key"))?,
        };
        let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let root = bytes.context("the secret (SPORTELLO_SECRET or secret.key in the data folder) must be 64 hexadecimal digits")?;
        Ok(Self { root: Arc::new(root) })
    }

    /// A key from plain bytes, for tests.
    pub fn from_bytes(root: [u8; 32]) -> Self {
        Self { root: Arc::new(root) }
    }

    fn mac(&self, purpose: &str, subject: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&*self.root).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(subject.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// `length` characters (5 bits each) that only this desk can compute for `subject`.
    pub fn sign(&self, purpose: &str, subject: &str, length: usize) -> String {
        self.mac(purpose, subject).iter().take(length).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
    }

    /// Checks a signature of `length` characters made by [`Keys::sign`], in constant time, ignoring case.
    pub fn verify(&self, purpose: &str, subject: &str, length: usize, signature: &str) -> bool {
        let expected = self.sign(purpose, subject, length);
        expected.as_bytes().ct_eq(signature.to_ascii_lowercase().as_bytes()).into()
    }

    /// Encrypts `plain` for storage: nonce, then ciphertext.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let cipher = XChaCha20Poly1305::new(&self.mac("seal", "").into());
        let nonce: [u8; 24] = random();
        let sealed = cipher.encrypt(&XNonce::from(nonce), plain).expect("XChaCha20 encrypts any message of this size");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`Keys::seal`] made; `None` when it was sealed with another key or damaged.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(24)?;
        let nonce: [u8; 24] = nonce.try_into().ok()?;
        XChaCha20Poly1305::new(&self.mac("seal", "").into()).decrypt(&XNonce::from(nonce), body).ok()
    }
}

fn read_or_create(path: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the data folder {}", folder.display()))?;
    }
    // Whoever creates the file wins; a second process that starts at the same instant reads the winner's.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let text = hex::encode(random::<32>());
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(text)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            for _ in 0..20 {
                let text = std::fs::read_to_string(path)?;
                if text.trim().len() == 64 {
                    return Ok(text);
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            anyhow::bail!("{} is damaged: it must hold 64 hexadecimal digits", path.display())
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// An unguessable token of 160 bits for a cookie or a link.
pub fn token() -> String {
    random::<32>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// What is stored of a token.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// HMAC-SHA256 of the pieces, one after the other, with a secret that is shared with another program.
pub fn hmac(secret: &str, pieces: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    pieces.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}

/// Whether `hash` is the HMAC-SHA256 of `subject` in hexadecimal digits; compared in constant time. Never with an empty secret.
pub fn is_signed(secret: &str, subject: &str, hash: &str) -> bool {
    let expected = hex::encode(hmac(secret, &[subject.as_bytes()]));
    let same: bool = expected.as_bytes().ct_eq(hash.trim().to_ascii_lowercase().as_bytes()).into();
    same && !secret.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_subject_alone() {
        let keys = Keys::from_bytes([7; 32]);
        let signature = keys.sign("reply", "42", 10);
        assert!(keys.verify("reply", "42", 10, &signature.to_uppercase()));
        assert!(!keys.verify("reply", "43", 10, &signature));
        assert!(!keys.verify("link", "42", 10, &signature));
        assert!(!keys.verify("reply", "42", 10, &signature[..9]));
    }

    #[test]
    fn what_is_sealed_opens_only_with_its_key() {
        let sealed = Keys::from_bytes([7; 32]).seal(b"hunter2");
        assert_eq!(Keys::from_bytes([7; 32]).open(&sealed).as_deref(), Some(b"hunter2".as_slice()));
        assert_eq!(Keys::from_bytes([8; 32]).open(&sealed), None);
        assert_eq!(Keys::from_bytes([7; 32]).open(&sealed[..20]), None);
    }

    /// Computed apart from this program.
    #[test]
    fn an_identifier_is_proven_by_its_hash() {
        let hash = "c6acf4c311f5872437da254cbe8f47ce36bfb358b279c9d5ab28c0bbb13d6468";
        assert!(is_signed("cw-hmac-token", "user-42", hash));
        assert!(is_signed("cw-hmac-token", "user-42", &hash.to_uppercase()));
        assert!(!is_signed("cw-hmac-token", "user-43", hash));
        assert!(!is_signed("", "user-42", &hex::encode(hmac("", &[b"user-42"]))));
        assert!(!is_signed("cw-hmac-token", "user-42", ""));
    }
}
