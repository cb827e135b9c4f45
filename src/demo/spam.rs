//! A filter that has learnt from the archive, a few senders who are known, and the reasons for which the newest spam was held.

use super::plan::Plan;
use crate::app::App;
use crate::desk::changes::Change;
use crate::desk::import;
use crate::desk::spam::{learning, rules};

/// What the newest tickets in spam were held for.
const REASONS: [&str; 3] = [
    "The mail server took it for spam: 11.4 points, 5.0 are enough.",
    "It reads like what was marked as spam here: “backlinks”, “ranking”, “guaranteed” in the subject.",
    "winner-lottery.example is on the list of senders that are blocked.",
];

/// Teaches, and fills the lists.
pub async fn load_spam(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let mut change = Change::begin(app).await?;
    learning::learn_archive(&mut change, 500).await?;
    for (ticket, reason) in import::newest_spam(&mut change, 3).await?.into_iter().zip(REASONS) {
        import::hold(&mut change, ticket, reason).await?;
    }
    let people = import::agents_named(&mut change, &plan.agents.iter().map(|agent| agent.email.clone()).collect::<Vec<_>>()).await?;
    if let Some(first) = people.first() {
        for (pattern, allowed) in [("winner-lottery.example", false), ("seo-offers.example", false), ("tracking.corriere.example", true)] {
            rules::set(&mut change, *first, pattern, allowed).await?;
        }
    }
    change.touch_settings();
    change.commit().await?;
    Ok(())
}
