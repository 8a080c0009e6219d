//! Signatures of PDFs from outside: no bytes crash the judge, and where nobody is trusted nothing is valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::signature::Verdict;
use sohoa_sign::validate::{Trust, validate};

fuzz_target!(|data: &[u8]| {
    let first = validate(data, &Trust::default(), 0);
    assert_eq!(first, validate(data, &Trust::default(), 0), "the same bytes have the same verdicts");
    for one in first.into_iter().flatten() {
        assert_ne!(one.check.verdict, Verdict::Valid, "nobody is trusted");
        assert!(one.check.findings.is_sorted_by(|one, next| one < next));
        assert!(one.check.verdict != Verdict::IssuerNotTrusted || one.check.certificate_sha256.is_some());
    }
    let mut trust = Trust::default();
    assert_eq!(trust.add(data), !trust.is_empty());
});
