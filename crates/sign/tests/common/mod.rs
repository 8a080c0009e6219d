//! A test PKI made by openssl, a PDF/A made by our own writer, and the outside judges. Every tool that is missing fails the test.
#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses a part of it")]

use jiff::{Timestamp, Zoned};
use sohoa_digitize::ReadPage;
use sohoa_digitize::page::{Encoding, KeptImage};
use sohoa_digitize::render::{Meta, Profile, Writer};
use sohoa_record::Reason;
use sohoa_record::text::Placement;
use sohoa_sign::appearance::Font;
use sohoa_sign::certificate::Certificate;
use sohoa_sign::pades::Authority;
use sohoa_sign::revocation::Ask;
use sohoa_sign::signer::Signer;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

pub const PASSWORD: &str = "mật khẩu thử";
pub const TSA: &str = "http://tsa.test/stamp";

/// A CA with the certificates that tests ask for. Its `network` is a function: nothing leaves this machine.
pub struct Pki {
    folder: PathBuf,
    _owner: Option<TempDir>,
    /// What was asked, in order.
    pub asked: Mutex<Vec<String>>,
    /// Openssl's files of a CA are not for two at once.
    busy: Mutex<()>,
}

const CONFIGURATION: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
certificate = root.pem
private_key = root.key
default_md = sha256
default_days = 30
default_crl_days = 7
crlnumber = crlnumber
crl_extensions = crl
policy = any
unique_subject = no
[crl]
authorityKeyIdentifier = keyid
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[document]
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:@CA@/root.crl
[responder_only]
keyUsage = critical,digitalSignature,nonRepudiation
authorityInfoAccess = OCSP;URI:@CA@/ocsp
[silent]
keyUsage = critical,digitalSignature,nonRepudiation
[encipherment]
keyUsage = critical,keyEncipherment
crlDistributionPoints = URI:@CA@/root.crl
[stamping]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
crlDistributionPoints = URI:@CA@/root.crl
[ocsp]
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
[tsa]
default_tsa = tsa1
[tsa1]
serial = tsa-serial
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_alg = sha256
";

impl Pki {
    pub fn new() -> Pki {
        Pki::reached_at("http://ca.test")
    }

    /// One whose certificates say that the CA is asked at that address.
    pub fn reached_at(base: &str) -> Pki {
        let owner = tempfile::tempdir().unwrap();
        let mut pki = Pki::at(owner.path().to_owned());
        pki._owner = Some(owner);
        pki.write("ca.cnf", CONFIGURATION.replace("@CA@", base));
        pki.write("index.txt", "");
        pki.write("serial", "1000\n");
        pki.write("crlnumber", "01\n");
        pki.write("tsa-serial", "01\n");
        pki.key("root", "P-256");
        let subject = "/CN=Gốc chứng thực thử nghiệm";
        pki.openssl(&[
            "req",
            "-x509",
            "-new",
            "-utf8",
            "-key",
            "root.key",
            "-out",
            "root.pem",
            "-days",
            "60",
            "-subj",
            subject,
            "-config",
            "ca.cnf",
            "-extensions",
            "root",
        ]);
        pki.certificate("tsa", "rsa:2048", "stamping", "/CN=Dịch vụ dấu thời gian thử", &[]);
        pki.renew_crl();
        pki
    }

    /// One that somebody else made.
    pub fn at(folder: PathBuf) -> Pki {
        Pki { folder, _owner: None, asked: Mutex::default(), busy: Mutex::default() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        run(Command::new("openssl").args(arguments).current_dir(&self.folder), "openssl")
    }

    fn key(&self, name: &str, kind: &str) {
        let file = format!("{name}.key");
        match kind {
            "ed25519" => self.openssl(&["genpkey", "-algorithm", "ed25519", "-out", &file]),
            kind if kind.starts_with("rsa:") => self.openssl(&[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                &format!("rsa_keygen_bits:{}", &kind[4..]),
                "-out",
                &file,
            ]),
            curve => {
                self.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}"), "-out", &file])
            }
        };
    }

    /// A key and its certificate: `name.key`, `name.pem`. `more` are further arguments, such as `-days -1`.
    pub fn certificate(&self, name: &str, kind: &str, usage: &str, subject: &str, more: &[&str]) {
        let _busy = self.busy.lock().unwrap();
        self.key(name, kind);
        let (key, request, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&["req", "-new", "-utf8", "-key", &key, "-out", &request, "-subj", subject, "-config", "ca.cnf"]);
        let arguments =
            ["ca", "-batch", "-notext", "-utf8", "-config", "ca.cnf", "-extensions", usage, "-in", &request, "-out", &pem];
        self.openssl(&[&arguments[..], more].concat());
    }

    /// The usual signer of a kind of key, as a PKCS#12 file that is open.
    pub fn signer(&self, name: &str, kind: &str) -> Signer {
        self.certificate(name, kind, "document", &format!("/CN=UBND xã Thử Nghiệm {name}"), &[]);
        Signer::pkcs12(&self.pkcs12(name), PASSWORD).unwrap()
    }

    pub fn pkcs12(&self, name: &str) -> Vec<u8> {
        let (key, pem, file) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.p12"));
        let pass = format!("pass:{PASSWORD}");
        self.openssl(&[
            "pkcs12",
            "-export",
            "-inkey",
            &key,
            "-in",
            &pem,
            "-certfile",
            "root.pem",
            "-out",
            &file,
            "-passout",
            &pass,
        ]);
        self.read(&file)
    }

    pub fn revoke(&self, name: &str) {
        self.openssl(&["ca", "-config", "ca.cnf", "-revoke", &format!("{name}.pem")]);
        self.renew_crl();
    }

    pub fn renew_crl(&self) {
        self.openssl(&["ca", "-config", "ca.cnf", "-gencrl", "-out", "root.crl.pem"]);
        self.openssl(&["crl", "-in", "root.crl.pem", "-outform", "DER", "-out", "root.crl"]);
    }

    /// A time-stamping service (`late.pem`) of a CA of its own (`old.pem`), both valid for more than fifty years. Gives the CA's root.
    pub fn long_lived(&self) -> Vec<Certificate> {
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "old.key"]);
        self.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "old.key",
            "-out",
            "old.pem",
            "-days",
            "21900",
            "-subj",
            "/CN=Long Root",
            "-config",
            "ca.cnf",
            "-extensions",
            "root",
        ]);
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "late.key"]);
        self.openssl(&["req", "-new", "-key", "late.key", "-out", "late.csr", "-subj", "/CN=Long TSA", "-config", "ca.cnf"]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            "late.csr",
            "-CA",
            "old.pem",
            "-CAkey",
            "old.key",
            "-CAcreateserial",
            "-days",
            "20000",
            "-extfile",
            "ca.cnf",
            "-extensions",
            "stamping",
            "-out",
            "late.pem",
        ]);
        Certificate::all_from_pem(&String::from_utf8(self.read("old.pem")).unwrap()).unwrap()
    }

    pub fn roots(&self) -> Vec<Certificate> {
        Certificate::all_from_pem(&String::from_utf8(self.read("root.pem")).unwrap()).unwrap()
    }

    /// The responder's answer to the request in a file, good for a week.
    pub fn respond(&self, request: &str, answer: &str) {
        let who = ["-CA", "root.pem", "-rsigner", "responder.pem", "-rkey", "responder.key"];
        let what = ["-reqin", request, "-respout", answer, "-ndays", "7"];
        self.openssl(&[&["ocsp", "-index", "index.txt"][..], &who, &what].concat());
    }

    /// The test's network: the CA's list, its responder, and a time-stamping service.
    pub fn network(&self, ask: Ask<'_>) -> Result<Vec<u8>, String> {
        self.asked.lock().unwrap().push(ask.url.to_owned());
        let _busy = self.busy.lock().unwrap();
        match (ask.url, ask.post) {
            ("http://ca.test/root.crl", None) => Ok(self.read("root.crl")),
            ("http://ca.test/ocsp", Some((_, request))) => {
                self.write("ocsp.req", request);
                self.respond("ocsp.req", "ocsp.res");
                Ok(self.read("ocsp.res"))
            }
            (TSA, Some((_, request))) => {
                self.write("query.tsq", request);
                self.openssl(&["ts", "-reply", "-config", "ca.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"]);
                Ok(self.read("reply.tsr"))
            }
            (url, _) => Err(format!("{url} does not answer")),
        }
    }
}

/// Answers in place of the network.
type Network<'a> = Box<dyn Fn(Ask<'_>) -> Result<Vec<u8>, String> + Sync + 'a>;

/// What a test believes and asks.
pub struct World<'a> {
    pub roots: Vec<Certificate>,
    pub services: Vec<String>,
    pub network: Network<'a>,
}

impl<'a> World<'a> {
    pub fn of(pki: &'a Pki) -> World<'a> {
        World { roots: pki.roots(), services: vec![TSA.into()], network: Box::new(|ask| pki.network(ask)) }
    }

    pub fn authority(&self) -> Authority<'_> {
        Authority { roots: &self.roots, services: &self.services, network: &self.network, nonce: &nonce, now: Timestamp::now() }
    }
}

fn nonce() -> [u8; 8] {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub fn now() -> Zoned {
    Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)))
}

pub fn font() -> Font {
    let file = "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf";
    Font::new(std::fs::read(file).unwrap_or_else(|e| panic!("{file}: {e}: install the Debian package fonts-liberation2")))
        .unwrap()
}

/// A PDF/A-1b of two grey A4 pages, the first turned by so many degrees.
pub fn pdf_a(rotated_deg: u16) -> Vec<u8> {
    pdf_a_of(Profile::PdfA1b, rotated_deg)
}

/// The same of either profile.
pub fn pdf_a_of(profile: Profile, rotated_deg: u16) -> Vec<u8> {
    let page = |number: u32, rotated_deg: u16| {
        let (width, height) = if rotated_deg.is_multiple_of(180) { (827, 1169) } else { (1169, 827) };
        let data = miniz_oxide::deflate::compress_to_vec_zlib(&vec![235; (width * height) as usize], 6);
        let mut page = ReadPage::failed(number, Reason::PageDamaged);
        page.dpi = 100;
        page.placement = Placement { rotated_deg, skew_mdeg: 0 };
        page.kept = Some(KeptImage { width, height, encoding: Encoding::Flate { components: 1 }, data });
        page
    };
    let mut writer = Writer::new(Vec::new(), profile).unwrap();
    writer.page(&page(1, rotated_deg)).unwrap();
    writer.page(&page(2, 0)).unwrap();
    let meta = Meta { title: "Quyết định thử".into(), created: now(), id: [7; 16] };
    writer.finish(&meta, &[]).unwrap()
}

/// Runs a program; fails when it is missing or fails.
pub fn run(command: &mut Command, package: &str) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}: install {package}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}{}", String::from_utf8_lossy(&output.stdout));
    output.stdout
}

/// The Python that pyHanko is installed in.
pub fn pyhanko() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let program = std::env::split_paths(&path).map(|folder| folder.join("pyhanko")).find(|file| file.exists());
    let program = program.expect("pyhanko is missing: run ./bootstrap test, and put ~/.cache/sohoa/tools/bin on the PATH");
    program.canonicalize().unwrap().with_file_name("python")
}

fn judge(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign/tests/judges").join(name)
}

/// What pyHanko says of files, in order.
pub fn pyhanko_says(pki: &Pki, files: &[PathBuf]) -> Vec<serde_json::Value> {
    let mut command = Command::new(pyhanko());
    command.arg(judge("validate.py")).arg(pki.path("root.pem")).args(files);
    let told = String::from_utf8(run(&mut command, "pyhanko")).unwrap();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Another program makes a CMS for a digest.
pub fn sign_elsewhere(pki: &Pki, name: &str, digest: &str) -> Vec<u8> {
    let mut command = Command::new(pyhanko());
    command.arg(judge("sign_elsewhere.py")).arg(pki.path(&format!("{name}.key"))).arg(pki.path(&format!("{name}.pem")));
    run(command.arg(pki.path("root.pem")).arg(digest).arg(pki.path("elsewhere.cms")), "pyhanko");
    pki.read("elsewhere.cms")
}

/// What poppler says of the signatures of a file; it does not judge certificates.
pub fn pdfsig_says(pki: &Pki, file: &Path) -> String {
    let nss = pki.path("nss");
    if !nss.exists() {
        std::fs::create_dir(&nss).unwrap();
        run(Command::new("certutil").args(["-N", "--empty-password", "-d"]).arg(&nss), "libnss3-tools");
    }
    let output = run(Command::new("pdfsig").arg("-nocert").arg("-nssdir").arg(&nss).arg(file), "poppler-utils");
    String::from_utf8_lossy(&output).into_owned()
}

/// The PDF is well formed, and still PDF/A-1b.
pub fn is_pdf_a(files: &[PathBuf], folder: &Path) {
    for file in files {
        let report = String::from_utf8(run(Command::new("qpdf").arg("--check").arg(file), "qpdf")).unwrap();
        assert!(report.contains("No syntax or stream encoding errors found"), "{report}");
    }
    let report = preflight(files, folder);
    let verdicts: Vec<&str> = report.lines().filter(|line| !line.starts_with(' ')).collect();
    let expected: Vec<String> = files.iter().map(|file| format!("valid {}", file.display())).collect();
    assert_eq!(verdicts, expected, "{report}");
}

/// What of PDF/A-2b a signature could break, as a program says that reads with pyHanko: one object a file.
pub fn pdf_a_2b_says(files: &[PathBuf]) -> Vec<serde_json::Value> {
    let told = String::from_utf8(run(Command::new(pyhanko()).arg(judge("pdf_a_2b.py")).args(files), "pyhanko")).unwrap();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What PDFBox preflight says of each file.
pub fn preflight(files: &[PathBuf], folder: &Path) -> String {
    let jars = [
        "pdfbox2",
        "preflight",
        "xmpbox",
        "fontbox2",
        "commons-logging",
        "javax.activation",
        "jaxb-api",
        "jaxb-runtime",
        "jaxb-core",
    ];
    let jars = jars.map(|jar| format!("/usr/share/java/{jar}.jar")).join(":");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../digitize/tests/preflight/Preflight.java");
    run(Command::new("javac").args(["-cp", &jars, "-d"]).arg(folder).arg(source), "default-jdk-headless libpdfbox2-java");
    let class_path = format!("{jars}:{}", folder.display());
    let mut command = Command::new("java");
    command.args(["-cp", &class_path, "Preflight"]).args(files);
    String::from_utf8(run(&mut command, "default-jdk-headless libpdfbox2-java")).unwrap()
}

pub fn pdftotext(file: &Path) -> String {
    String::from_utf8(run(Command::new("pdftotext").args(["-layout"]).arg(file).arg("-"), "poppler-utils")).unwrap()
}
