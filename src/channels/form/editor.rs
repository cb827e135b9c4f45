//! Where admins make a form: questions, topics, languages, and where messages go. Every button is a plain submit, so that lists can be
//! changed without a script; nothing is kept until "Save".

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::app::App;
use crate::channels::entries::{Tongues, rearrange, unique_key};
use crate::channels::form::settings::{self, Field, FieldKind, MAX_ITEMS, Settings, Texts, Topic};
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel, ChannelDraft};
use crate::desk::forms::{self, FormRow};
use crate::desk::kinds::ChannelKind;
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Result};
use crate::i18n::Language;
use crate::ids::{ChannelId, TeamId};

/// The longest text that an admin may give, in characters.
const MAX_TEXT: usize = 2_000;

/// The routes of the editor; only our own pages may send its forms.
pub fn editor_router() -> Router<App> {
    Router::new()
        .route("/settings/forms", get(list))
        .route("/settings/forms/new", get(new).post(create))
        .route("/settings/forms/{id}", get(show).post(save))
        .route("/settings/forms/{id}/switch", post(switch))
}

#[derive(Template)]
#[template(path = "channels/form/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    forms: Vec<FormRow>,
}

async fn list(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let forms = forms::list(&mut db).await?;
    drop(db);
    shell.render(&ListPage { shell: &shell, forms })
}

/// A form as the editor holds it between two clicks.
#[derive(Debug, Clone)]
struct Draft {
    name: String,
    slug: String,
    team: Option<TeamId>,
    settings: Settings,
    /// One a line, as typed.
    origins: String,
    /// Which entry stands open after the last click: `topic-2`.
    open: String,
}

impl Draft {
    /// What a new form begins with: the desk's language, and what customers of most shops ask about.
    fn fresh(desk: Language) -> Self {
        const TOPICS: [(&str, [&str; 5]); 5] = [
            ("order", ["Il mio ordine", "My order", "Ma commande", "Meine Bestellung", "Mi pedido"]),
            (
                "delivery",
                ["Spedizione e consegna", "Shipping and delivery", "Expédition et livraison", "Versand und Lieferung", "Envío y entrega"],
            ),
            (
                "return",
                [
                    "Reso e rimborso",
                    "Returns and refunds",
                    "Retours et remboursements",
                    "Rückgabe und Erstattung",
                    "Devoluciones y reembolsos",
                ],
            ),
            ("product", ["Un prodotto", "A product", "Un article", "Ein Produkt", "Un producto"]),
            ("other", ["Altro", "Something else", "Autre chose", "Etwas anderes", "Otra cosa"]),
        ];
        let topics = TOPICS.into_iter().map(|(key, labels)| Topic {
            key: key.to_owned(),
            labels: Texts(Language::ALL.into_iter().zip(labels.map(str::to_owned)).collect()),
            ..Topic::default()
        });
        let settings = Settings { languages: vec![desk], topics: topics.collect(), ..Settings::default() };
        Self { name: String::new(), slug: String::new(), team: None, settings, origins: String::new(), open: String::new() }
    }

    fn of(channel: &Channel) -> Self {
        let mut settings = Settings::of(channel);
        if settings.languages.is_empty() {
            settings.languages = Language::ALL.to_vec();
        }
        Self {
            name: channel.name.clone(),
            slug: channel.address.clone().unwrap_or_default(),
            team: channel.team_id,
            origins: settings.origins.join("\n"),
            settings,
            open: String::new(),
        }
    }

    /// Reads the page as it was sent; `before` keeps what the page does not show (texts of languages that are not offered, marks).
    fn read(parts: &Parts, before: &Settings) -> Self {
        let line = |name: &str| parts.text(name).trim().chars().take(MAX_TEXT).collect::<String>();
        let count = |name: &str| parts.text(name).parse().unwrap_or(0usize).min(MAX_ITEMS);
        let texts = |prefix: &str| {
            let texts = Language::ALL.into_iter().map(|language| (language, line(&format!("{prefix}.{language}"))));
            Texts(texts.filter(|(_, text)| !text.is_empty()).collect())
        };
        let languages: Vec<Language> = parts.all("language").filter_map(Language::from_code).collect();
        let topics = (0..count("topics")).map(|at| Topic {
            key: line(&format!("topic.{at}.key")),
            labels: texts(&format!("topic.{at}.label")),
            team: parts.text(&format!("topic.{at}.team")).parse().ok().map(TeamId),
            tags: line(&format!("topic.{at}.tags"))
                .split(',')
                .map(str::trim)
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .take(10)
                .collect(),
        });
        let fields = (0..count("fields")).map(|at| Field {
            key: line(&format!("field.{at}.key")),
            kind: FieldKind::from_word(parts.text(&format!("field.{at}.kind"))),
            labels: texts(&format!("field.{at}.label")),
            required: !parts.text(&format!("field.{at}.required")).is_empty(),
            help: texts(&format!("field.{at}.help")),
            options: options(parts, at),
        });
        let settings = Settings {
            titles: texts("title"),
            intro: texts("intro"),
            topics: topics.collect(),
            fields: fields.collect(),
            languages,
            ask_name: !parts.text("ask_name").is_empty(),
            ask_order: !parts.text("ask_order").is_empty(),
            files: !parts.text("files").is_empty(),
            call_back: !parts.text("call_back").is_empty(),
            reply_channel: parts.text("reply_channel").parse().ok().map(ChannelId),
            acknowledge: !parts.text("acknowledge").is_empty(),
            origins: Vec::new(),
            consent: texts("consent"),
            demo: before.demo,
        };
        Self {
            name: line("name"),
            slug: line("slug"),
            team: parts.text("team").parse().ok().map(TeamId),
            settings,
            origins: parts.text("origins").chars().take(MAX_TEXT * 4).collect(),
            open: String::new(),
        }
    }

    /// Does what a button in a list says: `topic-up:2`, `field-add`, `languages` … `false`: the button was "Save".
    fn apply(&mut self, act: &str) -> bool {
        let (verb, at) = act.split_once(':').unwrap_or((act, ""));
        let at: usize = at.parse().unwrap_or(usize::MAX);
        match verb.split_once('-') {
            Some(("topic", verb)) => {
                self.open = rearrange(&mut self.settings.topics, verb, at, MAX_ITEMS).map(|at| format!("topic-{at}")).unwrap_or_default()
            }
            Some(("field", verb)) => {
                self.open = rearrange(&mut self.settings.fields, verb, at, MAX_ITEMS).map(|at| format!("field-{at}")).unwrap_or_default()
            }
            _ => return verb == "languages" || verb == "kinds",
        }
        true
    }

    /// Judges the form, and completes what may be left out: keys, origins.
    fn complete(&mut self) -> Problems {
        let mut problems = Problems::default();
        if self.name.is_empty() {
            problems.add("name", "Enter a name; agents see it beside each ticket of this form.");
        } else if self.name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        if self.slug.is_empty() {
            self.slug = settings::slug(&self.name);
        }
        if !settings::is_slug(&self.slug) {
            problems.add("slug", "Use lower-case letters, digits and hyphens, such as contact or returns-2.");
        }
        if self.settings.languages.is_empty() {
            problems.add("languages", "Choose at least one language.");
        }
        let mut origins = Vec::new();
        for line in self.origins.split(['\n', ',', ' ']).map(str::trim).filter(|line| !line.is_empty()) {
            match settings::origin(line) {
                Some(origin) if origins.contains(&origin) => {}
                Some(origin) => origins.push(origin),
                None => problems
                    .add("origins", format!("“{line}” is not the address of a site. Write it like https://shop.example, one a line.")),
            }
        }
        self.settings.origins = origins;
        let mut keys: Vec<String> = Vec::new();
        for (at, topic) in self.settings.topics.iter_mut().enumerate() {
            if topic.labels.is_empty() {
                problems.add(format!("topic-{at}"), "Enter what customers read, or remove this topic.");
            }
            topic.key = unique_key(&topic.key, &topic.labels, "question", &mut keys);
        }
        let mut keys: Vec<String> = Vec::new();
        for (at, field) in self.settings.fields.iter_mut().enumerate() {
            if field.labels.is_empty() {
                problems.add(format!("field-{at}"), "Enter what customers read, or remove this question.");
            } else if field.kind == FieldKind::Select && field.options.len() < 2 {
                problems.add(format!("field-{at}"), "Enter at least two things to choose from, one a line.");
            }
            if field.kind != FieldKind::Select {
                field.options.clear();
            }
            field.key = unique_key(&field.key, &field.labels, "question", &mut keys);
        }
        problems
    }

    fn to_channel(&self, enabled: bool) -> serde_json::Result<ChannelDraft> {
        Ok(ChannelDraft {
            kind: ChannelKind::Form,
            name: self.name.clone(),
            address: Some(self.slug.clone()),
            team_id: self.team,
            language: None,
            enabled,
            settings: serde_json::to_value(&self.settings)?,
            secrets: None,
        })
    }
}

/// What may be chosen in a field: a list of lines for each language, side by side.
fn options(parts: &Parts, at: usize) -> Vec<Texts> {
    let mut options: Vec<Texts> = Vec::new();
    for language in Language::ALL {
        let lines = parts.text(&format!("field.{at}.options.{language}")).lines().map(str::trim).filter(|line| !line.is_empty());
        for (row, line) in lines.take(MAX_ITEMS).enumerate() {
            if options.len() <= row {
                options.push(Texts::default());
            }
            if let Some(option) = options.get_mut(row) {
                option.0.insert(language, line.chars().take(200).collect());
            }
        }
    }
    options
}

#[derive(Template)]
#[template(path = "channels/form/editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    id: Option<ChannelId>,
    enabled: bool,
    draft: Draft,
    problems: Problems,
    mailboxes: Vec<(String, String)>,
    public_url: String,
}

impl EditorPage<'_> {
    fn title(&self) -> &str {
        if self.id.is_none() || self.draft.name.is_empty() { "New contact form" } else { &self.draft.name }
    }

    fn offers(&self, language: &Language) -> bool {
        self.draft.settings.languages.contains(language)
    }

    fn tongues(&self) -> Tongues<'_> {
        Tongues(&self.draft.settings.languages)
    }

    fn option_lines(&self, field: &Field, language: &Language) -> String {
        field.options.iter().filter_map(|option| option.of(*language)).collect::<Vec<_>>().join("\n")
    }

    fn is_team(&self, chosen: &Option<TeamId>, team: &TeamId) -> bool {
        *chosen == Some(*team)
    }

    fn is_mailbox(&self, id: &str) -> bool {
        self.draft.settings.reply_channel.is_some_and(|channel| channel.to_string() == id)
    }

    fn is_open(&self, list: &str, at: &usize) -> bool {
        let name = format!("{list}-{at}");
        self.draft.open == name || self.problems.of(&name).is_some()
    }

    fn problem(&self, list: &str, at: &usize) -> Option<&str> {
        self.problems.of(&format!("{list}-{at}"))
    }

    fn is_last(&self, at: &usize, list: &str) -> bool {
        let count = if list == "topic" { self.draft.settings.topics.len() } else { self.draft.settings.fields.len() };
        at + 1 >= count
    }

    fn kinds(&self) -> [FieldKind; 7] {
        FieldKind::ALL
    }

    fn address(&self) -> String {
        format!("{}/forms/{}", self.public_url, self.draft.slug)
    }

    fn script_snippet(&self) -> String {
        format!("<script src=\"{}/embed.js\" async></script>", self.address())
    }

    fn frame_snippet(&self) -> String {
        format!(
            "<iframe src=\"{}?embed=1\" title=\"{}\" width=\"100%\" height=\"900\"></iframe>",
            self.address(),
            self.draft.name.replace('"', "&quot;")
        )
    }

    fn link_snippet(&self) -> String {
        format!("<a href=\"{}\">{}</a>", self.address(), crate::text::html::escape(&self.draft.name))
    }
}

/// The editor with this draft in it.
async fn editor(app: &App, shell: &Shell, id: Option<&Channel>, draft: Draft, problems: Problems, status: StatusCode) -> Result<Response> {
    let mailboxes = shell.directory.channels.iter().filter(|channel| channel.kind == ChannelKind::Email);
    let page = EditorPage {
        shell,
        id: id.map(|channel| channel.id),
        enabled: id.is_none_or(|channel| channel.enabled),
        draft,
        problems,
        mailboxes: mailboxes.map(|channel| (channel.id.to_string(), channel.name.clone())).collect(),
        public_url: app.config.public_url(),
    };
    shell.render_as(status, &page)
}

fn desk_language(shell: &Shell) -> Language {
    Language::from_code(&shell.directory.shop.language).unwrap_or(Language::En)
}

async fn new(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let draft = Draft::fresh(desk_language(&shell));
    editor(&app, &shell, None, draft, Problems::default(), StatusCode::OK).await
}

async fn find(app: &App, id: ChannelId) -> Result<Channel> {
    let mut db = app.db.acquire().await?;
    channels::find(&mut db, id).await?.filter(|channel| channel.kind == ChannelKind::Form).ok_or(Error::NotFound)
}

async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let channel = find(&app, id).await?;
    editor(&app, &shell, Some(&channel), Draft::of(&channel), Problems::default(), StatusCode::OK).await
}

async fn create(State(app): State<App>, _: Admin, shell: Shell, parts: Parts) -> Result<Response> {
    keep(&app, &shell, None, &parts).await
}

async fn save(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell, parts: Parts) -> Result<Response> {
    let channel = find(&app, id).await?;
    keep(&app, &shell, Some(&channel), &parts).await
}

async fn keep(app: &App, shell: &Shell, channel: Option<&Channel>, parts: &Parts) -> Result<Response> {
    let before = channel.map(Settings::of).unwrap_or_default();
    let mut draft = Draft::read(parts, &before);
    if draft.apply(parts.text("do")) {
        return editor(app, shell, channel, draft, Problems::default(), StatusCode::OK).await;
    }
    let problems = draft.complete();
    if problems.any() {
        return editor(app, shell, channel, draft, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let mut change = Change::begin(app).await?;
    let row = draft.to_channel(channel.is_none_or(|channel| channel.enabled))?;
    let saved = match channel {
        Some(channel) => channels::update(&mut change, channel.id, &row).await.map(|_| channel.id),
        None => channels::create(&mut change, &row).await,
    };
    let (field, words) = match saved {
        Ok(id) => {
            change.touch_settings();
            change.commit().await?;
            return Ok(Flash::new("The form is saved.").redirect(&format!("/settings/forms/{id}")));
        }
        Err(error) => match on_constraint(&error) {
            Some("channels_name_key") => ("name", "There is a channel of this name already."),
            Some("channels_address_key") => ("slug", "There is a form at this address already."),
            Some("channels_team_id_fkey") => ("team", "This team was deleted meanwhile. Choose another."),
            _ => return Err(error.into()),
        },
    };
    drop(change);
    editor(app, shell, channel, draft, Problems::one(field, words), StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn switch(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    let channel = find(&app, id).await?;
    let mut change = Change::begin(&app).await?;
    let row = ChannelDraft {
        kind: channel.kind,
        name: channel.name,
        address: channel.address,
        team_id: channel.team_id,
        language: channel.language,
        enabled: !channel.enabled,
        settings: channel.settings,
        secrets: None,
    };
    channels::update(&mut change, id, &row).await?;
    change.touch_settings();
    change.commit().await?;
    let words = if row.enabled { "Customers can use the form again." } else { "The form is switched off; its tickets stay." };
    Ok(Flash::new(words).redirect(&format!("/settings/forms/{id}")))
}
