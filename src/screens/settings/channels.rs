//! Every way in which customers reach the desk, and whether it works.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::ChannelKind;
use crate::http::cards::channel_icon;
use crate::http::flash::Flash;
use crate::http::page::{Icon, Shell};
use crate::http::{Error, Path, Result};
use crate::ids::ChannelId;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/channels", get(show))
        .route("/settings/channels/{id}/enable", post(enable))
        .route("/settings/channels/{id}/disable", post(disable))
}

#[derive(Template)]
#[template(path = "screens/settings/channels.html")]
struct ChannelsPage<'a> {
    shell: &'a Shell,
    lines: Vec<Line>,
}

/// A line of the list.
struct Line {
    channel: Channel,
}

impl Line {
    fn icon(&self) -> Icon {
        channel_icon(self.channel.kind)
    }

    /// Where the channel is changed; its own folder's page.
    fn href(&self) -> Option<String> {
        let id = self.channel.id;
        match self.channel.kind {
            ChannelKind::Email => Some(format!("/settings/mailboxes/{id}")),
            ChannelKind::Form => Some(format!("/settings/forms/{id}")),
            ChannelKind::Chat => Some(format!("/settings/chats/{id}")),
            // Made by the API for the tickets that come through it: there is nothing to set.
            ChannelKind::Api if self.channel.address.is_none() => None,
            ChannelKind::Api => Some(format!("/settings/api-channels/{id}")),
            kind => Some(format!("/settings/networks/{kind}/{id}")),
        }
    }

    fn address(&self) -> String {
        match (self.channel.kind, &self.channel.address) {
            // A mailbox that is called by its address says it once.
            (ChannelKind::Email, Some(address)) if *address != self.channel.name => address.clone(),
            (ChannelKind::Chat, Some(key)) => format!("Chat {key}"),
            (ChannelKind::Api, Some(key)) => format!("API channel {key}"),
            (ChannelKind::Form, Some(slug)) => format!("Form at /forms/{slug}"),
            (kind, _) => kind.label().to_owned(),
        }
    }

    /// A mailbox that has neither fetched nor received anything yet is not known to work.
    fn standing(&self) -> Standing {
        if !self.channel.enabled {
            Standing::Off
        } else if self.channel.last_error.is_some() {
            Standing::Broken
        } else if self.channel.kind == ChannelKind::Email && self.channel.last_ok_at.is_none() {
            Standing::Unproven
        } else {
            Standing::Works
        }
    }

    fn is(&self, standing: &str) -> bool {
        self.standing().word() == standing
    }
}

/// How a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Off,
    Broken,
    Unproven,
    Works,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Broken => "broken",
            Self::Unproven => "unproven",
            Self::Works => "works",
        }
    }
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let lines = channels::list(&mut db)
        .await?
        .into_iter()
        .filter(|channel| channel.kind != ChannelKind::CallBack)
        .map(|channel| Line { channel })
        .collect();
    shell.render(&ChannelsPage { shell: &shell, lines })
}

async fn enable(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    switch(&app, id, true, "It is on again.").await
}

async fn disable(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    switch(&app, id, false, "It is off. Its tickets stay.").await
}

async fn switch(app: &App, id: ChannelId, on: bool, words: &str) -> Result<Response> {
    let mut change = Change::begin(app).await?;
    if !channels::set_enabled(&mut change, id, on).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(words).redirect("/settings/channels"))
}
