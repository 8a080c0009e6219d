//! TLS of the listener (rustls): TLS 1.3 and 1.2, a certificate and its key from two PEM files. The files are looked at again and again, so
//! that a renewed certificate is taken up while the service runs; a bad one is told, and the one in use stays.

use crate::keyring::{self, KeyringError};
use crate::time;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sohoa_sign::certificate::Certificate;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// Whoever has not greeted by then is sent away.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// The first byte of TLS: a handshake record (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// What somebody is told who speaks plain HTTP here.
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 62\r\nConnection: close\r\n\r\n\
    plain HTTP is not spoken here; write https:// in the address.\n";
/// A certificate that has no more than so many days is told once a day.
const ENDS_SOON_DAYS: i64 = 14;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TlsError {
    #[error("[serve] tls_certificate {0}: {1}; name a PEM file with the server's certificate first, then those of its issuers")]
    Certificate(PathBuf, String),
    #[error("[serve] tls_key {0}: {1}; name a PEM file with the certificate's private key, without a password, mode 600")]
    Key(PathBuf, String),
    #[error("[serve] tls_key {0} is another key than that of tls_certificate {1}; name the two that were made together")]
    Mismatch(PathBuf, PathBuf),
    #[error("[serve] tls_certificate {0} ended on {1}; renew it, then start again")]
    Ended(PathBuf, String),
    #[error("[serve] tls_certificate {0} is good from {1} on only; wait, or set the clock of this machine right")]
    NotYet(PathBuf, String),
    #[error("[serve] tls_key: {0}")]
    Open(#[from] KeyringError),
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The primitives under TLS, of servers and clients: named wherever it is set up, so that nothing hangs on a default of the process.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// TLS for a listener.
pub struct Tls {
    files: Files,
    acceptor: TlsAcceptor,
    presented: Arc<Presented>,
    seen: Mutex<Seen>,
}

/// The two files.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells a file from the one that takes its place; none when it is not there.
type Version = Option<(u64, u64, i64, i64)>;

struct Seen {
    versions: [Version; 2],
    ends: Timestamp,
    warned: Option<jiff::civil::Date>,
}

impl Tls {
    /// Opens both files and checks that they are good now.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Tls, TlsError> {
        let (files, provider) = (Files { certificate, key }, provider());
        let versions = files.versions();
        let (certified, ends) = files.load(&provider, Timestamp::now())?;
        let presented = Arc::new(Presented(RwLock::new(Arc::new(certified))));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Setup)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::<Presented>::clone(&presented));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Tls {
            files,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            presented,
            seen: Mutex::new(Seen { versions, ends, warned: None }),
        };
        tls.look();
        Ok(tls)
    }

    /// When the certificate in use ends.
    pub fn ends(&self) -> Timestamp {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Takes up a certificate that was renewed. One that cannot be used is told once, and the one in use stays.
    pub fn look(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Older than what is read below, when a file is replaced in between: then the next look reads it again.
        let (versions, now) = (self.files.versions(), Timestamp::now());
        if versions != seen.versions {
            seen.versions = versions;
            match self.files.load(&provider(), now) {
                Ok((certified, ends)) => {
                    *self.presented.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                    (seen.ends, seen.warned) = (ends, None);
                    tracing::info!("the TLS certificate was renewed; it is good until {}", day(ends));
                }
                Err(error) => tracing::error!("the renewed TLS certificate is not taken, the one in use is kept: {error}"),
            }
        }
        let (today, left) = (time::now().date(), seen.ends.duration_since(now).as_hours() / 24);
        if left <= ENDS_SOON_DAYS && seen.warned != Some(today) {
            seen.warned = Some(today);
            tracing::warn!("the TLS certificate {} ends on {}; renew it", self.files.certificate.display(), day(seen.ends));
        }
    }

    /// Greets a caller; none when that is no TLS, or took too long.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(HANDSHAKE_TIME, self.greet(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            // Whoever knocks and goes away is no trouble of the service.
            Ok(Err(error)) => {
                tracing::debug!("a TLS handshake failed: {error}");
                None
            }
            Err(_) => None,
        }
    }

    async fn greet(&self, mut stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let mut first = [HANDSHAKE];
        stream.peek(&mut first).await?;
        if first[0] != HANDSHAKE {
            // What was sent is read, or the system would throw the answer away with it.
            let _ = stream.read(&mut [0; 8192]).await?;
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            return Err(std::io::Error::other("plain HTTP"));
        }
        self.acceptor.accept(stream).await
    }
}

impl Files {
    /// The certificate with its key, and when it ends.
    fn load(&self, provider: &CryptoProvider, now: Timestamp) -> Result<(CertifiedKey, Timestamp), TlsError> {
        let Files { certificate, key } = self;
        let of_certificate = |why: String| TlsError::Certificate(certificate.clone(), why);
        let of_key = |why: String| TlsError::Key(key.clone(), why);
        let pem = std::fs::read(certificate).map_err(|e| of_certificate(e.to_string()))?;
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|e| of_certificate(e.to_string()))?;
        let leaf = chain.first().ok_or_else(|| of_certificate("there is no certificate in it".into()))?;
        let (begins, ends) = Certificate::from_der(leaf).map_err(|e| of_certificate(e.to_string()))?.validity();
        if now > ends {
            return Err(TlsError::Ended(certificate.clone(), day(ends)));
        }
        if now < begins {
            return Err(TlsError::NotYet(certificate.clone(), day(begins)));
        }
        keyring::refuse_open(key)?;
        let pem = Zeroizing::new(std::fs::read(key).map_err(|e| of_key(e.to_string()))?);
        let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| of_key(e.to_string()))?;
        match CertifiedKey::from_der(chain, private, provider) {
            Ok(certified) => Ok((certified, ends)),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch(key.clone(), certificate.clone())),
            Err(error) => Err(of_key(error.to_string())),
        }
    }

    fn versions(&self) -> [Version; 2] {
        let version = |file: &Path| {
            let meta = std::fs::metadata(file).ok()?;
            Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
        };
        [version(&self.certificate), version(&self.key)]
    }
}

/// A day in Vietnam.
fn day(at: Timestamp) -> String {
    at.to_zoned(time::zone()).date().to_string()
}

/// The certificate that callers are shown, whatever name they ask for.
#[derive(Debug)]
struct Presented(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
