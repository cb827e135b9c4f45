//! Mail that a service brings by webhook: Mailgun, Postmark, SendGrid. Each is asked for the mail as it came (raw MIME), which is stored before
//! the service is answered.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::channels::email::settings::{HookService, Secrets, Settings};
use crate::channels::wire::hooks::understand_soon;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::kinds::ChannelKind;
use crate::http::Path;
use crate::ids::ChannelId;
use crate::secrets;

/// The largest webhook, in bytes: 35 MB of mail in base64, and what surrounds it.
const MAX_BODY: usize = 52 << 20;
/// For one webhook; mails are large and lines slow.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Mailgun tries for eight hours; what is older is somebody else's.
const MAX_AGE: i64 = 12 * 3600;
const MAX_FIELDS: usize = 200;

/// The routes that services call.
pub fn router() -> Router<App> {
    Router::new()
        .route("/hooks/mail/{service}/{id}/{secret}", post(knock))
        .route("/hooks/mail/{service}/{id}/{secret}/mime", post(knock))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}

impl HookService {
    /// As it stands in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mailgun => "mailgun",
            Self::Postmark => "postmark",
            Self::Sendgrid => "sendgrid",
        }
    }

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mailgun => "Mailgun",
            Self::Postmark => "Postmark",
            Self::Sendgrid => "SendGrid",
        }
    }

    /// What it is answered whose webhook cannot be taken as things stand. SendGrid throws a mail away at any 4xx and brings it again after 5xx.
    const fn refused(self, status: StatusCode) -> StatusCode {
        match self {
            Self::Sendgrid => StatusCode::SERVICE_UNAVAILABLE,
            Self::Mailgun | Self::Postmark => status,
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mailgun, Self::Postmark, Self::Sendgrid];
}

/// The address that an admin enters at the service's. Mailgun sends the mail as it came to addresses that end so.
pub fn address(app: &App, channel: ChannelId, service: HookService, secret: &str) -> String {
    let end = if service == HookService::Mailgun { "/mime" } else { "" };
    format!("{}/hooks/mail/{}/{channel}/{secret}{end}", app.config.public_url(), service.word())
}

/// A mail out of a webhook.
#[derive(Debug, PartialEq, Eq)]
struct Brought {
    from: String,
    to: Vec<String>,
    raw: Vec<u8>,
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It is not the service's.
    Forged,
    /// It is, but says nothing that can be used; the words are for the admin.
    Useless(&'static str),
}

async fn knock(
    State(app): State<App>,
    Path((service, id, secret)): Path<(String, ChannelId, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let away = |error: sqlx::Error| {
        tracing::warn!(%error, "a mail could not be stored; the service brings it again");
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    };
    let named = HookService::ALL.into_iter().find(|known| known.word() == service);
    let Some(service) = named else { return StatusCode::NOT_FOUND.into_response() };
    let found = async { channels::find(&mut *app.db.acquire().await?, id).await };
    let channel = match found.await {
        Ok(channel) => channel.filter(|channel| channel.kind == ChannelKind::Email && Settings::of(channel).hook == Some(service)),
        Err(error) => return away(error),
    };
    // Somebody may be in the middle of changing the service, or the address that stands there.
    let Some(channel) = channel else { return service.refused(StatusCode::NOT_FOUND).into_response() };
    let stored: Secrets = channel.secrets(&app.keys);
    let right: bool = stored.hook_secret.as_bytes().ct_eq(secret.as_bytes()).into();
    if !right || secret.is_empty() {
        return service.refused(StatusCode::NOT_FOUND).into_response();
    }
    let brought = match service {
        HookService::Mailgun => mailgun(&headers, body, &stored.hook_key).await,
        HookService::Postmark => postmark(&body),
        HookService::Sendgrid => sendgrid(&headers, body, &stored.hook_key).await,
    };
    let brought = match brought {
        Ok(brought) => brought,
        Err(Refusal::Forged) => {
            tracing::warn!(channel = %id, service = service.label(), "a webhook was refused: it does not bear the service's signature");
            // 401 and not 403 or 406, which would have the service throw the mail away: the key may just be entered wrong.
            return service.refused(StatusCode::UNAUTHORIZED).into_response();
        }
        Err(Refusal::Useless(words)) => {
            note(&app, id, words).await;
            return (service.refused(StatusCode::UNPROCESSABLE_ENTITY), words).into_response();
        }
    };
    if !channel.enabled {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match store(&app, &channel, service, &brought).await {
        Ok(delivery) => {
            understand_soon(&app, delivery);
            (StatusCode::OK, "ok\n").into_response()
        }
        Err(error) => away(error),
    }
}

async fn note(app: &App, id: ChannelId, words: &str) {
    let noted = async { channels::note_error(&mut *app.db.acquire().await?, id, words).await };
    if let Err(error) = noted.await {
        tracing::warn!(channel = %id, %error, "cannot show on a mailbox what is wrong with it");
    }
}

async fn store(app: &App, channel: &Channel, service: HookService, brought: &Brought) -> sqlx::Result<crate::ids::DeliveryId> {
    let mut tx = app.db.begin().await?;
    let new = NewDelivery {
        channel: channel.id,
        door: service.word(),
        envelope_from: Some(&brought.from),
        envelope_to: &brought.to,
        raw: &brought.raw,
    };
    let delivery = deliveries::store(&mut tx, new).await?;
    channels::note_event(&mut tx, channel.id).await?;
    channels::note_ok(&mut tx, channel.id).await?;
    tx.commit().await?;
    Ok(delivery)
}

/// The fields of a form, whichever way it is written.
async fn fields(headers: &HeaderMap, body: Bytes) -> Result<HashMap<String, Vec<u8>>, Refusal> {
    const BROKEN: Refusal = Refusal::Useless("The webhook that came is no form.");
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Ok(url::form_urlencoded::parse(&body).map(|(name, value)| (name.into_owned(), value.into_owned().into_bytes())).collect());
    }
    let mut request = http::Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(body)).map_err(|_| BROKEN)?;
    // Else it takes two megabytes and no more.
    DefaultBodyLimit::max(MAX_BODY).apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| BROKEN)?;
    let mut found = HashMap::new();
    while let Some(field) = multipart.next_field().await.map_err(|_| BROKEN)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(|_| BROKEN)?;
        if found.len() < MAX_FIELDS {
            found.insert(name, value.to_vec());
        }
    }
    Ok(found)
}

fn text(fields: &HashMap<String, Vec<u8>>, name: &str) -> String {
    fields.get(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

/// Mailgun signs a time and a token; the token must not come again with something else.
async fn mailgun(headers: &HeaderMap, body: Bytes, key: &str) -> Result<Brought, Refusal> {
    static TOKENS: LazyLock<moka::future::Cache<String, [u8; 32]>> = LazyLock::new(|| {
        moka::future::Cache::builder().max_capacity(20_000).time_to_live(Duration::from_secs(MAX_AGE.unsigned_abs())).build()
    });
    let mut fields = fields(headers, body).await?;
    let (timestamp, token, signature) = (text(&fields, "timestamp"), text(&fields, "token"), text(&fields, "signature"));
    let signed = hex::encode(secrets::hmac(key, &[timestamp.as_bytes(), token.as_bytes()]));
    let right: bool = signed.as_bytes().ct_eq(signature.to_ascii_lowercase().as_bytes()).into();
    let age = timestamp.parse::<i64>().ok().map(|at| jiff::Timestamp::now().as_second().saturating_sub(at).saturating_abs());
    if key.is_empty() || !right || age.is_none_or(|age| age > MAX_AGE) {
        return Err(Refusal::Forged);
    }
    let raw = fields.remove("body-mime").filter(|raw| !raw.is_empty()).ok_or(Refusal::Useless(
        "Mailgun did not send the mail as it came. Its route must forward to the address shown here, which ends with “mime”.",
    ))?;
    let print: [u8; 32] = Sha256::digest(&raw).into();
    if TOKENS.get_with(token, async { print }).await != print {
        return Err(Refusal::Forged);
    }
    Ok(Brought { from: text(&fields, "sender"), to: list(&text(&fields, "recipient")), raw })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct PostmarkMail {
    from: String,
    original_recipient: String,
    to: String,
    raw_email: String,
}

/// Postmark signs nothing: the secret in the address shows that it is theirs.
fn postmark(body: &[u8]) -> Result<Brought, Refusal> {
    let mail: PostmarkMail = serde_json::from_slice(body).map_err(|_| Refusal::Useless("The webhook that came is none of Postmark’s."))?;
    if mail.raw_email.is_empty() {
        return Err(Refusal::Useless(
            "Postmark did not send the mail as it came. On the inbound stream’s settings, tick “Include raw email content in JSON payload”.",
        ));
    }
    let to = if mail.original_recipient.is_empty() { mail.to } else { mail.original_recipient };
    Ok(Brought { from: mail.from, to: list(&to), raw: mail.raw_email.into_bytes() })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SendgridEnvelope {
    to: Vec<String>,
    from: String,
}

/// SendGrid signs only if told so; then the time and the body as it is.
async fn sendgrid(headers: &HeaderMap, body: Bytes, key: &str) -> Result<Brought, Refusal> {
    if !key.is_empty() && !is_signed(headers, &body, key) {
        return Err(Refusal::Forged);
    }
    let mut fields = fields(headers, body).await?;
    let raw = fields.remove("email").filter(|raw| !raw.is_empty()).ok_or(Refusal::Useless(
        "SendGrid did not send the mail as it came. In its Inbound Parse settings, tick “POST the raw, full MIME message”.",
    ))?;
    let envelope: SendgridEnvelope = fields.get("envelope").and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
    Ok(Brought { from: envelope.from, to: envelope.to.iter().flat_map(|to| list(to)).collect(), raw })
}

fn is_signed(headers: &HeaderMap, body: &[u8], key: &str) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let timestamp = header("x-twilio-email-event-webhook-timestamp");
    let Ok(signature) = STANDARD.decode(header("x-twilio-email-event-webhook-signature")) else { return false };
    let Ok(key) = STANDARD.decode(key.split_whitespace().collect::<String>()) else { return false };
    // The point at the end of what names its kind; ring wants it alone.
    let Some(point) = key.len().checked_sub(65).map(|at| &key[at..]) else { return false };
    let signed = [timestamp.as_bytes(), body].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(&signed, &signature).is_ok()
}

/// Addresses separated by commas, without names.
fn list(text: &str) -> Vec<String> {
    const MAX: usize = 100;
    let bare = |part: &str| part.rsplit_once('<').map_or(part, |(_, rest)| rest).trim_end_matches('>').trim().to_owned();
    text.split(',').map(|part| bare(part.trim())).filter(|address| address.contains('@') && address.len() <= 254).take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_names() {
        assert_eq!(list("Help <help@shop.it>, info@shop.it ,, x"), ["help@shop.it", "info@shop.it"]);
    }

    #[test]
    fn what_lacks_the_raw_mail_says_how_to_get_it() {
        assert!(matches!(postmark(br#"{"From":"a@b.it","TextBody":"Ciao"}"#), Err(Refusal::Useless(words)) if words.contains("raw email")));
        let taken =
            postmark(br#"{"From":"a@b.it","OriginalRecipient":"help+t42@in.it","RawEmail":"Subject: x\r\n\r\nCiao"}"#).expect("taken");
        assert_eq!((taken.from.as_str(), taken.to, taken.raw.len()), ("a@b.it", vec!["help+t42@in.it".to_owned()], 18));
    }
}
