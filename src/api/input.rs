//! What the bodies and queries of several addresses have in common: bounded texts, references by number or name, files, pages.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::api::error::{Refusal, Result};
use crate::clock::Ts;
use crate::desk::directory::Directory;
use crate::desk::envelope::IncomingFile;
use crate::desk::files::{MAX_FILE, MAX_FILES};
use crate::http::multipart;
use crate::ids::{AgentId, ChannelId, TagId, TeamId};

/// The files of one message all together, in bytes.
pub const MAX_FILES_TOTAL: usize = 25 * 1024 * 1024;
/// A body that carries files: base64 takes four bytes for three.
pub const MAX_BODY: usize = MAX_FILES_TOTAL / 3 * 4 + 2 * 1024 * 1024;
/// Rows on a page unless asked for otherwise.
pub const LIMIT: u32 = 50;
/// The most rows on a page.
pub const MAX_LIMIT: u32 = 100;
/// The longest text of a message, in bytes.
pub const MAX_TEXT: usize = 200_000;
/// The most tags that one request may name.
const MAX_TAGS: usize = 20;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Ask again with `after` set to this for the page that follows; null on the last page.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that has no further page.
    pub fn whole(data: Vec<T>) -> Self {
        Self { data, next: None }
    }

    /// A page made of one row more than was asked for, if there are as many.
    pub fn cut(mut data: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = data.len() > limit;
        data.truncate(limit);
        let next = data.last().filter(|_| more).map(cursor);
        Self { data, next }
    }
}

/// The number of rows asked for.
pub fn limit(asked: Option<u32>) -> Result<i64> {
    let limit = asked.unwrap_or(LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) { Ok(limit.into()) } else { Err(Refusal::field("limit", format!("1 to {MAX_LIMIT}."))) }
}

/// A cursor that an earlier page gave.
pub fn cursor<T: std::str::FromStr>(after: Option<&str>) -> Result<Option<T>> {
    match after {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Refusal::field("after", "Not a `next` of an earlier page.")),
    }
}

/// Something of the desk, by its number or by its name.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Reference {
    Id(i64),
    Name(String),
}

impl Reference {
    /// From a query string, where numbers are texts as well.
    pub fn of(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }

    fn is(&self, id: i64, names: &[&str]) -> bool {
        match self {
            Self::Id(wanted) => *wanted == id,
            Self::Name(wanted) => names.iter().any(|name| name.to_lowercase() == wanted.trim().to_lowercase()),
        }
    }

    /// The channel meant.
    pub fn channel(&self, directory: &Directory) -> Result<ChannelId> {
        let found = directory.channels.iter().find(|channel| self.is(channel.id.0, &[&channel.name]));
        found
            .map(|channel| channel.id)
            .ok_or_else(|| Refusal::field("channel", "There is no such channel; GET /api/v1/channels lists them."))
    }

    /// The team meant.
    pub fn team(&self, directory: &Directory) -> Result<TeamId> {
        let found = directory.teams.iter().find(|team| self.is(team.id.0, &[&team.name]));
        found.map(|team| team.id).ok_or_else(|| Refusal::field("team", "There is no such team; GET /api/v1/teams lists them."))
    }

    /// The tag meant.
    pub fn tag(&self, directory: &Directory) -> Result<TagId> {
        let found = directory.tags.iter().find(|tag| self.is(tag.id.0, &[&tag.name]));
        found.map(|tag| tag.id).ok_or_else(|| Refusal::field("tag", "There is no such tag; GET /api/v1/tags lists them."))
    }

    /// The agent meant: by number, mail address or the word `me`.
    pub fn agent(&self, directory: &Directory, me: AgentId) -> Result<AgentId> {
        if matches!(self, Self::Name(name) if name == "me") {
            return Ok(me);
        }
        let found = directory.agents.iter().find(|agent| self.is(agent.id.0, &[&agent.email]));
        found.map(|agent| agent.id).ok_or_else(|| Refusal::field("assignee", "There is no such agent; GET /api/v1/agents lists them."))
    }

    /// The agent meant, if they can still sign in.
    pub fn active_agent(&self, directory: &Directory, me: AgentId) -> Result<AgentId> {
        let id = self.agent(directory, me)?;
        if directory.active_agents().any(|agent| agent.id == id) {
            Ok(id)
        } else {
            Err(Refusal::field("assignee", "This agent has left the desk."))
        }
    }
}

/// Tells null, which takes something away, from a field that is not there, which leaves it alone.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A file of a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// At most 150 characters; folders are left out.
    #[schema(example = "invoice.pdf")]
    pub name: String,
    /// The content in base64. At most 20 MiB each, 10 files and 25 MiB all together. The type is told from it, not from what anyone says.
    #[schema(example = "JVBERi0xLjQK")]
    pub content: String,
}

/// Gathers what is wrong with a request, so that it is told all at once.
#[derive(Debug, Default)]
pub struct Checks(BTreeMap<String, String>);

impl Checks {
    /// Notes what is wrong with a field.
    pub fn wrong(&mut self, name: &str, words: impl Into<String>) {
        self.0.entry(name.to_owned()).or_insert_with(|| words.into());
    }

    /// Goes on only when nothing is wrong.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::fields(self.0)) }
    }

    /// Text with the database's line ends, at most `max` bytes.
    pub fn text(&mut self, name: &str, value: &str, max: usize) -> String {
        let value = multipart::clean(value);
        if value.len() > max {
            self.wrong(name, format!("At most {max} bytes; these are {}.", value.len()));
        }
        value
    }

    /// One line of at most `max` bytes.
    pub fn line(&mut self, name: &str, value: &str, max: usize) -> String {
        let value = self.text(name, value, max);
        value.split(|c: char| c.is_control()).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The same, which must say something.
    pub fn required(&mut self, name: &str, value: &str, max: usize) -> String {
        let value = self.line(name, value, max);
        if value.is_empty() {
            self.wrong(name, "Must not be empty.");
        }
        value
    }

    /// A mail address in lower case.
    pub fn email(&mut self, name: &str, value: &str) -> String {
        let value = value.trim().to_lowercase();
        if value.len() > 254 || value.parse::<lettre::Address>().is_err() {
            self.wrong(name, "Not a mail address.");
        }
        value
    }

    /// A two-letter language.
    pub fn language(&mut self, name: &str, value: Option<&str>) -> Option<String> {
        let value = value?.trim().to_lowercase();
        if value.len() != 2 || !value.bytes().all(|byte| byte.is_ascii_lowercase()) {
            self.wrong(name, "Two letters, such as `it`.");
        }
        Some(value)
    }

    /// Names of tags.
    pub fn tags(&mut self, name: &str, values: &[String]) -> Vec<String> {
        if values.len() > MAX_TAGS {
            self.wrong(name, format!("At most {MAX_TAGS} at once."));
        }
        values.iter().take(MAX_TAGS).map(|value| self.required(name, value, 60)).collect()
    }

    /// Files, decoded.
    pub fn files(&mut self, values: Vec<NewAttachment>) -> Vec<IncomingFile> {
        if values.len() > MAX_FILES {
            self.wrong("attachments", format!("At most {MAX_FILES} files."));
            return Vec::new();
        }
        let mut total = 0;
        let mut files = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let Ok(bytes) = STANDARD.decode(value.content.trim()) else {
                self.wrong(&format!("attachments[{at}].content"), "Not base64 (the standard alphabet, with its padding).");
                continue;
            };
            drop(value.content);
            total += bytes.len();
            if bytes.is_empty() || bytes.len() > MAX_FILE || total > MAX_FILES_TOTAL {
                self.wrong(&format!("attachments[{at}].content"), "A file is 1 byte to 20 MiB long, and all together are at most 25 MiB.");
                continue;
            }
            let name = multipart::safe_name(&multipart::clean(&value.name));
            let media_type = multipart::media_type(&name, &bytes);
            files.push(IncomingFile { name, media_type, bytes, content_id: None, inline: false });
        }
        files
    }

    /// A moment that the database can hold and that makes sense for a desk.
    pub fn moment(&mut self, name: &str, value: Option<Ts>) -> Option<Ts> {
        let value = value?;
        if !(0..=253_402_300_799).contains(&value.0.as_second()) {
            self.wrong(name, "Between the years 1970 and 9999.");
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_lines_are_lines() {
        let mut checks = Checks::default();
        assert_eq!(checks.line("subject", " a\r\nb\0\tc ", 100), "a b c");
        assert_eq!(checks.email("email", " Anna@Example.COM "), "anna@example.com");
        assert_eq!(checks.language("language", Some("IT")), Some("it".into()));
        assert!(checks.done().is_ok());

        let mut checks = Checks::default();
        checks.text("text", "12345", 4);
        checks.email("email", "nobody");
        checks.language("language", Some("ita"));
        checks.files(vec![NewAttachment { name: "a".into(), content: "?".into() }]);
        assert_eq!(checks.0.keys().collect::<Vec<_>>(), ["attachments[0].content", "email", "language", "text"]);
    }

    #[test]
    fn a_page_ends_where_it_should() {
        let page = List::cut(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.data.len(), page.next.as_deref()), (2, Some("2")));
        assert_eq!(List::cut(vec![1, 2], 2, ToString::to_string).next, None);
    }
}
