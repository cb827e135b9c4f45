//! `doctor`: what is configured, what is reachable, what is wrong, in plain words.

use std::process::ExitCode;
use std::time::Duration;

use crate::app::App;
use crate::commands::{assemble, open_database};
use crate::config::Config;
use crate::desk::kinds::ChannelKind;
use crate::desk::{agents, channels, deliveries};
use crate::jobs;

/// How long anything outside may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found, line by line.
#[derive(Default)]
struct Findings {
    wrong: u32,
}

impl Findings {
    fn good(&mut self, what: &str, words: impl std::fmt::Display) {
        println!("  ok      {what}: {words}");
    }

    fn note(&mut self, what: &str, words: impl std::fmt::Display) {
        println!("  note    {what}: {words}");
    }

    fn bad(&mut self, what: &str, words: impl std::fmt::Display) {
        self.wrong += 1;
        println!("  WRONG   {what}: {words}");
    }
}

/// Examines everything and exits with 1 if anything is wrong.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut found = Findings::default();
    println!("Sportello {}\n", env!("CARGO_PKG_VERSION"));
    settings(&mut found, &config);
    match open_database(&config).await {
        Err(error) => found.bad("database", format!("{error:#}")),
        Ok(database) => {
            found.good("database", database.describe());
            match database.migrate().await {
                Ok(()) => found.good("tables", "up to date"),
                Err(error) => found.bad("tables", error),
            }
            match assemble(config, &database) {
                Err(error) => found.bad("start", format!("{error:#}")),
                Ok(app) => {
                    if let Err(error) = examine(&mut found, &app).await {
                        found.bad("database", format!("{error:#}"));
                    }
                    app.db.close().await;
                }
            }
            database.close().await;
        }
    }
    match found.wrong {
        0 => println!("\nAll is well."),
        1 => println!("\n1 thing is wrong."),
        n => println!("\n{n} things are wrong."),
    }
    Ok(if found.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn settings(found: &mut Findings, config: &Config) {
    found.good("web", format!("listens on {}, reached at {}", config.web.listen, config.public_url()));
    if config.web.public_url.is_none() {
        found.note("web", "SPORTELLO_PUBLIC_URL is not set: links in mails lead to this machine only");
    } else if !config.is_https() {
        found.note("web", "the public address is not https: sessions travel in the clear");
    }
    found.good("incoming mail", format!("listens on {}", config.mail.smtp_listen));
    if let Some(at) = &config.mail.lmtp_listen {
        found.good("incoming mail", format!("listens for LMTP on {at}"));
    }
    if config.mail.smtp_cert.is_none() {
        found.note(
            "incoming mail",
            "no certificate (SPORTELLO_SMTP_CERT): TLS with a self-signed one, which mail servers accept for mail to you",
        );
    }
}

async fn examine(found: &mut Findings, app: &App) -> anyhow::Result<()> {
    match app.blobs.check().await {
        Ok(()) => found.good("attachments", format!("can be written to {}", app.config.data.join("blobs").display())),
        Err(error) => found.bad("attachments", format!("cannot write to {}: {error}", app.config.data.join("blobs").display())),
    }
    let mut db = app.db.acquire().await?;
    if agents::any(&mut db).await? {
        found.good("people", format!("{} can sign in as admin", agents::count_admins(&mut db).await?));
    } else {
        found.note("people", "nobody can sign in yet: start Sportello and open the link that it prints");
    }
    let (dead, late) = jobs::health(&mut db).await?;
    if dead > 0 {
        found.bad("work", format!("{dead} jobs have given up; the reason stands on their messages and channels"));
    }
    if late > 0 {
        found.bad("work", format!("{late} jobs have been due for over a minute: does `sportello serve` or `sportello work` run?"));
    }
    if dead == 0 && late == 0 {
        found.good("work", "nothing waits longer than it should");
    }
    let stuck = deliveries::stuck(&mut db, 1000).await?;
    if !stuck.is_empty() {
        found.bad("incoming", format!("{} deliveries could not be understood yet; none is lost", stuck.len()));
    }
    let all = channels::list(&mut db).await?;
    drop(db);
    if all.is_empty() {
        found.note("channels", "none yet: an admin adds them under Settings, Channels");
    }
    let mut own_server = false;
    for channel in all {
        let name = format!("channel “{}”", channel.name);
        if !channel.enabled {
            found.note(&name, "switched off");
        } else if channel.sign_in_lost_at.is_some() {
            let words = channel.last_error.as_deref().unwrap_or("it no longer lets us in");
            found.bad(&name, format!("has to be signed in again by an admin: {words}"));
        } else if let Some(error) = &channel.last_error {
            found.bad(&name, error);
        } else {
            found.good(&name, channel.address.as_deref().unwrap_or(channel.kind.label()));
        }
        own_server |= channel.kind == ChannelKind::Email && channel.settings.get("smtp").is_some_and(serde_json::Value::is_object);
    }
    if app.mailer.delivers() {
        match tokio::time::timeout(PATIENCE, app.mailer.check()).await {
            Ok(Ok(())) => found.good("outgoing mail", "the server answers"),
            Ok(Err(error)) => found.bad("outgoing mail", error),
            Err(_) => found.bad("outgoing mail", "the server does not answer"),
        }
    } else if !own_server {
        found.note(
            "outgoing mail",
            format!("no server (SPORTELLO_SMTP_URL): mails are written to {} and reach nobody", app.config.data.join("outbox").display()),
        );
    }
    Ok(())
}
