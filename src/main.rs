//! The command line: composition only.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sportello::commands;
use sportello::config::Config;
use sportello::database::guard;

/// An omnichannel helpdesk for shops that sell online.
///
/// Without a command it serves the desk: web pages, incoming mail and the work behind them.
#[derive(Debug, Parser)]
#[command(name = "sportello", version, args_conflicts_with_subcommands = false)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the desk (the default)
    Serve(commands::serve::ServeArgs),
    /// Serve the desk with a believable shop loaded into an empty database
    Demo(commands::serve::ServeArgs),
    /// Only work: send, fetch, remind; beside processes that serve with --no-work
    Work,
    /// Take in mail from standard input, a Maildir or an mbox
    Ingest(commands::ingest::IngestArgs),
    /// Say what is configured, what is reachable and what is wrong
    Doctor,
    /// Make or repair an admin's account, for when nobody can sign in
    Admin(commands::admin::AdminArgs),
    /// Opens the database, says so and stays until Ctrl-C; for tests
    #[command(hide = true)]
    DatabaseProbe(commands::probe::ProbeArgs),
}

/// The parent of the private Postgres, started by ourselves: a command line of its own, that takes none of the settings.
#[derive(Debug, Parser)]
enum Guard {
    #[command(name = guard::SUBCOMMAND)]
    Guard(guard::Args),
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(guard::SUBCOMMAND) {
        // Before the runtime and its threads: it outlives whoever started it.
        let Guard::Guard(args) = Guard::parse();
        return guard::run(args);
    }
    let cli = Cli::parse();
    commands::start(async move {
        match cli.command.unwrap_or_else(|| Command::Serve(commands::serve::ServeArgs::default())) {
            Command::Serve(args) => commands::serve::run(cli.config, args, false).await,
            Command::Demo(args) => commands::serve::run(cli.config, args, true).await,
            Command::Work => commands::serve::work(cli.config).await,
            Command::Ingest(args) => commands::ingest(cli.config, args).await,
            Command::Doctor => commands::doctor::run(cli.config).await,
            Command::Admin(args) => commands::admin::run(cli.config, args).await,
            Command::DatabaseProbe(args) => commands::probe::run(cli.config, args).await,
        }
    })
}
