//! `serve`, `demo` and `work`: the processes that stay.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::channels::email;
use crate::commands::{assemble, open_database};
use crate::config::Config;
use crate::database::{Database, ServeLock, ServeLockError};
use crate::demo::Loaded;
use crate::desk::agents;
use crate::live::Signal;
use crate::screens::sign_in;
use crate::server;
use crate::worker;

/// Arguments of `serve` and `demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Leave queued work and mailboxes to `sportello work`
    #[arg(long)]
    pub no_work: bool,
    /// Do not accept mail on the SMTP port
    #[arg(long)]
    pub no_smtp: bool,
}

/// Serves the desk until told to stop.
pub async fn run(mut config: Config, args: ServeArgs, demo: bool) -> anyhow::Result<ExitCode> {
    // Its networks are played by this very process.
    config.web.allow_private_networks |= demo;
    let _lock = match take_lock(&config) {
        Ok(lock) => lock,
        Err(ServeLockError::AlreadyRunning { pid, text }) => {
            println!("Sportello already runs on {} (process {pid}). Open {text}", config.data.display());
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    // The ports first: what cannot be served should not be started.
    let web = bind(config.web.listen, "SPORTELLO_LISTEN").await?;
    let smtp = if args.no_smtp { None } else { Some(bind(config.mail.smtp_listen, "SPORTELLO_SMTP_LISTEN").await?) };
    let lmtp = match &config.mail.lmtp_listen {
        Some(at) => {
            Some(email::smtp::LmtpListener::bind(at).await.with_context(|| format!("cannot listen on {at} (SPORTELLO_LMTP_LISTEN)"))?)
        }
        None => None,
    };
    let database = open_database(&config).await?;
    database.migrate().await.context("cannot bring the database up to date")?;
    let app = assemble(config, &database)?;
    let tracker = TaskTracker::new();
    if demo {
        load_demo(&app).await?;
    }
    keep_cache_fresh(&app, &tracker);
    join_others(&app, &database, &tracker);
    if let Some(door) = smtp {
        let app = app.clone();
        let limits = email::smtp::Limits::of(&app);
        tracker.spawn(async move {
            let stop = app.stopping.clone();
            if let Err(error) = email::smtp::serve(app, door, limits, stop).await {
                tracing::error!(error = format!("{error:#}"), "incoming mail is not accepted");
            }
        });
    }
    if let Some(door) = lmtp {
        let app = app.clone();
        let limits = email::smtp::Limits::of(&app);
        tracker.spawn(async move {
            let stop = app.stopping.clone();
            if let Err(error) = email::smtp::serve_lmtp(app, door, limits, stop).await {
                tracing::error!(error = format!("{error:#}"), "mail by LMTP is not accepted");
            }
        });
    }
    if !args.no_work {
        tracker.spawn(worker::run(app.clone(), app.stopping.clone()));
    }
    greet(&app, &database.describe()).await?;

    let stopping = app.stopping.clone();
    tracker.spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping: requests and jobs in hand are finished first");
        stopping.cancel();
    });
    let served = server::serve(app.clone(), web).await;
    app.stopping.cancel();
    tracker.close();
    tracker.wait().await;
    app.db.close().await;
    database.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Works the queue until told to stop.
pub async fn work(config: Config) -> anyhow::Result<ExitCode> {
    let database = open_database(&config).await?;
    database.migrate().await.context("cannot bring the database up to date")?;
    let app = assemble(config, &database)?;
    let tracker = TaskTracker::new();
    keep_cache_fresh(&app, &tracker);
    join_others(&app, &database, &tracker);
    tracker.spawn(worker::run(app.clone(), app.stopping.clone()));
    tracing::info!(database = database.describe(), "working");
    wait_for_signal().await;
    app.stopping.cancel();
    tracker.close();
    tracker.wait().await;
    app.db.close().await;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// One serving process per data folder, unless the data lies elsewhere and the folder is only a scratch.
fn take_lock(config: &Config) -> Result<ServeLock, ServeLockError> {
    ServeLock::acquire(&config.data, &config.public_url())
}

async fn bind(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: is another program using the port? Set {setting} to another address, such as 0.0.0.0:{}",
            address.port() + 1
        )
    })
}

async fn greet(app: &App, database: &str) -> anyhow::Result<()> {
    let mut db = app.db.acquire().await?;
    let url = app.config.public_url();
    tracing::info!(database, data = %app.config.data.display(), "ready");
    if agents::any(&mut db).await? {
        println!("\n  Sportello is ready: {url}\n");
    } else {
        println!(
            "\n  Sportello is ready. Create the first admin here (the link works once):\n  {url}/setup/{}\n",
            sign_in::setup_token(app)
        );
    }
    Ok(())
}

/// Exchanges signals with the other processes on this database.
fn join_others(app: &App, database: &Database, tracker: &TaskTracker) {
    let app = app.clone();
    let options = database.connect_options();
    tracker.spawn(async move { app.live.exchange(app.db.clone(), options, app.stopping.clone()).await });
}

/// Fills an empty desk with the demo's shop and says who can sign in.
async fn load_demo(app: &App) -> anyhow::Result<()> {
    let now = jiff::Timestamp::now();
    let plan = crate::demo::plan(now, 7);
    let loaded = crate::demo::load(app, &plan, now).await?;
    if matches!(loaded, Loaded::Fresh) {
        crate::demo::load_chats(app, &plan).await?;
        crate::demo::load_networks(app, &plan).await?;
        crate::demo::load_calls(app, &plan).await?;
        crate::demo::load_call_backs(app, &plan).await?;
        crate::demo::load_reviews(app, &plan).await?;
        crate::demo::load_public(app, &plan).await?;
        crate::demo::load_spam(app, &plan).await?;
        crate::demo::load_letters(app, &plan).await?;
    }
    let url = app.config.public_url();
    match loaded {
        Loaded::Fresh => println!("\n  {} is open: {} tickets, made up a moment ago.", plan.shop.name, plan.tickets.len()),
        Loaded::There => println!("\n  The demo is here already, as you left it."),
    }
    println!("  Sign in at {url} as one of these, with the password {}", crate::demo::load::PASSWORD);
    for agent in &plan.agents {
        println!("    {:<6} {:<16} {}", agent.role.word(), agent.name, agent.email);
    }
    println!("  The shop's own site, with its contact form: {url}/demo");
    println!("  Play a customer on Telegram: {url}/demo/simulator");
    Ok(())
}

fn keep_cache_fresh(app: &App, tracker: &TaskTracker) {
    let app = app.clone();
    tracker.spawn(async move {
        let mut signals = app.live.subscribe();
        loop {
            let signal = tokio::select! {
                signal = signals.recv() => signal,
                () = app.stopping.cancelled() => return,
            };
            use tokio::sync::broadcast::error::RecvError;
            match signal {
                Ok(Signal::Settings | Signal::Resync) | Err(RecvError::Lagged(_)) => app.cache.invalidate_all(),
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

async fn wait_for_signal() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
