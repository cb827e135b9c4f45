//! Calls to providers: with a time-out, a size limit, and never into private networks.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use url::Url;

use crate::app::App;
use crate::desk::envelope::IncomingFile;
use crate::desk::networks::Fault;

/// For one call, its answer included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For a file.
const FILE_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest answer of an API, in bytes.
const MAX_ANSWER: usize = 4 << 20;
/// The largest file that is fetched, in bytes.
pub const MAX_FILE: usize = 25 << 20;
const MAX_REDIRECTS: usize = 3;

/// Calls APIs and fetches files.
#[derive(Clone)]
pub struct Caller {
    /// For APIs and for files; none where this machine has nothing to trust.
    clients: Option<(Client, Client)>,
    private: bool,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answered {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Seconds that `Retry-After` asks for.
    pub fn retry_after(&self) -> Option<i64> {
        self.headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().filter(|seconds| *seconds >= 0)
    }
}

/// A fetched file.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    /// As the server named it.
    pub media_type: Option<String>,
}

/// What a file is called of which nobody says what it is.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

impl Fetched {
    /// As a file of a message. What is known of its type goes before what the server named.
    pub fn into_file(self, name: String, media_type: Option<String>) -> IncomingFile {
        let media_type = media_type.or(self.media_type).unwrap_or_else(|| UNKNOWN_TYPE.to_owned());
        IncomingFile { name, media_type, bytes: self.bytes, content_id: None, inline: false }
    }
}

static GUARDED: LazyLock<Option<(Client, Client)>> = LazyLock::new(|| clients(false));
static OPEN: LazyLock<Option<(Client, Client)>> = LazyLock::new(|| clients(true));

impl Caller {
    /// The desk's own.
    pub fn of(app: &App) -> Self {
        let private = app.config.web.allow_private_networks;
        Self { clients: if private { OPEN.clone() } else { GUARDED.clone() }, private }
    }

    fn clients(&self) -> Result<&(Client, Client), Fault> {
        let words = || "This machine trusts no certificate authority; install ca-certificates.".to_owned();
        self.clients.as_ref().ok_or_else(|| Fault::Later { words: words(), after: None })
    }

    /// A request to an API; nothing is followed elsewhere.
    pub fn request(&self, method: http::Method, url: &str) -> Result<RequestBuilder, Fault> {
        let url = permitted(url, self.private)?;
        Ok(self.clients()?.0.request(method, url))
    }

    /// Sends a request that changes nothing there: a lost answer is worth another try.
    ///
    /// # Errors
    /// [`Fault::Later`] when there is no answer. What the answer says is the caller's to judge.
    pub async fn ask(&self, request: RequestBuilder) -> Result<Answered, Fault> {
        match self.run(request).await {
            Err(Fault::Unsure(words)) => Err(Fault::Later { words, after: None }),
            other => other,
        }
    }

    /// Sends a request that must not be done twice.
    ///
    /// # Errors
    /// [`Fault::Later`] when it surely did not arrive, [`Fault::Unsure`] when that cannot be known.
    pub async fn run(&self, request: RequestBuilder) -> Result<Answered, Fault> {
        let response = request.send().await.map_err(|error| lost(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        // The status alone says that it was taken, or refused.
        let body = match read(response, MAX_ANSWER).await {
            Ok(body) => body,
            Err(words) if status.is_success() => return Err(Fault::Unsure(words)),
            Err(_) => Vec::new(),
        };
        Ok(Answered { status, headers, body })
    }

    /// Fetches a file, at most [`MAX_FILE`] bytes; redirects are followed, never into private networks. `prepare` adds what the server
    /// wants to see; it is not carried to another host.
    ///
    /// # Errors
    /// [`Fault::Permanent`] when it is gone or too large, [`Fault::Later`] when another try may help.
    pub async fn fetch(&self, url: &str, prepare: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Result<Fetched, Fault> {
        self.fetch_at_most(MAX_FILE, url, prepare).await
    }

    /// The same with a limit of its own.
    ///
    /// # Errors
    /// As [`Caller::fetch`].
    pub async fn fetch_at_most(
        &self,
        max: usize,
        url: &str,
        prepare: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Fetched, Fault> {
        let later = |words: String| Fault::Later { words, after: None };
        let url = permitted(url, self.private)?;
        let response = prepare(self.clients()?.1.get(url)).send().await.map_err(|error| later(words_of(&error)))?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(later(format!("The server answered {status}.")));
        }
        if !status.is_success() {
            return Err(Fault::Permanent(format!("The server answered {status}.")));
        }
        let media_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = read(response, max).await.map_err(|words| if words == TOO_LARGE { Fault::Permanent(words) } else { later(words) })?;
        Ok(Fetched { bytes, media_type })
    }
}

const TOO_LARGE: &str = "It is larger than what is taken.";

async fn read(mut response: Response, max: usize) -> Result<Vec<u8>, String> {
    if response.content_length().is_some_and(|length| length > max as u64) {
        return Err(TOO_LARGE.to_owned());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| words_of(&error))? {
        if body.len() + chunk.len() > max {
            return Err(TOO_LARGE.to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a failed request means: one that never reached the server may be sent again.
fn lost(error: &reqwest::Error) -> Fault {
    let words = words_of(error);
    if error.is_connect() || error.is_builder() { Fault::Later { words, after: None } } else { Fault::Unsure(words) }
}

/// Without the address: it may carry a token.
fn words_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "The provider did not answer in time.".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_connect() { format!("The provider could not be reached: {cause}.") } else { format!("The connection broke: {cause}.") }
}

/// Refuses addresses that are no public web addresses; with `private` those of private networks, and without TLS, are taken too.
pub fn permitted(url: &str, private: bool) -> Result<Url, Fault> {
    let refused = |words: &str| Fault::Permanent(words.to_owned());
    let url = Url::parse(url).map_err(|_| refused("That is no web address."))?;
    if url.scheme() != "https" && !(private && url.scheme() == "http") {
        return Err(refused("Only addresses that begin with https:// are called."));
    }
    match url.host() {
        Some(url::Host::Ipv4(ip)) if !private && !is_public(ip.into()) => Err(refused("The address lies in a private network.")),
        Some(url::Host::Ipv6(ip)) if !private && !is_public(ip.into()) => Err(refused("The address lies in a private network.")),
        Some(_) => Ok(url),
        None => Err(refused("That is no web address.")),
    }
}

/// Whether an address is one of the open internet.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_unspecified()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            // Only what is handed out to the open internet, without the prefixes that carry other addresses inside (6to4, Teredo, NAT64).
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && ip.segments()[1] < 0x0200)
                && ip.segments()[..2] != [0x2001, 0x0db8]
        }
    }
}

/// Names that lead into private networks lead nowhere.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads into a private network, or nowhere".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn clients(private: bool) -> Option<(Client, Client)> {
    // Both need a provider for TLS, whoever comes first; a second installation is refused and changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let base = || {
        let builder = Client::builder()
            .user_agent(concat!("Sportello/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .no_proxy();
        if private { builder } else { builder.dns_resolver(PublicOnly) }
    };
    let follow = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > MAX_REDIRECTS || permitted(attempt.url().as_str(), private).is_err() {
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    let api = base().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
    let files = base().timeout(FILE_TIMEOUT).redirect(follow).build();
    // Fails only where the system has no certificates at all; a client without these rules must not stand in.
    Some((api.ok()?, files.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_not_called() {
        for url in [
            "http://example.com",
            "https://127.0.0.1/x",
            "https://10.1.2.3",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://169.254.169.254/latest",
            "ftp://example.com",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(permitted(url, false).is_err(), "{url}");
        }
        assert!(permitted("https://graph.facebook.com/v25.0/me", false).is_ok());
        assert!(permitted("http://127.0.0.1:4000/", true).is_ok());
    }
}
