//! What stands on a card about a call, which every page may show.

use askama::Template;

use crate::clock::Ts;
use crate::desk::calls;
use crate::desk::calls::shown::{self, Shown};
use crate::desk::kinds::{CallState, ChannelKind};
use crate::http::page::{Icon, Shell, icon};

/// A call that concerns somebody, as it stands in the corner of every page, or on its own.
#[derive(Template)]
#[template(path = "call.html")]
pub struct Card<'a> {
    pub shell: &'a Shell,
    pub one: &'a Shown,
    /// So that each place has its own ids.
    pub spot: &'static str,
}

impl Card<'_> {
    fn is_mine(&self) -> bool {
        self.one.call.agent_id == Some(self.shell.agent.id)
    }

    /// When it is to leave a colleague's screen by itself.
    fn gone_at(&self) -> Option<Ts> {
        let call = &self.one.call;
        let taken = call.answered_at.filter(|_| call.state == CallState::Active && call.agent_id.is_some() && !self.is_mine())?;
        Some(taken.plus_seconds(shown::TAKEN))
    }
}

/// What a call's card says of it.
pub fn state_words(one: &Shown, shell: &Shell) -> String {
    let call = &one.call;
    let mine = call.agent_id == Some(shell.agent.id);
    let agent = call.agent_id.map(|id| shell.directory.agent(id));
    match (call.state, call.incoming, agent) {
        (CallState::Ringing, true, _) => "calls".to_owned(),
        (CallState::Ringing, false, Some(name)) if !mine => format!("{name} is calling"),
        (CallState::Ringing, false, _) => "you are calling".to_owned(),
        (CallState::Active, _, _) if mine => "on the line with you".to_owned(),
        (CallState::Active, _, Some(name)) => format!("{name} took it"),
        (CallState::Active, _, None) => "somebody took it".to_owned(),
        (CallState::Ended, ..) if call.is_missed() => if call.recording { "left a message" } else { "was not answered" }.to_owned(),
        (CallState::Ended, true, None) if call.answered_at.is_none() => "ended".to_owned(),
        (CallState::Ended, false, _) if call.answered_at.is_none() => "was not reached".to_owned(),
        (CallState::Ended, ..) => match (call.talked().map(calls::length), agent.filter(|_| !mine)) {
            (Some(length), None) => format!("ended after {length}"),
            (Some(length), Some(name)) => format!("talked to {name} for {length}"),
            (None, _) => "ended".to_owned(),
        },
    }
}

/// The icon of a channel's kind.
pub fn channel_icon(kind: ChannelKind) -> Icon {
    match kind {
        ChannelKind::Email => icon("mail"),
        ChannelKind::Form => icon("clipboard-list"),
        ChannelKind::Chat => icon("messages-square"),
        ChannelKind::Facebook => icon("facebook"),
        ChannelKind::Instagram => icon("instagram"),
        ChannelKind::Whatsapp => icon("whatsapp"),
        ChannelKind::Telegram => icon("telegram"),
        ChannelKind::X => icon("x-network"),
        ChannelKind::Google => icon("star"),
        ChannelKind::Sms => icon("message-square-text"),
        ChannelKind::Phone | ChannelKind::CallBack => icon("phone"),
        ChannelKind::Api => icon("webhook"),
    }
}
