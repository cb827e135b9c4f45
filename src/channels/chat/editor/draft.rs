//! A chat as the editor holds it between two clicks.

use crate::channels::chat::settings::{Before, Field, Greeting, MAX_ITEMS, Settings, Side, Topic};
use crate::channels::entries::{rearrange, unique_key};
use crate::desk::channels::{Channel, ChannelDraft};
use crate::desk::kinds::ChannelKind;
use crate::http::assets::is_colour;
use crate::http::multipart::Parts;
use crate::http::problems::Problems;
use crate::i18n::{Language, Texts};
use crate::ids::{ChannelId, TeamId};
use crate::secrets;
use crate::text::slugs::{is_slug, origin, slug};

/// The longest text that an admin may give, in characters.
const MAX_TEXT: usize = 2_000;
/// The longest queue that may be set.
const MAX_QUEUE: i64 = 500;
/// The longest time until a greeting, in seconds.
const MAX_SECONDS: u32 = 3_600;
/// The largest cart that may be asked for.
const MAX_CART: u32 = 10_000_000;

/// What the page shows and sends. Numbers are kept as typed, so that what is wrong can be shown again.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub name: String,
    pub key: String,
    pub enabled: bool,
    pub team: Option<TeamId>,
    pub settings: Settings,
    /// Instead of [`Settings::greetings`].
    pub greetings: Vec<Row>,
    pub queue_limit: String,
    /// One a line, as typed.
    pub origins: String,
    /// Which entry stands open after the last click: `topic-2`.
    pub open: String,
}

/// A greeting that shows by itself, as typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub id: String,
    pub text: Texts,
    pub url: String,
    pub seconds: String,
    pub min_cart: String,
}

impl Row {
    fn of(greeting: &Greeting) -> Self {
        let number = |number: u32| if number == 0 { String::new() } else { number.to_string() };
        Self {
            id: greeting.id.clone(),
            text: greeting.text.clone(),
            url: greeting.url.clone(),
            seconds: number(greeting.seconds),
            min_cart: number(greeting.min_cart),
        }
    }

    fn is_blank(&self) -> bool {
        self.id.is_empty() && self.text.is_empty() && [&self.url, &self.seconds, &self.min_cart].into_iter().all(String::is_empty)
    }

    fn check(&self) -> Result<Greeting, String> {
        let number = |text: &str, most: u32| if text.is_empty() { Some(0) } else { text.parse().ok().filter(|number| *number <= most) };
        if self.text.is_empty() {
            return Err("Enter what visitors read, or remove this greeting.".to_owned());
        }
        let seconds = number(&self.seconds, MAX_SECONDS).ok_or(format!("Enter whole seconds, at most {MAX_SECONDS}."))?;
        let min_cart = number(&self.min_cart, MAX_CART).ok_or("Enter the least worth of the cart as a whole number, or nothing.")?;
        Ok(Greeting { id: self.id.clone(), text: self.text.clone(), url: self.url.clone(), seconds, min_cart })
    }
}

impl Draft {
    /// What a new chat begins with: the desk's language, and what may be asked without scaring anybody.
    pub fn fresh(desk: Language) -> Self {
        let settings = Settings { languages: vec![desk], ..Settings::default() };
        Self { enabled: true, queue_limit: settings.queue_limit.to_string(), settings, ..Self::default() }
    }

    /// A chat as it is stored.
    pub fn of(channel: &Channel) -> Self {
        let mut settings = Settings::of(channel);
        settings.languages = settings.offered().to_vec();
        Self {
            name: channel.name.clone(),
            key: channel.address.clone().unwrap_or_default(),
            enabled: channel.enabled,
            team: channel.team_id,
            greetings: settings.greetings.iter().map(Row::of).collect(),
            queue_limit: settings.queue_limit.to_string(),
            origins: settings.origins.join("\n"),
            settings,
            open: String::new(),
        }
    }

    /// Reads the page as it was sent; `before` keeps what has a form of its own, and marks.
    pub fn read(parts: &Parts, before: &Settings) -> Self {
        let line = |name: &str| parts.text(name).trim().chars().take(MAX_TEXT).collect::<String>();
        let count = |name: &str| parts.text(name).parse().unwrap_or(0usize).min(MAX_ITEMS);
        let ticked = |name: &str| !parts.text(name).is_empty();
        let texts = |prefix: &str| {
            let texts = Language::ALL.into_iter().map(|language| (language, line(&format!("{prefix}.{language}"))));
            Texts(texts.filter(|(_, text)| !text.is_empty()).collect())
        };
        let fields: Vec<&str> = parts.all("field").collect();
        let topics = (0..count("topics")).map(|at| Topic {
            key: line(&format!("topic.{at}.key")),
            labels: texts(&format!("topic.{at}.label")),
            team: parts.text(&format!("topic.{at}.team")).parse().ok().map(TeamId),
        });
        let greetings = (0..count("greetings")).map(|at| Row {
            id: line(&format!("greeting.{at}.id")),
            text: texts(&format!("greeting.{at}.text")),
            url: line(&format!("greeting.{at}.url")).chars().take(300).collect(),
            seconds: line(&format!("greeting.{at}.seconds")),
            min_cart: line(&format!("greeting.{at}.min_cart")),
        });
        let settings = Settings {
            greeting: texts("greeting"),
            languages: parts.all("language").filter_map(Language::from_code).collect(),
            accent: line("accent").to_lowercase(),
            position: if parts.text("position") == "left" { Side::Left } else { Side::Right },
            before: before_of(parts.text("before")),
            fields: Field::ALL.into_iter().filter(|field| fields.contains(&word(*field))).collect(),
            topics: topics.collect(),
            consent: texts("consent"),
            team_photo: before.team_photo.clone(),
            greetings: Vec::new(),
            queue_limit: 0,
            callback: ticked("callback"),
            form: parts.text("form").parse().ok().map(ChannelId),
            help: line("help"),
            privacy: line("privacy"),
            origins: Vec::new(),
            demo: before.demo,
        };
        Self {
            name: line("name"),
            key: line("key"),
            enabled: ticked("enabled"),
            team: parts.text("team").parse().ok().map(TeamId),
            settings,
            greetings: greetings.collect(),
            queue_limit: line("queue_limit"),
            origins: parts.text("origins").chars().take(MAX_TEXT * 4).collect(),
            open: String::new(),
        }
    }

    /// Does what a button in a list says: `topic-up:2`, `greeting-add`, `languages`. `false`: the button was "Save".
    pub fn apply(&mut self, act: &str) -> bool {
        let (verb, at) = act.split_once(':').unwrap_or((act, ""));
        let at: usize = at.parse().unwrap_or(usize::MAX);
        let open = match verb.split_once('-') {
            Some(("topic", verb)) => rearrange(&mut self.settings.topics, verb, at, MAX_ITEMS).map(|at| format!("topic-{at}")),
            Some(("greeting", verb)) => rearrange(&mut self.greetings, verb, at, MAX_ITEMS).map(|at| format!("greeting-{at}")),
            _ => return verb == "languages",
        };
        self.open = open.unwrap_or_default();
        true
    }

    /// Judges the chat, and completes what may be left out: keys, sites.
    pub fn complete(&mut self) -> Problems {
        let mut problems = Problems::default();
        if self.name.is_empty() {
            problems.add("name", "Enter a name; agents see it beside each chat.");
        } else if self.name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        if self.key.is_empty() {
            self.key = slug(&self.name);
        }
        if !is_slug(&self.key) {
            problems.add("key", "Use lower-case letters, digits and hyphens, such as shop or shop-2.");
        }
        if self.settings.languages.is_empty() {
            problems.add("languages", "Choose at least one language.");
        }
        if !self.settings.accent.is_empty() && !is_colour(&self.settings.accent) {
            problems.add("accent", "Enter a colour as # and six digits, such as #0f6fde, or nothing for the shop’s own.");
        }
        self.complete_lists(&mut problems);
        if self.settings.before != Before::None && self.settings.fields.is_empty() {
            problems.add("fields", "Choose what the form asks, or ask nothing.");
        }
        match self.queue_limit.parse() {
            Ok(limit) if (0..=MAX_QUEUE).contains(&limit) => self.settings.queue_limit = limit,
            _ => problems.add("queue_limit", format!("Enter a whole number from 0 to {MAX_QUEUE}.")),
        }
        for (field, address) in [("help", &mut self.settings.help), ("privacy", &mut self.settings.privacy)] {
            match secure_address(address) {
                Some(whole) => *address = whole,
                None => problems.add(field, "Enter the whole address of a page, beginning with https://, or nothing."),
            }
        }
        self.complete_origins(&mut problems);
        problems
    }

    fn complete_lists(&mut self, problems: &mut Problems) {
        // A line that was added and never filled in is no mistake.
        self.settings.topics.retain(|topic| !(topic.key.is_empty() && topic.labels.is_empty() && topic.team.is_none()));
        self.greetings.retain(|row| !row.is_blank());
        let mut keys: Vec<String> = Vec::new();
        for (at, topic) in self.settings.topics.iter_mut().enumerate() {
            if topic.labels.is_empty() {
                problems.add(format!("topic-{at}"), "Enter what visitors read, or remove this topic.");
            }
            topic.key = unique_key(&topic.key, &topic.labels, "topic", &mut keys);
        }
        let mut greetings: Vec<Greeting> = Vec::new();
        for (at, row) in self.greetings.iter_mut().enumerate() {
            // Browsers remember by it what was shown today; one that is taken twice would hide the other.
            if row.id.is_empty() || row.id.len() > 40 || greetings.iter().any(|greeting| greeting.id == row.id) {
                row.id = hex::encode(secrets::random::<4>());
            }
            match row.check() {
                Ok(greeting) => greetings.push(greeting),
                Err(words) => problems.add(format!("greeting-{at}"), words),
            }
        }
        self.settings.greetings = greetings;
    }

    fn complete_origins(&mut self, problems: &mut Problems) {
        let mut origins = Vec::new();
        for line in self.origins.split(['\n', ',', ' ']).map(str::trim).filter(|line| !line.is_empty()) {
            match origin(line) {
                Some(origin) if origins.contains(&origin) => {}
                Some(origin) => origins.push(origin),
                None => problems
                    .add("origins", format!("“{line}” is not the address of a site. Write it like https://shop.example, one a line.")),
            }
        }
        if origins.len() > MAX_ITEMS {
            problems.add("origins", format!("Name at most {MAX_ITEMS} sites."));
        }
        self.settings.origins = origins;
    }

    /// The row to be stored. Secrets stay as they are.
    pub fn to_channel(&self) -> serde_json::Result<ChannelDraft> {
        Ok(ChannelDraft {
            kind: ChannelKind::Chat,
            name: self.name.clone(),
            address: Some(self.key.clone()),
            team_id: self.team,
            language: None,
            enabled: self.enabled,
            settings: serde_json::to_value(&self.settings)?,
            secrets: None,
        })
    }
}

/// The word of a field in forms.
pub(super) const fn word(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Email => "email",
        Field::Order => "order",
        Field::Topic => "topic",
    }
}

/// The word of a form's place in forms.
pub(super) const fn before_word(before: Before) -> &'static str {
    match before {
        Before::None => "none",
        Before::Optional => "optional",
        Before::Required => "required",
    }
}

fn before_of(word: &str) -> Before {
    [Before::None, Before::Required].into_iter().find(|before| before_word(*before) == word).unwrap_or_default()
}

/// An address that a visitor may safely be led to, in full; empty stays empty. `None`: it is none.
fn secure_address(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let url = url::Url::parse(text).ok()?;
    (url.scheme() == "https" && url.host_str().is_some_and(|host| !host.is_empty()) && text.len() <= 500).then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_are_led_to_secure_pages_only() {
        assert_eq!(secure_address("").as_deref(), Some(""));
        assert_eq!(secure_address("https://shop.example/privacy").as_deref(), Some("https://shop.example/privacy"));
        for wrong in ["http://shop.example", "javascript:alert(1)", "shop.example/privacy", "https://", "//shop.example"] {
            assert_eq!(secure_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lists_are_bounded_and_no_click_is_out_of_bounds() {
        let mut draft = Draft::default();
        for _ in 0..MAX_ITEMS + 5 {
            assert!(draft.apply("greeting-add"));
        }
        assert_eq!(draft.greetings.len(), MAX_ITEMS);
        assert!(draft.apply(&format!("greeting-down:{}", usize::MAX)) && draft.apply("topic-remove:0") && draft.apply("greeting-up:x"));
        assert!(!draft.apply("save") && !draft.apply(""));
    }
}
