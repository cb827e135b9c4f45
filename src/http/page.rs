//! The frame around every agent's page.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::anger::ringing::{self, Alarm};
use crate::desk::approvals::{self, list::Told};
use crate::desk::call_backs::lists as owed;
use crate::desk::calls::{self, shown};
use crate::desk::chats::{self, Bar};
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::{ApprovalState, ChannelKind, Role, Wish};
use crate::desk::tickets::list::{self, Counts};
use crate::desk::tickets::sides::{self, Side};
use crate::http::cards::Card;
use crate::http::flash::{self, Flash, Pending};
use crate::http::{Error, Result, assets};
use crate::ids::{AgentId, TicketId};
use crate::text::names;

/// Renders a page that stands on its own.
pub fn render(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render()?).into_response())
}

/// What the frame shows: who is signed in, what waits, what the last click did, what an admin should know.
pub struct Shell {
    pub agent: Agent,
    pub counts: Counts,
    pub directory: Arc<Directory>,
    pub flash: Option<Flash>,
    /// What rings here, and how one stands; `None` where the shop has no live chat.
    pub bar: Option<Bar>,
    /// Telephone calls that concern this agent now.
    pub phone: Vec<shown::Shown>,
    /// How many calls are owed.
    pub calls: owed::Count,
    /// Calls that this agent is reminded of.
    pub due_calls: Vec<owed::Row>,
    /// Angry customers' public words that ring here, for those who lead.
    pub alarms: Vec<Alarm>,
    /// What became of this agent's answers that waited for approval, as long as they have not seen it.
    pub told: Vec<Told>,
    /// What came beside this agent's tickets and nobody has looked at.
    pub sides: Vec<Side>,
    /// Things that do not work and that everyone should know.
    pub banners: Vec<Banner>,
    /// Which part of the product this is, for the rail.
    pub section: &'static str,
    /// The path of the request, for menus that mark where one is.
    pub path: String,
    had_flash: bool,
}

/// A line above every page.
pub struct Banner {
    pub text: String,
    /// Where to put it right, for those who may.
    pub link: Option<(&'static str, &'static str)>,
}

impl FromRequestParts<App> for Shell {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let agent = Agent::from_request_parts(parts, app).await?;
        let flash = Pending::from_request_parts(parts, app).await.unwrap_or_default().0;
        Self::load(app, agent, flash, parts.uri.path()).await
    }
}

/// Which part of the product a path belongs to.
fn section(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "calls" => "calls",
        "chats" => "chats",
        "reviews" => "reviews",
        "approvals" => "approvals",
        "customers" => "customers",
        "profile" => "profile",
        "settings" if path.starts_with("/settings/canned") => "canned",
        "settings" => "settings",
        _ => "inbox",
    }
}

impl Shell {
    /// The frame for a page at this path. For answers that as a rule need none; others ask for it as an argument.
    pub async fn load(app: &App, agent: Agent, flash: Option<Flash>, path: &str) -> Result<Self> {
        let directory = directory::get(app).await?;
        let counts = list::recent_counts(app, agent.id).await?;
        let chat = directory.channels.iter().any(|channel| channel.kind == ChannelKind::Chat);
        let mut db = app.db.acquire().await?;
        let now = Ts::now();
        let bar = if chat { Some(chats::bar(&mut db, agent.id).await?) } else { None };
        let phone = if calls::rings(&directory) { shown::concerning(&mut db, agent.id, now).await? } else { Vec::new() };
        let calls = if counts.owed { owed::count(&mut db, now).await? } else { owed::Count::default() };
        let due_calls = if calls.open > 0 { owed::due_for(&mut db, &agent, now).await? } else { Vec::new() };
        let alarms = if counts.ringing > 0 { ringing::alarms(&mut db, agent.id, agent.role).await? } else { Vec::new() };
        let told = if counts.untold > 0 { approvals::list::untold(&mut db, agent.id).await? } else { Vec::new() };
        let sides = if counts.beside { sides::unread_of(&mut db, agent.id).await? } else { Vec::new() };
        drop(db);
        let mut banners = Vec::new();
        if !app.mailer.delivers() && !directory.own_server {
            banners.push(Banner {
                text: format!(
                    "No outgoing mail server: replies are written to {} and reach nobody.",
                    app.config.data.join("outbox").display()
                ),
                link: (agent.role == Role::Admin).then_some(("/settings/channels", "Connect one")),
            });
        }
        for channel in directory.channels.iter().filter(|channel| channel.shut_out) {
            let text = match channel.kind {
                ChannelKind::Email => format!(
                    "The mailbox “{}” no longer lets us in: mail does not come in, and answers wait until an admin signs in again.",
                    channel.name
                ),
                kind => format!(
                    "{} no longer lets us in with “{}”. Answers there wait until an admin connects it again.",
                    kind.label(),
                    channel.name
                ),
            };
            banners.push(Banner { text, link: (agent.role == Role::Admin).then_some(("/settings/channels", "Connect it")) });
        }
        for channel in directory.channels.iter().filter(|channel| channel.failing) {
            banners.push(Banner {
                text: format!(
                    "No mail comes in through “{}”: its mailbox cannot be reached. Nothing is lost there, it is tried again and again.",
                    channel.name
                ),
                link: (agent.role == Role::Admin).then_some(("/settings/channels", "See why")),
            });
        }
        Ok(Self {
            agent,
            counts,
            directory,
            had_flash: flash.is_some(),
            flash,
            bar,
            phone,
            calls,
            due_calls,
            alarms,
            told,
            sides,
            banners,
            section: section(path),
            path: path.to_owned(),
        })
    }

    /// Renders a page inside this frame.
    pub fn render(&self, page: &impl Template) -> Result<Response> {
        let response = render(page)?;
        Ok(if self.had_flash { flash::clear(response) } else { response })
    }

    /// Renders a page inside this frame with another status, such as 422 for a form with errors.
    pub fn render_as(&self, status: http::StatusCode, page: &impl Template) -> Result<Response> {
        let mut response = self.render(page)?;
        *response.status_mut() = status;
        Ok(response)
    }

    /// The same frame as seen from another page.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.section = section(path);
        path.clone_into(&mut self.path);
        self
    }

    /// What rings at this agent's screens.
    pub fn offers(&self) -> &[chats::Offer] {
        self.bar.as_ref().map_or(&[], |bar| &bar.offers)
    }

    /// Calls that concern this agent, as every page shows them.
    pub fn call_cards(&self) -> Vec<Card<'_>> {
        self.phone.iter().map(|one| Card { shell: self, one, spot: "corner" }).collect()
    }

    /// Whether the time of a call has passed.
    pub fn is_overdue(&self, call: &owed::Row) -> bool {
        call.until_at <= Ts::now()
    }

    /// When a call is due, by the desk's clock.
    pub fn call_time(&self, call: &owed::Row) -> String {
        let at = |moment: Ts| moment.0.to_zoned(self.directory.hours.zone.clone()).strftime("%H:%M").to_string();
        format!("{}–{}", at(call.from_at), at(call.until_at))
    }

    /// How things stand here, for a script to compare with what its heartbeat hears: see `static/js/chats.js`.
    pub fn standing(&self) -> String {
        let (wish, sent_away, waiting) = self.bar.as_ref().map_or((Wish::Online, false, 0), |bar| (bar.wish, bar.sent_away, bar.waiting));
        let mut words = vec![wish.to_string(), sent_away.to_string(), waiting.to_string()];
        let beside = i64::try_from(self.sides.len()).unwrap_or(i64::MAX);
        words.push(format!("{}/{}", self.to_approve(), self.counts.untold + beside));
        words.extend(self.offers().iter().map(|offer| offer.ticket_id.to_string()));
        words.extend(self.alarms.iter().map(|alarm| format!("r{}", alarm.ticket)));
        words.join(" ")
    }

    /// What became of this agent's public answers: those that came back, and those that were sent, the newest first.
    pub fn told(&self) -> (&[Told], &[Told]) {
        self.told.split_at(self.told.partition_point(|told| told.state == ApprovalState::Returned))
    }

    /// Answers of others that this agent may approve.
    pub fn to_approve(&self) -> i64 {
        if self.is_lead() { self.counts.approvals } else { 0 }
    }

    /// Whether the rail shows the way to what waits for approval.
    pub fn shows_approvals(&self) -> bool {
        let mine = self.directory.approval.of(self.agent.role).is_some_and(approvals::Rule::any);
        self.section == "approvals" || self.to_approve() > 0 || mine || (self.is_lead() && self.directory.approval.any())
    }

    /// Whether the rail shows the way to what is said in public: where there is a network, or was.
    pub fn shows_reviews(&self) -> bool {
        self.section == "reviews" || self.counts.angry > 0 || self.directory.channels.iter().any(|channel| channel.abilities.is_some())
    }

    /// Chats that wait for this agent: what rings, and whose visitor waits for a word.
    pub fn chats_waiting(&self) -> i64 {
        self.bar.as_ref().map_or(0, |bar| bar.waiting + i64::try_from(bar.offers.len()).unwrap_or(0))
    }

    /// The switch of those who take chats.
    pub fn switch(&self) -> Option<&Bar> {
        self.bar.as_ref().filter(|bar| bar.takes_chats)
    }

    /// Whether the desk set this agent away, and they have not said otherwise yet.
    pub fn sent_away(&self) -> bool {
        self.bar.as_ref().is_some_and(|bar| bar.sent_away && bar.wish == Wish::Away)
    }

    /// An agent's avatar.
    pub fn avatar(&self, id: &AgentId, size: &'static str) -> Avatar {
        avatar(self.directory.agent(*id), self.directory.photo(*id), size)
    }

    /// The first name, for the narrow rail.
    pub fn first_name(&self) -> &str {
        self.agent.name.split_whitespace().next().unwrap_or("You")
    }

    /// Whether the agent may change settings.
    pub fn is_admin(&self) -> bool {
        self.agent.role == Role::Admin
    }

    /// Whether the agent leads.
    pub fn is_lead(&self) -> bool {
        self.agent.role >= Role::Lead
    }

    /// Whether the page is this one or lies below it.
    pub fn is_at(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The address of an asset, for templates.
    pub fn asset(&self, path: &str) -> String {
        assets::asset(path)
    }

    /// The address of the style sheet in the shop's colour, for templates.
    pub fn sheet(&self) -> String {
        assets::sheet(&self.directory.shop.accent)
    }
}

/// An icon of the sprite, for templates.
#[derive(Debug, Clone, Copy)]
pub struct Icon {
    name: &'static str,
    class: &'static str,
}

/// The icon of this name. It says nothing by itself: a label stands beside it.
pub const fn icon(name: &'static str) -> Icon {
    Icon { name, class: "icon" }
}

/// The same, as the mark of something urgent in a line.
pub const fn flag(name: &'static str) -> Icon {
    Icon { name, class: "icon row-flag" }
}

/// The same, larger.
pub const fn large_icon(name: &'static str) -> Icon {
    Icon { name, class: "icon icon--l" }
}

impl std::fmt::Display for Icon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.write(f)
    }
}

impl Icon {
    /// A page has two hundred of them, so that a format string would be felt.
    fn write(&self, to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        for piece in
            [r#"<svg class=""#, self.class, r#"" aria-hidden="true"><use href=""#, assets::sprite(), "#", self.name, r#""/></svg>"#]
        {
            to.write_str(piece)?;
        }
        Ok(())
    }
}

impl askama::FastWritable for Icon {
    fn write_into(&self, dest: &mut dyn std::fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(self.write(dest)?)
    }
}

impl askama::filters::HtmlSafe for Icon {}

/// What a visitor is called who has not said their name.
pub fn visitor_name(name: &str, ticket: TicketId) -> String {
    if name.trim().is_empty() { format!("Visitor {ticket}") } else { name.trim().to_owned() }
}

/// What somebody is called whom we call: their name, else their number.
pub fn caller_name(name: &str, phone: &str) -> String {
    if name.trim().is_empty() { crate::text::phones::spaced(phone) } else { name.trim().to_owned() }
}

/// The page of ours that a form was on; `otherwise` where the browser does not say.
pub fn came_from(headers: &HeaderMap, otherwise: &str) -> String {
    let referer = headers.get(http::header::REFERER).and_then(|value| value.to_str().ok()).and_then(|value| url::Url::parse(value).ok());
    match referer {
        // Only the path counts, so that nobody is led away; what began as "//" would be another site.
        Some(url) if url.path().starts_with('/') && !url.path().starts_with("//") => match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
        _ => otherwise.to_owned(),
    }
}

/// How long until a moment, or since it, as its clock says before the page's script takes over: `2:10 left`, `0:30 over`, `2 h over`.
pub fn countdown(due: &Ts) -> String {
    let left = due.seconds_since(Ts::now());
    let (seconds, word) = if left >= 0 { (left, "left") } else { (-left, "over") };
    match seconds {
        ..3600 => format!("{}:{:02} {word}", seconds / 60, seconds % 60),
        _ => format!("{} h {word}", seconds / 3600),
    }
}

/// A count as the sidebar shows it.
pub fn capped(count: &i64) -> String {
    if *count >= Counts::CAP { format!("{}+", Counts::CAP - 1) } else { count.to_string() }
}

/// Which of eight colours stands behind somebody's initials: the same one for the same name.
pub fn avatar_colour(name: &str) -> u32 {
    name.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8 + 1
}

/// Somebody's picture, else their initials on their colour. It says nothing by itself: the name stands beside it.
#[derive(Debug, Clone)]
pub struct Avatar {
    initials: String,
    colour: u32,
    photo: Option<String>,
    size: &'static str,
}

/// The avatar of this name; `size` is empty, `s` or `l`.
pub fn avatar(name: &str, photo: Option<&str>, size: &'static str) -> Avatar {
    Avatar { initials: names::initials(name), colour: avatar_colour(name), photo: photo.map(str::to_owned), size }
}

impl std::fmt::Display for Avatar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { initials, colour, photo, size } = self;
        write!(f, r#"<span class="avatar avatar--{colour}"#)?;
        if !size.is_empty() {
            write!(f, " avatar--{size}")?;
        }
        match photo {
            // An address of ours, of letters and digits.
            Some(photo) => write!(f, r#"" aria-hidden="true"><img src="{photo}" alt="" width="192" height="192" loading="lazy"></span>"#),
            // Letters alone, without anything that HTML would read otherwise.
            None => write!(f, r#"" aria-hidden="true">{initials}</span>"#),
        }
    }
}

impl askama::FastWritable for Avatar {
    fn write_into(&self, dest: &mut dyn std::fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(write!(dest, "{self}")?)
    }
}

impl askama::filters::HtmlSafe for Avatar {}

/// How long something has lasted, as a telephone shows it before the page's script takes over: `0:12`.
pub fn since(at: &Ts) -> String {
    calls::length(Ts::now().seconds_since(*at).max(0))
}

/// How long ago something was, as the page says before its script takes over: `now`, `12 m`, `3 h`, `5 d`.
pub fn ago(at: &Ts) -> String {
    let seconds = Ts::now().seconds_since(*at).max(0);
    match seconds {
        ..60 => "now".to_owned(),
        60..3600 => format!("{} m", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A moment in the short form for narrow columns; in UTC until the page's script puts it into the reader's own time.
pub fn day(at: &Ts) -> String {
    at.0.strftime("%-d %b %H:%M").to_string()
}
