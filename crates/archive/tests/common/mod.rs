//! What the tests of the archive share: an archive in a folder that is gone afterwards, documents made by hand, and the short
//! way from a source to a committed record that a worker takes.
#![allow(dead_code, clippy::unwrap_used)]

pub mod faulty;
pub mod log;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use object_store::ObjectStore;
use sohoa_archive::objects::folder_store;
use sohoa_archive::{Archive, Arrived, Arriving, Commit, Finding, Report, Result, SourceBytes, new_record_id};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{self, Dossier, Event, Manifest, Object, Page, PageState, Part, Processing, Role, Source, State};
use sohoa_record::{DossierCode, Field, Line, PageText, Placement, Receipt, Rect, TextPage, TrustPolicy, Word, page_texts};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder for the store and a file for the database.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        Self { dir }
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("index.sqlite")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn open(&self) -> Archive {
        Archive::open_folder(&self.folder(), &self.database(), policy()).await.unwrap()
    }

    pub fn store(&self) -> Arc<dyn ObjectStore> {
        folder_store(&self.folder()).unwrap()
    }

    pub async fn open_over(&self, store: Arc<dyn ObjectStore>) -> Archive {
        Archive::open(store, Some(&self.folder()), &self.database(), policy()).await.unwrap()
    }

    /// Every file of the store, in order, except the unfinished.
    pub fn stored(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(&self.folder(), &mut files);
        files.sort();
        files
    }

    pub fn receipts(&self) -> usize {
        self.stored().iter().filter(|path| path.to_string_lossy().ends_with(".dsse.json")).count()
    }
}

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn policy() -> TrustPolicy {
    let mut policy = TrustPolicy::default();
    policy.add(key().verifying_key(), "tests").unwrap();
    policy
}

/// A document as a person would describe it; the rest is made up.
#[derive(Clone, Default)]
pub struct Document {
    pub bytes: Vec<u8>,
    pub name: String,
    pub folder: String,
    pub dossier: Option<&'static str>,
    pub unit: Option<&'static str>,
    pub fields: Vec<(&'static str, &'static str)>,
    pub pages: Vec<&'static str>,
}

pub fn document(name: &str, pages: &[&'static str]) -> Document {
    Document {
        bytes: format!("the scan {name}").into_bytes(),
        name: name.to_owned(),
        folder: "in".to_owned(),
        pages: pages.to_vec(),
        ..Document::default()
    }
}

impl Document {
    pub fn dossier(&self) -> Dossier {
        Dossier {
            code: self.dossier.map(|code| code.parse::<DossierCode>().unwrap()),
            folder: self.folder.clone(),
            ordinal: None,
            unit: self.unit.map(str::to_owned),
        }
    }

    pub fn arriving(&self) -> Arriving {
        Arriving {
            record: new_record_id(),
            name: self.name.clone(),
            path: format!("/scans/{}/{}", self.folder, self.name),
            media_type: Some("image/png".into()),
            arrived_at: "2026-11-22T08:00:00+07:00".into(),
            now: 1_000,
            dossier: self.dossier(),
            priority: 0,
        }
    }

    pub fn text_pages(&self) -> Vec<TextPage> {
        let page = |(i, text): (usize, &&str)| {
            let rect = Rect { x: 0, y: 0, width: 10, height: 10 };
            let word = |text: &str| Word { text: text.to_owned(), rect, confidence: 90 };
            let line = |text: &str| Line { words: text.split_whitespace().map(word).collect(), rect, block: 1 };
            let text = PageText { width: 100, height: 100, lines: text.lines().map(line).collect() };
            TextPage { number: i as u32 + 1, placement: Placement::default(), text, corrections: Vec::new() }
        };
        self.pages.iter().enumerate().map(page).collect()
    }
}

pub async fn arrive(archive: &Archive, document: &Document) -> Result<Arrived> {
    archive.arrive(document.arriving(), SourceBytes::Bytes(Bytes::from(document.bytes.clone()))).await
}

/// What a worker does with a job: derivatives, then the sealed manifest. `salt` tells two makings apart, as randomness does.
pub async fn seal(archive: &Archive, document: &Document, arrived: &Arrived, salt: u8) -> Result<Receipt> {
    seal_part(archive, document, arrived, salt, None).await
}

/// The same for one document of a source that holds several.
pub async fn seal_part(
    archive: &Archive,
    document: &Document,
    arrived: &Arrived,
    salt: u8,
    part: Option<Part>,
) -> Result<Receipt> {
    let note = &arrived.first;
    let searchable = archive.objects.put(format!("searchable copy of {}", note.digests.sha256).into_bytes()).await?;
    let text = archive.objects.put(page_texts::to_bytes(&document.text_pages())).await?;
    let object = |role, name: &str, media_type: &str, digests| Object {
        role,
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        digests,
    };
    let page = |number| Page {
        number,
        state: PageState::Text,
        reasons: vec![],
        dpi: 300,
        width_px: 100,
        height_px: 100,
        placement: Placement::default(),
        confidence: 90,
        born_digital: false,
        image_sha256: None,
        codes: Vec::new(),
        look: None,
    };
    let field = |(name, value): &(&str, &str)| Field {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
        printed: (*value).to_owned(),
        confidence: 95,
        page: 1,
        rect: None,
        doubt: None,
        rule: "test".into(),
        register: None,
    };
    let manifest = Manifest {
        format: manifest::FORMAT.into(),
        record: note.record.part(part.map_or(1, |part| part.number)),
        revision: 1,
        previous: None,
        salt: format!("{salt:02x}").repeat(32),
        sealed_at: "2026-11-22T08:01:00+07:00".into(),
        dossier: note.dossier.clone(),
        part,
        source: Source {
            name: note.name.clone(),
            media_type: "image/png".into(),
            arrived_at: note.arrived_at.clone(),
            digests: note.digests.clone(),
        },
        state: State::Sealed,
        reasons: vec![],
        result_code: None,
        objects: vec![
            object(Role::Source, "source.png", "image/png", note.digests.clone()),
            object(Role::Searchable, "searchable.pdf", "application/pdf", searchable),
            object(Role::Text, "text.json", page_texts::MEDIA_TYPE, text),
        ],
        pages: (1..=document.pages.len() as u32).map(page).collect(),
        fields: document.fields.iter().map(field).collect(),
        incoming_signatures: vec![],
        signature_checks: vec![],
        pdf_signatures: vec![],
        processing: Processing { software: "test".into(), engine: String::new(), model: String::new(), model_sha256: None },
        history: vec![event("capture")],
    };
    Ok(Receipt::seal(&manifest, &key()))
}

pub fn event(action: &str) -> Event {
    let at = "2026-11-22T08:01:00+07:00".into();
    Event { at, who: "tests".into(), action: action.into(), note: String::new(), changes: vec![] }
}

/// The whole way of a document.
pub async fn ingest(archive: &Archive, document: &Document, salt: u8) -> Result<(Arrived, Option<Commit>)> {
    let arrived = arrive(archive, document).await?;
    if arrived.committed {
        return Ok((arrived, None));
    }
    let receipt = seal(archive, document, &arrived, salt).await?;
    let commit = archive.commit(&receipt).await?;
    Ok((arrived, Some(commit)))
}

/// A later revision of the latest one.
pub async fn revise(archive: &Archive, record: &RecordId, change: impl FnOnce(&mut Manifest)) -> Receipt {
    let latest = archive.revisions(record).await.unwrap().pop().unwrap();
    let mut manifest = latest.manifest;
    manifest.revision += 1;
    manifest.previous = Some(latest.digest);
    manifest.history.push(event("set"));
    change(&mut manifest);
    Receipt::seal(&manifest, &key())
}

pub async fn fsck(archive: &Archive) -> (Report, Vec<Finding>) {
    let mut findings = Vec::new();
    let report = archive.fsck(None, &mut |finding| findings.push(finding)).await.unwrap();
    (report, findings)
}

/// Rebuilds without registers and expects nothing to be wrong.
pub async fn rebuild(archive: &Archive) -> sohoa_archive::Rebuilt {
    archive.rebuild(&|_, _| Err("no registers here".into()), &mut |finding| panic!("{finding:?}")).await.unwrap()
}
