//! Small archives and exports of the real layout, sealed with test keys.
#![allow(dead_code, clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use serde_json::Value;
use sohoa_record::manifest::{Dossier, Event, FORMAT, Object, Page, PageState, Processing, Role, Source, State};
use sohoa_record::trust::policy_line;
use sohoa_record::{Digests, Field, Manifest, Placement, Reason, Receipt, Rect, Sha256Hex};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seeds of keys that exist for tests only and protect nothing.
pub const TEST_KEY: [u8; 32] = *b"sohoa TEST-ONLY manifest key 01!";
pub const OTHER_KEY: [u8; 32] = *b"sohoa TEST-ONLY manifest key 02!";

pub const A: &str = "0193a5c2-7e1b-7c3d-9f00-00000000000a";
pub const B: &str = "0193a5c2-7e1b-7c3d-9f00-00000000000b";

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&TEST_KEY)
}

/// The three objects of a revision and their bytes. Revisions share their source.
pub fn objects(record: &str, revision: u32) -> Vec<(Object, Vec<u8>)> {
    let object = |role, name: &str, media_type: &str, text: String| {
        let bytes = text.into_bytes();
        (Object { role, name: name.into(), media_type: media_type.into(), digests: Digests::of(&bytes) }, bytes)
    };
    let searchable = format!("stands for the PDF/A of {record}, revision {revision}\n");
    let word = format!(r#"{{"text":"{record}/{revision}","rect":[412,655,298,44],"confidence":41}}"#);
    let line = format!(r#"{{"words":[{word}],"rect":[412,655,298,44],"block":0}}"#);
    let page = format!(r#"{{"width":2480,"height":3508,"lines":[{line}]}}"#);
    let text = format!(
        r#"{{"format":"sohoa-text/1","pages":[{{"number":1,"placement":{{"rotated_deg":0,"skew_mdeg":-850}},"text":{page}}}]}}"#
    );
    vec![
        object(Role::Source, "source.png", "image/png", format!("stands for the scan of {record}\n")),
        object(Role::Searchable, "searchable.pdf", "application/pdf", searchable),
        object(Role::Text, "text.json", sohoa_record::page_texts::MEDIA_TYPE, text),
    ]
}

/// A manifest with every kind of member filled.
pub fn manifest(record: &str, previous: Option<&Manifest>) -> Manifest {
    let revision = previous.map_or(1, |m| m.revision + 1);
    let first = revision == 1;
    let objects: Vec<Object> = objects(record, revision).into_iter().map(|(object, _)| object).collect();
    let event = |at: &str, who: &str, action: &str, note: &str| Event {
        at: at.into(),
        who: who.into(),
        action: action.into(),
        note: note.into(),
        changes: vec![],
    };
    let mut history = vec![event("2026-11-22T09:30:00+07:00", "sohoa 0.1.0", "capture", "")];
    if !first {
        history.push(event("2026-11-22T10:05:00+07:00", "nguyen.thi.hoa", "set", "code_number"));
    }
    Manifest {
        format: FORMAT.into(),
        record: record.parse().unwrap(),
        revision,
        previous: previous.map(|m| Sha256Hex::of(&m.to_bytes())),
        salt: format!("{revision:02}").repeat(32),
        sealed_at: format!("2026-11-22T{:02}:30:05+07:00", 8 + revision),
        dossier: Dossier {
            code: Some("H48.15-261120-0042".parse().unwrap()),
            folder: "H48.15-261120-0042".into(),
            ordinal: Some(1),
            unit: Some("H48.15".into()),
        },
        part: None,
        source: Source {
            name: "quyết định 51.png".into(),
            media_type: "image/png".into(),
            arrived_at: "2026-11-22T09:29:58+07:00".into(),
            digests: objects[0].digests.clone(),
        },
        state: if first { State::Review } else { State::Sealed },
        reasons: if first { vec![Reason::NumberHandwritten] } else { vec![] },
        result_code: None,
        objects,
        pages: vec![Page {
            number: 1,
            state: PageState::Text,
            reasons: vec![],
            dpi: 300,
            width_px: 2480,
            height_px: 3508,
            placement: Placement { rotated_deg: 0, skew_mdeg: -850 },
            confidence: 94,
            born_digital: false,
            image_sha256: Some(Sha256Hex::of(b"the image's own stream")),
            codes: Vec::new(),
            look: None,
        }],
        fields: vec![Field {
            name: "code_number".into(),
            value: (!first).then(|| "51".into()),
            printed: "Số: …/QĐ-UBND".into(),
            confidence: 41,
            page: 1,
            rect: Some(Rect { x: 412, y: 655, width: 298, height: 44 }),
            doubt: first.then_some(Reason::NumberHandwritten),
            rule: if first { "nd30.header.number".into() } else { "review.set".into() },
            register: None,
        }],
        incoming_signatures: vec![],
        signature_checks: vec![],
        processing: Processing {
            software: "sohoa 0.1.0".into(),
            engine: "tesseract 5.3.0".into(),
            model: "vie".into(),
            model_sha256: Some(Sha256Hex::of(b"the model")),
        },
        history,
    }
}

pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn receipt_path(root: &Path, record: &str, revision: u32) -> PathBuf {
    root.join(format!("records/{record}/r{revision:04}.dsse.json"))
}

pub fn object_path(root: &Path, digest: &Sha256Hex) -> PathBuf {
    root.join(format!("objects/sha256/{}/{digest}", &digest.as_str()[..2]))
}

/// The folder of the notes of a source's arrivals, relative to the archive.
pub fn arrivals(manifest: &Manifest) -> String {
    let digest = manifest.source.digests.sha256.as_str();
    format!("arrivals/{}/{digest}", &digest[..2])
}

/// Puts `revisions` revisions of a record into the archive at `root`, sealed with `key`; gives back the manifests.
pub fn store(root: &Path, record: &str, revisions: u32, key: &SigningKey) -> Vec<Manifest> {
    let mut manifests: Vec<Manifest> = Vec::new();
    for revision in 1..=revisions {
        let manifest = manifest(record, manifests.last());
        for (object, bytes) in objects(record, revision) {
            write(object_path(root, &object.digests.sha256), bytes);
        }
        write(receipt_path(root, record, revision), Receipt::seal(&manifest, key).to_bytes());
        manifests.push(manifest);
    }
    arrive(root, &manifests[0]);
    manifests
}

/// The note of an arrival of a source, under `name` in `folder`.
pub fn note(manifest: &Manifest, name: &str, folder: &str) -> Value {
    let (source, digests) = (&manifest.source, &manifest.source.digests);
    serde_json::json!({
        "format": "sohoa-arrival/1", "record": manifest.record, "name": name, "path": format!("/scans/{folder}/{name}"),
        "media_type": "image/png", "arrived_at": source.arrived_at,
        "dossier": { "code": null, "folder": folder, "ordinal": null, "unit": null },
        "size": digests.size, "sha256": digests.sha256, "sha512": digests.sha512,
    })
}

/// A source's bytes and the note of its first arrival.
pub fn arrive(root: &Path, manifest: &Manifest) {
    let note = note(manifest, &manifest.source.name, "H48.15-261120-0042");
    write(root.join(arrivals(manifest)).join("first.json"), note.to_string());
    write(object_path(root, &manifest.source.digests.sha256), &objects(manifest.record.as_str(), 1)[0].1);
}

/// The payload of a bag as `sohoa export` makes it, with one record.
pub fn export(root: &Path, record: &str, revisions: u32, key: &SigningKey) {
    let mut previous: Option<Manifest> = None;
    for revision in 1..=revisions {
        let manifest = manifest(record, previous.as_ref());
        let folder = root.join(format!("data/{record}/r{revision:04}"));
        for (object, bytes) in objects(record, revision) {
            write(folder.join(object.name), bytes);
        }
        write(folder.join("manifest.json"), manifest.to_bytes());
        write(folder.join(format!("r{revision:04}.dsse.json")), Receipt::seal(&manifest, key).to_bytes());
        previous = Some(manifest);
    }
}

/// The trust policy that believes the test key.
pub fn trust(folder: &Path) -> PathBuf {
    let path = folder.join("trust.txt");
    write(&path, format!("# test only\n{}\n", policy_line(&key().verifying_key(), "Khóa thử nghiệm")));
    path
}

/// What the program says: exit code, JSON lines, all of its report, and its messages.
pub struct Said {
    pub code: i32,
    pub lines: Vec<Value>,
    pub text: String,
    pub errors: String,
}

pub fn run(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_sohoa-verify")).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Said { code: output.status.code().unwrap(), lines, text, errors: String::from_utf8(output.stderr).unwrap() }
}

/// Audits `root` and gives back exit code and JSON lines.
pub fn verify(root: &Path, trust: &Path) -> Said {
    run(&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--json"])
}

/// Every regular file below `folder`, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

impl Said {
    /// The only line about `record`.
    pub fn about(&self, record: &str) -> &Value {
        let lines: Vec<&Value> = self.lines.iter().filter(|line| line["record"] == record).collect();
        assert_eq!(lines.len(), 1, "{}{}", self.text, self.errors);
        lines[0]
    }

    /// The verdict on what is shown as `path`.
    pub fn verdict_at(&self, path: &str) -> Option<&str> {
        self.lines.iter().find(|line| line["path"] == path)?["verdict"].as_str()
    }

    /// All verdicts in order.
    pub fn verdicts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect()
    }

    /// Asserts exit code, and the verdict and object of `record`.
    pub fn expect(&self, code: i32, record: &str, verdict: &str, object: &str) {
        let line = self.about(record);
        assert_eq!((self.code, line["verdict"].as_str().unwrap()), (code, verdict), "{}", self.text);
        assert_eq!(line["object"].as_str().unwrap_or_default(), object, "{}", self.text);
        let (en, vi) = (line["reason"].as_str().unwrap(), line["reason_vi"].as_str().unwrap());
        assert!(en.contains(object) && vi.contains(object), "the reasons name the object: {}", self.text);
    }
}
