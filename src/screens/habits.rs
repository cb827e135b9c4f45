//! How somebody takes chats: the same fields on their own page and on an admin's.

use serde::Deserialize;
use sqlx::PgConnection;

use crate::desk::agents::{self, CHATS_AT_ONCE, ChatHabits};
use crate::desk::changes::Change;
use crate::desk::chats;
use crate::http::problems::Problems;
use crate::http::{Error, Result};
use crate::ids::AgentId;
use crate::screens::inbox::LANGUAGES;

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HabitsForm {
    takes_chats: String,
    pub chat_limit: String,
    /// Two letters each.
    language: Vec<String>,
}

impl HabitsForm {
    /// As it stands now.
    pub async fn load(db: &mut PgConnection, id: AgentId) -> Result<Self> {
        let habits = agents::chat_habits(db, id).await?.ok_or(Error::NotFound)?;
        let takes_chats = if habits.takes_chats { "1".to_owned() } else { String::new() };
        Ok(Self { takes_chats, chat_limit: habits.chat_limit.to_string(), language: habits.languages })
    }

    /// Whether the box is ticked.
    pub fn takes_chats(&self) -> bool {
        self.takes_chats == "1"
    }

    /// Whether this language is ticked.
    pub fn speaks(&self, code: &str) -> bool {
        self.language.iter().any(|own| own == code)
    }

    /// Writes it down. Whoever waits may fit in now.
    pub async fn save(&self, change: &mut Change, id: AgentId) -> Result<Result<(), Problems>> {
        let limit = self.chat_limit.trim().parse().ok().filter(|limit| CHATS_AT_ONCE.contains(limit));
        let Some(chat_limit) = limit else {
            return Ok(Err(Problems::one("chat_limit", "Enter a number from 1 to 20.")));
        };
        let languages = LANGUAGES.iter().map(|(code, _)| (*code).to_owned()).filter(|code| self.speaks(code)).collect();
        let habits = ChatHabits { takes_chats: self.takes_chats(), chat_limit, languages };
        if !agents::set_chat_habits(change, id, &habits).await? {
            return Err(Error::NotFound);
        }
        chats::wake_queue(change).await?;
        Ok(Ok(()))
    }
}
