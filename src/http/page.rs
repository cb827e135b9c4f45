//! The frame around every agent's page.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::request::Parts;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::Role;
use crate::desk::tickets::list::{self, Counts};
use crate::http::flash::{self, Flash, Pending};
use crate::http::{Error, Result, assets};
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
    /// Things that do not work and that everyone should know.
    pub banners: Vec<Banner>,
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
        let directory = directory::get(app).await?;
        let mut db = app.db.acquire().await?;
        let counts = list::counts(&mut db, agent.id).await?;
        let mut banners = Vec::new();
        if !app.mailer.delivers() && !crate::desk::channels::any_own_server(&mut db).await? {
            banners.push(Banner {
                text: format!("No outgoing mail server: replies are written to {} and reach nobody.", app.config.data.join("outbox").display()),
                link: (agent.role == Role::Admin).then_some(("/settings/channels", "Connect one")),
            });
        }
        Ok(Self { agent, counts, directory, had_flash: flash.is_some(), flash, banners })
    }
}

impl Shell {
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

    /// Two letters for the agent's picture.
    pub fn initials(&self) -> String {
        names::initials(&self.agent.name)
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

    /// The address of an asset, for templates.
    pub fn asset(&self, path: &str) -> String {
        assets::asset(path)
    }

    /// The address of the style sheet with the shop's colour, for templates.
    pub fn theme(&self) -> String {
        assets::theme(&self.directory.shop.accent)
    }
}

/// A count as the sidebar shows it.
pub fn capped(count: i64) -> String {
    if count >= Counts::CAP { format!("{}+", Counts::CAP - 1) } else { count.to_string() }
}

/// Which of eight colours stands behind somebody's initials: the same one for the same name.
pub fn avatar_colour(name: &str) -> u32 {
    name.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8 + 1
}
