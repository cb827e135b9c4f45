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
    /// Say what is configured, what is reachable and what is wrong
    Doctor,
    /// Make or repair an admin's account, for when nobody can sign in
    Admin(commands::admin::AdminArgs),
    /// Parent of the private Postgres; started by ourselves
    #[command(name = guard::SUBCOMMAND, hide = true)]
    PostgresGuard(guard::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::PostgresGuard(args)) = cli.command {
        // Single-threaded and before anything else: it outlives us.
        return guard::run(args);
    }
    commands::start(async move {
        match cli.command.unwrap_or_else(|| Command::Serve(commands::serve::ServeArgs::default())) {
            Command::Serve(args) => commands::serve::run(cli.config, args, false).await,
            Command::Demo(args) => commands::serve::run(cli.config, args, true).await,
            Command::Work => commands::serve::work(cli.config).await,
            Command::Doctor => commands::doctor::run(cli.config).await,
            Command::Admin(args) => commands::admin::run(cli.config, args).await,
            Command::PostgresGuard(_) => Ok(ExitCode::SUCCESS),
        }
    })
}
