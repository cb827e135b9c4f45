//! What came in and is not part of a ticket yet, and work that no attempt could do. Nothing here is lost; a person decides.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Admin;
use crate::desk::changes::{Actor, Change};
use crate::desk::deliveries::{self, Stuck};
use crate::desk::kinds::IntakeState;
use crate::desk::tickets::{outbound, thread};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Error, Path, Result};
use crate::ids::{DeliveryId, JobId};
use crate::jobs::{self, Dead, Job};

/// Lines of each list; whoever has more has one cause, and the next ones show when the first are gone.
const LIMIT: i64 = 200;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/incoming", get(show))
        .route("/settings/incoming/{id}/raw", get(raw))
        .route("/settings/incoming/{id}/retry", post(retry))
        .route("/settings/jobs/{id}/retry", post(retry_job))
        .route("/settings/jobs/{id}/forget", post(forget_job))
}

#[derive(Template)]
#[template(path = "screens/settings/incoming.html")]
struct IncomingPage<'a> {
    shell: &'a Shell,
    stuck: Vec<Stuck>,
    dead: Vec<DeadLine>,
}

impl IncomingPage<'_> {
    fn channel(&self, stuck: &Stuck) -> &str {
        stuck.channel_id.and_then(|id| self.shell.directory.channel(id)).map_or("A deleted channel", |channel| &channel.name)
    }

    fn reason<'b>(&self, stuck: &'b Stuck) -> &'b str {
        match (&stuck.reason, stuck.state) {
            (Some(reason), _) => reason,
            (None, IntakeState::Failed) => "It could not be read.",
            (None, _) => "Nobody has read it yet. Is “sportello serve” or “sportello work” running?",
        }
    }
}

/// A dead job in words.
struct DeadLine {
    id: JobId,
    title: String,
    link: Option<String>,
    reason: String,
    at: Ts,
    attempts: i32,
    /// Whether this version knows what it is and can try again.
    known: bool,
}

impl DeadLine {
    fn new(dead: Dead, shell: &Shell) -> Self {
        let channel = |id| shell.directory.channel(id).map_or("a deleted channel", |channel| &channel.name).to_owned();
        let (title, link) = match &dead.job {
            None => ("Work of another version of Sportello".to_owned(), None),
            Some(Job::ProcessDelivery { delivery }) => {
                (format!("Read what came in as no. {delivery}"), Some(format!("/settings/incoming/{delivery}/raw")))
            }
            Some(Job::SendMessage { message }) => (format!("Send message no. {message} to its customer"), None),
            Some(Job::SendPlanned { plan }) => (format!("Send the reply for later no. {plan}"), None),
            Some(Job::Acknowledge { ticket, .. }) => (format!("Acknowledge ticket #{ticket}"), Some(format!("/tickets/{ticket}"))),
            Some(Job::WakeTicket { ticket }) => (format!("Bring back snoozed ticket #{ticket}"), Some(format!("/tickets/{ticket}"))),
            Some(Job::CallStep { call }) => (format!("See to call {call}"), Some(format!("/calls/{call}"))),
            Some(Job::ChatStep { ticket }) => (format!("See to chat #{ticket}"), Some(format!("/tickets/{ticket}"))),
            Some(Job::CallBackStep { call_back }) => (format!("See to call-back no. {call_back}"), Some("/inbox/call-backs".to_owned())),
            Some(Job::ChatMail { ticket }) => (format!("Mail what was missed in chat #{ticket}"), Some(format!("/tickets/{ticket}"))),
            Some(Job::AgentLapse { agent }) => {
                (format!("Look whether {} is there", shell.directory.agent(*agent)), Some(format!("/settings/people/{agent}")))
            }
            Some(Job::AngerStep { ticket }) => (format!("Ring those who lead about #{ticket}"), Some(format!("/tickets/{ticket}"))),
            Some(Job::MailAnger { agent, ticket }) => {
                (format!("Mail {} about #{ticket}", shell.directory.agent(*agent)), Some(format!("/tickets/{ticket}")))
            }
            Some(Job::ApprovalStep { approval }) => (format!("Look after approval no. {approval}"), Some(format!("/approvals/{approval}"))),
            Some(Job::MailApprover { agent, approval }) => {
                let words = format!("Mail {} about an answer to approve", shell.directory.agent(*agent));
                (words, Some(format!("/approvals/{approval}")))
            }
            Some(Job::PollMailbox { channel: id }) => {
                (format!("Fetch mail of {}", channel(*id)), Some(format!("/settings/mailboxes/{id}")))
            }
            Some(Job::ImportMail { channel: id }) => {
                (format!("Bring in earlier mail of {}", channel(*id)), Some(format!("/settings/mailboxes/{id}/import")))
            }
            Some(Job::TellMailboxFailing { channel: id }) => {
                (format!("Mail that {} is out of order", channel(*id)), Some(format!("/settings/mailboxes/{id}")))
            }
            Some(Job::SendInvitation { agent }) => {
                (format!("Mail {} an invitation", shell.directory.agent(*agent)), Some(format!("/settings/people/{agent}")))
            }
            Some(Job::SendPasswordReset { agent }) => {
                (format!("Mail {} a password link", shell.directory.agent(*agent)), Some(format!("/settings/people/{agent}")))
            }
            Some(Job::ShowRead { ticket } | Job::ShowTyping { ticket }) => {
                (format!("Show the customer of #{ticket} that we read, or write"), Some(format!("/tickets/{ticket}")))
            }
            Some(Job::TellSignInLost { channel: id }) => {
                (format!("Mail that {} has to be connected again", channel(*id)), Some("/settings/channels".to_owned()))
            }
            Some(Job::DeliverWebhook { delivery }) => (format!("Send webhook no. {delivery}"), Some("/settings/webhooks".to_owned())),
            Some(Job::LearnSpam { ticket }) => (format!("Learn what #{ticket} says of spam"), Some(format!("/tickets/{ticket}"))),
            Some(Job::FindTwins {}) => ("Look for customers who may be one person".to_owned(), None),
            Some(Job::Housekeeping {}) => ("Clear away what is past its time".to_owned(), None),
        };
        Self {
            id: dead.id,
            title,
            link,
            reason: dead.reason.unwrap_or_else(|| "No reason was noted.".to_owned()),
            at: dead.died_at,
            attempts: dead.attempts,
            known: dead.job.is_some(),
        }
    }
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let stuck = deliveries::stuck(&mut db, LIMIT).await?;
    let dead = jobs::dead(&mut db, LIMIT).await?;
    let dead = dead.into_iter().map(|dead| DeadLine::new(dead, &shell)).collect();
    shell.render(&IncomingPage { shell: &shell, stuck, dead })
}

/// The bytes as they came, as a file: never shown in place, whatever they are.
async fn raw(State(app): State<App>, _: Admin, Path(id): Path<DeliveryId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let delivery = deliveries::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let name = format!("attachment; filename=\"delivery-{id}.eml\"");
    Ok(([(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)], delivery.raw).into_response())
}

async fn retry(State(app): State<App>, _: Admin, Path(id): Path<DeliveryId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    if !deliveries::lock(&mut change, id).await? {
        return Ok(Flash::new("It has been read meanwhile.").redirect("/settings/incoming"));
    }
    jobs::revive(&mut change, &Job::ProcessDelivery { delivery: id }).await?;
    change.touch_work();
    change.commit().await?;
    Ok(Flash::new("It is read again now. If it stays in this list, its new reason stands beside it.").redirect("/settings/incoming"))
}

async fn retry_job(State(app): State<App>, admin: Admin, Path(id): Path<JobId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let Some(job) = jobs::lock_dead(&mut change, id).await? else {
        return Ok(Flash::new("It is done or forgotten already.").redirect("/settings/incoming"));
    };
    let Some(job) = job else {
        return Err(Error::BadRequest("This work belongs to another version of Sportello. Update every process, then try again.".into()));
    };
    jobs::forget(&mut change, id).await?;
    match &job {
        // The message shows how far it has come, and its ticket who tried again.
        Job::SendMessage { message } => {
            if let Some(found) = thread::find(&mut change, *message).await? {
                outbound::retry(&mut change, Actor::Agent(admin.0.id), found.ticket_id, *message).await?;
            }
        }
        job => jobs::push(&mut change, job, Ts::now()).await?,
    }
    change.touch_work();
    change.commit().await?;
    Ok(Flash::new("It is tried again now.").redirect("/settings/incoming"))
}

async fn forget_job(State(app): State<App>, _: Admin, Path(id): Path<JobId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    jobs::forget(&mut db, id).await?;
    Ok(Flash::new("Forgotten.").redirect("/settings/incoming"))
}
