//! Turns scripts into tickets: how far each has come, when everything was said, and in which words.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::content::{By, Contact, Content, Product, ProductKind, Script, ScriptChannel, Turn};
use super::deck::Deck;
use super::dice::Dice;
use super::fill::{self, Words};
use super::plan::{Author, Channel, Direction, MessagePlan, Role, Status, TicketPlan};
use super::times;
use crate::i18n::{self, Language};

const DAYS: i64 = 60;
const PENDING: usize = 12;
const SNOOZED: usize = 8;
const SPAM: usize = 10;
const SOLVED: usize = 230;

/// How long the open tickets have waited, in minutes: most for a while, some since this morning, a few for two days.
const WAITS: [i64; 40] = [
    2, 5, 9, 14, 20, 27, 34, 43, 52, 61, 74, 88, 105, 122, 140, 163, 188, 214, 245, 280, 318, 360, 405, 455, 510, 570, 640, 720, 805, 900,
    1010, 1130, 1260, 1400, 1560, 1740, 1950, 2250, 2820, 2990,
];

/// Tickets in a hundred by language.
const SHARES: [(Language, usize); 5] = [(Language::It, 39), (Language::En, 21), (Language::De, 18), (Language::Fr, 13), (Language::Es, 9)];

/// Which script is told, to whom, and where it stands today.
pub(super) struct Outline<'a> {
    script: &'a Script,
    contact: usize,
    status: Status,
    /// Minutes that the customer has waited, for open tickets.
    wait: i64,
}

pub(super) struct Planner<'a> {
    content: &'a Content,
    now: Timestamp,
    zone: TimeZone,
    dice: Dice,
}

impl<'a> Planner<'a> {
    pub(super) fn new(content: &'a Content, now: Timestamp, zone: TimeZone, seed: u64) -> Self {
        Self { content, now, zone, dice: Dice::new(seed) }
    }

    pub(super) fn outlines(&mut self) -> Vec<Outline<'a>> {
        let mut states: Vec<(Status, i64)> = WAITS.into_iter().map(|wait| (Status::Open, wait)).collect();
        states.extend([(Status::Pending, 0)].repeat(PENDING));
        states.extend([(Status::Snoozed, 0)].repeat(SNOOZED));
        states.extend([(Status::Solved, 0)].repeat(SOLVED));
        // what waits longest goes to the scripts that want to be told once
        let count = states.len();
        let mut languages: Vec<Language> =
            SHARES.iter().flat_map(|(language, share)| [*language].repeat((share * count).div_ceil(100))).take(count).collect();
        self.dice.shuffle(&mut languages);

        let content = self.content;
        let once: Vec<&Script> = content.scripts.iter().filter(|script| script.once).collect();
        let mut decks: BTreeMap<Language, Deck<'a>> = BTreeMap::new();
        for (language, _) in SHARES {
            let wanted = languages.iter().filter(|wanted| **wanted == language).count();
            decks.insert(language, Deck::new(content, language, wanted, &mut self.dice));
        }
        let mut outlines = Vec::new();
        let mut special = once.into_iter();
        for (index, ((status, wait), mut language)) in states.into_iter().zip(languages.clone()).enumerate() {
            let told_once = if status == Status::Open && index % 7 == 6 { special.next() } else { None };
            if let Some(script) = told_once {
                language = script.language;
            }
            let Some(deck) = decks.get_mut(&language) else {
                continue;
            };
            let contact = deck.contact(&mut self.dice);
            let Some(script) = told_once.or_else(|| deck.script(status)) else {
                continue;
            };
            outlines.push(Outline { script, contact, status, wait });
        }
        for index in 0..SPAM {
            let Some(script) = content.spam.get(index % content.spam.len().max(1)) else {
                break;
            };
            let senders = content.spammers.iter().enumerate().filter(|(_, s)| s.language == script.language);
            let senders: Vec<usize> = senders.map(|(sender, _)| sender).collect();
            let contact = content.contacts.len() + senders.get(index % senders.len().max(1)).copied().unwrap_or_default();
            outlines.push(Outline { script, contact, status: Status::Spam, wait: 0 });
        }
        outlines
    }

    pub(super) fn ticket(&mut self, outline: &Outline<'_>) -> TicketPlan {
        let script = outline.script;
        let turns = self.cut(outline);
        let times = self.times(&turns, outline);
        let first = times.first().copied().unwrap_or(self.now);
        let last = times.last().copied().unwrap_or(self.now);

        let assignee = self.assignee(outline, &turns);
        let product = self.product(script.product);
        let mut words = self.words(outline, product, first, last);
        let writer = assignee.unwrap_or_default();
        let agent = self.content.shop.agents.get(writer).map_or("", |agent| agent.name.as_str());
        words.push(("agentname", agent.to_owned()));
        words.push(("agent", agent.split(' ').next().unwrap_or_default().to_owned()));

        let subject = self.dice.pick(&script.subjects).cloned().unwrap_or_default();
        let messages: Vec<MessagePlan> = turns
            .iter()
            .zip(&times)
            .map(|(turn, at)| MessagePlan {
                direction: match turn.by {
                    By::Customer | By::Away => Direction::Inbound,
                    By::Agent => Direction::Outbound,
                    By::Note => Direction::Note,
                },
                author: match turn.by {
                    By::Customer | By::Away => Author::Customer,
                    By::Agent | By::Note => Author::Agent(writer),
                },
                body: said(&fill::choices(&turn.text, &mut self.dice), script.language, &words),
                automatic: turn.by == By::Away,
                at: *at,
            })
            .collect();

        let channel = self.channel(script);
        let details = self.details(channel, script, product, &words);
        let tags = script.tags.iter().filter_map(|tag| self.content.shop.tags.iter().position(|held| held == tag));
        let snoozed = outline.status == Status::Snoozed;
        TicketPlan {
            channel,
            contact: outline.contact,
            language: script.language,
            subject: fill::gaps(&subject, &words),
            status: outline.status,
            priority: script.priority,
            assignee,
            team: Some(script.team),
            tags: tags.collect(),
            waiting_since: (outline.status == Status::Open).then(|| oldest_unanswered(&messages)).flatten(),
            snoozed_until: snoozed.then(|| times::morning_after(self.now, self.dice.between(1, 6), &self.zone)),
            solved_at: (outline.status == Status::Solved)
                .then(|| last.checked_add(times::minutes(self.dice.between(1, 90))).unwrap_or(last).min(self.now)),
            details,
            messages,
        }
    }

    /// The part of the script that has happened so far.
    fn cut(&mut self, outline: &Outline<'_>) -> Vec<Turn> {
        let turns = &outline.script.turns;
        let first_word = |index: usize| turns[..index].iter().rfind(|turn| turn.by != By::Note).is_none_or(|turn| turn.by != By::Customer);
        let ends: Vec<usize> = match outline.status {
            _ if outline.script.once => Vec::new(),
            // the last word of a script is thanks, which nobody waits long to have answered
            Status::Open => (0..turns.len().max(2) - 1).filter(|index| turns[*index].by == By::Customer && first_word(*index)).collect(),
            Status::Pending | Status::Snoozed => (0..turns.len()).filter(|index| turns[*index].by == By::Agent).collect(),
            Status::Solved | Status::Spam => Vec::new(),
        };
        let end = match outline.status {
            // what has waited for minutes only is mostly new
            Status::Open if self.dice.percent(65) => ends.first(),
            _ => self.dice.pick(&ends),
        };
        let mut count = end.map_or(turns.len(), |end| end + 1);
        let noted = turns.get(count).is_some_and(|turn| turn.by == By::Note);
        if outline.status == Status::Open && noted && outline.wait > 120 {
            count += 1;
        }
        turns[..count].to_vec()
    }

    /// When each turn happened, worked out backwards from the last.
    fn times(&mut self, turns: &[Turn], outline: &Outline<'_>) -> Vec<Timestamp> {
        let Some(last) = turns.last() else {
            return Vec::new();
        };
        let (now, zone) = (self.now, self.zone.clone());
        let end = match outline.status {
            // to the second, so that no two waits look made up
            Status::Open if last.by == By::Note => times::back(now, times::minutes(outline.wait * 2 / 3)),
            Status::Open => times::back(now, times::minutes(outline.wait) + SignedDuration::from_secs(self.dice.between(1, 50))),
            Status::Pending => times::back(now, times::minutes(self.dice.between(40, 5 * 1440))),
            Status::Snoozed => times::back(now, times::minutes(self.dice.between(300, 4 * 1440))),
            Status::Solved | Status::Spam => times::some_time(&mut self.dice, now, &zone, DAYS),
        };
        let end = if outline.status == Status::Open { end } else { times::settle(&mut self.dice, end, last.by, &zone) };
        let mut times = vec![end];
        for (index, pair) in turns.windows(2).enumerate().rev() {
            let at = times.last().copied().unwrap_or(end);
            let noted = outline.status == Status::Open && pair[1].by == By::Note && index + 2 == turns.len();
            times.push(if noted {
                times::back(now, times::minutes(outline.wait))
            } else {
                times::before(&mut self.dice, at, pair[0].by, pair[1].by, &zone)
            });
        }
        times.reverse();
        times
    }

    fn assignee(&mut self, outline: &Outline<'_>, turns: &[Turn]) -> Option<usize> {
        let touched = turns.iter().any(|turn| turn.by == By::Agent || turn.by == By::Note);
        let fresh = !touched && (outline.status != Status::Open || outline.wait < 60 || self.dice.percent(65));
        if outline.status == Status::Spam || fresh {
            return None;
        }
        let agents = self.content.shop.agents.iter().enumerate();
        let mut able: Vec<usize> = agents
            .filter(|(_, agent)| agent.languages.contains(&outline.script.language))
            .filter(|(_, agent)| agent.teams.contains(&outline.script.team))
            .map(|(index, _)| index)
            .collect();
        if able.len() > 1 && self.dice.percent(60) {
            // who runs the shop answers less often than those who do it all day
            able.retain(|index| self.content.shop.agents[*index].role == Role::Agent || *index == 1);
        }
        self.dice.pick(&able).copied().or(Some(1))
    }

    fn product(&mut self, kind: ProductKind) -> Option<&'a Product> {
        let products = self.content.shop.products.iter();
        let fitting: Vec<&Product> = products.filter(|product| kind == ProductKind::Any || product.kind == kind).collect();
        self.dice.pick(&fitting).copied()
    }

    fn words(&mut self, outline: &Outline<'_>, product: Option<&Product>, first: Timestamp, last: Timestamp) -> Words {
        let (shop, language) = (&self.content.shop, outline.script.language);
        let name = self.contact(outline.contact).map_or("", |contact| contact.name.as_str());
        let (first_name, last_name) = name.split_once(' ').unwrap_or((name, name));
        let label = product.and_then(|product| product.labels.get(&language)).map_or("", String::as_str);
        let bare = match language {
            Language::En => label,
            _ => label.split_once(' ').map_or(label, |(_, bare)| bare),
        };
        let price = product.map_or(0, |product| product.price);
        let size = self.dice.between(37, 45);
        let size2 = if self.dice.percent(50) { size + 1 } else { size - 1 };
        let ordered = times::back(first, SignedDuration::from_hours(24 * self.dice.between(3, 11)));
        let wait = SignedDuration::from_hours(24 * self.dice.between(2, 4));
        let arrival = last.checked_add(wait).unwrap_or(last);
        let date = |at: Timestamp| i18n::day_and_month(language, &at.to_zoned(self.zone.clone()));
        let colour = shop.colours.get(&language).and_then(|colours| self.dice.pick(colours));
        let city = shop.cities.get(&language).and_then(|cities| self.dice.pick(cities));
        vec![
            ("first", first_name.to_owned()),
            ("last", last_name.to_owned()),
            ("name", name.to_owned()),
            ("order", format!("{}-{}", shop.order_prefix, self.dice.between(41_200, 58_900))),
            ("the", label.to_owned()),
            ("product", bare.to_owned()),
            ("model", product.map_or("", |product| product.model.as_str()).to_owned()),
            ("size", size.to_string()),
            ("size2", size2.to_string()),
            ("colour", colour.cloned().unwrap_or_default()),
            ("city", city.cloned().unwrap_or_default()),
            ("date", date(ordered)),
            ("arrival", date(arrival)),
            ("tracking", format!("1Z{}IT{}", self.dice.between(1000, 9999), self.dice.between(100_000, 999_999))),
            ("amount", if language == Language::En { format!("€{price}.00") } else { format!("{price},00 €") }),
            ("shop", shop.name.clone()),
        ]
    }

    fn contact(&self, index: usize) -> Option<&'a Contact> {
        self.content.contacts.iter().chain(&self.content.spammers).nth(index)
    }

    fn channel(&mut self, script: &Script) -> Channel {
        match self.dice.pick(&script.channels) {
            Some(ScriptChannel::Form) => {
                // the general form comes first; a special one is used by half of those who could
                let special = self.content.forms.iter().skip(1).position(|form| form.topics.iter().any(|topic| topic.key == script.topic));
                let general = self.content.forms.first().is_some_and(|form| form.topics.iter().any(|topic| topic.key == script.topic));
                match special {
                    Some(index) if !general || self.dice.percent(50) => Channel::Form(index + 1),
                    _ => Channel::Form(0),
                }
            }
            _ => Channel::Email,
        }
    }

    fn details(
        &mut self,
        channel: Channel,
        script: &Script,
        product: Option<&Product>,
        words: &[(&'static str, String)],
    ) -> Vec<(String, String)> {
        let Channel::Form(index) = channel else {
            return Vec::new();
        };
        let Some(form) = self.content.forms.get(index) else {
            return Vec::new();
        };
        let language = script.language;
        let mut details = Vec::new();
        let topic = form.topics.iter().find(|topic| topic.key == script.topic).and_then(|t| t.labels.get(&language));
        if let Some(topic) = topic {
            details.push((i18n::text(language, "form-topic"), topic.clone()));
        }
        let about_order = script.turns.iter().any(|turn| turn.text.contains("{order}"));
        if form.order_field && about_order {
            details.push((i18n::text(language, "form-order"), fill::gaps("{order}", words)));
        }
        for field in &form.fields {
            let answer = match field.key.as_str() {
                "item" if script.product == ProductKind::Shoe => fill::gaps("{model} {size}", words),
                "item" => fill::gaps("{model}", words),
                "company" => fill::gaps("{last} {city}", words),
                "city" => fill::gaps("{city}", words),
                _ => continue,
            };
            details.push((field.labels.get(&language).cloned().unwrap_or_default(), answer));
        }
        if let Some(product) = product.filter(|_| self.dice.percent(70)) {
            let slug = product.model.to_lowercase().replace([' ', '\''], "-");
            details.push(("URL".into(), format!("https://bottegaginestra.example/{language}/{slug}")));
        }
        details
    }
}

fn said(text: &str, language: Language, words: &[(&'static str, String)]) -> String {
    let text = fill::gaps(text, words);
    if language == Language::It { fill::elide(&text) } else { text }
}

fn oldest_unanswered(messages: &[MessagePlan]) -> Option<Timestamp> {
    let answered = messages.iter().rposition(|message| message.direction == Direction::Outbound);
    let owed = messages.get(answered.map_or(0, |index| index + 1)..).unwrap_or_default();
    owed.iter().find(|message| message.direction == Direction::Inbound && !message.automatic).map(|message| message.at)
}
