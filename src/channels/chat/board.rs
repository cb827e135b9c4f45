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
        // From before the first look on, or what changes during it would be missed.
        let floor = app.live.floor();
        let truth = find_out(app, &caller.chat, caller.language).await?;
        let mut places = board.places();
        let told = places.entry(place.clone()).or_insert_with(|| {
            let told = watch::Sender::new(truth);
            let keeper = Keeper { app: app.clone(), board: board.clone(), chat: caller.chat.clone(), place, told: told.clone() };
            tokio::spawn(keeper.keep(floor));
            told
        });
        Ok(told.subscribe())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Place, watch::Sender<Truth>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one truth until nobody listens any more.
struct Keeper {
    app: App,
    board: Arc<Board>,
    /// As it was when it was last there: one that was switched off is still true to those who have it open.
    chat: Arc<Configured>,
    place: Place,
    told: watch::Sender<Truth>,
}

impl Keeper {
    async fn keep(mut self, mut floor: watch::Receiver<u64>) {
        let stopping = self.app.stopping.clone();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = floor.changed() => tokio::time::sleep(TOGETHER).await,
                () = tokio::time::sleep(LOOK) => {}
            }
            floor.mark_unchanged();
            if self.ends(|told| told.receiver_count() == 0) {
                return;
            }
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "cannot find out who is there; trying again");
            }
        }
    }

    /// Takes the place off the board, if that is so.
    fn ends(&self, so: impl Fn(&watch::Sender<Truth>) -> bool) -> bool {
        let mut places = self.board.places();
        // Somebody else may keep it by now.
        let mine = places.get(&self.place).filter(|told| told.same_channel(&self.told));
        let ends = mine.is_none_or(so);
        if mine.is_some() && ends {
            places.remove(&self.place);
        }
        ends
    }

    async fn look(&mut self) -> sqlx::Result<()> {
        let (key, language) = &self.place;
        if let Some(chat) = configured(&self.app, key).await? {
            self.chat = chat;
        }
        let truth = find_out(&self.app, &self.chat, *language).await?;
        self.told.send_if_modified(|known| {
            let news = *known != truth;
            *known = truth;
            news
        });
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // However it ends: who listens to a truth that nobody keeps hears that it has ended, and comes again.
        self.ends(|_| true);
    }
}

async fn find_out(app: &App, chat: &Configured, language: Language) -> sqlx::Result<Truth> {
    let availability = availability::of(app, &chat.asked(language), Ts::now()).await?;
    let directory = directory::get(app).await?;
    let view = AvailabilityView::new(&availability, chat, &directory, language.code());
    serde_json::to_string(&view).map(Truth::from).map_err(|error| sqlx::Error::Encode(error.into()))
}
