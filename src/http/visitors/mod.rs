//! What the pages for people without an account share: the shop's name and colour, their language, and protection that asks nothing of
//! them.

pub mod calls;
pub mod kept;
pub mod limits;
pub mod stamps;

use std::fmt::Display;

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::directory;
use crate::http::{Result, assets, render};
use crate::i18n::{self, Language, Value};

/// The most that one form of theirs may weigh with its files, in bytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;
/// The most that the files of one message may weigh together, in bytes.
pub const MAX_TOTAL: i64 = 60_000_000;
/// The field of their forms that people do not see, and programs fill in.
pub const POT: &str = "website";
const MAX_URL: usize = 1_000;
const MAX_TOTAL_WORDS: &str = "60 MB";
/// [`crate::desk::files::MAX_FILE`] as customers read it.
const MAX_FILE_WORDS: &str = "20 MB";

/// Frame and words of a page for customers.
#[derive(Debug, Clone)]
pub struct Frame {
    pub shop: String,
    pub theme: String,
    pub language: Language,
    /// The shop's own language, for what agents will read.
    pub desk_language: Language,
    /// The shop's.
    pub time_zone: jiff::tz::TimeZone,
    /// Links to the same page in other languages.
    pub languages: Vec<LanguageLink>,
    /// Stands in a shop's page: no header and no footer.
    pub embedded: bool,
}

/// The same page in another language.
#[derive(Debug, Clone)]
pub struct LanguageLink {
    pub language: Language,
    pub href: String,
}

impl Frame {
    /// The frame in a language.
    pub async fn load(app: &App, language: Language) -> sqlx::Result<Self> {
        let directory = directory::get(app).await?;
        let shop = &directory.shop;
        Ok(Self {
            shop: shop.shop_name.clone(),
            theme: assets::theme(&shop.accent),
            language,
            desk_language: Language::from_code(&shop.language).unwrap_or(Language::En),
            time_zone: jiff::tz::TimeZone::get(&shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC),
            languages: Vec::new(),
            embedded: false,
        })
    }

    /// The frame in the language that the browser asks for, for pages that know no better.
    pub async fn for_browser(app: &App, accept_language: &str) -> sqlx::Result<Self> {
        let mut frame = Self::load(app, Language::En).await?;
        frame.language = Language::best(accept_language, &Language::ALL, frame.desk_language);
        Ok(frame)
    }

    /// A text in the page's language.
    pub fn text(&self, key: &str) -> String {
        i18n::text(self.language, key)
    }

    /// A text with one argument.
    pub fn with(&self, key: &str, name: &str, value: impl Display) -> String {
        i18n::text_with(self.language, key, &[(name, Value::from(value.to_string()))])
    }

    /// A text with two arguments.
    pub fn with_two(&self, key: &str, first: (&str, &str), second: (&str, &str)) -> String {
        i18n::text_with(self.language, key, &[(first.0, Value::from(first.1)), (second.0, Value::from(second.1))])
    }

    /// How many files may be attached, and how large.
    pub fn files_hint(&self) -> String {
        let count = crate::desk::files::MAX_FILES.to_string();
        self.with_two("form-files-hint", ("count", &count), ("size", MAX_FILE_WORDS))
    }

    /// A moment as the page's readers write it, in the shop's time zone.
    pub fn date(&self, at: &Ts) -> String {
        i18n::long_date(self.language, &at.0.to_zoned(self.time_zone.clone()))
    }

    /// The address of an asset.
    pub fn asset(&self, path: &str) -> String {
        assets::asset(path)
    }
}

/// A web address as it was given, if it is one and not too long; without what follows `#`.
pub fn page_url(text: &str) -> String {
    let text = text.trim();
    let text = text.split('#').next().unwrap_or_default();
    let usable = text.len() <= MAX_URL && (text.starts_with("https://") || text.starts_with("http://")) && url::Url::parse(text).is_ok();
    if usable { text.to_owned() } else { String::new() }
}

#[derive(Template)]
#[template(path = "visitors/apology.html")]
struct Apology<'a> {
    frame: &'a Frame,
    title: String,
    words: String,
    /// Where they can go instead, and what the button says.
    way: Option<(String, String)>,
}

/// A page that says in their language what is wrong and what to do next.
pub fn apologise(frame: &Frame, status: StatusCode, key: &str, words: String, way: Option<(String, String)>) -> Result<Response> {
    let page = Apology { frame, title: frame.text(&format!("{key}-title")), words, way };
    let mut response = (status, render(&page)?).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    Ok(response)
}

/// Page not found, in their language.
pub fn not_found(frame: &Frame) -> Result<Response> {
    apologise(frame, StatusCode::NOT_FOUND, "page-not-found", frame.text("page-not-found"), None)
}

/// Too many requests, in their language.
pub fn too_many(frame: &Frame) -> Result<Response> {
    apologise(frame, StatusCode::TOO_MANY_REQUESTS, "page-busy", frame.text("page-busy"), None)
}

/// More than [`MAX_BODY`] was sent, in their language.
pub fn too_large(frame: &Frame) -> Result<Response> {
    let words = frame.with("page-too-large", "max", MAX_TOTAL_WORDS);
    apologise(frame, StatusCode::PAYLOAD_TOO_LARGE, "page-too-large", words, None)
}

/// Something is wrong on our side: logged, and told in their language with a reference.
pub fn our_fault(frame: &Frame, error: crate::http::Error) -> Result<Response> {
    use crate::http::Error;
    match error {
        Error::NotFound => not_found(frame),
        Error::TooMany(_) => too_many(frame),
        Error::Unavailable => apologise(frame, StatusCode::SERVICE_UNAVAILABLE, "page-busy", frame.text("page-busy"), None),
        error @ Error::Internal(_) => {
            let reference = error.log().unwrap_or_default();
            let words = frame.with("page-error", "reference", reference);
            apologise(frame, StatusCode::INTERNAL_SERVER_ERROR, "page-error", words, None)
        }
        other => Err(other),
    }
}
