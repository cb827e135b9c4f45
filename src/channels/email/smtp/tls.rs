//! The certificate for STARTTLS: the configured one, else one made here once. Mail servers encrypt to either.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

/// What answers STARTTLS; none when no certificate could be made.
pub async fn acceptor(config: &Config) -> anyhow::Result<Option<TlsAcceptor>> {
    if let (Some(cert), Some(key)) = (&config.mail.smtp_cert, &config.mail.smtp_key) {
        let acceptor = load(cert, key).with_context(|| format!("the certificate {} cannot be used", cert.display()))?;
        return Ok(Some(acceptor));
    }
    let (cert, key) = (config.data.join("smtp-cert.pem"), config.data.join("smtp-key.pem"));
    if let Ok(acceptor) = load(&cert, &key) {
        return Ok(Some(acceptor));
    }
    let host = config.web.public_url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost").to_owned();
    let made = make(host, &cert, &key).and_then(|()| load(&cert, &key));
    Ok(made.inspect_err(|error| tracing::warn!(%error, "no certificate for incoming mail; it will come in the clear")).ok())
}

fn load(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn make(host: String, cert: &Path, key: &Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = rcgen::generate_simple_self_signed(vec![host])?;
    if let Some(folder) = cert.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(key)?;
    file.write_all(made.signing_key.serialize_pem().as_bytes())?;
    std::fs::write(cert, made.cert.pem())?;
    Ok(())
}
