//! Where a private cluster lives and whose it is.
//!
//! Postgres refuses to run as root, and a socket's path holds some hundred bytes: both decide about folders.
//!
//! ```text
//! data/postgres.lock    held while somebody starts the cluster
//! data/postgres.users   held, shared, by every process that uses it
//! data/postgres.guard   held by the guard
//! data/postgres.log
//! data/postgres/        0700, the account's; a link where the account cannot reach the data folder
//!   cluster/            what initdb made
//!   socket/             unless its path is too long: then /tmp/sportello-<hash>/
//!   new-<number>/       an initdb at work, or one that was killed
//! ```

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};
use sha2::{Digest as _, Sha256};

use super::OpenError;

/// macOS allows 104 bytes with the closing zero, Linux 108.
const MAX_SOCKET_PATH: usize = 103;

/// The user Postgres runs as when we are root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
    pub name: String,
}

impl Account {
    /// Whether the mode bits let this user pass through `path` and every folder above it.
    pub fn reaches(&self, path: &Path) -> bool {
        path.ancestors().all(|folder| {
            let Ok(meta) = folder.metadata() else { return false };
            let bit = match () {
                () if meta.uid() == self.uid => 0o100,
                () if meta.gid() == self.gid => 0o010,
                () => 0o001,
            };
            meta.mode() & bit != 0
        })
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Account { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name: user.name }
    }
}

/// The data folder with the paths of the locks in it.
#[derive(Debug, Clone)]
pub(super) struct DataFolder(PathBuf);

impl DataFolder {
    /// Makes the folder if need be. Made by root it can be passed through but not listed by others, so that Postgres' account gets in.
    pub fn open(path: &Path) -> Result<DataFolder, OpenError> {
        let failed = |source| OpenError::Folder { path: path.to_owned(), source };
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed)?;
        Ok(DataFolder(path.canonicalize().map_err(failed)?))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn start_lock(&self) -> PathBuf {
        self.0.join("postgres.lock")
    }

    pub fn users_lock(&self) -> PathBuf {
        self.0.join("postgres.users")
    }

    pub fn guard_lock(&self) -> PathBuf {
        self.0.join("postgres.guard")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }
}

/// The cluster's own folder and its owner.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// Without links.
    pub path: PathBuf,
    /// `None` when we are an ordinary user and run Postgres as ourselves.
    pub account: Option<Account>,
}

impl Home {
    /// Finds or makes it. The start lock must be held.
    pub fn settle(data: &DataFolder, configured_user: Option<&str>) -> Result<Home, OpenError> {
        let entry = data.path().join("postgres");
        let failed = |source| OpenError::Folder { path: entry.clone(), source };
        match entry.symlink_metadata() {
            Ok(meta) => Self::existing(&entry, &meta, data, configured_user),
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                if !geteuid().is_root() {
                    make_private(&entry, None).map_err(failed)?;
                    return Ok(Home { path: entry, account: None });
                }
                let account = choose_account(data.path(), configured_user)?;
                if account.reaches(data.path()) {
                    make_private(&entry, Some(&account)).map_err(failed)?;
                    return Ok(Home { path: entry, account: Some(account) });
                }
                let path = system_folder(data.path(), &account)?;
                symlink(&path, &entry).map_err(failed)?;
                tracing::info!(user = account.name, folder = %path.display(), "the cluster lives outside of the data folder, which its user cannot reach");
                Ok(Home { path, account: Some(account) })
            }
            Err(err) => Err(failed(err)),
        }
    }

    fn existing(entry: &Path, entry_meta: &Metadata, data: &DataFolder, configured_user: Option<&str>) -> Result<Home, OpenError> {
        let failed = |source| OpenError::Folder { path: entry.to_owned(), source };
        let path = entry.canonicalize().map_err(failed)?;
        let mut owner = path.metadata().map_err(failed)?.uid();
        let me = geteuid();
        if !me.is_root() {
            if owner != me.as_raw() {
                return Err(OpenError::OtherOwner { path, owner: name_of(owner) });
            }
            return Ok(Home { path, account: None });
        }
        if owner == 0 && entry_meta.is_dir() && fs::read_dir(&path).map_err(failed)?.next().is_none() {
            // made by us and not handed over: we were killed in between
            let account = choose_account(data.path(), configured_user)?;
            lchown(&path, Some(account.uid), Some(account.gid)).map_err(failed)?;
            owner = account.uid;
        }
        if owner == 0 {
            return Err(OpenError::OtherOwner { path, owner: "root".to_owned() });
        }
        let account = account_of(owner).ok_or_else(|| OpenError::NoSuchUser { name: owner.to_string() })?;
        if let Some(configured) = configured_user
            && configured != account.name
        {
            tracing::warn!(configured, owner = account.name, "the cluster belongs to another user than configured; running as its owner");
        }
        if !account.reaches(&path) {
            return Err(OpenError::Unreachable { path, user: account.name });
        }
        Ok(Home { path, account: Some(account) })
    }

    pub fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    /// The major version of the existing cluster.
    pub fn major(&self) -> Option<u32> {
        fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// A folder for the socket that only the account (and root) may enter.
    pub fn socket_folder(&self) -> Result<PathBuf, OpenError> {
        let inside = self.path.join("socket");
        if inside.join(".s.PGSQL.5432").as_os_str().len() <= MAX_SOCKET_PATH {
            if !inside.is_dir() {
                make_private(&inside, self.account.as_ref()).map_err(|source| OpenError::Folder { path: inside.clone(), source })?;
            }
            return Ok(inside);
        }
        // anybody may make folders in /tmp: take one only if it is ours alone
        let owner = self.account.as_ref().map_or(geteuid().as_raw(), |account| account.uid);
        let hash = hash_of(&self.path);
        for attempt in 1..=9 {
            let short = PathBuf::from(format!("/tmp/sportello-{hash}-{attempt}"));
            match make_private(&short, self.account.as_ref()) {
                Ok(()) => return Ok(short),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    let meta = short.symlink_metadata().map_err(|source| OpenError::Folder { path: short.clone(), source })?;
                    if meta.is_dir() && meta.uid() == owner && meta.permissions().mode() & 0o077 == 0 {
                        return Ok(short);
                    }
                }
                Err(source) => return Err(OpenError::Folder { path: short, source }),
            }
        }
        Err(OpenError::Folder { path: PathBuf::from(format!("/tmp/sportello-{hash}-1")), source: io::ErrorKind::AlreadyExists.into() })
    }
}

/// A folder 0700, handed to the account. Only what we made ourselves changes hands, and never through a link.
fn make_private(path: &Path, account: Option<&Account>) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    match account {
        Some(account) => lchown(path, Some(account.uid), Some(account.gid)),
        None => Ok(()),
    }
}

/// For root: the configured user, the data folder's owner, `postgres`, `nobody`.
fn choose_account(data: &Path, configured: Option<&str>) -> Result<Account, OpenError> {
    if let Some(name) = configured {
        let user = User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root());
        return user.map(Account::from).ok_or_else(|| OpenError::NoSuchUser { name: name.to_owned() });
    }
    let owner = data.metadata().map(|meta| meta.uid()).unwrap_or(0);
    let named = |name| User::from_name(name).ok().flatten().map(Account::from);
    let found = (owner != 0).then(|| account_of(owner)).flatten().or_else(|| named("postgres")).or_else(|| named("nobody"));
    found.ok_or_else(|| OpenError::NoSuchUser { name: "nobody".to_owned() })
}

fn account_of(uid: u32) -> Option<Account> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(Account::from)
}

fn name_of(uid: u32) -> String {
    account_of(uid).map_or_else(|| format!("uid {uid}"), |account| account.name)
}

/// `/var/lib/sportello-<hash>`, or the next free name where one holds the cluster of a data folder that was deleted:
/// that may be somebody's only copy, so it is neither taken over nor removed.
fn system_folder(data: &Path, account: &Account) -> Result<PathBuf, OpenError> {
    let hash = hash_of(data);
    for number in 1..=99 {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = PathBuf::from(format!("/var/lib/sportello-{hash}{suffix}"));
        match make_private(&path, Some(account)) {
            Ok(()) => return Ok(path),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                let meta = path.symlink_metadata().map_err(|source| OpenError::Folder { path: path.clone(), source })?;
                if meta.is_dir() && meta.uid() == account.uid && !path.join("cluster").exists() {
                    return Ok(path);
                }
            }
            Err(source) => return Err(OpenError::Folder { path, source }),
        }
    }
    Err(OpenError::Unreachable { path: data.to_owned(), user: account.name.clone() })
}

fn hash_of(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..6])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn account(uid: u32) -> Account {
        Account { uid, gid: uid, name: uid.to_string() }
    }

    #[test]
    fn reaching_follows_the_mode_of_every_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let owner = folder.path().metadata().unwrap().uid();
        let stranger = account(owner + 12345);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&inner));
        assert!(account(owner).reaches(&inner));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(stranger.reaches(&inner));
    }

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long".repeat(30));
        fs::create_dir(&path).unwrap();
        let home = Home { path, account: None };
        let socket = home.socket_folder().unwrap();
        assert!(socket.starts_with("/tmp"), "{}", socket.display());
        assert_eq!(socket, home.socket_folder().unwrap());
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o755)).unwrap();
        let other = home.socket_folder().unwrap();
        assert_ne!(socket, other, "a folder that others can enter is not taken");
        fs::remove_dir(socket).unwrap();
        fs::remove_dir(other).unwrap();
    }

    #[test]
    fn a_home_is_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(&folder.path().join("data")).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home::settle(&data, None).unwrap();
        let meta = home.path.metadata().unwrap();
        assert_eq!(meta.mode() & 0o777, 0o700);
        assert_ne!(meta.uid(), 0, "Postgres refuses to run as root");
        let again = Home::settle(&data, None).unwrap();
        assert_eq!((home.path, home.account), (again.path, again.account));
    }
}
