//! Certificates (RFC 5280): who signs, may they, and is there a path to a root that we believe. It is asked *before* signing; a
//! signature that nobody will believe is worse than none. What a certificate demands that is not looked into here (name constraints, policies, what is
//! critical and unknown) makes it unusable.

use crate::algorithm::{self, Algorithm};
use crate::{CertificateFault, SignError, asn1};
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use std::fmt;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};

const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
const AT_OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// Extensions that demand something of the rest of a path, whether or not their issuer called them critical: constraints of names and policies.
const CONSTRAINTS: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.5.29.30"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];
/// What may be critical, since it is looked at or binds nobody here: key usage, alternative name, basic constraints, policies, extended key usage.
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];

/// Certificates between a signer's and a root; longer paths are nobody's.
const MOST_STEPS: usize = 6;

/// A certificate: its bytes as they came, and what they say.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("subject", &self.name()).finish()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing documents.
    Document,
    /// Stamping times (RFC 3161 2.3).
    Timestamp,
    /// Answering about revocation (RFC 6960 4.2.2.2).
    Ocsp,
}

impl Certificate {
    /// Reads DER.
    pub fn from_der(der: &[u8]) -> Result<Self, SignError> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(|e| SignError::Malformed(format!("a certificate: {e}")))?;
        Ok(Self { der: der.to_vec(), parsed })
    }

    /// Every certificate of a PEM text; other blocks are passed over.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, SignError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let blocks = text.match_indices(BEGIN).filter_map(|(at, _)| {
            let block = &text[at..];
            block.find(END).map(|end| &block[..end + END.len()])
        });
        blocks
            .map(|block| {
                let (_, der) = der::pem::decode_vec(block.as_bytes())
                    .map_err(|e| SignError::Malformed(format!("a certificate in PEM form: {e}")))?;
                Self::from_der(&der)
            })
            .collect()
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn tbs(&self) -> &x509_cert::TbsCertificate {
        self.parsed.tbs_certificate()
    }

    /// Whose it is: the common name, else the whole subject.
    pub fn name(&self) -> String {
        let subject = self.tbs().subject();
        match subject.common_name() {
            Ok(Some(name)) => name.value().into_owned(),
            _ => subject.to_string(),
        }
    }

    /// Who issued it.
    pub fn issuer_name(&self) -> String {
        match self.tbs().issuer().common_name() {
            Ok(Some(name)) => name.value().into_owned(),
            _ => self.tbs().issuer().to_string(),
        }
    }

    /// From when to when it is valid.
    pub fn validity(&self) -> (Timestamp, Timestamp) {
        let validity = self.tbs().validity();
        let moment = |time: &x509_cert::time::Time| {
            Timestamp::from_second(time.to_unix_duration().as_secs() as i64).unwrap_or(Timestamp::MAX)
        };
        (moment(&validity.not_before), moment(&validity.not_after))
    }

    /// Issuer and serial number, as CMS names a signer (RFC 5652 10.2.4).
    pub(crate) fn issuer_and_serial(&self) -> Result<Vec<u8>, SignError> {
        Ok(asn1::sequence(&[&self.tbs().issuer().to_der()?, &self.tbs().serial_number().to_der()?]))
    }

    pub(crate) fn key_identifier(&self) -> Option<Vec<u8>> {
        let (_, identifier) = self.tbs().get_extension::<SubjectKeyIdentifier>().ok()??;
        Some(identifier.0.as_bytes().to_vec())
    }

    /// How its key signs.
    pub fn algorithm(&self) -> Result<Algorithm, SignError> {
        Algorithm::of_key(self.tbs().subject_public_key_info())
    }

    /// Whether a signature is by its key.
    pub fn verifies(
        &self,
        algorithm: &AlgorithmIdentifierOwned,
        hash: Option<algorithm::Hash>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SignError> {
        algorithm::verify(self.tbs().subject_public_key_info(), algorithm, hash, message, signature)
    }

    /// Whether `self` issued `other`: names fit, it is a CA, and its key verifies the signature.
    pub(crate) fn issued(&self, other: &Certificate) -> bool {
        if self.tbs().subject() != other.tbs().issuer() || !self.is_ca() {
            return false;
        }
        let mut outer = &other.der[..];
        let signed = asn1::take(&mut outer).and_then(|whole| asn1::take(&mut { whole.value }));
        let Ok(signed) = signed else { return false };
        let signature = other.parsed.signature().as_bytes().unwrap_or_default();
        self.verifies(other.parsed.signature_algorithm(), None, signed.whole, signature).unwrap_or(false)
    }

    fn is_ca(&self) -> bool {
        let ca = matches!(self.tbs().get_extension::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca);
        let signs = match self.tbs().get_extension::<KeyUsage>() {
            Ok(Some((_, usage))) => usage.key_cert_sign(),
            Ok(None) => true,
            Err(_) => false,
        };
        ca && signs
    }

    /// True when it demands something that is not looked into (RFC 5280 4.2).
    fn demands_more(&self) -> bool {
        let unknown = |id: &ObjectIdentifier, critical: bool| CONSTRAINTS.contains(id) || critical && !UNDERSTOOD.contains(id);
        self.tbs().extensions().is_some_and(|all| all.iter().any(|one| unknown(&one.extn_id, one.critical)))
    }

    /// Whether so many authorities may stand below it in a path (RFC 5280 4.2.1.9), those not counted that renewed themselves.
    fn allows_below(&self, count: usize) -> bool {
        let constraints = self.tbs().get_extension::<BasicConstraints>().ok().flatten();
        constraints.and_then(|(_, constraints)| constraints.path_len_constraint).is_none_or(|most| count <= usize::from(most))
    }

    /// True when it says so itself.
    pub fn is_self_signed(&self) -> bool {
        self.tbs().subject() == self.tbs().issuer() && self.issued(self)
    }

    /// Whether its responder need not be asked about (RFC 6960 4.2.2.2.1).
    pub(crate) fn is_ocsp_no_check(&self) -> bool {
        self.tbs().extensions().is_some_and(|all| all.iter().any(|extension| extension.extn_id == OCSP_NO_CHECK))
    }

    /// Where its CA publishes the list of what it revoked; http only.
    pub fn crl_urls(&self) -> Vec<String> {
        let points = self.tbs().get_extension::<CrlDistributionPoints>().ok().flatten();
        let names = points.iter().flat_map(|(_, points)| &points.0).filter_map(|point| point.distribution_point.as_ref());
        let full = names.filter_map(|name| match name {
            DistributionPointName::FullName(names) => Some(names),
            DistributionPointName::NameRelativeToCRLIssuer(_) => None,
        });
        full.flatten().filter_map(http).collect()
    }

    /// Where it can be asked about; http only.
    pub fn ocsp_urls(&self) -> Vec<String> {
        let access = self.tbs().get_extension::<AuthorityInfoAccessSyntax>().ok().flatten();
        let access = access.iter().flat_map(|(_, access)| &access.0).filter(|access| access.access_method == AT_OCSP);
        access.filter_map(|access| http(&access.access_location)).collect()
    }

    /// Whether it may be used for this now.
    pub fn check(&self, purpose: Purpose, at: Timestamp) -> Result<(), SignError> {
        let fault = |why| SignError::Certificate { subject: self.name(), why };
        let (from, until) = self.validity();
        if at < from || at > until {
            return Err(fault(CertificateFault::NotValidAt { from: from.to_string(), until: until.to_string() }));
        }
        if self.demands_more() {
            return Err(fault(CertificateFault::Demands));
        }
        self.algorithm()?;
        let usage = self.tbs().get_extension::<KeyUsage>()?;
        if usage.is_some_and(|(_, usage)| !usage.digital_signature() && !usage.non_repudiation()) {
            return Err(fault(CertificateFault::Usage("signatures (digitalSignature or nonRepudiation)")));
        }
        let extended = self.tbs().get_extension::<ExtendedKeyUsage>()?.map(|(_, usage)| usage.0);
        let names = |oid| extended.as_ref().is_some_and(|usage| usage.contains(&oid));
        match purpose {
            Purpose::Document => Ok(()),
            Purpose::Timestamp if names(TIME_STAMPING) => Ok(()),
            Purpose::Timestamp => Err(fault(CertificateFault::Usage("time stamping"))),
            Purpose::Ocsp if names(OCSP_SIGNING) => Ok(()),
            Purpose::Ocsp => Err(fault(CertificateFault::Usage("answers about revocation (OCSPSigning)"))),
        }
    }

    /// The certificates from this one to a believed root, both included; `pool` may help on the way. All are valid at that time.
    pub fn path(&self, pool: &[Certificate], roots: &[Certificate], at: Timestamp) -> Result<Vec<Certificate>, SignError> {
        let mut path = vec![self.clone()];
        if extend(&mut path, pool, roots, at) {
            return Ok(path);
        }
        let last = path.last().map_or_else(String::new, Certificate::issuer_name);
        Err(SignError::Certificate { subject: self.name(), why: CertificateFault::NoPath(last) })
    }
}

/// Lengthens the path to a root; leaves it as it was when there is no way.
fn extend(path: &mut Vec<Certificate>, pool: &[Certificate], roots: &[Certificate], at: Timestamp) -> bool {
    let Some(last) = path.last().cloned() else { return false };
    if roots.contains(&last) {
        return true;
    }
    if path.len() > MOST_STEPS {
        return false;
    }
    let valid = |candidate: &&Certificate| {
        let (from, until) = candidate.validity();
        from <= at && at <= until
    };
    let below = path.iter().skip(1).filter(|one| one.tbs().subject() != one.tbs().issuer()).count();
    // A root is believed as it is.
    let may = |candidate: &Certificate| roots.contains(candidate) || !candidate.demands_more() && candidate.allows_below(below);
    for candidate in roots.iter().chain(pool).filter(valid) {
        if !path.contains(candidate) && may(candidate) && candidate.issued(&last) {
            path.push(candidate.clone());
            if extend(path, pool, roots, at) {
                return true;
            }
            path.pop();
        }
    }
    false
}

fn http(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(url) if url.as_str().starts_with("http://") => Some(url.as_str().to_owned()),
        _ => None,
    }
}
