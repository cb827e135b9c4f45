//! The page on which a mailbox is connected, changed and tried.

mod earlier;
mod form;
mod sign_in;
mod signing;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::channels::email::access::{self, LostAt};
use crate::channels::email::providers::{self, Guess};
use crate::channels::email::settings::{DkimSettings, HookService, OauthService};
use crate::channels::email::settings::{Secrets, Settings, addresses};
use crate::channels::email::trial::{self, Mark, Trial};
use crate::channels::email::{dkim, hooks};
use crate::channels::entries;
use crate::channels::wire::oauth;
use crate::clock::Ts;
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel, Day, seal};
use crate::desk::kinds::ChannelKind;
use crate::desk::mailboxes::{self, Import};
use crate::http::flash::Flash;
use crate::http::page::{Icon, Shell, icon};
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::ChannelId;
use crate::text::addresses::is_address;

use form::{Checked, MailboxForm, SECURITIES};

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/mailboxes/new", get(show_new).post(create))
        .route("/settings/mailboxes/{id}", get(show).post(save))
        .merge(sign_in::router())
        .merge(earlier::router())
        .merge(signing::router())
}

/// The first step of a new mailbox: its address, from which the servers are guessed.
#[derive(Template)]
#[template(path = "channels/email/new.html")]
struct NewPage<'a> {
    shell: &'a Shell,
    address: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "channels/email/editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    /// `None`: not saved yet.
    channel: Option<Channel>,
    form: MailboxForm,
    problems: Problems,
    /// What came of "Test it", if it was pressed.
    trials: Vec<Trial>,
    /// The folders that the server has, if it was asked just now.
    folders: Vec<String>,
    stored: Stored,
    /// Where the provider sends an admin back to who signed in there.
    callback: String,
    /// Where a service brings mail.
    hooks: Vec<(HookService, String)>,
    standing: Option<Standing>,
    other_ways: OtherWays,
    delivers: bool,
    outbox: String,
}

/// Which secrets are stored.
#[derive(Debug, Clone, Copy, Default)]
struct Stored {
    imap: bool,
    smtp: bool,
    client: bool,
    token: bool,
    hook: bool,
}

/// How a mailbox does.
struct Standing {
    day: Day,
    idles_since: Option<Ts>,
    departures: (i64, i64, i64),
    import: Option<Import>,
}

impl Standing {
    async fn read(app: &App, id: ChannelId) -> sqlx::Result<Self> {
        let mut db = app.db.acquire().await?;
        Ok(Self {
            day: rows::day(&mut db, id).await?,
            idles_since: mailboxes::idles_since(&mut db, id).await?,
            departures: mailboxes::departures(&mut db, id).await?,
            import: mailboxes::newest_import(&mut db, id).await?,
        })
    }
}

/// How mail reaches a mailbox without IMAP.
struct OtherWays {
    smtp: String,
    ingest: String,
}

impl OtherWays {
    fn new(app: &App, address: &str) -> Self {
        let program = std::env::current_exe().map_or_else(|_| "sportello".to_owned(), |path| path.display().to_string());
        let data = std::path::absolute(&app.config.data).unwrap_or_else(|_| app.config.data.clone());
        Self {
            smtp: app.config.mail.smtp_listen.to_string(),
            ingest: format!(
                "{} ingest --data {} --channel {} < letter.eml",
                quoted(&program),
                quoted(&data.display().to_string()),
                quoted(address)
            ),
        }
    }
}

/// A word of a command line, in quotes where a shell would take it apart.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '@' | '+' | ':');
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

impl<'a> EditorPage<'a> {
    fn new(app: &App, shell: &'a Shell, channel: Option<Channel>, form: MailboxForm, problems: Problems) -> Self {
        let secrets: Secrets = channel.as_ref().map(|channel| channel.secrets(&app.keys)).unwrap_or_default();
        Self {
            shell,
            stored: Stored {
                imap: !secrets.imap_password.is_empty(),
                smtp: !secrets.smtp_password.is_empty(),
                client: !secrets.oauth_client_secret.is_empty(),
                token: !secrets.tokens.refresh_token.is_empty() || !secrets.tokens.access_token.is_empty(),
                hook: !secrets.hook_key.is_empty(),
            },
            callback: oauth::callback(app, ChannelKind::Email),
            hooks: match &channel {
                Some(channel) if !secrets.hook_secret.is_empty() => HookService::ALL
                    .into_iter()
                    .map(|service| (service, hooks::address(app, channel.id, service, &secrets.hook_secret)))
                    .collect(),
                _ => Vec::new(),
            },
            folders: Vec::new(),
            standing: None,
            other_ways: OtherWays::new(app, if form.address.is_empty() { "help@example.com" } else { form.address.trim() }),
            delivers: app.mailer.delivers(),
            outbox: app.config.data.join("outbox").display().to_string(),
            channel,
            form,
            problems,
            trials: Vec::new(),
        }
    }

    fn title(&self) -> &str {
        self.channel.as_ref().map_or("Connect a mailbox", |channel| &channel.name)
    }

    fn action(&self) -> String {
        self.channel.as_ref().map_or_else(|| "/settings/mailboxes/new".to_owned(), |channel| format!("/settings/mailboxes/{}", channel.id))
    }

    fn is_off(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| !channel.enabled)
    }

    fn guess(&self) -> Guess {
        providers::guess(&self.form.address)
    }

    /// What stands on the channel's row, unless a test just said more.
    fn last_error(&self) -> Option<&str> {
        if self.trials.is_empty() { self.channel.as_ref()?.last_error.as_deref() } else { None }
    }

    fn teams(&self) -> Vec<(String, String)> {
        entries::teams(&self.shell.directory)
    }

    fn languages(&self) -> Vec<(&'static str, &'static str)> {
        entries::languages()
    }

    fn password_hint(&self, stored: &bool) -> &'static str {
        if *stored { "One is stored. Leave this empty to keep it." } else { "" }
    }

    fn settings(&self) -> Option<Settings> {
        self.channel.as_ref().map(Settings::of)
    }

    /// The name of the provider at which the stored mailbox signs in.
    fn provider(&self) -> Option<&'static str> {
        Some(match self.settings()?.oauth?.service {
            OauthService::Google => "Google",
            OauthService::Microsoft => "Microsoft",
            OauthService::Other => "the provider",
        })
    }

    fn hook_choices(&self) -> Vec<(&'static str, &'static str)> {
        let services = HookService::ALL.into_iter().map(|service| (service.word(), service.label()));
        [("", "None")].into_iter().chain(services).collect()
    }

    fn hook_hint(&self) -> &'static str {
        if self.stored.hook {
            "One is stored. Leave this empty to keep it."
        } else {
            "Mailgun’s is needed; SendGrid’s if it signs; Postmark has none."
        }
    }

    fn hook_advice(&self, service: &HookService) -> &'static str {
        match service {
            HookService::Mailgun => "Under Receiving, make a route with the action forward() to this address.",
            HookService::Postmark => "On the inbound stream’s settings page; tick “Include raw email content in JSON payload” there.",
            HookService::Sendgrid => "Under Settings, Inbound Parse; tick “POST the raw, full MIME message” there.",
        }
    }

    fn is_shut_out(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.sign_in_lost_at.is_some())
    }

    /// What a step of the test looks like.
    fn trial_mark(&self, trial: &Trial) -> (&'static str, Icon) {
        match trial.mark {
            Mark::Works => ("works", icon("circle-check")),
            Mark::Note => ("note", icon("info")),
            Mark::Fails => ("fails", icon("circle-alert")),
        }
    }

    fn all_works(&self) -> bool {
        !self.trials.iter().any(Trial::failed)
    }

    /// What is signed with, and its DNS record: name and value.
    fn dkim(&self) -> Option<(DkimSettings, String, String)> {
        let dkim = self.settings()?.dkim?;
        let domain = self.channel.as_ref()?.address.as_deref()?.rsplit_once('@')?.1.to_owned();
        let (name, value) = (dkim::record_name(&dkim, &domain), dkim::record(&dkim));
        Some((dkim, name, value))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewQuery {
    address: Option<String>,
}

async fn show_new(State(app): State<App>, _: Admin, Query(query): Query<NewQuery>, shell: Shell) -> Result<Response> {
    let Some(address) = query.address else {
        return shell.render(&NewPage { shell: &shell, address: String::new(), problems: Problems::default() });
    };
    if !is_address(address.trim()) {
        let problems = Problems::one("address", "Enter a mail address like help@example.com.");
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { shell: &shell, address, problems });
    }
    let form = MailboxForm::guessed(&app, &shell.directory, address.trim());
    shell.render(&EditorPage::new(&app, &shell, None, form, Problems::default()))
}

async fn mailbox(db: &mut PgConnection, id: ChannelId) -> Result<Channel> {
    rows::find(db, id).await?.filter(|channel| channel.kind == ChannelKind::Email).ok_or(Error::NotFound)
}

async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let channel = mailbox(&mut db, id).await?;
    drop(db);
    let form = MailboxForm::of(&channel, &channel.secrets(&app.keys));
    let standing = Some(Standing::read(&app, id).await?);
    shell.render(&EditorPage { standing, ..EditorPage::new(&app, &shell, Some(channel), form, Problems::default()) })
}

async fn create(State(app): State<App>, _: Admin, shell: Shell, Form(form): Form<MailboxForm>) -> Result<Response> {
    save_as(&app, &shell, None, form).await
}

async fn save(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<ChannelId>,
    shell: Shell,
    Form(form): Form<MailboxForm>,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let channel = mailbox(&mut db, id).await?;
    drop(db);
    save_as(&app, &shell, Some(channel), form).await
}

async fn save_as(app: &App, shell: &Shell, channel: Option<Channel>, form: MailboxForm) -> Result<Response> {
    let again =
        |channel, form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &EditorPage::new(app, shell, channel, form, problems));
    let mut change = Change::begin(app).await?;
    // What the desk has learnt since the page was opened, such as renewed tokens, is not to be written over.
    let channel = match channel {
        Some(channel) => {
            rows::lock(&mut change, channel.id).await?;
            Some(mailbox(&mut change, channel.id).await?)
        }
        None => None,
    };
    let stored = channel.as_ref().map(|channel| (Settings::of(channel), channel.secrets::<Secrets>(&app.keys)));
    let checked = match form.check(&shell.directory, stored.as_ref().map(|(settings, secrets)| (settings, secrets))) {
        Ok(checked) => checked,
        Err(problems) => return again(channel, form, problems),
    };
    let draft = checked.draft(channel.as_ref().is_none_or(|channel| channel.enabled), seal(&app.keys, &checked.secrets)?)?;
    if let Some(problems) = overlap(&mut change, channel.as_ref().map(|channel| channel.id), &checked).await? {
        return again(channel, form, problems);
    }
    let saved = match &channel {
        None => rows::create(&mut change, &draft).await,
        Some(channel) => rows::update(&mut change, channel.id, &draft).await.map(|_| channel.id),
    };
    let id = match saved {
        Ok(id) => id,
        Err(error) => {
            let problems = match on_constraint(&error) {
                Some("channels_name_key") => Problems::one("name", "Another channel has this name. Choose a different one."),
                Some("channels_address_key") => Problems::one("address", "This address has a mailbox already."),
                _ => return Err(error.into()),
            };
            return again(channel, form, problems);
        }
    };
    // What cannot be entered by a sign-in cannot have lost it; and whether the server for outgoing mail still refuses shows by the next letter,
    // where nothing else is about to show it.
    let tries = form.then != "test" && form.then != "sign_in" && stored.as_ref().is_some_and(|(settings, _)| settings.smtp_shut_out);
    if channel.as_ref().is_some_and(|channel| channel.sign_in_lost_at.is_some()) && (tries || !checked.settings.signs_in()) {
        access::regain_within(&mut change, id).await?;
    }
    change.touch_settings();
    change.commit().await?;
    match form.then.as_str() {
        "test" => return test(app, shell, id).await,
        "sign_in" if checked.settings.oauth.is_some() => return sign_in::begin(app, id).await,
        _ => {}
    }
    start_polling(app).await?;
    Ok(Flash::new(format!("{} is saved.", checked.name)).redirect("/settings/channels"))
}

async fn start_polling(app: &App) -> sqlx::Result<()> {
    crate::channels::ensure_polls(app).await?;
    app.live.announce(crate::live::Signal::Work);
    Ok(())
}

/// An address belongs to one mailbox, be it as its own or as an alias: else mail to it would have two homes.
async fn overlap(db: &mut PgConnection, own: Option<ChannelId>, checked: &Checked) -> sqlx::Result<Option<Problems>> {
    let wanted = |address: &String| address.eq_ignore_ascii_case(&checked.address) || checked.settings.aliases.contains(address);
    for channel in rows::list(db).await?.into_iter().filter(|channel| channel.kind == ChannelKind::Email && Some(channel.id) != own) {
        if let Some(address) = addresses(&channel).into_iter().find(wanted) {
            let field = if address.eq_ignore_ascii_case(&checked.address) { "address" } else { "aliases" };
            return Ok(Some(Problems::one(field, format!("{address} belongs to the mailbox “{}” already.", channel.name))));
        }
    }
    Ok(None)
}

/// Tries what is stored, notes on the channel what came of it and shows it.
async fn test(app: &App, shell: &Shell, id: ChannelId) -> Result<Response> {
    let channel = mailbox(&mut *app.db.acquire().await?, id).await?;
    let report = trial::run(app, &channel).await;
    match (&report.sign_in, report.failure()) {
        (Some(words), _) => access::lose(app, id, LostAt::Incoming, words).await,
        (None, Some(failed)) => {
            rows::note_error(&mut *app.db.acquire().await?, id, &format!("{}. {}", failed.title, failed.detail)).await?
        }
        (None, None) => {
            let mut change = Change::begin(app).await?;
            rows::note_ok(&mut change, id).await?;
            mailboxes::note_recovery(&mut change, id).await?;
            access::regain_within(&mut change, id).await?;
            change.commit().await?;
        }
    }
    let channel = mailbox(&mut *app.db.acquire().await?, id).await?;
    // After the test: the poller's first visit would write over what it found.
    start_polling(app).await?;
    let form = MailboxForm::of(&channel, &channel.secrets(&app.keys));
    let standing = Some(Standing::read(app, id).await?);
    let page = EditorPage::new(app, shell, Some(channel), form, Problems::default());
    shell.render(&EditorPage { trials: report.steps, folders: report.folders, standing, ..page })
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_each_word_as_one() {
        assert_eq!(quoted("help@example.com"), "help@example.com");
        assert_eq!(quoted("/srv/my data"), "'/srv/my data'");
        assert_eq!(quoted("o'neil@example.com"), r"'o'\''neil@example.com'");
    }
}
