//! Asks providers that do not tell by themselves.

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Network, Way, hooks};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::networks::Fault;
use crate::jobs::Outcome;

/// Seconds until a provider that could not be asked is asked again.
const LATER: i64 = 60;
/// The same when it no longer lets us in.
const MUCH_LATER: i64 = 600;

/// Asks once. What is new is stored with how far that went, in one transaction, and then understood like any webhook.
pub async fn poll(app: &App, channel: &Channel, net: &dyn Network) -> Outcome {
    let way = Way { app, channel, calls: Caller::of(app) };
    match net.poll(&way).await {
        Ok(polled) => {
            let stored = async {
                let mut change = Change::begin(app).await?;
                let mut new = Vec::with_capacity(polled.raw.len());
                for raw in &polled.raw {
                    let delivery = NewDelivery { channel: channel.id, door: "poll", envelope_from: None, envelope_to: &[], raw };
                    new.push(deliveries::store(&mut change, delivery).await?);
                }
                if !new.is_empty() {
                    channels::note_event(&mut change, channel.id).await?;
                }
                channels::advance(&mut change, channel.id, &polled.cursor).await?;
                change.commit().await?;
                Ok::<_, sqlx::Error>(new)
            };
            match stored.await {
                Ok(new) => {
                    new.into_iter().for_each(|delivery| hooks::understand_soon(app, delivery));
                    Outcome::Again(polled.again)
                }
                Err(error) => {
                    tracing::warn!(channel = %channel.id, %error, "what a provider told could not be stored; it is asked again");
                    Outcome::Again(LATER)
                }
            }
        }
        Err(fault) => {
            let noted = async {
                let mut change = Change::begin(app).await?;
                match &fault {
                    Fault::SignIn(words) => channels::lose_sign_in(&mut change, channel.id, words).await?,
                    other => channels::note_error(&mut change, channel.id, &other.to_string()).await?,
                }
                change.touch_settings();
                change.commit().await
            };
            if let Err(error) = noted.await {
                tracing::warn!(channel = %channel.id, %error, "cannot note what a provider answered");
            }
            Outcome::Again(match fault {
                Fault::SignIn(_) => MUCH_LATER,
                Fault::Later { after: Some(after), .. } => after.clamp(1, 3600),
                _ => LATER,
            })
        }
    }
}
