//! How fast an archive is audited, on one core, beside `sha256sum` of the same objects: `just bench-audit`. Writes into the folder that is
//! named: many small records, then a few large ones.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use sohoa_record::log::tile::push_entry;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Leaf, NoteSigner, Tile};
use sohoa_record::manifest::{Dossier, FORMAT, Manifest, Object, Processing, Role, Source, State};
use sohoa_record::trust::policy_line;
use sohoa_record::{Digests, Receipt, TrustPolicy};
use sohoa_verify::{Brought, Verdict, audit_with};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else { panic!("usage: audit_rate FOLDER [SMALL] [LARGE]") };
    let mut number = |default: u64| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (small, large) = (number(5_000), number(8));
    assert!(!folder.exists(), "{} exists already", folder.display());
    println!("one core (taskset for others); files are in memory after a first reading, for both programs");
    let rate = run(&folder.join("small"), small, &[60_000, 80_000, 6_000]);
    println!("small records: {:.0} a second (at least 500 are meant)", small as f64 / rate.audit);
    let rate = run(&folder.join("large"), large, &[120_000_000, 130_000_000, 60_000]);
    let share = rate.sha256sum / rate.audit * 100.0;
    println!("large records: {share:.0} % of sha256sum's speed (at least 80 are meant)");
}

struct Rate {
    audit: f64,
    sha256sum: f64,
}

/// Makes an archive of `records` with objects of those sizes, and measures both programs, three times in turn: the medians.
fn run(root: &Path, records: u64, sizes: &[usize]) -> Rate {
    let key = SigningKey::from_bytes(&[2; 32]);
    let signer = NoteSigner::new("sohoa.example/bench", SigningKey::from_bytes(&[1; 32])).unwrap();
    let text = format!("{}\nlog {}\nquorum none\n", policy_line(&key.verifying_key(), "bench"), signer.public());
    let policy = TrustPolicy::parse(&text).unwrap();
    let (mut edge, mut bundle, mut paths, mut bytes) = (Edge::default(), Vec::new(), Vec::new(), 0);
    for n in 0..records {
        let manifest = store(root, n, sizes, &mut paths, &mut bytes);
        let receipt = Receipt::seal(&manifest, &key);
        write(&root.join(format!("records/{}/r0001.dsse.json", manifest.record)), &receipt.to_bytes());
        let leaf = Leaf::of_revision(&receipt.open(&policy).unwrap()).to_bytes();
        push_entry(&mut bundle, &leaf).unwrap();
        edge.push(leaf_hash(&leaf), |_, _| {});
        if edge.size().is_multiple_of(256) || n + 1 == records {
            let tile = Tile::holding(sohoa_record::log::tile::Contents::Entries, n, edge.size());
            write(&root.join("copy").join(tile.path()), &bundle);
            bundle.clear();
        }
    }
    let tree = Checkpoint { origin: "sohoa.example/bench".into(), size: edge.size(), root: edge.root() };
    write(&root.join("copy/checkpoint"), signer.sign(&tree.text()).to_string().as_bytes());
    let (list, copy) = (paths.join("\0"), root.join("copy"));
    let (mut audits, mut sums) = (Vec::new(), Vec::new());
    for round in 0..4 {
        let began = Instant::now();
        let mut whole = 0;
        let mut count = |line: sohoa_verify::Line| {
            whole += u64::from(line.verdict == Verdict::Ok);
            assert!(line.verdict == Verdict::Ok, "{} {}", line.path, line.reason);
            Ok(())
        };
        let brought = Brought { log: Some(&copy), ..Brought::default() };
        audit_with(&root.join("records"), "", &policy, brought, None, &mut count).unwrap();
        assert_eq!(whole, records);
        let audit = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let mut child =
            Command::new("xargs").args(["-0", "sha256sum"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), list.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        if round > 0 {
            audits.push(audit);
            sums.push(began.elapsed().as_secs_f64());
        }
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[1]
    };
    let rate = Rate { audit: median(audits), sha256sum: median(sums) };
    println!(
        "{records} records, {:.1} MB of objects: audit {:.2} s ({:.0} MB/s), sha256sum {:.2} s ({:.0} MB/s)",
        bytes as f64 / 1e6,
        rate.audit,
        bytes as f64 / 1e6 / rate.audit,
        rate.sha256sum,
        bytes as f64 / 1e6 / rate.sha256sum
    );
    rate
}

fn store(root: &Path, n: u64, sizes: &[usize], paths: &mut Vec<String>, bytes: &mut u64) -> Manifest {
    let roles = [(Role::Source, "source.pdf"), (Role::Searchable, "searchable.pdf"), (Role::Text, "text.json")];
    let mut objects = Vec::new();
    for (i, ((role, name), size)) in roles.into_iter().zip(sizes).enumerate() {
        let seed = n * 3 + i as u64 + 1;
        let content: Vec<u8> =
            (0..*size as u64 / 8).flat_map(|k| (k ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        let digests = Digests::of(&content);
        let path = root.join(format!("objects/sha256/{}/{}", &digests.sha256.as_str()[..2], digests.sha256));
        write(&path, &content);
        paths.push(path.to_str().unwrap().to_owned());
        *bytes += content.len() as u64;
        objects.push(Object { role, name: name.into(), media_type: "application/octet-stream".into(), digests });
    }
    let manifest = Manifest {
        format: FORMAT.into(),
        record: format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}").parse().unwrap(),
        revision: 1,
        previous: None,
        salt: "01".repeat(32),
        sealed_at: "2026-11-22T09:30:05+07:00".into(),
        dossier: Dossier { code: None, folder: "x".into(), ordinal: None, unit: None },
        part: None,
        source: Source {
            name: "x.pdf".into(),
            media_type: "application/pdf".into(),
            arrived_at: "2026-11-22T09:29:58+07:00".into(),
            digests: objects[0].digests.clone(),
        },
        state: State::Sealed,
        reasons: vec![],
        result_code: None,
        objects,
        pages: vec![],
        fields: vec![],
        incoming_signatures: vec![],
        signature_checks: vec![],
        pdf_signatures: vec![],
        processing: Processing { software: "bench".into(), engine: "none".into(), model: "none".into(), model_sha256: None },
        history: vec![],
    };
    arrive(root, &manifest);
    manifest
}

fn arrive(root: &Path, manifest: &Manifest) {
    let (source, digests) = (&manifest.source, &manifest.source.digests);
    let note = serde_json::json!({
        "format": "sohoa-arrival/1", "record": manifest.record, "name": source.name, "path": "/x", "media_type": null,
        "arrived_at": source.arrived_at, "dossier": { "code": null, "folder": "x", "ordinal": null, "unit": null },
        "size": digests.size, "sha256": digests.sha256, "sha512": digests.sha512,
    });
    let place = format!("arrivals/{}/{}/first.json", &digests.sha256.as_str()[..2], digests.sha256);
    write(&root.join(place), note.to_string().as_bytes());
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
