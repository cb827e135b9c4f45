//! Texts like those of a shop's customers: five languages, common words far more often than rare ones (Zipf).

use rand::Rng as _;
use rand::RngExt as _;
use rand::rngs::StdRng;
use sportello::demo;
use sportello::text::folding::fold;
use sqlx::PgConnection;

/// In every second message.
pub const COMMON: &str = "velora";
/// In every third message.
pub const ALSO_COMMON: &str = "tarmisto";
/// In one message of a thousand.
pub const SELDOM: &str = "zafferano";
/// In some five messages of the whole archive.
pub const RARE: &str = "quokka";

/// Words per language; what lies behind the words of the demo's conversations is made of syllables.
const VOCABULARY: usize = 9_000;

pub const LANGUAGES: [(&str, &str); 5] = [("it", "italian"), ("en", "english"), ("de", "german"), ("fr", "french"), ("es", "spanish")];

struct Word {
    text: String,
    /// What the search index keeps of it; nothing of a stop word.
    lexeme: Option<String>,
}

/// The words of one language with the chance of each.
pub struct Language {
    pub code: &'static str,
    words: Vec<Word>,
    /// Sums of the weights, to find a word by a number.
    sums: Vec<f64>,
    named: [Word; 4],
}

/// A text and its lexemes with their positions.
#[derive(Default)]
pub struct Text {
    pub text: String,
    lexemes: Vec<(String, Vec<u16>)>,
    position: u16,
}

/// Reads the vocabularies and lets Postgres stem them once.
pub async fn languages(db: &mut PgConnection, rng: &mut StdRng) -> anyhow::Result<Vec<Language>> {
    let plan = demo::plan(jiff::Timestamp::UNIX_EPOCH, 1);
    let mut languages = Vec::new();
    for (code, configuration) in LANGUAGES {
        let mut counts = std::collections::HashMap::new();
        for ticket in plan.tickets.iter().filter(|ticket| ticket.language.code() == code) {
            for word in ticket.messages.iter().flat_map(|message| message.body.split(|c: char| !c.is_alphabetic())) {
                if word.chars().count() > 1 {
                    *counts.entry(word.to_lowercase()).or_insert(0usize) += 1;
                }
            }
        }
        let mut words: Vec<(String, usize)> = counts.into_iter().collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut texts: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
        while texts.len() < VOCABULARY {
            texts.push(made_up(rng));
        }
        let mut sum = 0.0;
        let sums = (0..texts.len())
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 2.7).powf(1.05);
                sum
            })
            .collect();
        let mut lexemes = stem(db, configuration, &texts).await?.into_iter();
        let named = [COMMON, ALSO_COMMON, SELDOM, RARE].map(str::to_owned);
        let mut stems = stem(db, configuration, &named).await?.into_iter();
        languages.push(Language {
            code,
            sums,
            words: texts.into_iter().map(|text| Word { text, lexeme: lexemes.next().flatten() }).collect(),
            named: named.map(|text| Word { text, lexeme: stems.next().flatten() }),
        });
    }
    Ok(languages)
}

async fn stem(db: &mut PgConnection, configuration: &str, words: &[String]) -> sqlx::Result<Vec<Option<String>>> {
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    sqlx::query_scalar(
        "select (select lexeme from unnest(to_tsvector($1::regconfig, word)) limit 1) from unnest($2::text[]) with ordinality w (word, place) order by place",
    )
    .bind(configuration)
    .bind(folded)
    .fetch_all(db)
    .await
}

fn made_up(rng: &mut StdRng) -> String {
    const STARTS: [&str; 20] = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st", "tr", "gr", "sp", "ch"];
    const VOWELS: [&str; 7] = ["a", "e", "i", "o", "u", "ia", "eo"];
    let mut word = String::new();
    for _ in 0..rng.random_range(2..5) {
        word += STARTS[rng.random_range(0..STARTS.len())];
        word += VOWELS[rng.random_range(0..VOWELS.len())];
    }
    word
}

impl Language {
    fn any(&self, rng: &mut StdRng) -> &Word {
        let at = rng.random_range(0.0..self.sums.last().copied().unwrap_or(1.0));
        let place = self.sums.partition_point(|sum| *sum < at);
        &self.words[place.min(self.words.len() - 1)]
    }

    /// So many words added to `text`.
    pub fn say(&self, rng: &mut StdRng, text: &mut Text, count: usize) {
        for place in 0..count {
            text.push(self.any(rng));
            if place % 9 == 8 {
                text.text.push('.');
            }
        }
    }

    /// The named words, each as often as it is said to be.
    pub fn say_named(&self, rng: &mut StdRng, text: &mut Text, rare: bool) {
        let dice = rng.next_u32();
        let chances = [dice.is_multiple_of(2), (dice >> 8).is_multiple_of(3), (dice >> 12).is_multiple_of(1000), rare];
        for (word, _) in self.named.iter().zip(chances).filter(|(_, chosen)| *chosen) {
            text.push(word);
        }
    }
}

impl Text {
    fn push(&mut self, word: &Word) {
        self.push_words(&word.text, word.lexeme.as_deref());
    }

    /// A word that every language leaves as it is, such as an address.
    pub fn push_words(&mut self, text: &str, lexeme: Option<&str>) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.index(lexeme);
    }

    /// Makes a lexeme findable that stands elsewhere, such as in the subject.
    pub fn index(&mut self, lexeme: Option<&str>) {
        self.position = (self.position + 1).min(16_000);
        let Some(lexeme) = lexeme else { return };
        match self.lexemes.iter_mut().find(|(known, _)| known == lexeme) {
            Some((_, places)) => places.push(self.position),
            None => self.lexemes.push((lexeme.to_owned(), vec![self.position])),
        }
    }

    /// Takes over the lexemes of another text.
    pub fn index_all(&mut self, other: &Text) {
        for (lexeme, _) in &other.lexemes {
            self.index(Some(lexeme));
        }
    }

    /// As Postgres writes a `tsvector`, with the buckets of the message.
    pub fn tsvector(&self, message: i64, out: &mut Vec<u8>) {
        use std::io::Write as _;
        // A Vec takes whatever is written.
        let _ = write!(out, "'$a{}' '$b{}' '$c{}'", message / 4_096, message / 65_536, message / 1_048_576);
        for (lexeme, places) in &self.lexemes {
            let _ = write!(out, " '{lexeme}':");
            for (at, place) in places.iter().enumerate() {
                let _ = write!(out, "{}{place}", if at == 0 { "" } else { "," });
            }
        }
    }
}
