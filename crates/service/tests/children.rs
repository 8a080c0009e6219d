//! A page child that is killed, hangs, eats memory or answers garbage costs that page and nothing else; and none outlives its job.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, children_of, lives, processes, small_scan};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::page::{Encoding, KeptImage};
use sohoa_digitize::recognize::EngineInfo;
use sohoa_digitize::render::{Meta, Profile};
use sohoa_digitize::{Limits, ReadPage};
use sohoa_record::manifest::PageState;
use sohoa_record::{PageText, Placement, Reason};
use sohoa_service::page_protocol::{Answer, ChildSpec, Ready, SourceInfo, Wall, encode, write_frame};
use sohoa_service::sandbox::{Children, SourceFile};
use sohoa_service::sandbox_walls::WALLS;
use sohoa_service::stages::Stages;
use sohoa_service::worker::{How, Outcome, read_document};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

// --- children that are none: a shell script that replays frames, and does on page 2 of `a.tif` what the test wants

/// Answers requests from files; `$1` is what it does on page 2 of a source whose name begins with an a.
const SCRIPT: &str = r#"#!/bin/sh
length() { od -An -tu4 -N4 | tr -d ' '; }
n=$(length); head -c "$n" >/dev/null; cat FRAMES/ready
while n=$(length); [ -n "$n" ]; do
    set -- $(od -An -v -tu1 -N"$n")
    if [ "$1" = 0 ]; then name=$3; cat FRAMES/opened
    elif [ "$2" = 2 ] && [ "$name" = 97 ]; then TROUBLE
    else cat FRAMES/page-"$2"; fi
done
"#;

fn frame_file(folder: &Path, name: &str, answer: &Answer, image: Option<&[u8]>) {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, &encode(answer).unwrap()).unwrap();
    if let Some(image) = image {
        write_frame(&mut bytes, image).unwrap();
    }
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn blank_page(number: u32) -> Answer {
    let page = ReadPage {
        number,
        state: PageState::Blank,
        reasons: Vec::new(),
        dpi: 200,
        placement: Placement::default(),
        text: PageText { width: 8, height: 8, lines: Vec::new() },
        corrections: Vec::new(),
        born_digital: false,
        codes: Vec::new(),
        look: None,
        // its data follow in a frame of their own
        kept: Some(KeptImage { width: 8, height: 8, encoding: Encoding::Flate { components: 1 }, data: Vec::new() }),
    };
    Answer::Page { page: Box::new(page), engine_ms: 1, spent: Default::default() }
}

/// Eight white rows of eight pixels, a zlib stream of one stored block.
fn white() -> Vec<u8> {
    let mut stream = vec![0x78, 0x01, 0x01, 64, 0, !64, 0xff];
    stream.extend_from_slice(&[0xff; 64]);
    // Adler-32 (RFC 1950 §8.2)
    let (a, b) = (0..64u32).fold((1u32, 0u32), |(a, b), _| ((a + 255) % 65521, (b + a + 255) % 65521));
    stream.extend_from_slice(&(b << 16 | a).to_be_bytes());
    stream
}

/// Runs two documents of three pages over fake children; what became of the pages of both.
fn with_fake(trouble: &str, page_time: Duration) -> [Vec<(PageState, Vec<Reason>)>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("frames");
    std::fs::create_dir_all(&frames).unwrap();
    let walls = WALLS.into_iter().map(|name| Wall { name: name.into(), stands: true, detail: String::new() }).collect();
    let engine = EngineInfo { engine: "none".into(), model: "none".into(), model_sha256: None };
    frame_file(&frames, "ready", &Answer::Ready(Ready { engine, walls }), None);
    let source = SourceInfo { media_type: "image/tiff".into(), pages: 3, signatures: Vec::new() };
    frame_file(&frames, "opened", &Answer::Opened(source), None);
    for number in [1, 2, 3, 7] {
        frame_file(&frames, &format!("page-{number}"), &blank_page(number), Some(&white()));
    }
    let mut lie = blank_page(2);
    if let Answer::Page { page, .. } = &mut lie {
        page.text.width = u32::MAX;
    }
    frame_file(&frames, "lie", &lie, Some(&white()));
    let program = folder.path().join("fake child");
    let script = SCRIPT.replace("TROUBLE", trouble).replace("FRAMES", frames.to_str().unwrap());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();

    let spec = ChildSpec {
        program: Some(program.clone()),
        require_walls: true,
        roots: "".into(),
        model: "none".into(),
        recording: "".into(),
        language: "none".into(),
        reading: Default::default(),
        limits: Limits::default(),
        memory_bytes: 1 << 30,
        open_time: Duration::from_secs(60),
        page_time,
    };
    let spool = folder.path().join("spool");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let pages = runtime.block_on(async {
        let children = Children::new(spec, 2, &spool);
        let (a, b) = tokio::join!(document(&children, folder.path(), "a.tif"), document(&children, folder.path(), "b.tif"));
        [a, b]
    });
    drop(runtime);
    none_left(|command| command.contains(program.to_str().unwrap()));
    pages
}

async fn document(children: &Children, folder: &Path, name: &str) -> Vec<(PageState, Vec<Reason>)> {
    let path = folder.join(name);
    std::fs::write(&path, "a scan").unwrap();
    let out = folder.join(format!("out of {name}"));
    std::fs::create_dir_all(&out).unwrap();
    let source = SourceFile { path, name: name.into(), key: name.into() };
    let created = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    let meta = Meta { title: name.into(), created, id: [0; 16] };
    let templates = Templates::built_in();
    let stages = Stages::default();
    let how = How {
        templates: &templates,
        profile: Profile::PdfA1b,
        sheets: None,
        by_content: false,
        payload_separators: "",
        course: &stages.course(name, 1),
        meta: &|_| meta.clone(),
    };
    match read_document(children, &source, &out, &how, |_, _| {}).await.unwrap() {
        Outcome::Done(done) => done
            .documents
            .into_iter()
            .flat_map(|document| document.digitized.pages)
            .map(|page| (page.state, page.reasons))
            .collect(),
        Outcome::Refused { reason, detail } => panic!("{name} was refused: {reason} {detail}"),
    }
}

fn only_page_2_of_a_failed(pages: [Vec<(PageState, Vec<Reason>)>; 2], reason: Reason) {
    let done = (PageState::Blank, Vec::new());
    let [a, b] = pages;
    assert_eq!(a, [done.clone(), (PageState::RecognizeFailed, vec![reason]), done.clone()]);
    assert_eq!(b, [done.clone(), done.clone(), done]);
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_fake_child_that_kills_itself_costs_its_page() {
    only_page_2_of_a_failed(with_fake("kill -KILL $$", LONG), Reason::PageCrash);
}

#[test]
fn a_fake_child_that_hangs_costs_its_page() {
    only_page_2_of_a_failed(with_fake("kill -STOP $$", Duration::from_secs(3)), Reason::PageTimeout);
}

#[test]
fn a_fake_child_that_runs_out_of_memory_costs_its_page() {
    let trouble = "echo 'memory allocation of 4096 bytes failed' >&2; kill -ABRT $$";
    only_page_2_of_a_failed(with_fake(trouble, LONG), Reason::PageMemory);
}

#[test]
fn a_fake_child_that_answers_garbage_costs_its_page() {
    for (garbage, what) in [
        (r"printf '\005\000\000\000hello'", "a frame that is no message"),
        (r"printf '\377\377\377\377'", "a frame of four gigabytes"),
        (r"printf '\377\377\377\000hello'; exit", "a frame that ends too soon"),
        ("cat FRAMES/page-7", "another page"),
        ("cat FRAMES/opened", "another answer"),
        ("cat FRAMES/lie", "text wider than its page"),
        ("head -c 8 FRAMES/page-2; exit", "half an answer"),
        ("yes garbage", "garbage without end"),
    ] {
        println!("{what}");
        only_page_2_of_a_failed(with_fake(garbage, LONG), Reason::PageCrash);
    }
}

// --- children that are real, and what is done to them

/// Page 3 of this paper is the victim.
const VICTIM: &str = "fixtures/turned-pages";

/// An ingest of the victim and other scans, stopped whenever a child is asked for page 3: its process is given to `harm`.
fn ingest_and_harm(home: &Home, harm: impl Fn(Pid)) -> Vec<Value> {
    let scans = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(VICTIM);
    for file in common::files_below(&fixtures).into_iter().filter(|file| file.extension().is_some_and(|e| e == "pdf")) {
        std::fs::copy(&file, scans.path().join("a victim.pdf")).unwrap();
    }
    (0..6).for_each(|number| small_scan(&scans.path().join(format!("{number}.png")), number));
    let mut run = home
        .command(&["ingest", scans.path().to_str().unwrap(), "--json"])
        .env("SOHOA_LOG", "sohoa=debug,warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut children = Vec::new();
    for line in BufReader::new(run.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let pid = line.split_whitespace().find_map(|word| word.strip_prefix("pid=")).and_then(|pid| pid.parse::<i32>().ok());
        let Some(pid) = pid else { continue };
        children.push(pid);
        if line.contains("page child asked") && line.contains("page=3") {
            harm(Pid::from_raw(pid).unwrap());
        }
    }
    let mut lines = String::new();
    run.stdout.take().unwrap().read_to_string(&mut lines).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0), "the run goes on to its end: {lines}");
    assert!(!children.is_empty());
    // They are killed before the run ends; the kernel takes a moment to clear them away.
    wait_until(|| !children.iter().any(|pid| lives(*pid)), "a child outlived the run");
    home.expect(0, &["fsck"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn only_page_3_failed(lines: &[Value], reason: &str) {
    assert_eq!(lines.len(), 7);
    for line in lines {
        for page in line["pages"].as_array().unwrap() {
            let victim = line["source"].as_str().unwrap().ends_with("a victim.pdf") && page["number"] == 3;
            assert_eq!(page["state"] == "recognize_failed", victim, "{}: {page}", line["source"]);
            if victim {
                assert_eq!(page["reasons"], serde_json::json!([reason]));
                assert_eq!(line["state"], "review");
            }
        }
    }
}

#[test]
fn a_child_that_is_killed_costs_its_page() {
    let home = Home::new();
    // killed again each time it is asked: a single death costs nothing, since a fresh child gets one more chance
    let lines = ingest_and_harm(&home, |pid| {
        let _ = kill_process(pid, Signal::KILL);
    });
    only_page_3_failed(&lines, "page_crash");
}

#[test]
fn a_child_that_hangs_costs_its_page() {
    let home = Home::new();
    home.set("page_seconds = 120", "page_seconds = 20");
    let lines = ingest_and_harm(&home, |pid| {
        let _ = kill_process(pid, Signal::STOP);
    });
    only_page_3_failed(&lines, "page_timeout");
}

#[test]
fn a_page_that_eats_memory_costs_itself() {
    let home = Home::new();
    home.set("child_memory_mb = 2000", "child_memory_mb = 300");
    let scans = tempfile::tempdir().unwrap();
    let picture = |size: u32| {
        let mut data = Vec::new();
        let paper = image::GrayImage::from_pixel(size, size, image::Luma([250]));
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut data, 50).encode_image(&paper).unwrap();
        (size, data)
    };
    // 10,900 × 10,900 pixels are allowed; their grey copies are not, in 300 MB
    std::fs::write(scans.path().join("a.pdf"), pdf_of(&[picture(300), picture(10_900), picture(301)])).unwrap();
    small_scan(&scans.path().join("b.png"), 1);
    let lines = home.lines(&[0], &["ingest", scans.path().to_str().unwrap(), "--json"]);
    let a = lines.iter().find(|line| line["source"].as_str().unwrap().ends_with("a.pdf")).unwrap();
    let states: Vec<_> = a["pages"].as_array().unwrap().iter().map(|page| page["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["blank", "recognize_failed", "blank"]);
    assert_eq!(a["pages"][1]["reasons"], serde_json::json!(["page_memory"]));
    assert_eq!(lines.len(), 2);
    home.expect(0, &["fsck"]);
}

/// A PDF with a JPEG on each page, as scanners write it.
fn pdf_of(pictures: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let mut object = |pdf: &mut Vec<u8>, number: usize, body: &[u8]| {
        places.push((number, pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        pdf.extend_from_slice(body);
        pdf.extend_from_slice(b"\nendobj\n");
    };
    let kids: Vec<String> = (0..pictures.len()).map(|n| format!("{} 0 R", 3 + 3 * n)).collect();
    object(&mut pdf, 1, b"<< /Type /Catalog /Pages 2 0 R >>");
    object(&mut pdf, 2, format!("<< /Type /Pages /Count {} /Kids [{}] >>", kids.len(), kids.join(" ")).as_bytes());
    for (n, (size, data)) in pictures.iter().enumerate() {
        let (page, content, image) = (3 + 3 * n, 4 + 3 * n, 5 + 3 * n);
        let body = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 600] /Contents {content} 0 R /Resources << /XObject << /I {image} 0 R >> >> >>"
        );
        object(&mut pdf, page, body.as_bytes());
        object(&mut pdf, content, b"<< /Length 24 >>\nstream\n600 0 0 600 0 0 cm /I Do\nendstream");
        let mut body = format!("<< /Type /XObject /Subtype /Image /Width {size} /Height {size} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Length {} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        object(&mut pdf, image, &body);
    }
    let start = pdf.len();
    pdf.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes());
    places.sort();
    places.iter().for_each(|(_, at)| pdf.extend_from_slice(format!("{at:010} 00000 n \n").as_bytes()));
    pdf.extend_from_slice(
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", places.len() + 1).as_bytes(),
    );
    pdf
}

#[test]
fn no_child_outlives_a_service_that_is_killed() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    (0..40).for_each(|number| small_scan(&scans.path().join(format!("{number}.png")), number));
    let mut run = home
        .command(&["ingest", scans.path().to_str().unwrap()])
        .env("SOHOA_LOG", "sohoa=debug,warn")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let parent = run.id();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("page child asked")));
    let children = children_of(parent);
    assert!(!children.is_empty(), "found through /proc");
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until(|| children.iter().all(|pid| !lives(*pid)), "a child outlived its parent");
}

// --- processes

fn none_left(ours: impl Fn(&str) -> bool) {
    let running = || {
        processes().into_iter().any(|(pid, path)| {
            let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
            ours(&String::from_utf8_lossy(&command)) && lives(pid)
        })
    };
    wait_until(|| !running(), "a child outlived its job");
}

fn wait_until(done: impl Fn() -> bool, what: &str) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
