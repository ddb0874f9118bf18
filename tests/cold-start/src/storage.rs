//! S3 and DynamoDB behind TLS, with a certificate that only the functions trust.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use moorage_aws::setup;
use moorage_engines::s3::Stored;
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
    engines: Served,
    /// Handshakes that were completed.
    connections: Arc<AtomicUsize>,
    /// How many certificates are trusted beside our own.
    pub roots: usize,
    _trusted: NamedTempFile,
}

impl Storage {
    /// Starts the engines with an empty bucket and table, as a registry is made on them.
    pub async fn start() -> Result<Self> {
        let engines = Engines::serve().await?;
        let sdk = engines.engines().sdk_config();
        setup::create_table(&sdk, NAME, &Context::system()).await?;
        setup::create_bucket(&sdk, NAME).await?;
        let key = generate_simple_self_signed(["localhost".to_owned()])?;
        // A function on Lambda reads its system's certificates as well: some 140.
        let roots = rustls_native_certs::load_native_certs().certs;
        let mut trusted = NamedTempFile::new()?;
        trusted.write_all(key.cert.pem().as_bytes())?;
        for root in &roots {
            trusted.write_all(pem::encode(&pem::Pem::new("CERTIFICATE", &**root)).as_bytes())?;
        }
        trusted.flush()?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let connections = Arc::new(AtomicUsize::new(0));
        let mut environment = Vec::new();
        for (name, value) in engines.environment() {
            let value = match value.strip_prefix("http://") {
                Some(address) => {
                    let address: SocketAddr =
                        address.trim_end_matches('/').parse().context("an engine's address")?;
                    let encrypted = encrypt(address, acceptor.clone(), connections.clone()).await?;
                    format!("https://localhost:{}", encrypted.port())
                }
                None => value,
            };
            environment.push((name, value));
        }
        environment.extend(
            [
                ("SSL_CERT_FILE", trusted.path().to_str().context("a path of text")?),
                ("MOORAGE_BUCKET", NAME),
                ("MOORAGE_TABLE", NAME),
                ("MOORAGE_ANONYMOUS", "push"),
                // As Lambda: nothing is looked up on the machine.
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(Self { environment, engines, connections, roots: roots.len(), _trusted: trusted })
    }

    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many connections with TLS were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The object of a blob that was pushed.
    pub fn object_of(&self, digest: &str) -> Result<Stored> {
        let mut objects = self.engines.engines().s3().objects(NAME).into_iter();
        objects.find(|object| object.key.starts_with(digest)).context("the blob is not in the bucket")
    }
}

/// Listens with TLS, and passes on what comes.
async fn encrypt(to: SocketAddr, acceptor: TlsAcceptor, connections: Arc<AtomicUsize>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connections) = (acceptor.clone(), connections.clone());
            tokio::spawn(async move {
                // A connection that breaks is for the function to notice.
                let _ = pass_on(stream, to, &acceptor, &connections).await;
            });
        }
    });
    Ok(address)
}

async fn pass_on(
    stream: TcpStream,
    to: SocketAddr,
    acceptor: &TlsAcceptor,
    connections: &AtomicUsize,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inside = acceptor.accept(stream).await?;
    connections.fetch_add(1, Ordering::Relaxed);
    let mut outside = TcpStream::connect(to).await?;
    outside.set_nodelay(true)?;
    copy_bidirectional(&mut inside, &mut outside).await?;
    Ok(())
}
