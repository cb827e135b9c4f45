//! Everything that a handler or a job needs, as one argument.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use moka::future::Cache;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::blobs::Blobs;
use crate::config::Config;
use crate::ids::AgentId;
use crate::live::Live;
use crate::mailer::Mailer;
use crate::secrets::Keys;

/// The running application; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the application is made of.
pub struct Parts {
    pub config: Config,
    pub db: PgPool,
    /// The way out where a channel has none of its own.
    pub mailer: Mailer,
    pub blobs: Blobs,
    pub live: Live,
    pub keys: Keys,
    /// Cancelled when the process is told to stop: streams end, workers finish what they have in hand.
    pub stopping: CancellationToken,
    /// Facts that change rarely and are read on every page; see `desk::directory`.
    pub cache: Cache<&'static str, Arc<dyn Any + Send + Sync>>,
    /// What each agent's sidebar says; see `desk::tickets::list`.
    pub counts: Cache<AgentId, Arc<dyn Any + Send + Sync>>,
    kept: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, db: PgPool, mailer: Mailer, keys: Keys) -> Self {
        let blobs = Blobs::new(config.data.join("blobs"));
        let cache = Cache::builder().max_capacity(64).time_to_live(std::time::Duration::from_secs(30)).build();
        // Short: a change that this process did not hear of shows after this long at the latest.
        let counts = Cache::builder().max_capacity(1000).time_to_live(std::time::Duration::from_secs(5)).build();
        let (live, stopping, kept) = (Live::default(), CancellationToken::new(), Mutex::default());
        Self(Arc::new(Parts { config, db, mailer, blobs, live, keys, stopping, cache, counts, kept }))
    }

    /// What an upper floor keeps as long as the process lives, one of each type.
    pub fn kept<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let one = kept.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default()).clone();
        drop(kept);
        one.downcast().unwrap_or_default()
    }

    /// The shelf of this name, made anew where there is none: a cache that is emptied with [`Parts::cache`], when settings change and every
    /// half a minute.
    pub async fn shelf<K, V>(&self, name: &'static str, make: impl Fn() -> Cache<K, V>) -> Cache<K, V>
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let known = self.cache.get_with(name, async { Arc::new(make()) as Arc<dyn Any + Send + Sync> }).await;
        known.downcast::<Cache<K, V>>().map_or_else(|_| make(), |shelf| (*shelf).clone())
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
