//! Who writes next, and about what.

use super::content::{Content, Script};
use super::dice::Dice;
use super::plan::Status;
use crate::i18n::Language;

/// Scripts and contacts of one language, dealt so that the same ones come as far apart as they can.
pub(super) struct Deck<'a> {
    scripts: Vec<&'a Script>,
    next: usize,
    unseen: Vec<usize>,
    seen: Vec<usize>,
    left: usize,
}

impl<'a> Deck<'a> {
    pub(super) fn new(content: &'a Content, language: Language, tickets: usize, dice: &mut Dice) -> Self {
        let mut scripts: Vec<&Script> = content.scripts.iter().filter(|script| script.language == language && !script.once).collect();
        dice.shuffle(&mut scripts);
        let contacts = content.contacts.iter().enumerate().filter(|(_, contact)| contact.language == language);
        let mut unseen: Vec<usize> = contacts.map(|(index, _)| index).collect();
        dice.shuffle(&mut unseen);
        Self { scripts, next: 0, unseen, seen: Vec::new(), left: tickets }
    }

    pub(super) fn script(&mut self, status: Status) -> Option<&'a Script> {
        for _ in 0..self.scripts.len() {
            let script = self.scripts.get(self.next % self.scripts.len()).copied()?;
            self.next += 1;
            // nobody waits for the end of a compliment
            let fits = match status {
                Status::Pending | Status::Snoozed => script.topic != "other",
                _ => true,
            };
            if fits {
                return Some(script);
            }
        }
        self.scripts.first().copied()
    }

    /// Everybody writes at least once, some come back.
    pub(super) fn contact(&mut self, dice: &mut Dice) -> usize {
        let fresh = self.seen.is_empty() || self.unseen.len() >= self.left || dice.percent(58);
        self.left = self.left.saturating_sub(1);
        match self.unseen.pop() {
            Some(contact) if fresh => {
                self.seen.push(contact);
                contact
            }
            held => {
                self.unseen.extend(held);
                dice.pick(&self.seen).copied().unwrap_or_default()
            }
        }
    }
}
