//! Why a PDF is not signed: causes a person can act on.

use std::fmt;

/// Why something about a PDF signature could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A certificate that may not sign now.
    #[error("the certificate of {subject} may not sign: {why}")]
    Certificate {
        /// Whose it is.
        subject: String,
        /// What is wrong with it, and what to do.
        why: CertificateFault,
    },
    /// A key that is too short.
    #[error("an RSA key of {0} bits is too short; TT 15/2025/TT-BKHCN asks for 2048 or more")]
    WeakKey(usize),
    /// An algorithm that is not believed, or not known.
    #[error(
        "the algorithm {0} is not supported; RSA from 2048 bits, ECDSA on P-256 or P-384 and Ed25519 are, with SHA-256, -384 or -512"
    )]
    Algorithm(String),
    /// Outside bytes that are not what they should be.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The PKCS#12 file does not open.
    #[error("the PKCS#12 file cannot be used: {0}")]
    Pkcs12(String),
    /// The token says no. It is asked once: a wrong PIN is never tried again.
    #[error("the token: {0}")]
    Token(String),
    /// No time stamp, whoever was asked.
    #[error("no time stamp: {0}; check the network and [sign] tsa")]
    Timestamp(String),
    /// Revocation could not be asked, and the level needs the answer.
    #[error("no revocation information: {0}; check the network, or whether the CA publishes its CRL")]
    Revocation(String),
    /// The PDF cannot take a signature.
    #[error("the PDF cannot be signed: {0}")]
    Pdf(String),
    /// The font or the picture of the visible signature cannot be used.
    #[error("the visible signature cannot be drawn: {0}")]
    Appearance(String),
    /// The CMS that came back does not belong to what was prepared.
    #[error("the CMS does not fit: {0}")]
    Foreign(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its time has not come or is over.
    NotValidAt {
        /// RFC 3339, UTC.
        from: String,
        /// RFC 3339, UTC.
        until: String,
    },
    /// It is not meant for this.
    Usage(&'static str),
    /// It demands something that is not looked into.
    Demands,
    /// No path to a believed root.
    NoPath(String),
    /// The CA took it back.
    Revoked(String),
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateFault::NotValidAt { from, until } => {
                write!(f, "it is valid from {from} to {until}; ask the CA for a new one, and check this machine's clock")
            }
            CertificateFault::Usage(what) => write!(f, "its use does not include {what}; ask the CA for one that does"),
            CertificateFault::Demands => {
                write!(
                    f,
                    "an extension of it demands what is not looked into here (constraints of names or policies, or one that is unknown and critical); ask the CA for one without"
                )
            }
            CertificateFault::NoPath(issuer) => {
                write!(
                    f,
                    "no path leads from it to a certificate of [sign] roots; add the CA's own, '{issuer}', if you believe it"
                )
            }
            CertificateFault::Revoked(at) => write!(f, "the CA revoked it on {at}; use another one"),
        }
    }
}

impl From<der::Error> for SignError {
    fn from(error: der::Error) -> Self {
        SignError::Malformed(error.to_string())
    }
}
