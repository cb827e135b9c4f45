//! How a chat comes onto the shop's pages: the line, the policy, the API for its scripts, and how customers' identities are proven.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{find, hold, snippet};
use crate::app::App;
use crate::channels::chat::settings::Secrets;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel, seal};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Path, Result};
use crate::ids::ChannelId;
use crate::secrets;

/// How a shop signs, by language of its program: an id for the page, the name, the lines.
const SIGNING: [(&str, &str, &str); 4] = [
    (
        "php",
        "PHP",
        r#"$secret = getenv('SPORTELLO_SECRET');
$hash = hash_hmac('sha256', (string) $customer->id, $secret);"#,
    ),
    (
        "node",
        "Node.js",
        r#"import { createHmac } from "node:crypto";

const hash = createHmac("sha256", process.env.SPORTELLO_SECRET)
  .update(String(customer.id))
  .digest("hex");"#,
    ),
    (
        "ruby",
        "Ruby",
        r#"require "openssl"

hash = OpenSSL::HMAC.hexdigest("SHA256", ENV.fetch("SPORTELLO_SECRET"), customer.id.to_s)"#,
    ),
    (
        "python",
        "Python",
        r#"import hashlib, hmac, os

secret = os.environ["SPORTELLO_SECRET"].encode()
hash = hmac.new(secret, str(customer.id).encode(), hashlib.sha256).hexdigest()"#,
    ),
];

/// What a shop's script does with the chat.
const EXAMPLE: &str = r##"<script>
  // Before or after the chat has loaded: calls wait for it.
  window.Sportello = window.Sportello || [];

  // Who is signed in; the hash comes from your server, see below.
  Sportello.push(["identify", { id: "4711", email: "anna@example.com", name: "Anna Verdi", hash: "…" }]);

  // What agents see beside the chat; cart_total also decides on greetings.
  Sportello.push(["setContext", { cart_total: 129, order: "BG-1042" }]);

  // A link of your own that opens the chat.
  document.querySelector("#help").onclick = () => Sportello.push(["open"]);

  // Tell your own statistics.
  Sportello.push(["on", "open", () => console.log("the chat was opened")]);
</script>"##;

#[derive(Template)]
#[template(path = "channels/chat/install.html")]
struct InstallPage<'a> {
    shell: &'a Shell,
    chat: Channel,
    snippet: String,
    origin: String,
    /// Only after somebody asked for it.
    secret: Option<String>,
    has_secret: bool,
}

impl<'a> InstallPage<'a> {
    fn new(app: &App, shell: &'a Shell, chat: Channel, secret: Option<String>) -> Self {
        let public = app.config.public_url();
        let origin = url::Url::parse(&public).map_or(public, |url| url.origin().ascii_serialization());
        let has_secret = secret.is_some() || !chat.secrets::<Secrets>(&app.keys).identity.is_empty();
        Self { shell, snippet: snippet(app, chat.address.as_deref().unwrap_or_default()), chat, origin, secret, has_secret }
    }

    fn path(&self) -> String {
        format!("/settings/chats/{}", self.chat.id)
    }

    fn signing(&self) -> [(&'static str, &'static str, &'static str); 4] {
        SIGNING
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }
}

/// The page, without the secret.
pub(super) async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let chat = find(&app, id).await?;
    shell.render(&InstallPage::new(&app, &shell, chat, None))
}

/// The page with the secret, which is made when it is first asked for.
pub(super) async fn reveal(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let chat = hold(&mut change, id).await?;
    let mut known: Secrets = chat.secrets(&app.keys);
    if known.identity.is_empty() {
        known.identity = secrets::token();
        channels::set_secrets(&mut change, id, &seal(&app.keys, &known)?).await?;
        change.touch_settings();
        change.commit().await?;
    } else {
        drop(change);
    }
    shell.render(&InstallPage::new(&app, &shell, chat, Some(known.identity)))
}

/// Puts another secret in the place of the one there is. It is not shown at once, so that reading a page again makes none.
pub(super) async fn renew(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let chat = hold(&mut change, id).await?;
    let mut known: Secrets = chat.secrets(&app.keys);
    known.identity = secrets::token();
    channels::set_secrets(&mut change, id, &seal(&app.keys, &known)?).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("There is a new secret. What was signed with the old one is not believed any more.")
        .redirect(&format!("/settings/chats/{id}/install#identity")))
}
