//! Who is on the other side of the connection.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::header;
use http::request::Parts;

use crate::app::App;

/// The browser's address, as far as it can be known, and what it calls itself.
#[derive(Debug, Clone)]
pub struct Client {
    pub ip: IpAddr,
    pub user_agent: String,
    pub accept_language: String,
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let trusted = &app.config.web.trusted_proxies;
        let mut ip = peer.to_canonical();
        if trusted.contains(&ip) {
            // The last address that none of our own proxies added.
            let forwarded = text(header::HeaderName::from_static("x-forwarded-for"));
            for hop in forwarded.rsplit(',') {
                let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
                ip = hop.to_canonical();
                if !trusted.contains(&ip) {
                    break;
                }
            }
        }
        Ok(Self { ip, user_agent: text(header::USER_AGENT).to_owned(), accept_language: text(header::ACCEPT_LANGUAGE).to_owned() })
    }
}

impl Client {
    /// The network that one household or office shares: an IPv4 address, or the first 64 bits of an IPv6 one.
    pub fn network(&self) -> String {
        match self.ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => {
                let parts = ip.segments();
                format!("{:x}:{:x}:{:x}:{:x}::/64", parts[0], parts[1], parts[2], parts[3])
            }
        }
    }
}
