//! Asks Meta for what an event did not tell. Nothing depends on an answer; what was asked a moment ago is not asked again.

use std::sync::LazyLock;
use std::time::Duration;

use moka::future::Cache;
use serde_json::Value;

use crate::channels::meta::Graph;
use crate::desk::networks::Fault;

/// How long an answer serves for others.
const KEPT: Duration = Duration::from_secs(600);
/// A customer's message is not kept waiting longer for the name of its author.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the Graph API says at `path`; `None` when it says nothing now.
pub async fn look_up(graph: &Graph<'_>, path: &str) -> Option<Value> {
    static KNOWN: LazyLock<Cache<String, Value>> = LazyLock::new(|| Cache::builder().max_capacity(5000).time_to_live(KEPT).build());
    let key = format!("{} {}/{path}", graph.way.channel.id, graph.base);
    let asking = KNOWN.optionally_get_with(key, async {
        match graph.get(path).await {
            Ok(answer) => Some(answer),
            Err(Fault::Later { .. } | Fault::Unsure(_) | Fault::SignIn(_)) => None,
            // A profile that its owner does not show stays so for a while.
            Err(_) => Some(Value::Null),
        }
    });
    tokio::time::timeout(PATIENCE, asking).await.ok().flatten().filter(Value::is_object)
}
