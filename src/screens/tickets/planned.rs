//! Replies for later: when they leave, and what can be done about one until then.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use jiff::ToSpan as _;
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::directory;
use crate::desk::tickets::planned::{self, MAX_DAYS};
use crate::desk::tickets::reply::ReplyError;
use crate::desk::tickets::thread;
use crate::http::flash::Flash;
use crate::http::{Error, Form, Path, Result};
use crate::ids::{PlanId, TicketId};
use crate::screens::tickets::update::snooze_until;
use crate::screens::tickets::{came_from, permitted};
use crate::text::excerpts;

const GONE: &str = "This reply has left already, or somebody took it back.";

/// The moment of a choice: `hour`, `tomorrow` or `monday` at nine by the desk's clock, or `at` with one of one's own. `None`: none that
/// lies ahead within a year.
pub(super) fn moment(choice: &str, at: &str, now: Ts, zone: &str) -> Option<Ts> {
    let moment = match choice {
        "hour" => Ts(now.0.checked_add(1.hour()).ok()?),
        "tomorrow" | "monday" | "at" => snooze_until(choice, at, now, zone)?,
        _ => return None,
    };
    (moment > now && moment < now.plus_seconds(MAX_DAYS * 86_400)).then_some(moment)
}

/// Sends it now.
pub(super) async fn send_now(
    State(app): State<App>,
    Path((id, plan)): Path<(TicketId, PlanId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let to = came_from(&headers, id);
    match planned::send_now(&mut change, &agent, id, plan).await {
        Ok(Some(message)) => {
            let mine = thread::find(&mut change, message).await?.is_some_and(|message| message.agent_id == Some(agent.id));
            change.commit().await?;
            let mut flash = Flash::new(format!("Reply to #{id} is on its way."));
            // What a colleague wrote is theirs to take back.
            flash.undo = mine.then(|| format!("/tickets/{id}/messages/{message}/undo"));
            Ok(flash.redirect(&to))
        }
        Ok(None) => Ok(Flash::new(GONE).redirect(&to)),
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => Err(Error::BadRequest(excerpts::sentence(&error.to_string()))),
    }
}

/// Puts it back into the composer.
pub(super) async fn take_back(
    State(app): State<App>,
    Path((id, plan)): Path<(TicketId, PlanId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let done = planned::take_back(&mut change, &agent, id, plan).await?;
    change.commit().await?;
    let words = if done { "Taken back. Your text is in the composer again." } else { GONE };
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}

/// Another time.
#[derive(Debug, Deserialize)]
pub(super) struct TimeForm {
    #[serde(default)]
    later: String,
    #[serde(default)]
    later_at: String,
}

/// Sends it at another time.
pub(super) async fn postpone(
    State(app): State<App>,
    Path((id, plan)): Path<(TicketId, PlanId)>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<TimeForm>,
) -> Result<Response> {
    let zone = directory::get(&app).await?.shop.time_zone.clone();
    let at = moment(&form.later, &form.later_at, Ts::now(), &zone)
        .ok_or_else(|| Error::BadRequest("Choose a day and a time in the future, within a year.".into()))?;
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let done = planned::postpone(&mut change, &agent, id, plan, at).await?;
    change.commit().await?;
    let words = if done { "It leaves at the new time." } else { GONE };
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}
