//! The pages on which networks are connected, tried, and looked at when something is wrong.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::app::App;
use crate::channels::entries;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::oauth::{self, Brought, Memory, Visit};
use crate::channels::wire::{Choices, Field, Guide, Health, Network, Way, declare_one, offered};
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel, ChannelDraft, Day, seal};
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::Fault;
use crate::http::flash::Flash;
use crate::http::page::{Icon, Shell, icon};
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{ChannelId, TeamId};
use crate::secrets;

/// The routes of these pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/networks", get(choose))
        .route("/settings/networks/{kind}/new", get(show_new).post(create))
        .route("/settings/networks/{kind}/{id}", get(show).post(save))
        .route("/settings/networks/{kind}/{id}/check", post(check_again))
        .route("/settings/networks/{kind}/{id}/choose", post(choose_one))
        .route("/settings/networks/{kind}/{id}/sign-in", get(sign_in))
        .route("/settings/networks/{kind}/callback", get(come_back))
}

/// The networks that can be connected.
#[derive(Template)]
#[template(path = "channels/wire/choose.html")]
struct ChoosePage<'a> {
    shell: &'a Shell,
    networks: Vec<(ChannelKind, usize)>,
}

impl ChoosePage<'_> {
    fn icon(&self, kind: &ChannelKind) -> Icon {
        kind_icon(*kind)
    }

    fn words(&self, kind: &ChannelKind) -> &'static str {
        match kind {
            ChannelKind::Facebook => "Messages to your page, comments, posts and recommendations",
            ChannelKind::Instagram => "Direct messages, story replies, comments and mentions",
            ChannelKind::Whatsapp => "Messages to your business number, with approved templates",
            ChannelKind::Telegram => "Messages to your shop’s bot",
            ChannelKind::X => "Direct messages, mentions and replies",
            ChannelKind::Google => "Reviews of your places",
            ChannelKind::Sms => "Text messages by Twilio",
            ChannelKind::Phone => "Calls, told by your telephone exchange, sipgate or Twilio",
            _ => "",
        }
    }
}

/// The picture of a kind of channel; the same as in lists.
fn kind_icon(kind: ChannelKind) -> Icon {
    icon(match kind {
        ChannelKind::Facebook => "facebook",
        ChannelKind::Instagram => "instagram",
        ChannelKind::Whatsapp => "whatsapp",
        ChannelKind::Telegram => "telegram",
        ChannelKind::X => "x-network",
        ChannelKind::Google => "star",
        ChannelKind::Phone => "phone",
        _ => "message-square-text",
    })
}

#[derive(Template)]
#[template(path = "channels/wire/editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    kind: ChannelKind,
    guide: Guide,
    /// `None`: not saved yet.
    channel: Option<Channel>,
    values: HashMap<String, String>,
    /// Secrets that we have chosen, to be entered at the provider's: label, hint, value.
    shown: Vec<(&'static str, &'static str, String)>,
    stored: Vec<&'static str>,
    problems: Problems,
    trial: Option<Result<Health, Fault>>,
    day: Option<Day>,
    hook: String,
    reachable: bool,
    /// Where the provider sends an admin back to who signed in there; empty: nobody signs in there.
    callback: String,
    /// Everything that a sign-in needs is entered.
    can_sign_in: bool,
    choices: Option<Choices>,
}

impl EditorPage<'_> {
    fn title(&self) -> String {
        self.channel.as_ref().map_or_else(|| format!("Connect {}", self.kind.label()), |channel| channel.name.clone())
    }

    fn action(&self) -> String {
        let last = self.channel.as_ref().map_or_else(|| "new".to_owned(), |channel| channel.id.to_string());
        format!("/settings/networks/{}/{last}", self.kind)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value)
    }

    fn entered(&self, advanced: bool) -> Vec<&'static Field> {
        self.guide.fields.iter().filter(|field| !field.chosen && field.advanced == advanced).collect()
    }

    /// What can be chosen in a field, as its select wants it.
    fn choices(&self, field: &Field) -> Vec<(String, String)> {
        field.choices.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect()
    }

    fn hint(&self, field: &Field) -> String {
        if field.secret && self.stored.contains(&field.name) {
            "One is stored. Leave this empty to keep it.".to_owned()
        } else {
            field.hint.to_owned()
        }
    }

    /// Whom one signs in with.
    fn provider(&self) -> &'static str {
        if self.kind == ChannelKind::Google { "Google" } else { self.kind.label() }
    }

    fn teams(&self) -> Vec<(String, String)> {
        entries::teams(&self.shell.directory)
    }

    fn languages(&self) -> Vec<(&'static str, &'static str)> {
        entries::languages()
    }
}

async fn choose(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let known = rows::list(&mut db).await?;
    let networks = offered().map(|(kind, _)| (kind, known.iter().filter(|channel| channel.kind == kind).count())).collect();
    shell.render(&ChoosePage { shell: &shell, networks })
}

fn net_of(kind: &str) -> Result<(ChannelKind, &'static dyn Network)> {
    // Only those that are offered: channels of the shop's own making have pages of their own.
    offered().find(|(offered, _)| offered.as_str() == kind).ok_or(Error::NotFound)
}

async fn find(app: &App, kind: ChannelKind, id: ChannelId) -> Result<Channel> {
    let mut db = app.db.acquire().await?;
    rows::find(&mut db, id).await?.filter(|channel| channel.kind == kind).ok_or(Error::NotFound)
}

/// Everything that the page shows of a channel.
async fn page<'a>(app: &App, shell: &'a Shell, kind: ChannelKind, net: &dyn Network, channel: Option<Channel>) -> Result<EditorPage<'a>> {
    let guide = net.guide();
    let mut values: HashMap<String, String> = HashMap::new();
    let (mut shown, mut stored, mut day) = (Vec::new(), Vec::new(), None);
    let mut can_sign_in = false;
    for field in guide.fields.iter().filter(|field| !field.secret) {
        values.insert(field.name.to_owned(), field.default.to_owned());
    }
    if let Some(channel) = &channel {
        values.insert("name".to_owned(), channel.name.clone());
        values.insert("team".to_owned(), channel.team_id.map(|id| id.to_string()).unwrap_or_default());
        values.insert("language".to_owned(), channel.language.clone().unwrap_or_default());
        let secrets: Map<String, Value> = channel.secrets(&app.keys);
        for field in guide.fields {
            let kept = if field.secret { secrets.get(field.name) } else { channel.settings.get(field.name) };
            let text = kept.map(text_of).unwrap_or_default();
            match field {
                Field { secret: false, .. } if kept.is_some() => drop(values.insert(field.name.to_owned(), text)),
                Field { secret: true, chosen: true, label, .. } if !label.is_empty() => shown.push((field.label, field.hint, text)),
                Field { secret: true, .. } if !text.is_empty() => stored.push(field.name),
                _ => {}
            }
        }
        can_sign_in = net.oauth(channel, &secrets).is_some();
        let mut db = app.db.acquire().await?;
        day = Some(rows::day(&mut db, channel.id).await?);
    } else {
        values.insert("name".to_owned(), kind.label().to_owned());
    }
    let hook = channel.as_ref().map(|channel| net.hook_address(app, channel)).unwrap_or_default();
    Ok(EditorPage {
        shell,
        kind,
        guide,
        channel,
        values,
        shown,
        stored,
        problems: Problems::default(),
        trial: None,
        day,
        hook,
        reachable: app.config.is_https() || app.config.web.allow_private_networks,
        callback: if net.signs_in() { oauth::callback(app, kind) } else { String::new() },
        can_sign_in,
        choices: None,
    })
}

/// Lists stand as lines or commas.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text_of).collect::<Vec<_>>().join(", "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

async fn show_new(State(app): State<App>, _: Admin, Path(kind): Path<String>, shell: Shell) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    shell.render(&page(&app, &shell, kind, net, None).await?)
}

async fn show(State(app): State<App>, _: Admin, Path((kind, id)): Path<(String, ChannelId)>, shell: Shell) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    let channel = find(&app, kind, id).await?;
    shell.render(&page(&app, &shell, kind, net, Some(channel)).await?)
}

async fn create(
    State(app): State<App>,
    _: Admin,
    Path(kind): Path<String>,
    shell: Shell,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    save_as(&app, &shell, kind, net, None, form).await
}

async fn save(
    State(app): State<App>,
    _: Admin,
    Path((kind, id)): Path<(String, ChannelId)>,
    shell: Shell,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    let channel = find(&app, kind, id).await?;
    save_as(&app, &shell, kind, net, Some(channel), form).await
}

/// The settings and the secrets of a channel.
type Entered = (Map<String, Value>, Map<String, Value>);

/// What was entered, or what is wrong with it.
fn read(guide: &Guide, app: &App, channel: Option<&Channel>, form: &HashMap<String, String>) -> std::result::Result<Entered, Problems> {
    const MAX: usize = 2000;
    let mut settings = channel.and_then(|channel| channel.settings.as_object().cloned()).unwrap_or_default();
    let mut secrets: Map<String, Value> = channel.map(|channel| channel.secrets(&app.keys)).unwrap_or_default();
    let mut problems = Problems::default();
    for field in guide.fields {
        let given = form.get(field.name).map_or("", |value| value.trim());
        if given.len() > MAX {
            problems.add(field.name, "This is too long.");
        }
        if field.chosen {
            if secrets.get(field.name).is_none_or(|value| text_of(value).is_empty()) {
                secrets.insert(field.name.to_owned(), Value::String(secrets::token()));
            }
        } else if field.secret {
            let stored = secrets.get(field.name).is_some_and(|value| !text_of(value).is_empty());
            if !given.is_empty() {
                secrets.insert(field.name.to_owned(), Value::String(given.to_owned()));
            } else if field.required && !stored {
                problems.add(field.name, format!("Enter the {}.", lower(field.label)));
            }
        } else {
            if given.is_empty() && field.required {
                problems.add(field.name, format!("Enter the {}.", lower(field.label)));
            }
            let value = if given.is_empty() { field.default } else { given };
            if !field.choices.is_empty() && !field.choices.iter().any(|(choice, _)| *choice == value) {
                problems.add(field.name, "Choose one of these.");
            }
            if field.name == "base" && url::Url::parse(value).is_err() {
                problems.add(field.name, "Enter an address like https://api.example.com.");
            }
            settings.insert(field.name.to_owned(), Value::String(value.to_owned()));
        }
    }
    if form.get("name").is_none_or(|name| name.trim().is_empty()) {
        problems.add("name", "Give it a name.");
    }
    if problems.any() { Err(problems) } else { Ok((settings, secrets)) }
}

/// A label inside a sentence; abbreviations stay as they are.
fn lower(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => format!("{}{}", first.to_lowercase(), &label[first.len_utf8()..]),
        _ => label.to_owned(),
    }
}

async fn save_as(
    app: &App,
    shell: &Shell,
    kind: ChannelKind,
    net: &dyn Network,
    channel: Option<Channel>,
    form: HashMap<String, String>,
) -> Result<Response> {
    let again = async |channel: Option<Channel>, problems: Problems| {
        let mut page = page(app, shell, kind, net, channel).await?;
        for (name, value) in &form {
            if !net.guide().fields.iter().any(|field| field.secret && field.name == name) {
                page.values.insert(name.clone(), value.clone());
            }
        }
        page.problems = problems;
        shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
    };
    let mut change = Change::begin(app).await?;
    // What the desk has learnt since the page was opened, such as renewed tokens, is not to be written over.
    let channel = match channel {
        Some(channel) => {
            rows::lock(&mut change, channel.id).await?;
            Some(rows::find(&mut change, channel.id).await?.ok_or(Error::NotFound)?)
        }
        None => None,
    };
    let (settings, secrets) = match read(&net.guide(), app, channel.as_ref(), &form) {
        Ok(read) => read,
        Err(problems) => {
            drop(change);
            return again(channel, problems).await;
        }
    };
    let text = |name: &str| form.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let draft = ChannelDraft {
        kind,
        name: text("name").unwrap_or_default(),
        // Known once the provider has told it.
        address: channel.as_ref().and_then(|channel| channel.address.clone()),
        team_id: text("team").and_then(|id| id.parse().ok()).map(TeamId),
        language: text("language"),
        enabled: channel.as_ref().is_none_or(|channel| channel.enabled),
        settings: Value::Object(settings),
        secrets: Some(seal(&app.keys, &secrets)?),
    };
    let saved = match &channel {
        None => rows::create(&mut change, &draft).await,
        Some(channel) => rows::update(&mut change, channel.id, &draft).await.map(|_| channel.id),
    };
    let id = match saved {
        Ok(id) => id,
        Err(error) if on_constraint(&error) == Some("channels_name_key") => {
            drop(change);
            return again(channel, Problems::one("name", "Another channel has this name. Choose a different one.")).await;
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(saved) = rows::find(&mut change, id).await? {
        declare_one(&mut change, net, &saved).await?;
    }
    change.touch_settings();
    change.commit().await?;
    if form.get("then").is_some_and(|then| then == "test") {
        return try_out(app, shell, kind, net, id).await;
    }
    Ok(Flash::new(format!("{} is saved.", draft.name)).redirect(&format!("/settings/networks/{kind}/{id}")))
}

const MEMORY: Memory = Memory { cookie: "sportello_sign_in", path: "/settings/networks" };

/// The way to the provider's page on which an admin agrees.
async fn sign_in(State(app): State<App>, _: Admin, Path((kind, id)): Path<(String, ChannelId)>) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    let channel = find(&app, kind, id).await?;
    let page = format!("/settings/networks/{kind}/{id}");
    let begun = net.oauth(&channel, &channel.secrets(&app.keys)).and_then(|provider| Visit::begin(&app, kind, id, &provider));
    let Some((visit, url)) = begun else {
        return Ok(Flash::new("Enter the app’s client ID first, and save it.").redirect(&page));
    };
    Ok(MEMORY.send(&app, &visit, &url)?)
}

/// An admin comes back from the provider's page: with a code that stands for what they agreed to, or without.
async fn come_back(
    State(app): State<App>,
    _: Admin,
    Path(kind): Path<String>,
    jar: CookieJar,
    shell: Shell,
    Query(brought): Query<Brought>,
) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    let Some(visit) = MEMORY.visit(&app, &jar, &brought) else {
        return Err(Error::BadRequest(
            "This sign-in was not begun here, or took too long. Begin it once more on the channel’s page.".into(),
        ));
    };
    let channel = find(&app, kind, visit.channel).await?;
    let provider = net.oauth(&channel, &channel.secrets(&app.keys)).ok_or(Error::NotFound)?;
    let response = match visit.finish(&app, &channel, &provider, &brought).await {
        Ok(()) => try_out(&app, &shell, kind, net, channel.id).await?,
        Err(fault) => {
            let mut page = page(&app, &shell, kind, net, Some(channel)).await?;
            page.trial = Some(Err(fault));
            shell.render(&page)?
        }
    };
    Ok(MEMORY.forget(response))
}

/// An admin has chosen what the channel is for.
async fn choose_one(
    State(app): State<App>,
    _: Admin,
    Path((kind, id)): Path<(String, ChannelId)>,
    shell: Shell,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    let mut change = Change::begin(&app).await?;
    rows::find(&mut change, id).await?.filter(|channel| channel.kind == kind).ok_or(Error::NotFound)?;
    let open = net.guide().fields.iter().filter(|field| !field.secret && !field.chosen);
    let chosen = open.filter_map(|field| {
        let value = form.get(field.name).map(|value| value.trim()).filter(|value| !value.is_empty() && value.len() <= 500)?;
        Some((field.name.to_owned(), Value::String(value.to_owned())))
    });
    rows::merge_settings(&mut change, id, chosen).await?;
    change.touch_settings();
    change.commit().await?;
    try_out(&app, &shell, kind, net, id).await
}

async fn check_again(State(app): State<App>, _: Admin, Path((kind, id)): Path<(String, ChannelId)>, shell: Shell) -> Result<Response> {
    let (kind, net) = net_of(&kind)?;
    try_out(&app, &shell, kind, net, id).await
}

/// Asks the provider whether we are let in, and shows what it says. What waited for that leaves by itself.
async fn try_out(app: &App, shell: &Shell, kind: ChannelKind, net: &dyn Network, id: ChannelId) -> Result<Response> {
    let channel = find(app, kind, id).await?;
    let way = Way { app, channel: &channel, calls: Caller::of(app) };
    let mut trial = net.check(&way).await;
    let choices = net.choices(&way).await.unwrap_or_else(|fault| {
        tracing::info!(channel = %id, %fault, "a provider does not tell what there is to choose among");
        None
    });
    let mut change = Change::begin(app).await?;
    match &trial {
        Ok(health) => {
            let named = if health.id.is_empty() { Ok(()) } else { rows::set_address(&mut change, id, &health.id).await };
            match named {
                Ok(()) => {
                    rows::regain_sign_in(&mut change, id).await?;
                    rows::note_ok(&mut change, id).await?;
                    change.touch_work();
                }
                Err(error) if on_constraint(&error) == Some("channels_address_key") => {
                    drop(change);
                    trial = Err(Fault::Permanent(format!("{} is connected here already, as another channel.", health.account)));
                    change = Change::begin(app).await?;
                    rows::note_error(&mut change, id, "Another channel is this account already.").await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::SignIn(words)) => rows::lose_sign_in(&mut change, id, words).await?,
        Err(fault) => rows::note_error(&mut change, id, &fault.to_string()).await?,
    }
    change.touch_settings();
    change.commit().await?;
    crate::channels::ensure_polls(app).await?;
    let channel = find(app, kind, id).await?;
    let mut page = page(app, shell, kind, net, Some(channel)).await?;
    page.trial = Some(trial);
    page.choices = choices;
    shell.render(&page)
}
