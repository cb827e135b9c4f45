//! What is held as spam: whether the mail server's word counts, how sure the filter must be, and the senders who are always let in or never.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Lead;
use crate::desk::changes::Change;
use crate::desk::spam::rules::{self, Rule};
use crate::desk::spam::{self, ENOUGH, Filter, Settings, learning};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Form, Path, Query, Result};
use crate::ids::SenderRuleId;
use crate::screens::settings::counted;
use crate::text::junk::{self, Count};

/// Rules on a page, and words that are shown of what was learnt.
const PAGE: usize = 50;
const SHOWN: i64 = 40;
/// Tickets of either sort that are learnt from at once.
const ARCHIVE: i64 = 500;
/// The longest text that can be tried, in bytes.
const MAX_TRY: usize = 20_000;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/spam", get(show).post(save))
        .route("/settings/spam/senders", post(add))
        .route("/settings/spam/senders/{id}/delete", post(remove))
        .route("/settings/spam/learn", post(learn))
        .route("/settings/spam/forget", post(forget))
}

#[derive(Template)]
#[template(path = "screens/settings/spam.html")]
struct SpamPage<'a> {
    shell: &'a Shell,
    settings: Settings,
    learnt: Count,
    words: Vec<(String, Count)>,
    /// Which list is shown.
    allowed: bool,
    rules: Vec<Rule>,
    next: Option<SenderRuleId>,
    counts: (i64, i64),
    query: SpamQuery,
    /// What was typed as a sender, if it was refused.
    sender: String,
    problems: Problems,
    verdict: Option<String>,
}

impl SpamPage<'_> {
    fn is(&self, filter: &str) -> bool {
        matches!((filter, self.settings.filter), ("off", Filter::Off) | ("careful", Filter::Careful) | ("strict", Filter::Strict))
    }

    fn spelled(&self, word: &str) -> String {
        junk::spelled(word)
    }

    fn list_label(&self) -> &'static str {
        if self.allowed { "Always let in" } else { "Block" }
    }

    /// How far the filter has come, in words.
    fn progress(&self) -> String {
        let learnt = format!("Learnt so far: {} messages marked as spam, {} answered or released.", self.learnt.spam, self.learnt.ham);
        if self.learnt.spam < ENOUGH || self.learnt.ham < ENOUGH {
            format!("{learnt} It begins to hold messages when it knows {ENOUGH} of each.")
        } else {
            learnt
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SpamQuery {
    list: String,
    q: String,
    before: String,
    r#try: String,
}

async fn page(app: &App, shell: &Shell, query: SpamQuery, sender: String, problems: Problems) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let allowed = query.list == "allowed";
    let (rules, next) = rules::page(&mut db, allowed, &query.q, query.before.parse().ok().map(SenderRuleId), PAGE).await?;
    let verdict = match query.r#try.trim() {
        "" => None,
        text => Some(try_out(&mut db, &text[..text.floor_char_boundary(MAX_TRY)]).await?),
    };
    let status = if problems.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = SpamPage {
        settings: shell.directory.spam.settings.clone(),
        learnt: learning::learnt(&mut db).await?,
        words: learning::clearest(&mut db, SHOWN).await?,
        allowed,
        rules,
        next,
        counts: rules::count(&mut db).await?,
        query,
        sender,
        problems,
        verdict,
        shell,
    };
    shell.render_as(status, &page)
}

/// What the filter says of a text, and by which words.
async fn try_out(db: &mut sqlx::PgConnection, text: &str) -> sqlx::Result<String> {
    let Some(judgement) = spam::judge(db, &junk::words("", text, None, "")).await? else {
        return Ok("Too little was learnt to say anything.".to_owned());
    };
    let sure = format!("{:.0} % sure that it is spam", judgement.score * 100.0);
    let because: Vec<String> = judgement.because.iter().map(|word| junk::spelled(word)).collect();
    Ok(if because.is_empty() { format!("{sure}.") } else { format!("{sure}; what speaks for it: {}.", because.join(", ")) })
}

async fn show(State(app): State<App>, _: Lead, Query(query): Query<SpamQuery>, shell: Shell) -> Result<Response> {
    page(&app, &shell, query, String::new(), Problems::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SettingsForm {
    server: String,
    filter: String,
}

async fn save(State(app): State<App>, _: Lead, Form(form): Form<SettingsForm>) -> Result<Response> {
    let filter = match &*form.filter {
        "off" => Filter::Off,
        "strict" => Filter::Strict,
        _ => Filter::Careful,
    };
    let mut change = Change::begin(&app).await?;
    spam::save(&mut change, &Settings { server: form.server == "1", filter }).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved. What comes from now on is looked at like this.").redirect("/settings/spam"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SenderForm {
    sender: String,
    list: String,
}

async fn add(State(app): State<App>, lead: Lead, shell: Shell, Form(form): Form<SenderForm>) -> Result<Response> {
    let pattern = match rules::pattern(&form.sender) {
        Ok(pattern) => pattern,
        Err(unusable) => {
            let query = SpamQuery { list: form.list, ..SpamQuery::default() };
            return page(&app, &shell, query, form.sender, Problems::one("sender", unusable.to_string())).await;
        }
    };
    let allowed = form.list == "allowed";
    let mut change = Change::begin(&app).await?;
    if !rules::set(&mut change, lead.0.id, &pattern, allowed).await? {
        drop(change);
        return page(
            &app,
            &shell,
            SpamQuery { list: form.list, ..SpamQuery::default() },
            form.sender,
            Problems::one("sender", rules::FULL),
        )
        .await;
    }
    change.touch_settings();
    change.commit().await?;
    let words = if allowed { format!("{pattern} is always let in.") } else { format!("{pattern} is blocked: its mail is held as spam.") };
    Ok(Flash::new(words).redirect(list_page(allowed)))
}

fn list_page(allowed: bool) -> &'static str {
    if allowed { "/settings/spam?list=allowed#senders" } else { "/settings/spam#senders" }
}

async fn remove(State(app): State<App>, _: Lead, Path(id): Path<SenderRuleId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let gone = rules::remove(&mut change, id).await?;
    change.touch_settings();
    change.commit().await?;
    let (words, allowed) = match gone {
        Some((pattern, allowed)) => (format!("{pattern} is off the list."), allowed),
        None => ("It was off the list already.".to_owned(), false),
    };
    Ok(Flash::new(words).redirect(list_page(allowed)))
}

async fn learn(State(app): State<App>, _: Lead) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let count = learning::learn_archive(&mut change, ARCHIVE).await?;
    change.commit().await?;
    let words = match i64::try_from(count).unwrap_or(i64::MAX) {
        0 => "There is nothing here that the filter has not learnt from.".to_owned(),
        count => format!("The filter learns from {}; that takes a moment.", counted(count, "ticket", "tickets")),
    };
    Ok(Flash::new(words).redirect("/settings/spam"))
}

async fn forget(State(app): State<App>, _: Lead) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    learning::forget(&mut change).await?;
    change.commit().await?;
    Ok(Flash::new("The filter begins anew. The lists of senders are as they were.").redirect("/settings/spam"))
}
