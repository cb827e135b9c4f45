//! What everybody who has a widget open is told alike: who is there. It is found out once for all of them, however many there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::channels::chat::caller::{Caller, Configured, configured};
use crate::channels::chat::views::AvailabilityView;
use crate::clock::Ts;
use crate::desk::chats::availability;
use crate::desk::directory;
use crate::i18n::Language;

/// How often it is found out without a reason: opening hours begin and end by themselves.
const LOOK: Duration = Duration::from_secs(10);
/// Changes that come so close together are told as one.
const TOGETHER: Duration = Duration::from_millis(100);

/// An [`AvailabilityView`] as JSON.
pub type Truth = Arc<str>;

/// The address of a chat and the visitor's language.
type Place = (String, Language);

/// The truth of each place where anybody listens.
#[derive(Default)]
pub struct Board(Mutex<HashMap<Place, watch::Sender<Truth>>>);

impl Board {
    /// What is true for this caller, now and as it changes.
    pub async fn listen(app: &App, caller: &Caller) -> sqlx::Result<watch::Receiver<Truth>> {
        let board = app.kept::<Self>();
        let place = (caller.key().to_owned(), caller.language);
        if let Some(told) = board.places().get(&place) {
            return Ok(told.subscribe());
        }
        let truth = find_out(app, &caller.chat, caller.language).await?;
        let mut places = board.places();
        let told = places.entry(place.clone()).or_insert_with(|| {
            let told = watch::Sender::new(truth);
            tokio::spawn(board.clone().keep(app.clone(), place, told.clone()));
            told
        });
        Ok(told.subscribe())
    }

    /// Keeps one truth until nobody listens any more.
    async fn keep(self: Arc<Self>, app: App, place: Place, told: watch::Sender<Truth>) {
        let mut floor = app.live.floor();
        loop {
            tokio::select! {
                () = app.stopping.cancelled() => return,
                _ = floor.changed() => tokio::time::sleep(TOGETHER).await,
                () = tokio::time::sleep(LOOK) => {}
            }
            floor.mark_unchanged();
            if self.forget(&place) {
                return;
            }
            let found = async {
                // Switched off meanwhile: whoever has it open is told so when they write.
                let Some(chat) = configured(&app, &place.0).await? else { return Ok(None) };
                find_out(&app, &chat, place.1).await.map(Some)
            };
            match found.await {
                Ok(Some(truth)) => drop(told.send_if_modified(|known| {
                    let news = *known != truth;
                    *known = truth;
                    news
                })),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "cannot find out who is there; trying again"),
            }
        }
    }

    /// Lets go of a place where nobody listens.
    fn forget(&self, place: &Place) -> bool {
        let mut places = self.places();
        let alone = places.get(place).is_none_or(|told| told.receiver_count() == 0);
        if alone {
            places.remove(place);
        }
        alone
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Place, watch::Sender<Truth>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn find_out(app: &App, chat: &Configured, language: Language) -> sqlx::Result<Truth> {
    let availability = availability::of(app, &chat.asked(language), Ts::now()).await?;
    let directory = directory::get(app).await?;
    let view = AvailabilityView::new(&availability, chat, &directory, language.code());
    serde_json::to_string(&view).map(Truth::from).map_err(|error| sqlx::Error::Encode(error.into()))
}
