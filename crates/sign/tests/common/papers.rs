//! A small CA of openssl, and papers of one page whose signature it makes: byte by byte, so that a test can build any file.
#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses a part of it")]

use sohoa_sign::validate::Trust;
use std::process::Command;

/// When nothing else says when.
pub const NOW: i64 = 1_767_225_600;
/// What signers claim.
pub const TIME: &str = "20300601120000+07'00'";
/// Bytes of a container, twice as many digits.
const ROOM: usize = 16_000;

/// Certificates and keys in a temporary folder.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let authority = Authority { folder: tempfile::tempdir().unwrap() };
        let sections = "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n\
            [leaf]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\nauthorityKeyIdentifier=keyid\n\
            [cipher]\nkeyUsage=critical,keyEncipherment\n\
            [critical]\n1.2.3.4=critical,ASN1:NULL\n\
            [stamp]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n\
            [tsa]\ndefault_tsa=t\n[t]\nserial=serial\ndefault_policy=1.2.3\nother_policies=1.2.3\ndigests=sha256\nsigner_digest=sha256\n\
            ess_cert_id_alg=sha256\naccuracy=secs:1\nordering=no\ntsa_name=no\n\
            [crl]\ndefault_ca=c\n[c]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=40000\n";
        authority.write("openssl.cnf", sections.as_bytes());
        authority.write("serial", b"01");
        authority.openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root -days 40000 -config openssl.cnf -extensions ca");
        authority.issue("middle", "rsa:2048", "root", "ca");
        authority
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(self.folder.path()).output();
        let output = output.expect("openssl is missing; ./bootstrap test installs it");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A certificate of `issuer` with a new key.
    pub fn issue(&self, name: &str, key: &str, issuer: &str, section: &str) {
        self.openssl(&format!("req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -out {name}.pem -days 30000 \
                 -extfile openssl.cnf -extensions {section}"
        ));
    }

    pub fn trust(&self) -> Trust {
        let mut trust = Trust::default();
        assert!(trust.add(&self.read("root.pem")));
        trust
    }

    /// The container over the bytes.
    pub fn sign(&self, signer: &str, issuer: &str, more: &str, bytes: &[u8]) -> Vec<u8> {
        self.write("signed", bytes);
        let more = if more.is_empty() { String::new() } else { format!(" {more}") };
        self.openssl(&format!(
                "cms -sign -binary -cades -in signed -signer {signer}.pem -inkey {signer}.key -certfile {issuer}.pem -outform DER -out cms{more}"
            ));
        self.read("cms")
    }

    /// A paper signed by that certificate at that time.
    pub fn paper(&self, signer: &str, issuer: &str, more: &str, time: &str) -> Vec<u8> {
        paper("ETSI.CAdES.detached", time, "", |bytes| self.sign(signer, issuer, more, bytes))
    }
}

/// A page with a signature of that kind, whose container `sign` makes; `extra` stands in the catalog.
pub fn paper(kind: &str, time: &str, extra: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    Draft { kind, time, catalog: extra, ..Draft::default() }.signed(sign)
}

/// A page before its field `S1` (object 5) is signed (object 6).
pub struct Draft<'a> {
    /// The signature's /SubFilter.
    pub kind: &'a str,
    pub time: &'a str,
    /// More entries of the catalog (object 1), and of the signature.
    pub catalog: &'a str,
    pub signature: &'a str,
    /// Further fields, each of which is its widget: from object 7 on.
    pub fields: &'a [&'a str],
}

impl Default for Draft<'_> {
    fn default() -> Self {
        Draft { kind: "ETSI.CAdES.detached", time: TIME, catalog: "", signature: "", fields: &[] }
    }
}

impl Draft<'_> {
    /// The paper; `sign` makes the container over the bytes that it is given.
    pub fn signed(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let fields: String = (0..self.fields.len()).map(|n| format!(" {} 0 R", 7 + n)).collect();
        let mut objects = vec![
            format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R{fields}]/SigFlags 3>>{}>>", self.catalog),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
            page(&fields),
            "<</Length 16>>stream\n0 0 m 9 9 l S   \nendstream".into(),
            "<</Type/Annot/Subtype/Widget/FT/Sig/T(S1)/Rect[0 0 0 0]/V 6 0 R/P 3 0 R>>".into(),
            unsigned(self.kind, self.time, self.signature),
        ];
        objects.extend(self.fields.iter().map(|field| (*field).to_owned()));
        let mut pdf = b"%PDF-1.7\n".to_vec();
        append(&mut pdf, &objects.iter().enumerate().map(|(at, object)| (at + 1, object.clone())).collect::<Vec<_>>(), None);
        filled(pdf, 0, sign)
    }
}

/// The page (object 3) with more annotations than the signed field, such as ` 7 0 R`.
pub fn page(annotations: &str) -> String {
    format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>/Annots[5 0 R{annotations}]>>")
}

/// A signature dictionary that waits for its container.
pub fn unsigned(kind: &str, time: &str, more: &str) -> String {
    let hole = "0".repeat(2 * ROOM);
    format!(
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/{kind}/M(D:{time}){more}/ByteRange[0 aaaaaaaa bbbbbbbb cccccccc]/Contents<{hole}>>>"
    )
}

/// Makes the container of the signature that waits behind `from`.
fn filled(mut pdf: Vec<u8>, from: usize, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let find = |pdf: &[u8], what: &str| from + pdf[from..].windows(what.len()).position(|w| w == what.as_bytes()).unwrap();
    let at = find(&pdf, "/Contents<") + 9;
    let behind = at + 2 * ROOM + 2;
    for (mark, number) in [("aaaaaaaa", at), ("bbbbbbbb", behind), ("cccccccc", pdf.len() - behind)] {
        let place = find(&pdf, mark);
        pdf[place..place + 8].copy_from_slice(format!("{number:<8}").as_bytes());
    }
    let container = sign(&[&pdf[..at], &pdf[behind..]].concat());
    let digits: String = container.iter().map(|byte| format!("{byte:02x}")).collect();
    pdf[at + 1..at + 1 + digits.len()].copy_from_slice(digits.as_bytes());
    pdf
}

/// The paper with a later revision that is signed: one of its objects is [`unsigned`].
pub fn signed_again(paper: &[u8], objects: &[(usize, &str)], sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    filled(with(paper, objects), paper.len(), sign)
}

/// Appends objects with a cross-reference table of their own; `previous` is where the last one starts.
pub fn append(pdf: &mut Vec<u8>, objects: &[(usize, String)], previous: Option<usize>) {
    let mut table = String::from("xref\n0 1\n0000000000 65535 f \n");
    for (number, object) in objects {
        table += &format!("{number} 1\n{:010} 00000 n \n", pdf.len());
        pdf.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = pdf.len();
    let previous = previous.map(|at| format!("/Prev {at}")).unwrap_or_default();
    pdf.extend_from_slice(format!("{table}trailer\n<</Size 20/Root 1 0 R{previous}>>\nstartxref\n{start}\n%%EOF\n").as_bytes());
}

/// The paper with a later revision.
pub fn with(paper: &[u8], objects: &[(usize, &str)]) -> Vec<u8> {
    let mut pdf = paper.to_vec();
    let tail = String::from_utf8_lossy(&pdf[pdf.len() - 40..]).into_owned();
    let start = tail.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    append(&mut pdf, &objects.iter().map(|(n, o)| (*n, (*o).to_owned())).collect::<Vec<_>>(), Some(start));
    pdf
}
