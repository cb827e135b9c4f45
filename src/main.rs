//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sportello::database::{Database, Settings, guard};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
enum Command {
    /// Parent of the private Postgres; started by ourselves.
    #[command(name = guard::SUBCOMMAND, hide = true)]
    PostgresGuard(guard::Args),
    /// Opens the database, says so and stays until Ctrl-C.
    #[command(hide = true)]
    DatabaseProbe {
        #[arg(long, env = "DATABASE_URL")]
        url: Option<String>,
        #[arg(long, default_value = "data")]
        data: PathBuf,
        #[arg(long, env = sportello::database::BIN_SETTING)]
        bin: Option<PathBuf>,
        #[arg(long)]
        user: Option<String>,
        /// Ask the database this often, in milliseconds, and print how it went.
        #[arg(long)]
        ping: Option<u64>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::PostgresGuard(args) => Ok(guard::run(args)),
        Command::DatabaseProbe { url, data, bin, user, ping } => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            let settings = Settings { url, data_dir: data, postgres_bin: bin, postgres_user: user, max_connections: 5, guard_program: None };
            tokio::runtime::Runtime::new()?.block_on(probe(&settings, ping))
        }
    }
}

async fn probe(settings: &Settings, ping: Option<u64>) -> anyhow::Result<ExitCode> {
    // before the first word: whoever reads it may signal us at once
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let began = Instant::now();
    let database = Database::open(settings).await?;
    let opened = began.elapsed();
    database.migrate().await?;
    println!("{}, opened in {} ms, migrated after {} ms", database.describe(), opened.as_millis(), began.elapsed().as_millis());
    let pings = async {
        let Some(every) = ping else { return std::future::pending().await };
        loop {
            let asked = Instant::now();
            let answer = sqlx::query("select 1").execute(database.pool()).await;
            println!("{:?} after {} ms", answer.map(|_| "here"), asked.elapsed().as_millis());
            tokio::time::sleep(Duration::from_millis(every)).await;
        }
    };
    tokio::select! {
        () = pings => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let stopping = Instant::now();
    database.close().await;
    println!("closed in {} ms", stopping.elapsed().as_millis());
    Ok(ExitCode::SUCCESS)
}
