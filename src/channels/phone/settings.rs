//! What a telephone channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::twilio;
use crate::channels::wire::Field;
use crate::desk::channels::Channel;
use crate::i18n::Language;
use crate::text::phones::{self, Party};

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::choice(
        "provider",
        "Calls are told by",
        "Placetel, Starface, 3CX, FreePBX, Asterisk and most others speak generic CTI, the way that Zammad does.",
        &[
            ("cti", "A telephone exchange (generic CTI)"),
            ("sipgate", "sipgate"),
            ("twilio", "Twilio Voice, with voicemail"),
            ("none", "Nobody: calls are written down by hand"),
        ],
        "cti",
    ),
    Field::plain(
        "country",
        "Country code",
        "Of your country: 39 for Italy, 49 for Germany. Numbers without one are taken to be from there.",
    )
    .with_default("39"),
    Field::plain("account_sid", "Account SID", "AC…, on the first page of Twilio’s console.").only_for("twilio"),
    Field::secret("auth_token", "Auth token", "Beside it: it signs what Twilio sends.").only_for("twilio"),
    Field::plain("number", "Number", "The one that customers call, as +390612345678.").only_for("twilio"),
    Field::plain(
        "forward_to",
        "Ring this number first",
        "For 20 seconds, then the answering machine. Empty: the answering machine at once.",
    )
    .only_for("twilio"),
    Field::plain("greeting", "Greeting", "What the answering machine says. Empty: our own words, in the channel’s language.")
        .only_for("twilio"),
    Field::shown(
        "token",
        "Secret",
        "Part of the webhook address above. As an alternative, exchanges may send it as the password of Basic authentication.",
    ),
    Field::plain("blocked", "Refused numbers", "Callers who hear that the line is busy; with commas between.").optional().advanced(),
    Field::plain("caller_id", "Number for outgoing calls", "Exchanges that ask are told to show this number.").optional().advanced(),
    Field::base(twilio::API).only_for("twilio"),
];

/// Who tells of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Generic CTI, as Zammad takes it.
    #[default]
    Cti,
    Sipgate,
    Twilio,
    /// Calls are written down by hand.
    None,
}

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub provider: Provider,
    /// The calling code of the shop's country.
    pub country: String,
    /// `AC…`
    pub account_sid: String,
    /// The number that customers call.
    pub number: String,
    /// Rings before the answering machine takes the call; empty: none.
    pub forward_to: String,
    /// What the answering machine says; empty: our own words.
    pub greeting: String,
    /// Numbers that are refused, with commas between.
    pub blocked: String,
    /// What customers see when we call them; empty: as the exchange likes.
    pub caller_id: String,
    /// Where Twilio's API is.
    pub base: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            country: "39".to_owned(),
            account_sid: String::new(),
            number: String::new(),
            forward_to: String::new(),
            greeting: String::new(),
            blocked: String::new(),
            caller_id: String::new(),
            base: twilio::API.to_owned(),
        }
    }
}

impl Settings {
    /// A channel's.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_default()
    }

    /// A number as told.
    pub fn party(&self, told: &str) -> Party {
        phones::parse(told, &self.country)
    }

    /// Whether a caller is refused.
    pub fn refuses(&self, caller: &Party) -> bool {
        let Some(number) = caller.number() else { return false };
        self.blocked.split([',', ';', '\n']).any(|blocked| self.party(blocked).number() == Some(number))
    }

    /// What the answering machine speaks: the channel's language, else that of the country.
    pub fn language(&self, channel: &Channel) -> Language {
        channel.language.as_deref().and_then(Language::from_code).unwrap_or(match &*self.country {
            "39" | "378" => Language::It,
            "49" | "43" | "41" => Language::De,
            "33" | "32" | "352" => Language::Fr,
            "34" => Language::Es,
            _ => Language::En,
        })
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// What exchanges show; chosen by us.
    pub token: String,
    /// Twilio's: signs the webhooks and lets us in.
    pub auth_token: String,
}
