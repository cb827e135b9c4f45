//! Attachments, named by the SHA-256 of their content: the same file is stored once, and writing it again is harmless.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

/// A store of immutable files on local disk.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: Arc<Path>,
}

impl Blobs {
    /// A store in `folder`, which is made when the first file comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into() }
    }

    fn path(&self, sha256: &[u8]) -> PathBuf {
        let name = hex::encode(sha256);
        self.folder.join(&name[..2.min(name.len())]).join(name)
    }

    /// Stores `bytes` so that they survive a power cut, and returns their SHA-256.
    pub async fn put(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let sha256 = Sha256::digest(bytes).to_vec();
        let path = self.path(&sha256);
        if tokio::fs::try_exists(&path).await? {
            return Ok(sha256);
        }
        let parent = path.parent().unwrap_or(&self.folder).to_owned();
        tokio::fs::create_dir_all(&parent).await?;
        let temporary = parent.join(format!(".{}", crate::secrets::token()));
        let mut file = tokio::fs::File::create(&temporary).await?;
        file.write_all(bytes).await?;
        file.sync_all().await?;
        tokio::fs::rename(&temporary, &path).await?;
        tokio::fs::File::open(&parent).await?.sync_all().await?;
        Ok(sha256)
    }

    /// Reads a file whole; callers bound sizes when they store.
    pub async fn get(&self, sha256: &[u8]) -> io::Result<Vec<u8>> {
        tokio::fs::read(self.path(sha256)).await
    }

    /// Opens a file for streaming.
    pub async fn open(&self, sha256: &[u8]) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(self.path(sha256)).await
    }

    /// Whether files can be written, for the doctor.
    pub async fn check(&self) -> io::Result<()> {
        tokio::fs::create_dir_all(&self.folder).await?;
        let probe = self.folder.join(format!(".{}", crate::secrets::token()));
        tokio::fs::write(&probe, b"probe").await?;
        tokio::fs::remove_file(&probe).await
    }
}
