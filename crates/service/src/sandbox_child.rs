//! The page child: a process of the same binary that turns outside bytes into [`ReadPage`]s and nothing else. Before it reads
//! the first such byte it walls itself in ([`crate::sandbox_walls`]): no network, no new programs, no files but the folder handed
//! to it (read only), limits of memory and time.
#![allow(unsafe_code)]

use crate::heap::give_back_free_memory;
use crate::page_protocol::{
    self as protocol, Answer, ChildSpec, Crop, MAX_CROP_PIXELS, MAX_PICTURE_PIXELS, MAX_REQUEST, MAX_SIGNATURES, Picture, Ready,
    Request, SourceInfo, Spent, presentable, presentable_check, read_frame, write_frame,
};
use crate::sandbox::HANDED;
use crate::sandbox_walls::{grant_time, wall_in};
use serde::de::DeserializeOwned;
use sohoa_digitize::clean::cut_out;
use sohoa_digitize::page::{CleanPage, Grey};
use sohoa_digitize::picture::picture;
use sohoa_digitize::recognize::{EngineError, EngineInfo, Part, RecordedEngine, TesseractEngine};
use sohoa_digitize::{Limits, OcrEngine, ReadPage, decode, read_page};
use sohoa_record::manifest::IncomingSignature;
use sohoa_record::page_texts::read_pages;
use sohoa_record::{Line, PageText, Reason, Rect, Sha256Hex, Stage};
use sohoa_sign::validate::{Checked, Trust, validate};
use sohoa_verify::pdf_judge::{self, RootsError};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Runs until its parent closes the pipe.
pub fn run() -> io::Result<()> {
    close_inherited();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    // A child must not outlive its parent, whatever kills that.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let Some(spec) = receive::<ChildSpec>(&mut input)? else { return Ok(()) };
    let mut engine = match load_engine(&spec) {
        Ok(engine) => engine,
        Err(detail) => {
            return send(&mut output, Answer::Refused { reason: Reason::RecognizeFailed, detail: presentable(&detail) });
        }
    };
    let trust = match roots(&spec.roots) {
        Ok(trust) => trust,
        Err(detail) => {
            return send(&mut output, Answer::Refused { reason: Reason::RecognizeFailed, detail: presentable(&detail) });
        }
    };
    let walls = wall_in(&spec);
    send(&mut output, Answer::Ready(Ready { engine: engine.info(), walls }))?;
    let mut source: Option<decode::Opened> = None;
    let mut messages = 0u32;
    while let Some(request) = receive::<Request>(&mut input)? {
        let answer = match request {
            Request::Open { name } => {
                grant_time(spec.open_time);
                source = None;
                match open(&name, &spec.limits) {
                    Ok(opened) => {
                        let info = info(&opened);
                        source = Some(opened);
                        Answer::Opened(info)
                    }
                    Err(error) => Answer::Refused { reason: error.reason(), detail: presentable(&error.to_string()) },
                }
            }
            Request::Page { number } => match &mut source {
                Some(source) => {
                    grant_time(spec.page_time);
                    engine.milliseconds = 0;
                    let mut watch = StopWatch::default();
                    let page = read_page(source, number, &mut engine, &spec.reading, &mut |stage| watch.begin(stage));
                    let page = Box::new(within_bounds(page, &spec.limits));
                    Answer::Page { page, engine_ms: engine.milliseconds, spent: watch.stop() }
                }
                None => Answer::Refused { reason: Reason::OpenCrash, detail: "no source is open".into() },
            },
            Request::Signatures { now } => match &source {
                Some(source) => {
                    grant_time(spec.open_time);
                    signatures(source, &trust, now)
                }
                None => Answer::Refused { reason: Reason::OpenCrash, detail: "no source is open".into() },
            },
            Request::Picture { number, rotated_deg } => match &mut source {
                Some(source) => {
                    grant_time(spec.page_time);
                    match source.page(number) {
                        Ok(scan) => {
                            let shown = picture(&scan, rotated_deg, MAX_PICTURE_PIXELS);
                            let (width, height, components) = (shown.width, shown.height, shown.components);
                            Answer::Picture(Picture { width, height, components, samples: shown.samples })
                        }
                        Err(error) => Answer::Refused { reason: error.reason(), detail: presentable(&error.to_string()) },
                    }
                }
                None => Answer::Refused { reason: Reason::OpenCrash, detail: "no source is open".into() },
            },
            Request::Crop { number, place, rotated_deg } => match &mut source {
                Some(source) => {
                    grant_time(spec.page_time);
                    crop(source, number, place, rotated_deg)
                }
                None => Answer::Refused { reason: Reason::OpenCrash, detail: "no source is open".into() },
            },
        };
        send(&mut output, answer)?;
        messages += 1;
        if messages.is_multiple_of(MESSAGES_PER_TRIM) {
            give_back_free_memory();
        }
    }
    Ok(())
}

/// Between pages the heap is nearly empty, but in pieces: a page's buffers of 26 MB each leave holes in which the next page's do not
/// fit, and in colour a child came to 64 MiB instead of 55. After so many messages the holes' memory goes back to the system.
const MESSAGES_PER_TRIM: u32 = 8;

fn crop(source: &mut decode::Opened, number: u32, place: Rect, rotated_deg: u16) -> Answer {
    let refused = |reason, detail: &str| Answer::Refused { reason, detail: presentable(detail) };
    if u64::from(place.width) * u64::from(place.height) > MAX_CROP_PIXELS {
        return refused(Reason::PageTooLarge, "the part is larger than any field");
    }
    match source.page(number) {
        Ok(scan) => match cut_out(&scan.grey, place, rotated_deg) {
            Some(Grey { width, height, pixels }) => Answer::Crop(Crop { width, height, pixels }),
            None => refused(Reason::PageDamaged, "the part lies beyond the page"),
        },
        Err(error) => refused(error.reason(), &error.to_string()),
    }
}

/// The certificates of a folder that the administrator trusts, read before the walls stand.
pub fn roots(folder: &Path) -> Result<Trust, String> {
    if folder.as_os_str().is_empty() {
        return Ok(Trust::default());
    }
    match pdf_judge::roots(folder) {
        Ok(trust) => Ok(trust),
        // Nobody is believed yet.
        Err(RootsError::Empty { .. }) => Ok(Trust::default()),
        Err(RootsError::NoCertificate { path }) => {
            Err(format!("{path} holds no certificate (PEM or DER); take it out of [decode] signature_roots"))
        }
        Err(error) => Err(format!("{error}; see [decode] signature_roots")),
    }
}

fn signatures(source: &decode::Opened, trust: &Trust, now: i64) -> Answer {
    let presentable = |one: Checked| Checked { signature: listed(&one.signature), check: presentable_check(one.check) };
    match validate(source.bytes(), trust, now) {
        Ok(checked) => Answer::Signatures(checked.into_iter().map(presentable).collect()),
        Err(check) => Answer::NoSignatures(presentable_check(*check)),
    }
}

fn listed(signature: &IncomingSignature) -> IncomingSignature {
    IncomingSignature {
        kind: presentable(&signature.kind),
        signer: presentable(&signature.signer),
        claimed_time: presentable(&signature.claimed_time),
        covers_whole_file: signature.covers_whole_file,
    }
}

fn info(opened: &decode::Opened) -> SourceInfo {
    SourceInfo {
        media_type: opened.media_type().to_owned(),
        pages: opened.page_count(),
        signatures: opened.signatures().iter().take(MAX_SIGNATURES).map(listed).collect(),
    }
}

/// A page that its parent would not believe is a page that failed: the parent is not to take an odd page for a lie.
fn within_bounds(page: ReadPage, limits: &Limits) -> ReadPage {
    match protocol::check_page(page.number, &page, limits) {
        Ok(()) => page,
        Err(lie) => {
            eprintln!("page {} is out of bounds: {lie}", page.number);
            ReadPage::failed(page.number, Reason::RecognizeFailed)
        }
    }
}

/// Whoever started the service may have left files open to it; Landlock does not take back what is open already.
fn close_inherited() {
    // SAFETY: nothing of this process is open yet but its three standard streams.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// How long the stages of a page take.
#[derive(Default)]
struct StopWatch {
    under_way: Option<(Stage, Instant)>,
    spent: Spent,
}

impl StopWatch {
    fn begin(&mut self, stage: Stage) {
        self.note();
        self.under_way = Some((stage, Instant::now()));
    }

    fn note(&mut self) {
        if let Some((stage, since)) = self.under_way.take() {
            let spent = self.spent.entry(stage).or_default();
            *spent = spent.saturating_add(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }

    fn stop(mut self) -> Spent {
        self.note();
        self.spent
    }
}

/// The engine with a stop-watch, so that the time outside it can be told.
struct TimedEngine {
    engine: Box<dyn OcrEngine>,
    milliseconds: u32,
}

impl OcrEngine for TimedEngine {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        let began = Instant::now();
        let result = self.engine.recognize(page);
        self.milliseconds += began.elapsed().as_millis() as u32;
        result
    }

    fn recognize_part(&mut self, page: &CleanPage, place: Rect, part: Part) -> Result<Vec<Line>, EngineError> {
        let began = Instant::now();
        let result = self.engine.recognize_part(page, place, part);
        self.milliseconds += began.elapsed().as_millis() as u32;
        result
    }

    fn info(&self) -> EngineInfo {
        self.engine.info()
    }
}

fn load_engine(spec: &ChildSpec) -> Result<TimedEngine, String> {
    let read =
        |what: &str, path: &Path| std::fs::read(path).map_err(|e| format!("{what} {} cannot be read: {e}", path.display()));
    let engine: Box<dyn OcrEngine> = if spec.recording.as_os_str().is_empty() {
        let model = read("the OCR model", &spec.model)?;
        Box::new(TesseractEngine::new(&model, &spec.language).map_err(|e| e.to_string())?)
    } else {
        let recording = read("the recording", &spec.recording)?;
        let mut pages = BTreeMap::new();
        read_pages(recording.as_slice(), |page| drop(pages.insert(page.number, page.text))).map_err(|e| {
            format!("the recording {} is no text object: {e}; see [recognize] recording", spec.recording.display())
        })?;
        Box::new(RecordedEngine::new(pages, Sha256Hex::of(&recording)))
    };
    Ok(TimedEngine { engine, milliseconds: 0 })
}

fn open(name: &str, limits: &Limits) -> Result<decode::Opened, decode::DecodeError> {
    let unreadable = |e: io::Error| decode::DecodeError::Damaged(format!("the file cannot be read: {e}"));
    let file = std::fs::File::open(HANDED).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Err(decode::DecodeError::Empty);
    }
    // SAFETY: the mapped file is the archive's own copy, which is never written again; were it cut short all the same, the
    // signal ends this child and nothing else.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
    decode::open(Arc::new(map), name, limits)
}

/// The next message; none when the pipe was closed.
fn receive<M: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<M>> {
    read_frame(input, MAX_REQUEST)?.map(|frame| protocol::decode(&frame).map_err(io::Error::other)).transpose()
}

/// Sends an answer, and a kept image's data after it.
fn send(output: &mut impl Write, mut answer: Answer) -> io::Result<()> {
    let image = match &mut answer {
        Answer::Page { page, .. } => page.kept.as_mut().map(|kept| std::mem::take(&mut kept.data)),
        _ => None,
    };
    write_frame(output, &protocol::encode(&answer)?)?;
    if let Some(image) = image {
        write_frame(output, &image)?;
    }
    output.flush()
}
