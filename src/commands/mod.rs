//! What each command of the program does.

pub mod admin;
pub mod doctor;
pub mod ingest;
pub mod probe;
pub mod serve;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::app::App;
use crate::config::Config;
use crate::database::{Database, Settings};
use crate::mailer::Mailer;
use crate::secrets::Keys;

/// Runs a command to its end: logs, TLS and the runtime are set up here, errors end here.
pub fn start(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let filter = EnvFilter::try_from_env("SPORTELLO_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,tower_http=warn,hyper=warn,html5ever=error"));
    let registry = tracing_subscriber::registry().with(filter);
    // A person reads a terminal, a machine reads a pipe.
    if std::io::stderr().is_terminal() {
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false)).init();
    } else {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).init();
    }
    // Several libraries speak TLS; all are told to use the same provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was chosen before");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("sportello: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(command).unwrap_or_else(|error| {
        eprintln!("sportello: {error:#}");
        ExitCode::FAILURE
    })
}

/// Opens the database as configured.
pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
    let settings = Settings {
        url: config.database.database_url.clone(),
        data_dir: config.data.clone(),
        postgres_bin: config.database.postgres_bin.clone(),
        postgres_user: config.database.postgres_user.clone(),
        max_connections: config.database.db_connections,
        guard_program: None,
    };
    Ok(Database::open(&settings).await?)
}

/// Puts the application together on an open database.
pub fn assemble(config: Config, database: &Database) -> anyhow::Result<App> {
    let keys = Keys::load(config.secret.as_deref(), &config.data)?;
    // Empty: set by a compose file that passes on what is not set.
    let mailer = match config.mail.smtp_url.as_deref().filter(|url| !url.is_empty()) {
        Some(url) => Mailer::from_url(url).map_err(|error| anyhow::anyhow!("SPORTELLO_SMTP_URL: {error}"))?,
        None => Mailer::directory(config.data.join("outbox")),
    };
    Ok(App::new(config, database.pool().clone(), mailer, keys))
}

/// Takes in mail with whatever database is configured. A database that is away is a reason to try again, not to bounce.
pub async fn ingest(config: Config, args: ingest::IngestArgs) -> anyhow::Result<ExitCode> {
    let opened = async {
        let database = open_database(&config).await?;
        database.migrate().await?;
        let app = assemble(config, &database)?;
        anyhow::Ok((database, app))
    };
    let (database, app) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            eprintln!("sportello ingest: {error:#}");
            return Ok(ExitCode::from(75));
        }
    };
    let code = ingest::run(&app, &args).await;
    app.db.close().await;
    database.close().await;
    Ok(code)
}
