//! The shop's content as it lies in `content/*.json`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::plan::{Priority, Role};
use crate::i18n::Language;

/// One text per language.
pub type Texts = BTreeMap<Language, String>;

#[derive(Debug, Deserialize)]
pub(super) struct Shop {
    pub name: String,
    pub mailbox: String,
    pub order_prefix: String,
    pub time_zone: String,
    pub language: Language,
    pub accent: String,
    pub products: Vec<Product>,
    pub colours: BTreeMap<Language, Vec<String>>,
    pub cities: BTreeMap<Language, Vec<String>>,
    pub agents: Vec<Agent>,
    pub teams: Vec<String>,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProductKind {
    Shoe,
    Bag,
    Accessory,
    /// In a script: whatever the shop sells.
    Any,
}

#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub model: String,
    pub kind: ProductKind,
    /// Whole euros.
    pub price: u32,
    /// With the article, except in English.
    pub labels: Texts,
}

#[derive(Debug, Deserialize)]
pub(super) struct Agent {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub languages: Vec<Language>,
    pub teams: Vec<usize>,
    pub signature: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Contact {
    pub name: String,
    pub email: String,
    pub language: Language,
    #[serde(default)]
    pub company: String,
}

/// A conversation with gaps: `{order}` and the like, and `[one|or another]` wording.
#[derive(Debug, Deserialize)]
pub(super) struct Script {
    pub language: Language,
    pub channels: Vec<ScriptChannel>,
    pub product: ProductKind,
    pub priority: Priority,
    pub tags: Vec<String>,
    pub team: usize,
    /// Key of the topic that a customer would choose in a form.
    pub topic: String,
    /// Told once, in full, and still open.
    pub once: bool,
    pub subjects: Vec<String>,
    pub turns: Vec<Turn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScriptChannel {
    Email,
    Form,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Turn {
    pub by: By,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    Customer,
    Agent,
    Note,
    /// The customer's mailbox, by itself.
    Away,
}

/// A reply that agents keep ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CannedPlan {
    pub name: String,
    pub shortcut: String,
    pub folder: String,
    pub texts: Texts,
}

/// A contact form in all its languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FormPlan {
    /// The last part of its URL.
    pub slug: String,
    pub name: String,
    /// Index into the plan's teams.
    pub team: usize,
    pub order_field: bool,
    pub files: bool,
    pub titles: Texts,
    pub topics: Vec<TopicPlan>,
    pub fields: Vec<FieldPlan>,
}

/// What a form lets its writer choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPlan {
    pub key: String,
    pub labels: Texts,
}

/// A question that a form asks besides the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldPlan {
    pub key: String,
    pub required: bool,
    pub labels: Texts,
}

pub(super) struct Content {
    pub shop: Shop,
    pub contacts: Vec<Contact>,
    pub spammers: Vec<Contact>,
    pub canned: Vec<CannedPlan>,
    pub forms: Vec<FormPlan>,
    pub scripts: Vec<Script>,
    pub spam: Vec<Script>,
}

impl Content {
    pub(super) fn load() -> Self {
        let mut scripts: Vec<Script> = Vec::new();
        for text in [
            include_str!("content/scripts_it.json"),
            include_str!("content/scripts_en.json"),
            include_str!("content/scripts_de.json"),
            include_str!("content/scripts_fr.json"),
            include_str!("content/scripts_es.json"),
        ] {
            scripts.extend(parse::<Vec<Script>>(text));
        }
        Self {
            shop: parse(include_str!("content/shop.json")),
            contacts: parse(include_str!("content/contacts.json")),
            spammers: parse(include_str!("content/spammers.json")),
            canned: parse(include_str!("content/canned.json")),
            forms: parse(include_str!("content/forms.json")),
            scripts,
            spam: parse(include_str!("content/scripts_spam.json")),
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    // part of the binary and read by a test: cannot fail on a user's machine
    serde_json::from_str(text).expect("the demo's content is well-formed")
}
