//! Has the CA taken a certificate back? Its list (CRL, RFC 5280 6.3) or its responder (OCSP, RFC 6960) is asked, the answer checked
//! and kept: it goes into the PDF for whoever looks when neither is there any more.

use crate::certificate::{Certificate, Purpose};
use crate::{CertificateFault, SignError, asn1};
use der::asn1::{BitString, GeneralizedTime, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use sha1::{Digest as _, Sha1};
use spki::AlgorithmIdentifierOwned;
use x509_cert::crl::CertificateList;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const BASIC_RESPONSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const OCSP_REQUEST: &str = "application/ocsp-request";

/// One question to the network.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// `http://…`: what is fetched is signed, so no more is needed than the way there.
    pub url: &'a str,
    /// Media type and bytes of a POST; none is a GET.
    pub post: Option<(&'static str, &'a [u8])>,
}

/// Whoever asks: the answer's bytes, or why there is none. Limits of time and size are its own.
pub type Network<'a> = &'a (dyn Fn(Ask<'_>) -> Result<Vec<u8>, String> + Sync);

/// What proves that certificates were good: it goes into a PDF's DSS (EN 319 142-1 5.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Certificates of the paths.
    pub certificates: Vec<Vec<u8>>,
    /// CRLs.
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses.
    pub responses: Vec<Vec<u8>>,
}

impl Evidence {
    /// Asks about every certificate of a path but its root, and keeps the answers. A revoked one is [`SignError::Certificate`],
    /// no answer [`SignError::Revocation`].
    pub fn collect(&mut self, path: &[Certificate], network: Network<'_>, now: Timestamp) -> Result<(), SignError> {
        for certificate in path {
            keep(&mut self.certificates, certificate.der().to_vec());
        }
        for pair in path.windows(2) {
            if !pair[0].is_ocsp_no_check() {
                self.ask(&pair[0], &pair[1], network, now)?;
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        network: Network<'_>,
        now: Timestamp,
    ) -> Result<(), SignError> {
        let mut silent = Vec::new();
        // A list serves all that the CA issued, so it is asked first: a run of a thousand documents fetches it once.
        for url in certificate.crl_urls() {
            let answer = network(Ask { url: &url, post: None }).map_err(SignError::Revocation);
            match answer.and_then(|crl| check_crl(&crl, certificate, issuer, now).map(|()| crl)) {
                Ok(crl) => {
                    keep(&mut self.crls, crl);
                    return Ok(());
                }
                Err(revoked @ SignError::Certificate { .. }) => return Err(revoked),
                Err(error) => silent.push(format!("{url}: {error}")),
            }
        }
        for url in certificate.ocsp_urls() {
            let request = ocsp_request(certificate, issuer)?;
            let answer = network(Ask { url: &url, post: Some((OCSP_REQUEST, &request)) }).map_err(SignError::Revocation);
            match answer.and_then(|response| check_ocsp(&response, certificate, issuer, now).map(|()| response)) {
                Ok(response) => {
                    keep(&mut self.responses, response);
                    return Ok(());
                }
                Err(revoked @ SignError::Certificate { .. }) => return Err(revoked),
                Err(error) => silent.push(format!("{url}: {error}")),
            }
        }
        if silent.is_empty() {
            silent.push(format!("the certificate of {} names no CRL and no responder over http", certificate.name()));
        }
        Err(SignError::Revocation(silent.join("; ")))
    }
}

fn keep(kept: &mut Vec<Vec<u8>>, bytes: Vec<u8>) {
    if !kept.contains(&bytes) {
        kept.push(bytes);
    }
}

fn revoked(certificate: &Certificate, at: String) -> SignError {
    SignError::Certificate { subject: certificate.name(), why: CertificateFault::Revoked(at) }
}

/// The list must be the issuer's own, whole and of now.
fn check_crl(crl: &[u8], certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Result<(), SignError> {
    let unfit = |why: &str| SignError::Revocation(format!("the CRL of {}: {why}", issuer.name()));
    let list = CertificateList::from_der(crl)?;
    let tbs = &list.tbs_cert_list;
    if tbs.issuer != *certificate.tbs().issuer() {
        return Err(unfit("is another CA's"));
    }
    let mut outer = crl;
    let signed = asn1::take(&mut { asn1::take(&mut outer)?.value })?.whole;
    if !issuer.verifies(&list.signature_algorithm, None, signed, list.signature.as_bytes().unwrap_or_default())? {
        return Err(unfit("its signature is false"));
    }
    let moment = |time: x509_cert::time::Time| time.to_unix_duration().as_secs() as i64;
    let current =
        moment(tbs.this_update) <= now.as_second() && tbs.next_update.is_none_or(|next| now.as_second() <= moment(next));
    if !current {
        return Err(unfit("is not of now"));
    }
    if tbs.crl_extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(unfit("is for a part of the CA's certificates only"));
    }
    let serial = certificate.tbs().serial_number();
    match tbs.revoked_certificates.iter().flatten().find(|entry| entry.serial_number == *serial) {
        Some(entry) => Err(revoked(certificate, entry.revocation_date.to_string())),
        None => Ok(()),
    }
}

/// CertID of RFC 6960 4.1.1. SHA-1 only names the certificate here, and responders know no other.
fn certificate_id(certificate: &Certificate, issuer: &Certificate) -> Result<Vec<u8>, SignError> {
    let key = issuer.tbs().subject_public_key_info().subject_public_key.as_bytes().unwrap_or_default();
    let name = certificate.tbs().issuer().to_der()?;
    Ok(asn1::sequence(&[
        &asn1::algorithm(SHA1, true),
        &asn1::octets(&Sha1::digest(&name)),
        &asn1::octets(&Sha1::digest(key)),
        &certificate.tbs().serial_number().to_der()?,
    ]))
}

fn ocsp_request(certificate: &Certificate, issuer: &Certificate) -> Result<Vec<u8>, SignError> {
    let request = asn1::sequence(&[&certificate_id(certificate, issuer)?]);
    Ok(asn1::sequence(&[&asn1::sequence(&[&asn1::sequence(&[&request])])]))
}

/// The answer must be about this certificate, of now, and signed by the issuer or by whom it names for that.
fn check_ocsp(response: &[u8], certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Result<(), SignError> {
    let unfit = |why: &str| SignError::Revocation(format!("the responder of {}: {why}", issuer.name()));
    let members = asn1::all(asn1::expect(&mut { response }, asn1::SEQUENCE)?.value)?;
    let [status, bytes] = members[..] else { return Err(unfit("gives no answer")) };
    if status.value != [0] {
        return Err(unfit("refuses"));
    }
    let [kind, basic] = asn1::all(asn1::expect(&mut { bytes.value }, asn1::SEQUENCE)?.value)?[..] else {
        return Err(unfit("gives no answer"));
    };
    if ObjectIdentifier::from_bytes(kind.value) != Ok(BASIC_RESPONSE) {
        return Err(unfit("answers in another form"));
    }
    let mut basic = asn1::expect(&mut { basic.value }, asn1::SEQUENCE)?.value;
    let signed = asn1::expect(&mut basic, asn1::SEQUENCE)?;
    let algorithm = AlgorithmIdentifierOwned::from_der(asn1::expect(&mut basic, asn1::SEQUENCE)?.whole)?;
    let signature = BitString::from_der(asn1::expect(&mut basic, 0x03)?.whole)?;
    let mut signers = vec![issuer.clone()];
    if let Some(others) = asn1::optional(&mut basic, 0xa0)? {
        for other in asn1::all(asn1::expect(&mut { others.value }, asn1::SEQUENCE)?.value)? {
            let other = Certificate::from_der(other.whole)?;
            if issuer.issued(&other) && other.check(Purpose::Ocsp, now).is_ok() {
                signers.push(other);
            }
        }
    }
    let bytes = signature.as_bytes().unwrap_or_default();
    if !signers.iter().any(|signer| signer.verifies(&algorithm, None, signed.whole, bytes).unwrap_or(false)) {
        return Err(unfit("its signature is false"));
    }
    let mut data = signed.value;
    asn1::optional(&mut data, 0xa0)?; // version
    asn1::take(&mut data)?; // responder
    asn1::expect(&mut data, 0x18)?; // produced at
    let id = certificate_id(certificate, issuer)?;
    for single in asn1::all(asn1::expect(&mut data, asn1::SEQUENCE)?.value)? {
        let mut single = single.value;
        if asn1::expect(&mut single, asn1::SEQUENCE)?.whole != id {
            continue;
        }
        let status = asn1::take(&mut single)?;
        let since = seconds(asn1::expect(&mut single, 0x18)?)?;
        let until =
            asn1::optional(&mut single, 0xa0)?.map(|next| seconds(asn1::expect(&mut { next.value }, 0x18)?)).transpose()?;
        if since > now.as_second() + 300 || until.is_some_and(|until| now.as_second() > until) {
            return Err(unfit("its answer is not of now"));
        }
        return match status.tag {
            0x80 => Ok(()),
            0xa1 => {
                let at = asn1::expect(&mut { status.value }, 0x18)?;
                Err(revoked(certificate, String::from_utf8_lossy(at.value).into_owned()))
            }
            _ => Err(unfit("does not know the certificate")),
        };
    }
    Err(unfit("answers about another certificate"))
}

fn seconds(time: asn1::Element<'_>) -> Result<i64, SignError> {
    Ok(GeneralizedTime::from_der(time.whole)?.to_unix_duration().as_secs() as i64)
}
