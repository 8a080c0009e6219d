//! From the signer's certificate to a root that the administrator trusts (RFC 5280 6), as of a time.

use super::algorithms::{Hash, rsa_bits};
use super::certificate::{CERT_SIGN, Certificate, DIGITAL_SIGNATURE, NON_REPUDIATION, TIME_STAMPING};
use super::revocation::{Evidence, Status};
use sohoa_record::signature::Finding;

/// Certificates from signer to root.
const MAX_LENGTH: usize = 8;
/// Signatures that are verified in search of a path; a crafted heap of certificates could ask for any number.
const MAX_TRIES: usize = 64;

/// What the signer's certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Signing,
    TimeStamping,
}

/// How far a path leads.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Common names, the signer's first.
    pub names: Vec<String>,
    /// Why it is not good, or what should be known; a good path has no finding that speaks against it.
    pub findings: Vec<Finding>,
}

/// As of when a path is judged, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// When it was signed.
    pub at: i64,
    /// None when a believed time stamp says so; else only the signer does, who may claim any time, and this is today: what has run out since, or was
    /// taken back at whatever time, may have signed afterwards.
    pub claimed_on: Option<i64>,
}

impl Moment {
    /// A moment that a time stamp stands for.
    pub fn proven(at: i64) -> Moment {
        Moment { at, claimed_on: None }
    }

    fn is_within(&self, (from, until): (i64, i64)) -> bool {
        (from..=until).contains(&self.at) && self.claimed_on.is_none_or(|today| today <= until)
    }
}

/// Looks for a path from `leaf` over `pool` to one of `roots`, good at that moment.
pub(super) fn find(
    leaf: &Certificate<'_>,
    pool: &[Certificate<'_>],
    roots: &[Certificate<'_>],
    evidence: &Evidence<'_>,
    moment: Moment,
    purpose: Purpose,
) -> Path {
    let mut search = Search { pool, roots, tries: 0, longest: vec![leaf], good: None };
    let mut chain = vec![leaf];
    search.extend(&mut chain, moment, purpose);
    let names = |chain: &[&Certificate<'_>]| chain.iter().map(|certificate| certificate.name()).collect();
    match search.good {
        None => Path { names: names(&search.longest), findings: vec![Finding::PathNotFound] },
        Some((chain, mut findings)) => {
            let statuses: Vec<Status> = chain.windows(2).map(|pair| evidence.status(pair[0], pair[1], moment)).collect();
            findings.push(if statuses.contains(&Status::Revoked) {
                Finding::CertificateRevoked
            } else if statuses.contains(&Status::Unknown) {
                Finding::RevocationNotChecked
            } else {
                Finding::RevocationGood
            });
            Path { names: names(&chain), findings }
        }
    }
}

struct Search<'s, 'a> {
    pool: &'s [Certificate<'a>],
    roots: &'s [Certificate<'a>],
    tries: usize,
    longest: Vec<&'s Certificate<'a>>,
    /// The best path to a root, and what speaks against it.
    good: Option<(Vec<&'s Certificate<'a>>, Vec<Finding>)>,
}

impl<'s, 'a> Search<'s, 'a> {
    fn extend(&mut self, chain: &mut Vec<&'s Certificate<'a>>, moment: Moment, purpose: Purpose) {
        let Some(last) = chain.last().copied() else { return };
        if chain.len() > self.longest.len() {
            self.longest = chain.clone();
        }
        if self.roots.iter().any(|root| root.whole == last.whole) {
            let findings = faults(chain, moment, purpose);
            if self.good.as_ref().is_none_or(|(_, best)| findings.len() < best.len()) {
                self.good = Some((chain.clone(), findings));
            }
            return;
        }
        for issuer in self.roots.iter().chain(self.pool) {
            let is_done = self.good.as_ref().is_some_and(|(_, faults)| faults.is_empty());
            if is_done || chain.len() == MAX_LENGTH || self.tries == MAX_TRIES {
                return;
            }
            if !last.may_be_from(issuer) || chain.iter().any(|used| used.whole == issuer.whole) {
                continue;
            }
            self.tries += 1;
            if last.is_signed_by(issuer).is_ok() {
                chain.push(issuer);
                self.extend(chain, moment, purpose);
                chain.pop();
            }
        }
    }
}

/// What speaks against a path that leads to a root. The root is trusted by configuration: its own signature and constraints are not
/// asked for, its time is.
fn faults(chain: &[&Certificate<'_>], moment: Moment, purpose: Purpose) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut below = 0;
    for (place, certificate) in chain.iter().enumerate() {
        let is_root = place + 1 == chain.len();
        if !moment.is_within(certificate.validity) {
            faults.push(Finding::PathExpired);
        }
        if certificate.demands_more && !is_root {
            faults.push(Finding::PathUsage);
        }
        if !is_root && certificate.scheme.and_then(|scheme| scheme.hash()).is_some_and(Hash::is_weak) {
            faults.push(Finding::WeakDigest);
        }
        if rsa_bits(certificate.key).is_some_and(|bits| bits < 2048) {
            faults.push(Finding::WeakKey);
        }
        let allowed = if place == 0 { usable(certificate, purpose) } else { may_issue(certificate, is_root, below) };
        if !allowed {
            faults.push(Finding::PathUsage);
        }
        // RFC 5280 4.2.1.9: a limit counts the authorities between, without those that renewed themselves.
        if place > 0 && !certificate.is_self_issued() {
            below += 1;
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

fn usable(certificate: &Certificate<'_>, purpose: Purpose) -> bool {
    let usage = certificate.usage.is_none_or(|usage| usage & (DIGITAL_SIGNATURE | NON_REPUDIATION) != 0);
    let purposes = certificate.purposes.as_ref();
    // RFC 3161 2.3: a time stamping key is for nothing else.
    usage && (purpose == Purpose::Signing || purposes.is_some_and(|all| all.contains(&TIME_STAMPING)))
}

fn may_issue(certificate: &Certificate<'_>, is_root: bool, below: u32) -> bool {
    let usage = certificate.usage.is_none_or(|usage| usage & CERT_SIGN != 0);
    let authority = match certificate.authority {
        Some((may, most)) => may && most.is_none_or(|most| below <= most),
        None => is_root,
    };
    usage && authority
}
