//! What a channel can do, as its folder declares it: the core never asks which network it is.

use serde::{Deserialize, Serialize};

use crate::clock::Ts;
use crate::text::weights;

/// What may be sent through a channel, and until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// The longest text of one message.
    pub text: TextLimit,
    /// The same for public answers; `None`: nothing public is sent here.
    pub public_text: Option<TextLimit>,
    /// Longer texts become several messages; else they are refused.
    pub splits: bool,
    /// `None`: no files.
    pub files: Option<FileRule>,
    /// Files go with a public answer too.
    pub public_files: bool,
    /// How many buttons a message may offer and how long each may be, in characters.
    pub choices: Option<(usize, usize)>,
    /// `None`: may be answered at any time.
    pub window: Option<WindowRule>,
    /// What can be done to a public message.
    pub public: PublicVerbs,
    /// The provider hears that we read or type.
    pub marks: bool,
    /// The emoji that we can put on a customer's message.
    pub reactions: Vec<String>,
    /// An answer can name the very message that it answers.
    pub quotes: bool,
    /// Public answers are taken only where the customer has called us (see [`crate::desk::networks::Extras::uncalled`]); else an agent reads
    /// this, which says what helps. Empty: they are always taken.
    pub uncalled: String,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            text: TextLimit::Characters(10_000),
            public_text: None,
            splits: true,
            files: None,
            public_files: false,
            choices: None,
            window: None,
            public: PublicVerbs::default(),
            marks: false,
            reactions: Vec::new(),
            quotes: false,
            uncalled: String::new(),
        }
    }
}

/// How a provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", content = "max", rename_all = "snake_case")]
pub enum TextLimit {
    /// Unicode code points.
    Characters(usize),
    /// Of UTF-8.
    Bytes(usize),
    /// UTF-16 code units.
    Utf16(usize),
    /// As X weighs posts ([`weights::weigh`]): a link 23, wide characters 2, others 1.
    Weighted(usize),
}

impl TextLimit {
    /// The most, in the provider's unit.
    pub fn max(self) -> usize {
        match self {
            Self::Characters(max) | Self::Bytes(max) | Self::Utf16(max) | Self::Weighted(max) => max,
        }
    }

    /// The provider's unit, as the scripts of the composer know it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Characters(_) => "characters",
            Self::Bytes(_) => "bytes",
            Self::Utf16(_) => "utf16",
            Self::Weighted(_) => "weighted",
        }
    }

    /// How long a text is in the provider's unit.
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Characters(_) => text.chars().count(),
            Self::Bytes(_) => text.len(),
            Self::Utf16(_) => text.encode_utf16().count(),
            Self::Weighted(_) => weights::weigh(text),
        }
    }

    /// Whether it fits into one message.
    pub fn fits(self, text: &str) -> bool {
        self.measure(text) <= self.max()
    }

    /// The text in pieces that fit, cut between paragraphs, else sentences, else words; inside a word only where nothing else helps.
    pub fn split(self, text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while !self.fits(rest) {
            let end = self.prefix(rest);
            let head = &rest[..end];
            let cut = ["\n\n", "\n", ". ", "! ", "? ", " "]
                .iter()
                .find_map(|mark| head.rfind(mark).map(|at| at + mark.len()).filter(|at| *at > end / 3))
                .unwrap_or(end);
            pieces.push(rest[..cut].trim_end().to_owned());
            rest = rest[cut..].trim_start();
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(rest.to_owned());
        }
        pieces
    }

    /// The end of the longest beginning that fits; at least one character long.
    fn prefix(self, text: &str) -> usize {
        let ends: Vec<usize> = text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).collect();
        let fitting = ends.partition_point(|end| self.fits(&text[..*end]));
        ends[fitting.saturating_sub(1)]
    }
}

/// Which files a provider takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRule {
    /// In bytes, for pictures.
    pub max_picture: i64,
    /// In bytes, for GIFs, where they may be larger than other pictures.
    #[serde(default)]
    pub max_animation: Option<i64>,
    /// In bytes, for everything else.
    pub max_other: i64,
    /// Media types by their beginning (`image/`); empty: all.
    pub types: Vec<String>,
    /// How many go with one answer.
    pub max_count: usize,
}

/// What can be done to a public message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublicVerbs {
    pub hide: bool,
    pub like: bool,
    /// Whoever said it.
    pub delete: bool,
    /// What we said ourselves.
    pub delete_own: bool,
    /// Days after a comment in which its author may be written to privately, once.
    pub private_reply_days: Option<i64>,
}

/// How long a provider lets us answer after the customer's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRule {
    /// Seconds in which anything may be said.
    pub free: i64,
    /// Seconds in which a person may still answer, marked as such.
    pub human: Option<i64>,
    /// Afterwards templates that the provider has approved may be sent.
    pub templates: bool,
}

/// What may be said now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "until", rename_all = "snake_case")]
pub enum Window {
    /// There is no such limit.
    Always,
    Free(Ts),
    /// Only what a person writes, marked as such.
    Human(Ts),
    /// Only templates.
    Templates,
    Closed,
}

impl WindowRule {
    /// What may be said at `now`, when the customer's last word came at `spoke`.
    pub fn at(&self, spoke: Option<Ts>, now: Ts) -> Window {
        let shut = if self.templates { Window::Templates } else { Window::Closed };
        let Some(spoke) = spoke else { return shut };
        let free = spoke.plus_seconds(self.free);
        if now <= free {
            return Window::Free(free);
        }
        match self.human.map(|seconds| spoke.plus_seconds(seconds)) {
            Some(human) if now <= human => Window::Human(human),
            _ => shut,
        }
    }
}

impl Abilities {
    /// What may be said at `now`, when the customer's last word came at `spoke`.
    pub fn window(&self, spoke: Option<Ts>, now: Ts) -> Window {
        self.window.map_or(Window::Always, |rule| rule.at(spoke, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_counts_in_its_own_way() {
        let text = "perché 👍";
        assert_eq!(TextLimit::Characters(10).measure(text), 8);
        assert_eq!(TextLimit::Bytes(10).measure(text), 12);
        assert_eq!(TextLimit::Utf16(10).measure(text), 9);
        assert_eq!(TextLimit::Weighted(280).measure(text), 9);
        assert_eq!(TextLimit::Weighted(280).measure("see https://example.com/a/very/long/address/indeed now"), 4 + 23 + 1 + 3);
        assert_eq!(TextLimit::Weighted(280).measure("靴"), 2);
    }

    #[test]
    fn long_texts_are_cut_where_a_reader_pauses() {
        let limit = TextLimit::Bytes(24);
        let pieces = limit.split("One sentence here. And one more. End");
        assert_eq!(pieces, ["One sentence here.", "And one more. End"]);
        let wide = "è".repeat(30);
        let pieces = limit.split(&wide);
        assert!(pieces.iter().all(|piece| limit.fits(piece)), "{pieces:?}");
        assert_eq!(pieces.concat(), wide);
        assert_eq!(limit.split(""), [""]);
    }

    #[test]
    fn windows_close_in_their_order() {
        let rule = WindowRule { free: 24 * 3600, human: Some(7 * 24 * 3600), templates: false };
        let spoke = Ts::now();
        assert_eq!(rule.at(Some(spoke), spoke), Window::Free(spoke.plus_seconds(24 * 3600)));
        assert_eq!(rule.at(Some(spoke), spoke.plus_seconds(25 * 3600)), Window::Human(spoke.plus_seconds(7 * 24 * 3600)));
        assert_eq!(rule.at(Some(spoke), spoke.plus_seconds(8 * 24 * 3600)), Window::Closed);
        assert_eq!(WindowRule { free: 86_400, human: None, templates: true }.at(None, spoke), Window::Templates);
    }
}
