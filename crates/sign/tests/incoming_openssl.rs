//! Signatures that openssl made, with certificates that openssl issued: what is good is called good, and each thing that is wrong
//! with a certificate, a key, a range or a later revision has its own verdict.
#![allow(clippy::unwrap_used)]

#[path = "common/papers.rs"]
mod papers;

use papers::{Authority, NOW, TIME, page, paper, with};
use sohoa_record::signature::{Finding, Verdict};
use sohoa_sign::validate::{Checked, Trust, validate};
use std::path::Path;

fn one(pdf: &[u8], trust: &Trust) -> Checked {
    let checked = validate(pdf, trust, NOW).unwrap();
    assert_eq!(checked.len(), 1, "{checked:?}");
    checked.into_iter().next().unwrap()
}

#[test]
fn what_openssl_signed_is_valid_under_its_root_and_unknown_without() {
    let authority = Authority::new();
    for (name, key, more, algorithm) in [
        ("rsa", "rsa:2048", "-md sha256", "rsa-pkcs1 sha256"),
        ("pss", "rsa:3072", "-md sha384 -keyopt rsa_padding_mode:pss", "rsa-pss sha384"),
        ("p256", "ec -pkeyopt ec_paramgen_curve:P-256", "-md sha256", "ecdsa sha256"),
        ("p384", "ec -pkeyopt ec_paramgen_curve:P-384", "-md sha512", "ecdsa sha512"),
    ] {
        authority.issue(name, key, "middle", "leaf");
        let pdf = authority.paper(name, "middle", more, TIME);
        let checked = one(&pdf, &authority.trust());
        assert_eq!(checked.check.verdict, Verdict::Valid, "{name}: {checked:?}");
        assert_eq!(checked.check.path, [name, "middle", "Root"]);
        assert_eq!(checked.check.algorithm, algorithm);
        assert_eq!((checked.signature.signer.as_str(), checked.check.field.as_str()), (name, "S1"));
        assert!(checked.signature.covers_whole_file);
        assert!(checked.check.findings.contains(&Finding::TimeClaimed));
        assert!(checked.check.findings.contains(&Finding::RevocationNotChecked));
        assert_eq!(one(&pdf, &Trust::default()).check.verdict, Verdict::IssuerNotTrusted);
    }
}

#[test]
fn certificates_that_may_not_are_refused() {
    let authority = Authority::new();
    let trust = authority.trust();
    let verdict = |pdf: &[u8]| {
        let check = one(pdf, &trust).check;
        (check.verdict, check.findings)
    };
    authority.issue("good", "rsa:2048", "middle", "leaf");
    // before it was issued
    let (refused, findings) = verdict(&authority.paper("good", "middle", "-md sha256", "20010101000000Z"));
    assert_eq!((refused, findings.contains(&Finding::PathExpired)), (Verdict::CertificateRefused, true));
    // for ciphering only; with a critical extension that nobody knows; issued by one that is no authority
    authority.write("chain.pem", &[authority.read("good.pem"), authority.read("middle.pem")].concat());
    for (name, issuer, with, section) in [
        ("cipher", "middle", "middle", "cipher"),
        ("critical", "middle", "middle", "critical"),
        ("child", "good", "chain", "leaf"),
    ] {
        authority.issue(name, "rsa:2048", issuer, section);
        let (refused, findings) = verdict(&authority.paper(name, with, "-md sha256", TIME));
        assert_eq!((refused, findings.contains(&Finding::PathUsage)), (Verdict::CertificateRefused, true), "{name}");
    }
    authority.issue("short", "rsa:1024", "middle", "leaf");
    assert_eq!(verdict(&authority.paper("short", "middle", "-md sha256", TIME)).0, Verdict::Weak);
    assert_eq!(verdict(&authority.paper("good", "middle", "-md sha1", TIME)).0, Verdict::Weak);
    // the same names, another key: it does not lead to our root
    let other = Authority::new();
    other.issue("good", "rsa:2048", "middle", "leaf");
    assert_eq!(verdict(&other.paper("good", "middle", "-md sha256", TIME)).0, Verdict::IssuerNotTrusted);
}

#[test]
fn revocation_lists_in_the_file_count() {
    let authority = Authority::new();
    authority.issue("good", "rsa:2048", "middle", "leaf");
    authority.issue("bad", "rsa:2048", "middle", "leaf");
    authority.write("index", b"");
    authority.openssl("ca -config openssl.cnf -name c -cert middle.pem -keyfile middle.key -revoke bad.pem");
    authority.openssl("ca -config openssl.cnf -name c -cert middle.pem -keyfile middle.key -gencrl -out middle.crl");
    authority.openssl("crl -in middle.crl -outform DER -out middle.der");
    authority.write("index", b"");
    authority.openssl("ca -config openssl.cnf -name c -cert root.pem -keyfile root.key -gencrl -out root.crl");
    authority.openssl("crl -in root.crl -outform DER -out root.der");
    for (name, verdict, finding) in
        [("good", Verdict::Valid, Finding::RevocationGood), ("bad", Verdict::CertificateRefused, Finding::CertificateRevoked)]
    {
        let pdf = authority.paper(name, "middle", "-md sha256", TIME);
        let list = |file: &str| {
            let hex: String = authority.read(file).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("<</Filter/ASCIIHexDecode/Length {}>>stream\n{hex}>\nendstream", hex.len() + 1)
        };
        let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/SigFlags 3>>/DSS<</CRLs[8 0 R 9 0 R]>>>>";
        let pdf = with(&pdf, &[(1, catalog), (8, &list("middle.der")), (9, &list("root.der"))]);
        let check = one(&pdf, &authority.trust()).check;
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.findings.contains(&finding) && check.findings.contains(&Finding::ValidationDataAdded), "{check:?}");
    }
}

#[test]
fn a_document_time_stamp_of_openssl_holds_and_says_its_time() {
    let authority = Authority::new();
    authority.issue("stamper", "rsa:2048", "middle", "stamp");
    let stamp = |bytes: &[u8]| {
        authority.write("stamped", bytes);
        authority.openssl("ts -query -data stamped -sha256 -cert -out query");
        authority.openssl(
            "ts -reply -config openssl.cnf -section t -queryfile query -signer stamper.pem -inkey stamper.key -chain middle.pem -token_out -out token");
        authority.read("token")
    };
    let pdf = paper("ETSI.RFC3161", TIME, "", stamp);
    let check = one(&pdf, &authority.trust()).check;
    assert_eq!(check.verdict, Verdict::Valid, "{check:?}");
    assert!(check.stamped_time.is_some_and(|time| time.starts_with("20")));
    let mut other = pdf.clone();
    let at = other.windows(9).position(|w| w == b"0 0 m 9 9").unwrap();
    other[at] = b'1';
    assert_eq!(one(&other, &authority.trust()).check.verdict, Verdict::Broken);
    // one who may not stamp
    authority.issue("signer", "rsa:2048", "middle", "leaf");
    let pdf = paper("ETSI.RFC3161", TIME, "", |bytes| authority.sign("signer", "middle", "-md sha256", bytes));
    assert!(!one(&pdf, &authority.trust()).check.verdict.is_intact());
}

#[test]
fn each_change_after_the_signature_is_an_alteration_unless_it_is_known_to_be_harmless() {
    let authority = Authority::new();
    authority.issue("good", "rsa:2048", "middle", "leaf");
    let (trust, pdf) = (authority.trust(), authority.paper("good", "middle", "-md sha256", TIME));
    let (same_page, note_on_page) = (page(""), page(" 7 0 R"));
    let catalog = |more: &str| format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/SigFlags 3>>{more}>>");
    let (store, script) = (catalog("/DSS<</Certs[]>>"), catalog("/OpenAction<</S/JavaScript/JS(x)>>"));
    let harmless: [&[(usize, &str)]; 3] = [&[(1, &store)], &[(3, &same_page)], &[(9, "<</Not/Reached>>")]];
    for objects in harmless {
        let check = one(&with(&pdf, objects), &trust).check;
        assert_eq!(check.verdict, Verdict::Valid, "{objects:?} {check:?}");
        assert!(check.findings.contains(&Finding::LaterRevision));
    }
    let note = "<</Type/Annot/Subtype/FreeText/Rect[0 0 500 800]/Contents(x)>>";
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(S1)/Rect[0 0 100 100]/V 6 0 R/P 3 0 R>>";
    let harmful: [(&[(usize, &str)], Finding); 6] = [
        (&[(4, "<</Length 16>>stream\n0 0 m 8 8 l S   \nendstream")], Finding::ContentChanged),
        (&[(2, "<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2>>")], Finding::PagesChanged),
        (&[(3, &note_on_page), (7, note)], Finding::AnnotationChanged),
        (&[(5, field)], Finding::FormChanged),
        (&[(1, &script)], Finding::DocumentChanged),
        (&[(1, "<</Type/Catalog/Pages 2 0 R>>")], Finding::FormChanged),
    ];
    for (objects, finding) in harmful {
        let checked = validate(&with(&pdf, objects), &trust, NOW).unwrap();
        assert!(checked.iter().all(|one| !one.check.verdict.is_intact()), "{objects:?} {checked:?}");
        assert!(
            checked.iter().any(|one| one.check.findings.contains(&finding)) || finding == Finding::FormChanged,
            "{checked:?}"
        );
    }
    // bytes behind the end that are no revision
    let mut tail = pdf.clone();
    tail.extend_from_slice(b"4 0 obj\n<<>>\nendobj\n");
    assert_eq!(one(&tail, &trust).check.verdict, Verdict::AlteredAfterSigning);
}

#[test]
fn a_range_that_leaves_out_more_than_the_signature_is_not_covering() {
    let authority = Authority::new();
    authority.issue("good", "rsa:2048", "middle", "leaf");
    let pdf = authority.paper("good", "middle", "-md sha256", TIME);
    // what the range says is itself signed: so each of these is broken too, and the range is told first
    let text = |from: &str, to: &str| {
        let at = pdf.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = pdf.clone();
        changed.splice(at..at + from.len(), to.bytes());
        one(&changed, &authority.trust()).check.verdict
    };
    assert_eq!(text("/ByteRange[0 ", "/ByteRange[1 "), Verdict::NotCovering);
    let at = pdf.windows(12).position(|w| w == b"/ByteRange[0").unwrap() + 13;
    let range = String::from_utf8(pdf[at..at + 26].to_vec()).unwrap();
    let [first, second, length]: [usize; 3] =
        range.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap();
    let with_range = |first: usize, second: usize, length: usize| {
        let mut changed = pdf.clone();
        changed[at..at + 26].copy_from_slice(format!("{first:<8} {second:<8} {length:<8}").as_bytes());
        one(&changed, &authority.trust()).check.verdict
    };
    assert_eq!(with_range(first, second, length), Verdict::Valid);
    for (first, second, length) in [
        (first, second + 1, length - 1),
        (first - 1, second, length),
        (first, second, length - 9),
        (first, second, length + 1),
        (second, first, 9),
    ] {
        assert_eq!(with_range(first, second, length), Verdict::NotCovering, "{first} {second} {length}");
    }
    assert_eq!(text("/T(S1)", "/T(S2)"), Verdict::Broken);
}

#[test]
fn a_folder_of_roots_takes_pem_and_der_and_nothing_else() {
    let authority = Authority::new();
    authority.openssl("x509 -in root.pem -outform DER -out root.der");
    let mut trust = Trust::default();
    assert!(trust.add(&authority.read("root.der")) && trust.add(&authority.read("middle.pem")));
    assert!(!trust.add(b"no certificate") && !trust.add(&[]));
    assert_eq!(trust.len(), 2);
    assert!(Path::new(&authority.path("root.key")).exists());
    assert!(!trust.add(&authority.read("root.key")));
}
