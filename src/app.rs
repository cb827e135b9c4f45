//! Everything that a handler or a job needs, as one argument.

use std::ops::Deref;
use std::sync::Arc;

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
    pub cache: moka::future::Cache<&'static str, Arc<dyn std::any::Any + Send + Sync>>,
    /// What each agent's sidebar says; see `desk::tickets::list`.
    pub counts: moka::future::Cache<AgentId, Arc<dyn std::any::Any + Send + Sync>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, db: PgPool, mailer: Mailer, keys: Keys) -> Self {
        let blobs = Blobs::new(config.data.join("blobs"));
        let cache = moka::future::Cache::builder().max_capacity(64).time_to_live(std::time::Duration::from_secs(30)).build();
        // Short: a change that this process did not hear of shows after this long at the latest.
        let counts = moka::future::Cache::builder().max_capacity(1000).time_to_live(std::time::Duration::from_secs(5)).build();
        Self(Arc::new(Parts { counts, config, db, mailer, blobs, live: Live::default(), keys, stopping: CancellationToken::new(), cache }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
