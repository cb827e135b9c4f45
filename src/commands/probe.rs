//! `database-probe`, hidden: opens the database and stays. The tests of the private cluster kill and question it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::open_database;
use crate::config::Config;

/// Arguments of `database-probe`.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Ask the database this often, in milliseconds, and print how it went.
    #[arg(long)]
    pub ping: Option<u64>,
}

/// Opens the database, says so, and stays until told to stop.
pub async fn run(config: Config, args: ProbeArgs) -> anyhow::Result<ExitCode> {
    // Before the first word: whoever reads it may signal us at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let began = Instant::now();
    let database = open_database(&config).await?;
    let opened = began.elapsed();
    database.migrate().await?;
    println!("{}, opened in {} ms, migrated after {} ms", database.describe(), opened.as_millis(), began.elapsed().as_millis());
    let pings = async {
        let Some(every) = args.ping else { return std::future::pending().await };
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
