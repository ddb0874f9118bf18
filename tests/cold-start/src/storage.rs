//! S3 and DynamoDB behind TLS, with a certificate that only the functions trust.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use moorage_aws::setup;
use moorage_engines::{Engines, Served};
use moorage_ports::Context;
use rcgen::generate_simple_self_signed;
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Of the bucket and the table.
const NAME: &str = "cold-start";

/// Engines, and what a function needs to reach them. Ends with it.
pub struct Storage {
    environment: Vec<(String, String)>,
    _engines: Served,
    _certificate: NamedTempFile,
}

impl Storage {
    /// Starts the engines with an empty bucket and table, as a registry is made on them.
    pub async fn start() -> Result<Self> {
        let engines = Engines::serve().await?;
        let sdk = engines.engines().sdk_config();
        setup::create_table(&sdk, NAME, &Context::system()).await?;
        setup::create_bucket(&sdk, NAME).await?;
        let key = generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = NamedTempFile::new()?;
        std::fs::write(certificate.path(), key.cert.pem())?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let mut environment = Vec::new();
        for (name, value) in engines.environment() {
            let value = match value.strip_prefix("http://") {
                Some(address) => {
                    let address: SocketAddr =
                        address.trim_end_matches('/').parse().context("an engine's address")?;
                    format!("https://localhost:{}", encrypt(address, acceptor.clone()).await?.port())
                }
                None => value,
            };
            environment.push((name, value));
        }
        environment.extend(
            [
                ("SSL_CERT_FILE", certificate.path().to_str().context("a path of text")?),
                ("MOORAGE_BUCKET", NAME),
                ("MOORAGE_TABLE", NAME),
                ("MOORAGE_ANONYMOUS", "push"),
                // As Lambda: nothing is looked up on the machine.
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(Self { environment, _engines: engines, _certificate: certificate })
    }

    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Listens with TLS, and passes on what comes.
async fn encrypt(to: SocketAddr, acceptor: TlsAcceptor) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A connection that breaks is for the function to notice.
                let _ = pass_on(stream, to, &acceptor).await;
            });
        }
    });
    Ok(address)
}

async fn pass_on(stream: TcpStream, to: SocketAddr, acceptor: &TlsAcceptor) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inside = acceptor.accept(stream).await?;
    let mut outside = TcpStream::connect(to).await?;
    outside.set_nodelay(true)?;
    copy_bidirectional(&mut inside, &mut outside).await?;
    Ok(())
}
