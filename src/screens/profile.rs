//! One's own page: name, signature, photo, password, and where one is signed in.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, RawForm, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::{self, Agent};
use crate::desk::calls;
use crate::desk::changes::Change;
use crate::desk::photos::{self, PhotoError};
use crate::desk::sessions::{self, Session};
use crate::desk::signatures::{self, Owner};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::SessionId;
use crate::screens::habits::HabitsForm;
use crate::screens::settings::letters::{self, Field};
use crate::screens::sign_in::{MIN_PASSWORD, weak};

/// The most that a sent photo may weigh: enough to read one that is too large, and say so beside its field.
const MAX_UPLOAD: usize = 24 * 1024 * 1024;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/profile", get(show).post(save))
        .route("/profile/chats", post(save_habits))
        .route("/profile/signatures", post(save_signatures))
        .route("/profile/photo", post(upload_photo).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .route("/profile/photo/remove", post(remove_photo))
        .route("/profile/password", post(change_password))
        .route("/profile/sessions/{id}/revoke", post(revoke))
        .route("/profile/sessions/revoke-others", post(revoke_others))
}

#[derive(Template)]
#[template(path = "screens/profile.html")]
struct ProfilePage<'a> {
    shell: &'a Shell,
    form: ProfileForm,
    habits: HabitsForm,
    /// What ends one's letters in each language.
    signatures: Vec<Field>,
    sessions: Vec<Session>,
    problems: Problems,
    min: usize,
}

impl<'a> ProfilePage<'a> {
    async fn load(app: &App, shell: &'a Shell) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        let sessions = sessions::list(&mut db, shell.agent.id).await?;
        let habits = HabitsForm::load(&mut db, shell.agent.id).await?;
        let known = signatures::list(&mut db, Owner::Agent(shell.agent.id)).await?;
        let signatures = letters::fields(
            |code| match code {
                "" => shell.agent.signature.clone(),
                code => known.iter().find(|known| known.language == code).map(|known| known.body.clone()).unwrap_or_default(),
            },
            |body| signatures::join(&shell.agent.name, &shell.directory.shop.shop_name, body, ""),
        );
        let form = ProfileForm { name: shell.agent.name.clone(), numbers: shell.directory.numbers(shell.agent.id).join(", ") };
        Ok(Self { shell, form, habits, signatures, sessions, problems: Problems::default(), min: MIN_PASSWORD })
    }

    fn is_this(&self, session: &Session) -> bool {
        self.shell.agent.session == Some(session.id)
    }

    fn samples(&self) -> String {
        let samples = serde_json::json!({ "agent.name": self.shell.agent.name, "shop.name": self.shell.directory.shop.shop_name });
        samples.to_string().replace('<', "\\u003c")
    }

    fn signature_problem(&self, code: &str) -> Option<&str> {
        self.problems.of(&format!("signature-{code}"))
    }

    fn device(&self, session: &Session) -> String {
        device(&session.user_agent)
    }
}

/// A browser's own words for itself, as a person would say them.
fn device(user_agent: &str) -> String {
    let has = |word: &str| user_agent.contains(word);
    // Order matters: every browser claims to be the ones before it.
    let browser =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];
    let system = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let of = |list: &[(&str, &'static str)]| list.iter().find(|(sign, _)| has(sign)).map(|(_, name)| *name);
    match (of(&browser), of(&system)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "An unknown program".to_owned(),
    }
}

async fn show(State(app): State<App>, shell: Shell) -> Result<Response> {
    shell.render(&ProfilePage::load(&app, &shell).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProfileForm {
    name: String,
    /// With commas between.
    numbers: String,
}

async fn save(State(app): State<App>, shell: Shell, Form(form): Form<ProfileForm>) -> Result<Response> {
    let mut problems = Problems::default();
    let name = form.name.trim();
    if name.is_empty() {
        problems.add("name", "Enter your name; customers see it on your answers.");
    } else if name.chars().count() > 100 {
        problems.add("name", "Use at most 100 characters.");
    }
    let country = calls::country(&mut *app.db.acquire().await?).await?;
    let numbers = agents::read_numbers(&form.numbers, &country).unwrap_or_else(|words| {
        problems.add("numbers", words);
        Vec::new()
    });
    if problems.any() {
        let page = ProfilePage { form, problems, ..ProfilePage::load(&app, &shell).await? };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(&app).await?;
    agents::update_profile(&mut change, shell.agent.id, name, &shell.agent.signature).await?;
    agents::set_numbers(&mut change, shell.agent.id, &numbers).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect("/profile"))
}

async fn save_signatures(State(app): State<App>, shell: Shell, RawForm(form): RawForm) -> Result<Response> {
    let mut problems = Problems::default();
    let words = letters::read(&letters::pairs(&form), &mut problems);
    if problems.any() {
        let mut page = ProfilePage { problems, ..ProfilePage::load(&app, &shell).await? };
        letters::put_back(&mut page.signatures, &words);
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(&app).await?;
    for (code, body) in words {
        match code {
            "" => agents::update_profile(&mut change, shell.agent.id, &shell.agent.name, &body).await?,
            code => signatures::set(&mut change, Owner::Agent(shell.agent.id), code, &body).await?,
        }
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect("/profile#signatures"))
}

async fn save_habits(State(app): State<App>, shell: Shell, Form(form): Form<HabitsForm>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    match form.save(&mut change, shell.agent.id).await? {
        Ok(()) => change.commit().await?,
        Err(problems) => {
            drop(change);
            let page = ProfilePage { habits: form, problems, ..ProfilePage::load(&app, &shell).await? };
            return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    }
    Ok(Flash::new("Saved.").redirect("/profile#chats"))
}

async fn upload_photo(State(app): State<App>, shell: Shell, mut parts: Parts) -> Result<Response> {
    let file = parts.files.pop().filter(|_| parts.refused.is_empty());
    let stored = match file {
        Some(file) => photos::store(&app, file.bytes).await.map(Some),
        None if parts.refused.is_empty() => Ok(None),
        None => Err(PhotoError::TooHeavy),
    };
    let words = match stored {
        Ok(Some(sha256)) => {
            let mut change = Change::begin(&app).await?;
            photos::set(&mut change, shell.agent.id, Some(&sha256)).await?;
            change.touch_settings();
            change.commit().await?;
            return Ok(Flash::new("This is your photo now.").redirect("/profile"));
        }
        Ok(None) => "Choose a picture first.".to_owned(),
        Err(PhotoError::Storage(error)) => return Err(Error::Internal(error.into())),
        Err(error) => error.to_string(),
    };
    let page = ProfilePage { problems: Problems::one("photo", words), ..ProfilePage::load(&app, &shell).await? };
    shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn remove_photo(State(app): State<App>, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    photos::set(&mut change, agent.id, None).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Your photo is removed.").redirect("/profile"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PasswordForm {
    current: String,
    password: String,
}

async fn change_password(State(app): State<App>, shell: Shell, Form(form): Form<PasswordForm>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    // Somebody at an unlocked screen must not be able to guess.
    let keys = [format!("password:{}", shell.agent.id)];
    let blocked = sessions::blocked_seconds(&mut db, &keys).await?;
    let mut problems = Problems::default();
    if blocked > 0 {
        problems.add("current", format!("Too many attempts. Wait {blocked} seconds, then try again."));
    } else if !agents::is_password(&mut db, shell.agent.id, &form.current).await? {
        sessions::note_failure(&mut db, &keys).await?;
        problems.add("current", "This is not your current password.");
    }
    if let Some(words) = weak(&form.password) {
        problems.add("password", words);
    }
    drop(db);
    if problems.any() {
        let page = ProfilePage { problems, ..ProfilePage::load(&app, &shell).await? };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut tx = app.db.begin().await?;
    agents::set_password(&mut tx, shell.agent.id, &form.password, shell.agent.session).await?;
    sessions::clear_failures(&mut tx, &keys[0]).await?;
    tx.commit().await?;
    Ok(Flash::new("Your password is changed. Every other device is signed out.").redirect("/profile"))
}

async fn revoke(State(app): State<App>, agent: Agent, Path(id): Path<SessionId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    sessions::revoke(&mut db, agent.id, id).await?;
    Ok(Flash::new("Signed out there.").redirect("/profile"))
}

async fn revoke_others(State(app): State<App>, agent: Agent) -> Result<Response> {
    if let Some(keep) = agent.session {
        let mut db = app.db.acquire().await?;
        sessions::revoke_others(&mut db, agent.id, keep).await?;
    }
    Ok(Flash::new("Signed out everywhere else.").redirect("/profile"))
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_are_called_what_people_call_them() {
        assert_eq!(
            device("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0"),
            "Edge on Windows"
        );
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(device("curl/8.5.0"), "curl");
        assert_eq!(device(""), "An unknown program");
    }
}
