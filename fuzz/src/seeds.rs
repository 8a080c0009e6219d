//! Writes first inputs for every fuzz target into `corpus/`, from the sample papers of the project and from what its own programs
//! write; run by `just fuzz` before it begins. Nothing of it is kept in git.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sohoa_digitize::page::{Encoding, KeptImage};
use sohoa_digitize::{Limits, ReadPage};
use sohoa_fuzz::{files_below, fixtures, key, receipts};
use sohoa_record::manifest::{IncomingSignature, PageState};
use sohoa_record::page_texts::{TextPage, to_bytes};
use sohoa_record::{CodeKind, Line, PageCode, PageText, Placement, Reason, Rect, Word};
use sohoa_service::page_protocol::{Answer, ChildSpec, Crop, Ready, Request, SourceInfo, Wall, encode, write_frame};
use std::path::PathBuf;
use std::time::Duration;

fn main() {
    let mut count = 0;
    let mut seed = |target: &str, bytes: &[u8]| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&folder).expect("a folder for seeds");
        std::fs::write(folder.join(format!("seed-{count:03}")), bytes).expect("a seed");
        count += 1;
    };
    for (side, message, image) in messages() {
        let mut bytes = vec![side];
        if side == 0 {
            bytes.extend_from_slice(&(message.len() as u16).to_le_bytes());
        }
        bytes.extend_from_slice(&message);
        bytes.extend_from_slice(&image);
        seed("child_protocol", &bytes);
        let mut pipe = vec![2];
        write_frame(&mut pipe, &message).expect("a frame");
        write_frame(&mut pipe, &image).expect("a frame");
        seed("child_protocol", &pipe);
    }
    for secure in [false, true] {
        let given = sohoa_service::sessions::cookie::Cookie { secure }.give(&"AbC-_".repeat(9)[..43]);
        let (pair, _) = given.split_once(';').expect("attributes follow");
        seed("session_cookie", format!("lang=vi; {pair}; theme=dark").as_bytes());
    }
    seed("configuration", sohoa_service::config::DEFAULT.as_bytes());
    seed("configuration", b"[decode]\nmax_page_megapixels = 1000\n[render]\nprofile = \"pdfa-2b\"\n");
    let register = std::fs::read(fixtures().join("register.csv")).expect("the register");
    seed("register_csv", &register);
    seed("register_csv", String::from_utf8_lossy(&register).replace(',', ";").as_bytes());
    seed("register_csv", "đơn vị;mã hồ sơ;số ký hiệu;ngày ban hành\nH48.15;H48.15-250117-0042;15/QĐ-UBND;25/04/2023\n".as_bytes());
    for receipt in receipts() {
        let payload = serde_json::from_slice::<serde_json::Value>(&receipt).ok();
        let payload = payload.and_then(|envelope| STANDARD.decode(envelope["payload"].as_str()?).ok());
        payload.iter().for_each(|manifest| seed("manifest", manifest));
        seed("receipt", &receipt);
    }
    let hash = STANDARD.encode([7; 32]);
    let note = format!("log.example/a\n9\n{hash}\n\n— log.example/a {}\n", STANDARD.encode([7; 68]));
    seed("add_checkpoint", format!("old 0\n\n{note}").as_bytes());
    seed("add_checkpoint", format!("old 3\n{hash}\n{hash}\n\n{note}").as_bytes());
    let line = sohoa_record::trust::policy_line(&key().verifying_key(), "Sở Tư pháp");
    seed("trust_policy", format!("# ours\n\n{line}\n").as_bytes());
    let root = sohoa_record::trust::root_line(&key().verifying_key(), "Nguyễn Văn An");
    let log = std::fs::read_to_string(fixtures().join("log/v1/vkey")).expect("a log's key");
    seed("trust_policy", format!("{root}\nroot-threshold 1\nlog {log}quorum none\n").as_bytes());
    for file in files_below(fixtures().join("keyring")) {
        let bytes = std::fs::read(&file).expect("a fixture");
        let payload = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
        let payload = payload.and_then(|envelope| STANDARD.decode(envelope["payload"].as_str()?).ok());
        payload.iter().for_each(|keyring| seed("keyring", keyring));
        seed("keyring", &bytes);
    }
    for file in files_below(fixtures().join("log")) {
        let bytes = std::fs::read(&file).expect("a fixture");
        seed("log", bytes.trim_ascii_end());
        seed("log", &bytes);
        seed("log", &[b"c2sp.org/tlog-proof@v1\nindex 0\n\n".as_slice(), &bytes].concat());
        seed("log", &[b"log ".as_slice(), bytes.trim_ascii_end(), b"\nquorum none\n"].concat());
    }
    seed("log", b"tile/entries/x001/234.p/7");
    for file in files_below(fixtures()) {
        let name = file.strip_prefix(fixtures()).expect("below").to_string_lossy().into_owned();
        seed("names_and_codes", name.as_bytes());
        let bytes = std::fs::read(&file).expect("a fixture");
        if bytes.starts_with(b"%PDF-") && bytes.len() < 65_536 {
            seed("incoming_signatures", &bytes);
        }
        if bytes.starts_with(b"{\"format\":\"sohoa-text") {
            seed("text_object", &bytes);
        }
    }
    for name in ["H48.15-250117-0042.03.pdf", "000.00.53.H48-220921-0099", "0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f", "page_crash", "25/04/2023"] {
        seed("names_and_codes", name.as_bytes());
    }
    seed("text_object", &to_bytes(&[TextPage { number: 1, placement: Placement::default(), text: text(), corrections: Vec::new() }]));
    seed("incoming_signatures", SIGNED);
    println!("{count} seeds");
}

/// A page with a signature whose container is none.
const SIGNED: &[u8] = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>\nendobj\n\
2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n\
4 0 obj\n<</FT/Sig/T(S)/V 5 0 R>>\nendobj\n\
5 0 obj\n<</Type/Sig/SubFilter/adbe.pkcs7.detached/ByteRange[0 313 321 216]/Contents<300200>>>\nendobj\n\
xref\n0 6\n0000000000 65535 f \n0000000009 00000 n \n0000000076 00000 n \n0000000127 00000 n \n0000000192 00000 n \n0000000235 00000 n \n\
trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n342\n%%EOF\n";

fn text() -> PageText {
    let rect = Rect { x: 10, y: 20, width: 30, height: 40 };
    let words = ["Số:", "46/TB-UBND"].map(|text| Word { text: text.into(), rect, confidence: 93 }).to_vec();
    PageText { width: 100, height: 200, lines: vec![Line { words, rect, block: 1 }] }
}

/// Side (as in the target), message, image.
fn messages() -> Vec<(u8, Vec<u8>, Vec<u8>)> {
    let page = ReadPage {
        number: 1,
        state: PageState::Text,
        reasons: vec![Reason::LowDpi],
        dpi: 150,
        placement: Placement { rotated_deg: 0, skew_mdeg: -850 },
        text: text(),
        corrections: Vec::new(),
        born_digital: false,
        codes: vec![PageCode { kind: CodeKind::Qr, text: "SOHOA:DOCUMENT".into(), rect: Rect { x: 1, y: 2, width: 3, height: 4 } }],
        look: Some(sohoa_record::PageLook::new([7; 32])),
        kept: Some(KeptImage { width: 100, height: 200, encoding: Encoding::Group4, data: Vec::new() }),
    };
    let mut jpeg = page.clone();
    if let Some(kept) = &mut jpeg.kept {
        kept.encoding = Encoding::Jpeg { components: 3 };
    }
    let engine = sohoa_digitize::recognize::EngineInfo { engine: "tesseract".into(), model: "vie".into(), model_sha256: None };
    let signature =
        IncomingSignature { kind: "adbe".into(), signer: "A".into(), claimed_time: "D:2025".into(), covers_whole_file: true };
    let answer = |answer: Answer| encode(&answer).expect("a message");
    let spec = ChildSpec {
        program: None,
        require_walls: true,
        model: "m".into(),
        roots: "r".into(),
        recording: "".into(),
        language: "vie".into(),
        reading: Default::default(),
        limits: Limits::default(),
        memory_bytes: 1,
        open_time: Duration::from_secs(1),
        page_time: Duration::from_secs(1),
    };
    vec![
        (0, answer(Answer::Page { page: Box::new(page), engine_ms: 9 }), vec![0; 40]),
        (0, answer(Answer::Page { page: Box::new(jpeg), engine_ms: 9 }), vec![0xff; 40]),
        (0, answer(Answer::Page { page: Box::new(ReadPage::failed(2, Reason::PageDamaged)), engine_ms: 0 }), Vec::new()),
        (0, answer(Answer::Opened(SourceInfo { media_type: "application/pdf".into(), pages: 3, signatures: vec![signature] })), Vec::new()),
        (0, answer(Answer::Crop(Crop { width: 3, height: 2, pixels: vec![0, 9, 80, 200, 255, 1] })), Vec::new()),
        (0, answer(Answer::Refused { reason: Reason::Damaged, detail: "cut short".into() }), Vec::new()),
        (0, answer(Answer::Ready(Ready { engine, walls: vec![Wall { name: "files".into(), stands: true, detail: "x".into() }] })), Vec::new()),
        (1, encode(&Request::Open { name: "a.pdf".into() }).expect("a message"), Vec::new()),
        (1, encode(&Request::Page { number: 300 }).expect("a message"), Vec::new()),
        (1, encode(&Request::Crop { number: 1, place: Rect { x: 1, y: 2, width: 3, height: 4 }, rotated_deg: 90 }).expect("a message"), Vec::new()),
        (1, encode(&spec).expect("a message"), Vec::new()),
    ]
}
