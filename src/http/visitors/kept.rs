//! Files that have arrived with a form that has to be shown once more. Browsers forget them, so the form carries a sealed reference to
//! each; nobody can make one up, and nothing has to be remembered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::desk::files::{self, MAX_FILES, StoredFile};
use crate::http::multipart::Parts;
use crate::http::visitors::{Frame, MAX_FILE_WORDS, MAX_TOTAL, MAX_TOTAL_WORDS};
use crate::secrets::Keys;

/// A file whose content is in the blob store and that belongs to no message yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    pub name: String,
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl KeptFile {
    /// The value of a hidden field from which [`KeptFile::open`] reads it again.
    pub fn seal(&self, keys: &Keys) -> String {
        URL_SAFE_NO_PAD.encode(keys.seal(&serde_json::to_vec(self).unwrap_or_default()))
    }

    /// Reads a reference of ours.
    pub fn open(keys: &Keys, sealed: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        serde_json::from_slice(&keys.open(&bytes)?).ok()
    }

    /// As the desk attaches it.
    pub fn stored(&self) -> Option<StoredFile> {
        Some(StoredFile {
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            sha256: hex::decode(&self.sha256).ok()?,
            content_id: None,
            inline: false,
        })
    }

    /// "2.4 MB".
    pub fn human_size(&self) -> String {
        files::human_size(self.size)
    }
}

/// The files of a form: those kept from its last showing and those sent now, whose content is stored. With what is wrong, in the
/// customer's words.
pub async fn collect(app: &App, parts: &Parts, frame: &Frame) -> std::io::Result<(Vec<KeptFile>, Option<String>)> {
    let mut kept: Vec<KeptFile> = parts.all("kept").take(MAX_FILES).filter_map(|sealed| KeptFile::open(&app.keys, sealed)).collect();
    let mut problem = None;
    if let Some(name) = parts.refused.first() {
        problem = Some(if parts.files.len() >= MAX_FILES {
            frame.with("error-too-many-files", "max", MAX_FILES)
        } else {
            frame.with_two("error-file-too-large", ("name", name), ("max", MAX_FILE_WORDS))
        });
    }
    for stored in StoredFile::store_all(app, &parts.files).await? {
        let sha256 = hex::encode(&stored.sha256);
        if kept.iter().any(|file| file.sha256 == sha256 && file.name == stored.name) {
            continue;
        }
        if kept.len() >= MAX_FILES {
            problem = Some(frame.with("error-too-many-files", "max", MAX_FILES));
            break;
        }
        let total: i64 = kept.iter().map(|file| file.size).sum();
        if total + stored.size > MAX_TOTAL {
            problem = Some(frame.with("error-files-too-large", "max", MAX_TOTAL_WORDS));
            break;
        }
        kept.push(KeptFile { name: stored.name, media_type: stored.media_type, size: stored.size, sha256 });
    }
    Ok((kept, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_references_open() {
        let keys = Keys::from_bytes([5; 32]);
        let file = KeptFile { name: "scarpa.jpg".into(), media_type: "image/jpeg".into(), size: 12, sha256: "00ff".into() };
        let sealed = file.seal(&keys);
        assert_eq!(KeptFile::open(&keys, &sealed), Some(file));
        assert_eq!(KeptFile::open(&Keys::from_bytes([6; 32]), &sealed), None);
        assert_eq!(KeptFile::open(&keys, "e30"), None);
    }
}
