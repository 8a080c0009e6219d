//! The legal signatures on sealed PDFs, as an auditor's program judges them: in an archive, an export, a record's folder and a PDF with its
//! proof alone. Openssl is the CA and the signer.
#![cfg(feature = "pdf-signatures")]
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../sign/tests/common/papers.rs"]
mod papers;

use common::log::*;
use common::*;
use papers::{Authority, with};
use serde_json::Value;
use sohoa_record::manifest::{PdfSignature, Role};
use sohoa_record::{Digests, Manifest, Receipt, Sha256Hex};
use std::fs;
use std::path::PathBuf;

/// When signers claim to have signed, and when it was sealed; all of the CA's certificates are good from today on.
const SIGNED: &str = "20300601120000+07'00'";
const SEALED: &str = "2030-06-01T12:01:00+07:00";

struct Office {
    ca: Authority,
    dir: tempfile::TempDir,
}

impl Office {
    fn new() -> Office {
        let (ca, dir) = (Authority::new(), tempfile::tempdir().unwrap());
        ca.issue("office", "rsa:2048", "middle", "leaf");
        fs::create_dir(dir.path().join("roots")).unwrap();
        fs::copy(ca.path("root.pem"), dir.path().join("roots/root.pem")).unwrap();
        Office { ca, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// SHA-256 of a certificate's DER form, as openssl gives it.
    fn fingerprint(&self, name: &str) -> String {
        self.ca.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        Sha256Hex::of(&self.ca.read(&format!("{name}.der"))).to_string()
    }

    fn paper(&self) -> Vec<u8> {
        self.ca.paper("office", "middle", "", SIGNED)
    }

    /// The manifest of the record B with that PDF, sealed as signed with the certificate of `sealed`.
    fn manifest(&self, pdf: &[u8], sealed: &str) -> Manifest {
        let mut manifest = manifest(B, None);
        manifest.sealed_at = SEALED.into();
        manifest.pdf_signatures = vec![PdfSignature {
            profile: "nd30-2020".into(),
            signer: "office".into(),
            certificate_sha256: self.fingerprint(sealed).parse().unwrap(),
            level: "b-b".into(),
            signed_at: "2030-06-01T12:00:00+07:00".into(),
            stamped_at: None,
        }];
        let object = manifest.objects.iter_mut().find(|object| object.role == Role::Searchable).unwrap();
        object.digests = Digests::of(pdf);
        manifest
    }

    /// The same in an archive, an export and as loose files. Gives the trust policy.
    fn seal(&self, pdf: &[u8], sealed: &str) -> String {
        let manifest = self.manifest(pdf, sealed);
        let mut files = objects(B, 1);
        files[1] = (manifest.objects[1].clone(), pdf.to_vec());
        for place in ["archive", "bag", "loose"] {
            let _ = fs::remove_dir_all(self.path(place));
        }
        let (root, receipt) = (self.path("archive"), Receipt::seal(&manifest, &key()).to_bytes());
        write(receipt_path(&root, B, 1), &receipt);
        for (object, bytes) in &files {
            write(object_path(&root, &object.digests.sha256), bytes);
        }
        arrive(&root, &manifest);
        let entries = entries(&[&manifest]);
        write_log(&root.join("log"), &entries, &[1]);
        let proof = proof(&entries, 0).to_string();
        let folder = self.path(&format!("bag/data/{B}/r0001"));
        for (object, bytes) in &files {
            write(folder.join(&object.name), bytes);
        }
        write(folder.join("r0001.dsse.json"), &receipt);
        write(folder.join("r0001.tlog-proof"), &proof);
        write(self.path("bag/bagit.txt"), "BagIt-Version: 1.0\n");
        write(self.path("loose/QD-51.pdf"), pdf);
        write(self.path("loose/a.dsse.json"), &receipt);
        write(self.path("loose/b.tlog-proof"), &proof);
        trust_with_log(self.dir.path()).to_str().unwrap().to_owned()
    }

    /// What is said of each place, in that order: the archive, the export, the record's folder in it, loose files in a folder, and by name.
    fn said(&self, trust: &str, more: &[&str]) -> Vec<Said> {
        let named = ["QD-51.pdf", "a.dsse.json", "b.tlog-proof"].map(|name| self.path("loose").join(name));
        let places = [self.path("archive"), self.path("bag"), self.path(&format!("bag/data/{B}")), self.path("loose")];
        let mut asked: Vec<Vec<PathBuf>> = places.into_iter().map(|place| vec![place]).collect();
        asked.push(named.to_vec());
        let said = asked.iter().map(|paths| {
            let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
            run(&[&paths[..], &["--trust", trust, "--json"], more].concat())
        });
        said.collect()
    }

    fn roots(&self) -> String {
        self.path("roots").to_str().unwrap().to_owned()
    }

    /// Every place is refused for its signature, for that reason.
    fn refused(&self, trust: &str, more: &[&str], why: &str) {
        for said in self.said(trust, more) {
            let line = said.about(B);
            let reason = line["reason"].as_str().unwrap();
            assert_eq!((said.code, &line["verdict"]), (12, &"bad_signature".into()), "{}{}", said.text, said.errors);
            assert!(reason.contains(why), "{why}: {reason}");
            assert!(line["object"].as_str().unwrap().ends_with(".pdf"), "{line}");
        }
    }
}

fn checks(line: &Value) -> Vec<(String, String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = line["pdf_checks"].as_array().cloned().unwrap_or_default();
    checks.iter().map(|check| (text(check, "signer"), text(check, "verdict"), text(check, "issuer"))).collect()
}

#[test]
fn a_signature_that_holds_is_told_with_whoever_vouches_for_its_signer() {
    let office = Office::new();
    let trust = office.seal(&office.paper(), "office");
    let told = |verdict: &str, issuer: &str| vec![("office".to_owned(), verdict.to_owned(), issuer.to_owned())];
    for said in office.said(&trust, &[]) {
        assert_eq!((said.code, said.about(B)["verdict"].as_str()), (0, Some("ok")), "{}{}", said.text, said.errors);
        assert_eq!(checks(said.about(B)), told("issuer_not_trusted", "not_asked"));
    }
    for said in office.said(&trust, &["--roots", &office.roots()]) {
        assert_eq!((said.code, said.about(B)["verdict"].as_str()), (0, Some("ok")), "{}{}", said.text, said.errors);
        assert_eq!(checks(said.about(B)), told("valid", "trusted"));
        let check = &said.about(B)["pdf_checks"][0];
        assert_eq!(check["certificate_sha256"], office.fingerprint("office").as_str());
        assert_eq!(check["path"], serde_json::json!(["office", "middle", "Root"]));
    }
    // One file of roots does too, in DER as well.
    office.ca.openssl("x509 -in root.pem -outform DER -out root.der");
    for file in ["root.pem", "root.der"] {
        let file = office.ca.path(file);
        assert!(office.said(&trust, &["--roots", file.to_str().unwrap()]).iter().all(|said| said.code == 0), "{file:?}");
    }
}

/// A review keeps the PDF, and its receipt names the signatures again.
#[test]
fn a_pdf_that_a_later_revision_kept_is_judged_there_too() {
    let office = Office::new();
    let pdf = office.paper();
    let trust = office.seal(&pdf, "office");
    let first = office.manifest(&pdf, "office");
    let mut later = first.clone();
    (later.revision, later.previous) = (2, Some(Sha256Hex::of(&first.to_bytes())));
    later.history.push(later.history[0].clone());
    let root = office.path("archive");
    let told = |later: &Manifest| {
        write(receipt_path(&root, B, 2), Receipt::seal(later, &key()).to_bytes());
        write_log(&root.join("log"), &entries(&[&first, later]), &[1, 1]);
        run(&[root.to_str().unwrap(), "--trust", &trust, "--json", "--roots", &office.roots()])
    };
    let said = told(&later);
    said.expect(0, B, "ok", "");
    assert_eq!((&said.about(B)["revision"], checks(said.about(B)).len()), (&2.into(), 1), "{}", said.text);
    // One that names another certificate of the same bytes is refused.
    office.ca.issue("another", "rsa:2048", "middle", "leaf");
    later.pdf_signatures[0].certificate_sha256 = office.fingerprint("another").parse().unwrap();
    told(&later).expect(12, B, "bad_signature", "searchable.pdf");
}

#[test]
fn it_is_told_in_words_and_in_the_report() {
    let office = Office::new();
    let trust = office.seal(&office.paper(), "office");
    let (archive, roots) = (office.path("archive"), office.roots());
    let text = |more: &[&str]| {
        let text = run(&[&[archive.to_str().unwrap(), "--trust", &trust], more].concat()).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(text(&[]).contains("chữ ký số trên PDF: office: nguyên vẹn; chưa hỏi ai cấp chứng thư (--roots)"), "{}", text(&[]));
    assert!(text(&[]).contains("ai đã cấp chứng thư cho chữ ký số trên PDF (--roots)"));
    let english = text(&["--lang", "en"]);
    assert!(english.contains("signature on the PDF: office: intact; its issuer was not asked for (--roots)"), "{english}");
    assert!(english.contains("cannot show") && english.contains("who vouches for the signers of PDFs"), "{english}");
    let known = text(&["--lang", "en", "--roots", &roots]);
    assert!(known.contains("signature on the PDF: office: valid") && !known.contains("who vouches"), "{known}");
    let file = office.path("report.html");
    run(&[archive.to_str().unwrap(), "--trust", &trust, "--roots", &roots, "--report", file.to_str().unwrap()]);
    let html = fs::read_to_string(&file).unwrap();
    // What a good signature leaves open is told beside it.
    for told in [
        "office: hợp lệ (chưa kiểm tra việc thu hồi chứng thư",
        "valid (revocation was not checked",
        "Roots of signers of PDFs",
        &roots,
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
}

#[test]
fn a_signature_that_was_tampered_with_before_it_was_sealed_is_refused() {
    let office = Office::new();
    let roots = office.roots();
    // The page shows something else than what was signed.
    let mut other = office.paper();
    let at = other.windows(8).position(|window| window == b"0 0 m 9 ").unwrap();
    other[at + 6] = b'8';
    let trust = office.seal(&other, "office");
    office.refused(&trust, &[], "does not match the content");
    office.refused(&trust, &["--roots", &roots], "does not match its digest");
    // A later revision draws another page.
    let content = "<</Length 16>>stream\n0 0 m 7 7 l S   \nendstream";
    let trust = office.seal(&with(&office.paper(), &[(4, content)]), "office");
    office.refused(&trust, &[], "altered after it was signed");
    // The signature's value itself: somewhere behind the middle of the container.
    let mut broken = office.paper();
    let begin = broken.windows(11).position(|window| window.starts_with(b"/Contents<") && window[10] == b'3').unwrap();
    let digits: Vec<usize> = (begin + 10..broken.len()).take_while(|at| broken[*at].is_ascii_hexdigit()).collect();
    let last = *digits.iter().rev().find(|at| broken[**at] != b'0').unwrap();
    broken[last] = if broken[last] == b'1' { b'2' } else { b'1' };
    let trust = office.seal(&broken, "office");
    office.refused(&trust, &[], "does not match the signer's key");
    // No signature is there any more.
    let trust = office.seal(b"%PDF-1.7\nnothing signed\n", "office");
    office.refused(&trust, &[], "0 are there, 1 were sealed");
}

#[test]
fn a_signer_that_nobody_vouches_for_and_another_than_the_sealed_one_are_refused() {
    let office = Office::new();
    let strange = Authority::new();
    let trust = office.seal(&office.paper(), "office");
    let roots = strange.path("root.pem");
    office.refused(&trust, &["--roots", roots.to_str().unwrap()], "issuer is not among the trusted ones");
    office.ca.issue("another", "rsa:2048", "middle", "leaf");
    let trust = office.seal(&office.ca.paper("another", "middle", "", SIGNED), "office");
    office.refused(&trust, &[], "none is by the certificate of office that was sealed");
    office.refused(&trust, &["--roots", &office.roots()], "none is by the certificate of office that was sealed");
    // a certificate that may not sign
    office.ca.issue("cipher", "rsa:2048", "middle", "cipher");
    let trust = office.seal(&office.ca.paper("cipher", "middle", "", SIGNED), "cipher");
    office.refused(&trust, &["--roots", &office.roots()], "may not be used for this");
}

/// The lists that come with the file say it, and the auditor has to know the CA to believe them.
#[test]
fn a_revoked_certificate_is_refused() {
    let office = Office::new();
    let ca = &office.ca;
    ca.write("index", b"");
    ca.openssl("ca -config openssl.cnf -name c -cert middle.pem -keyfile middle.key -revoke office.pem");
    ca.openssl("ca -config openssl.cnf -name c -cert middle.pem -keyfile middle.key -gencrl -out middle.crl");
    ca.openssl("crl -in middle.crl -outform DER -out middle.der");
    let list: String = ca.read("middle.der").iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("<</Filter/ASCIIHexDecode/Length {}>>stream\n{list}>\nendstream", list.len() + 1);
    // The list comes in a revision behind the signature, as PAdES has it.
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/SigFlags 3>>/DSS<</CRLs[8 0 R]>>>>";
    let paper = with(&office.paper(), &[(1, catalog), (8, &list)]);
    let trust = office.seal(&paper, "office");
    office.refused(&trust, &["--roots", &office.roots()], "the certificate was revoked");
    // Who is not asked for is not known to be revoked; that is told, and no more is claimed.
    for said in office.said(&trust, &[]) {
        assert_eq!((said.code, checks(said.about(B))[0].2.as_str()), (0, "not_asked"), "{}", said.text);
    }
}

/// No clock is read: what counts is when it was sealed, or the day that is asked for.
#[test]
fn a_certificate_that_ran_out_after_the_seal_is_refused_only_as_of_a_later_day() {
    let office = Office::new();
    let trust = office.seal(&office.paper(), "office");
    let roots = office.roots();
    let later = ["--roots", &roots, "--at", "2130-01-01"];
    office.refused(&trust, &later, "outside its validity");
    for said in office.said(&trust, &["--at", "2130-01-01"]) {
        assert_eq!(said.code, 0, "without roots nobody is asked: {}", said.text);
    }
    for said in office.said(&trust, &["--roots", &roots, "--at", "2031-01-01"]) {
        assert_eq!((said.code, checks(said.about(B))[0].1.as_str()), (0, "valid"), "{}", said.text);
    }
}

#[test]
fn roots_that_cannot_be_used_are_refused_and_a_state_is_of_its_roots() {
    let office = Office::new();
    let trust = office.seal(&office.paper(), "office");
    let archive = office.path("archive");
    let asked = |more: &[&str]| run(&[&[archive.to_str().unwrap(), "--trust", &trust, "--json"], more].concat());
    fs::create_dir(office.path("empty")).unwrap();
    for (roots, code, why) in
        [("empty", 2, "no certificate"), ("trust.txt", 2, "holds no certificate"), ("away", 1, "cannot be read")]
    {
        let said = asked(&["--roots", office.path(roots).to_str().unwrap()]);
        assert!(said.code == code && said.errors.contains(why), "{roots}: {}", said.errors);
    }
    let (state, roots) = (office.path("state"), office.roots());
    let with_state = ["--state", state.to_str().unwrap()];
    assert_eq!(asked(&with_state).code, 0);
    assert!(asked(&with_state).errors.contains("judged by an earlier run"));
    let other = asked(&[&with_state[..], &["--roots", &roots]].concat());
    assert!(other.code == 1 && other.errors.contains("another audit"), "{}", other.errors);
}
