//! From what a browser sent to what the desk takes in. Pure: the sent form is judged, then becomes an [`Incoming`].

use serde::{Deserialize, Serialize};

use crate::channels::form::settings::{Field, FieldKind, Settings};
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::http::multipart::Parts;
use crate::http::visitors::Frame;
use crate::http::visitors::calls::CallWish;
use crate::http::visitors::kept::KeptFile;
pub use crate::http::visitors::{POT, page_url};
use crate::i18n::Language;
use crate::text;

const MAX_NAME: usize = 200;
const MAX_EMAIL: usize = 254;
const MAX_LINE: usize = 500;
const MAX_TEXT: usize = 20_000;
/// A message with more links than this is held as spam.
const MAX_LINKS: usize = 10;

/// A sent form; also what is stored of it before it is understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The random id that the form was given out with.
    pub id: String,
    pub language: Language,
    /// The page of the shop on which the form was filled in; may be empty.
    #[serde(default)]
    pub page: String,
    #[serde(default)]
    pub name: String,
    pub email: String,
    #[serde(default)]
    pub order: String,
    /// Key of the chosen topic.
    #[serde(default)]
    pub topic: String,
    pub message: String,
    /// Key and answer of the other fields; of a list the number of the option, of a yes-or-no "1".
    #[serde(default)]
    pub answers: Vec<(String, String)>,
    #[serde(default)]
    pub consent: bool,
    #[serde(default)]
    pub files: Vec<KeptFile>,
    /// When they want to be called, if they do.
    #[serde(default)]
    pub call: CallWish,
    /// What was put into the field that people do not see.
    #[serde(default)]
    pub pot: String,
}

impl Submission {
    /// Reads what was sent; nothing is judged yet.
    pub fn read(parts: &Parts, settings: &Settings, language: Language, id: String, files: Vec<KeptFile>) -> Self {
        let line = |name: &str| parts.text(name).trim().to_owned();
        Self {
            id,
            language,
            page: page_url(parts.text("page")),
            name: line("name"),
            email: line("email"),
            order: line("order"),
            topic: line("topic"),
            message: parts.text("message").trim_end().to_owned(),
            answers: settings.fields.iter().map(|field| (field.key.clone(), line(&input_name(&field.key)))).collect(),
            consent: !parts.text("consent").is_empty(),
            files,
            call: if settings.call_back { CallWish::read(parts) } else { CallWish::default() },
            pot: parts.text(POT).chars().take(200).collect(),
        }
    }

    /// The answer to a field.
    pub fn answer(&self, key: &str) -> &str {
        self.answers.iter().find(|(known, _)| known == key).map_or("", |(_, answer)| answer)
    }

    /// What is wrong, by the id of the input and in the customer's words, in the order of the form.
    pub fn problems(&self, settings: &Settings, frame: &Frame) -> Vec<(String, String)> {
        let mut problems = Problems { frame, found: Vec::new() };
        if settings.ask_name {
            problems.line("name", &self.name, Some("error-required-name"), MAX_NAME);
        }
        if problems.line("email", &self.email, Some("error-required-email"), MAX_EMAIL) && !is_address(&self.email) {
            problems.add("email", frame.text("error-email"));
        }
        if !settings.topics.is_empty() {
            if self.topic.is_empty() {
                problems.add("topic", frame.text("error-required-topic"));
            } else if settings.topic(&self.topic).is_none() {
                problems.add("topic", frame.text("error-choice"));
            }
        }
        if settings.ask_order {
            problems.line("order", &self.order, None, MAX_NAME);
        }
        for field in &settings.fields {
            problems.field(field, self.answer(&field.key));
        }
        problems.line("message", self.message.trim(), Some("error-required-message"), MAX_TEXT);
        if !settings.consent.is_empty() && !self.consent {
            problems.add("consent", frame.text("error-consent"));
        }
        problems.found
    }

    /// Why this is held as spam, in an agent's words; it is kept in any case.
    pub fn suspicion(&self) -> Option<String> {
        if !self.pot.is_empty() {
            return Some(format!("a field that people do not see was filled in with “{}”", text::excerpts::excerpt(&self.pot, 60)));
        }
        let links = self.message.matches("http://").count() + self.message.matches("https://").count();
        (links > MAX_LINKS).then(|| format!("the message contains {links} links"))
    }

    /// As the desk takes it in. `desk` is the language in which agents read labels, `domain` completes the message id.
    pub fn incoming(&self, settings: &Settings, desk: Language, domain: &str) -> Incoming {
        let from = Address { name: self.name.clone(), address: self.email.to_lowercase() };
        let subject = self.subject(settings);
        Incoming {
            provider_id: provider_id(&self.id, domain),
            envelope: Envelope { from: Some(from.clone()), subject: subject.clone(), ..Envelope::default() },
            from,
            subject,
            body: self.message.clone(),
            language: Some(self.language.code().to_owned()),
            details: self.details(settings, desk),
            ..Incoming::default()
        }
    }

    /// The field for it if the form has one; else the topic and how the message begins.
    fn subject(&self, settings: &Settings) -> String {
        let own = self.answer("subject");
        if !own.is_empty() {
            return text::excerpts::excerpt(own, 150);
        }
        let begins = text::excerpts::excerpt(without_greeting(&self.message), 60);
        match settings.topic(&self.topic) {
            Some(topic) => format!("{}: {begins}", topic.labels.get(self.language, settings.fallback(self.language))),
            None => begins,
        }
    }

    fn details(&self, settings: &Settings, desk: Language) -> Vec<(String, String)> {
        let fallback = settings.fallback(desk);
        let mut details = Vec::new();
        let mut add = |label: &str, answer: &str| {
            if !answer.is_empty() {
                details.push((label.to_owned(), answer.to_owned()));
            }
        };
        if let Some(topic) = settings.topic(&self.topic) {
            add("Topic", topic.labels.get(desk, fallback));
        }
        if settings.ask_order {
            add("Order number", &self.order);
        }
        for field in settings.fields.iter().filter(|field| field.key != "subject") {
            let answer = self.answer(&field.key);
            let label = field.labels.get(desk, fallback);
            match field.kind {
                FieldKind::Checkbox => add(label, if answer.is_empty() { "No" } else { "Yes" }),
                FieldKind::Select => {
                    let option = answer.parse().ok().and_then(|at: usize| field.options.get(at));
                    add(label, option.map_or("", |option| option.get(desk, fallback)));
                }
                _ => add(label, answer),
            }
        }
        if !settings.consent.is_empty() {
            add("Agreed to", if self.consent { settings.consent.get(desk, fallback) } else { "" });
        }
        if self.call.wanted() {
            add("Phone", &self.call.dialled().unwrap_or_default());
        }
        add("Page", &self.page);
        add("Held as spam", &self.suspicion().unwrap_or_default());
        details
    }
}

struct Problems<'a> {
    frame: &'a Frame,
    found: Vec<(String, String)>,
}

impl Problems<'_> {
    fn add(&mut self, id: &str, words: String) {
        self.found.push((id.to_owned(), words));
    }

    /// Whether there is something of the right length to look at further.
    fn line(&mut self, id: &str, value: &str, required: Option<&str>, max: usize) -> bool {
        if value.is_empty() {
            if let Some(key) = required {
                self.add(id, self.frame.text(key));
            }
            return false;
        }
        if value.chars().count() > max {
            self.add(id, self.frame.with("error-too-long", "max", max));
            return false;
        }
        true
    }

    fn field(&mut self, field: &Field, answer: &str) {
        let id = input_name(&field.key);
        let required = field.required.then_some("error-required");
        let max = if field.kind == FieldKind::Textarea { MAX_TEXT } else { MAX_LINE };
        if !self.line(&id, answer, required, max) {
            return;
        }
        let words = match field.kind {
            FieldKind::Email if !is_address(answer) => "error-email",
            FieldKind::Phone if !is_phone(answer) => "error-phone",
            FieldKind::Number if answer.replace(',', ".").parse::<f64>().is_err() => "error-number",
            FieldKind::Select if answer.parse().ok().and_then(|at: usize| field.options.get(at)).is_none() => "error-choice",
            _ => return,
        };
        self.add(&id, self.frame.text(words));
    }
}

/// The message without a line such as "Good morning," above it, which says nothing in a list of subjects.
fn without_greeting(message: &str) -> &str {
    match message.trim_start().split_once('\n') {
        Some((first, rest)) if first.chars().count() <= 40 && first.trim_end().ends_with([',', '!', ':']) && !rest.trim().is_empty() => {
            rest.trim_start()
        }
        _ => message,
    }
}

/// The name and id of the input of a field.
pub fn input_name(key: &str) -> String {
    format!("f-{key}")
}

/// The id under which a form's message is known on its channel. In the shape of a mail's Message-ID, as replies by mail refer to it.
pub fn provider_id(id: &str, domain: &str) -> String {
    format!("{id}.form@{domain}")
}

/// Good enough to catch typing errors; whether the address exists is known once a mail has arrived.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && domain.contains('.')
        && domain.split('.').all(|part| !part.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '"'))
        && !domain.contains('@')
        && !local.contains('@')
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (5..=20).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::form::settings::{Texts, Topic};

    fn submission() -> Submission {
        Submission {
            id: "abc".into(),
            language: Language::It,
            page: String::new(),
            name: "Anna Verdi".into(),
            email: "Anna@Example.it".into(),
            order: "BG-1".into(),
            topic: "return".into(),
            message: "Buongiorno, vorrei rendere gli stivali.".into(),
            answers: vec![("size".into(), "1".into()), ("gift".into(), String::new())],
            consent: false,
            files: Vec::new(),
            call: CallWish::default(),
            pot: String::new(),
        }
    }

    fn texts(it: &str, en: &str) -> Texts {
        Texts([(Language::It, it.to_owned()), (Language::En, en.to_owned())].into())
    }

    #[test]
    fn a_form_becomes_a_message() {
        let settings = Settings {
            topics: vec![Topic { key: "return".into(), labels: texts("Reso", "Return"), ..Topic::default() }],
            fields: vec![
                Field {
                    key: "size".into(),
                    kind: FieldKind::Select,
                    labels: texts("Taglia", "Size"),
                    options: vec![texts("S", "S"), texts("Media", "Medium")],
                    ..Field::default()
                },
                Field { key: "gift".into(), kind: FieldKind::Checkbox, labels: texts("Regalo", "Gift"), ..Field::default() },
            ],
            ..Settings::default()
        };
        let incoming = submission().incoming(&settings, Language::En, "help.example");
        assert_eq!(incoming.provider_id, "abc.form@help.example");
        assert_eq!(incoming.from.address, "anna@example.it");
        assert_eq!(incoming.subject, "Reso: Buongiorno, vorrei rendere gli stivali.");
        let details: Vec<String> = incoming.details.iter().map(|(label, answer)| format!("{label}={answer}")).collect();
        assert_eq!(details, ["Topic=Return", "Order number=BG-1", "Size=Medium", "Gift=No"]);
    }

    #[test]
    fn a_greeting_is_no_subject() {
        assert_eq!(without_greeting("Guten Tag,\n\ndie Stiefel sind zu klein."), "die Stiefel sind zu klein.");
        assert_eq!(without_greeting("Guten Tag,"), "Guten Tag,");
        assert_eq!(without_greeting("Where is it?\nThanks"), "Where is it?\nThanks");
    }

    #[test]
    fn programs_are_suspected_and_people_are_not() {
        assert_eq!(submission().suspicion(), None);
        assert!(Submission { pot: "http://x".into(), ..submission() }.suspicion().is_some());
        assert!(Submission { message: "https://x ".repeat(11), ..submission() }.suspicion().is_some());
        assert_eq!(Submission { message: "https://x ".repeat(10), ..submission() }.suspicion(), None);
    }

    #[test]
    fn addresses_and_numbers_are_checked_leniently() {
        for good in ["a@b.it", "anna.verdi+shop@mail.example.co.uk", "jürgen@müller.de"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "a@b", "a@", "@b.it", "a b@c.it", "a@b..it", "a@b@c.it", "a@b.it, c@d.it", "A <a@b.it>"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_phone("+39 333 123-4567") && is_phone("0736/12345") && !is_phone("12") && !is_phone("call me 12345"));
        assert_eq!(page_url("https://shop.example/p/1?x=2#top"), "https://shop.example/p/1?x=2");
        assert_eq!(page_url("javascript:alert(1)"), "");
    }
}
