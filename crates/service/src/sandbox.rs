//! The page children: processes that touch outside bytes so that the service need not. This is the service's side: it starts
//! them, hands them one source at a time, asks for pages within a time limit, and makes a page's state of their death.
//! The other side of the pipe is [`crate::sandbox_child`]; what goes through it, and what is believed, [`crate::page_protocol`].

use crate::page_protocol::{
    self as protocol, Answer, ChildSpec, Crop, Lie, MAX_MESSAGE, Picture, Ready, Request, SourceInfo, Spent, Wall, image_limit,
    receive_frame, send_frame,
};
use crate::sandbox_walls::{PAGES_PER_LIFE, WALLS, remedy};
use serde::Serialize;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_digitize::{Limits, ReadPage};
use sohoa_record::manifest::IncomingSignature;
use sohoa_record::signature::{SignatureCheck, Verdict};
use sohoa_record::{Reason, Rect};
use sohoa_sign::validate::Checked;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore};

/// Name of the source in the folder that a child may read.
pub const HANDED: &str = "source";

/// How much of a child's standard error is kept.
const LAST_WORDS: usize = 8192;
/// To load the engine; a machine under load needs more than the usual 0.1 s.
const START_TIME: Duration = Duration::from_secs(60);

/// A source file that lies still while it is read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// The name it came with.
    pub name: String,
    /// What tells it from other sources: its digest, or for `sohoa digitize` its path.
    pub key: String,
}

/// Why a source or the children cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The source is refused, with the reason.
    #[error("{reason}: {detail}")]
    Refused {
        /// Why.
        reason: Reason,
        /// The decoder's words.
        detail: String,
    },
    /// No child can be started: nothing would ever be read.
    #[error("the page reader cannot be started: {0}")]
    Start(String),
    /// A child could be started, and not be walled in.
    #[error("the page reader is not walled in, so no scan is opened: {}; or accept it: [decode] require_walls = false", told(.0))]
    Walls(Vec<Wall>),
    /// The spool folder cannot be written.
    #[error("the spool folder {0} cannot be used: {1}; free some space or change [archive] spool")]
    Spool(PathBuf, std::io::Error),
}

fn told(missing: &[Wall]) -> String {
    let told = missing.iter().map(|wall| format!("{} ({}): {}", wall.name, wall.detail, remedy(&wall.name)));
    told.collect::<Vec<_>>().join("; ")
}

/// All children of this process; at most `count` live at once.
pub struct Children {
    spec: ChildSpec,
    count: usize,
    spool: PathBuf,
    idle: Mutex<Vec<PageChild>>,
    permits: Semaphore,
    started: AtomicU64,
    /// Each wall that is missing is told of once.
    warned: AtomicBool,
    /// Milliseconds all children spent inside the engine.
    pub engine_ms: AtomicU64,
    /// Milliseconds all children were busy.
    pub busy_ms: AtomicU64,
}

struct PageChild {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
    folder: PathBuf,
    /// The end of what it wrote on standard error.
    last_words: Arc<StdMutex<Vec<u8>>>,
    ready: Ready,
    /// Key of the source it has open, and what it said of it.
    open: Option<(String, SourceInfo)>,
    pages: u32,
}

/// A page, and what it took.
pub struct Timed {
    /// The page.
    pub page: ReadPage,
    /// When a child was free for it.
    pub began: Instant,
    /// Until it was there.
    pub took: Duration,
    /// What the child says of it; nothing when it did not come to an answer.
    pub spent: Spent,
}

/// Why a child gave no answer.
enum Silence {
    TimedOut,
    Died { out_of_memory: bool, how: String },
}

impl Children {
    /// Children that read from, and only from, folders under `spool`.
    pub fn new(spec: ChildSpec, count: usize, spool: &Path) -> Children {
        Children {
            spec,
            count: count.max(1),
            spool: spool.to_owned(),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(count.max(1)),
            started: AtomicU64::new(0),
            warned: AtomicBool::new(false),
            engine_ms: AtomicU64::new(0),
            busy_ms: AtomicU64::new(0),
        }
    }

    /// How many work at once.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What the engine is. Starts the first child, so a missing model is found before the batch begins.
    pub async fn engine(&self) -> Result<Ready, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Start(e.to_string()))?;
        let child = self.take("").await?;
        let ready = child.ready.clone();
        self.idle.lock().await.push(child);
        Ok(ready)
    }

    /// Opens a source: what it is, or why it is refused.
    pub async fn open(&self, source: &SourceFile) -> Result<SourceInfo, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Start(e.to_string()))?;
        let mut refused = None;
        // A child may have died while it waited; a fresh one gets one more chance. Time that ran out does not.
        for _ in 0..2 {
            let mut child = self.take(&source.key).await?;
            match child.open(source, &self.spec).await {
                Ok(result) => {
                    if let Ok(_) | Err(SandboxError::Refused { .. }) = &result {
                        self.idle.lock().await.push(child);
                    }
                    return result;
                }
                Err(silence) => {
                    let timed_out = matches!(silence, Silence::TimedOut);
                    let (reason, detail) = silence.of_source();
                    tracing::warn!(source = source.key, "the page child did not open it: {detail}");
                    refused = Some(SandboxError::Refused { reason, detail });
                    if timed_out {
                        break;
                    }
                }
            }
        }
        Err(refused.unwrap_or_else(|| SandboxError::Start("nothing was tried".into())))
    }

    /// Judges the signatures of a PDF, `info` being what is known of it. A file that stops the judge is a judgement too, on each
    /// signature that was listed; only a child that cannot be started is an error.
    pub async fn signatures(&self, source: &SourceFile, info: &SourceInfo) -> Result<Vec<Checked>, SandboxError> {
        if info.media_type != "application/pdf" {
            return Ok(Vec::new());
        }
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Start(e.to_string()))?;
        let mut child = self.take(&source.key).await?;
        let check = match child.signatures(source, &self.spec).await {
            Ok(answer) => {
                self.idle.lock().await.push(child);
                match answer {
                    Ok(checked) => return Ok(checked),
                    Err(check) => check,
                }
            }
            Err(detail) => {
                tracing::warn!(source = source.key, "its signatures were not checked: {detail}");
                Box::new(SignatureCheck::only(Verdict::NotChecked, Vec::new()))
            }
        };
        let mut listed = info.signatures.clone();
        if listed.is_empty() {
            // nothing can be said of it but that it may be there
            listed.push(IncomingSignature {
                kind: String::new(),
                signer: String::new(),
                claimed_time: String::new(),
                covers_whole_file: false,
            });
        }
        Ok(listed.into_iter().map(|signature| Checked { signature, check: (*check).clone() }).collect())
    }

    /// Reads one page. Time-outs and crashes become the page's state; only a child that cannot be started is an error.
    pub async fn page(&self, source: &SourceFile, number: u32) -> Result<Timed, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Start(e.to_string()))?;
        let began = Instant::now();
        let timed = |page, spent| Timed { page, began, took: began.elapsed(), spent };
        let failed = |reason| timed(ReadPage::failed(number, reason), Spent::default());
        let mut last = Reason::PageCrash;
        // A crash may be the fault of what the child read before; a fresh child gets one more chance. A time-out does not.
        for _ in 0..2 {
            let mut child = self.take(&source.key).await?;
            let silence = match child.open(source, &self.spec).await {
                Ok(Ok(_)) => match child.page(number, &self.spec).await {
                    Ok((page, engine_ms, spent)) => {
                        child.pages += 1;
                        if child.pages < PAGES_PER_LIFE {
                            self.idle.lock().await.push(child);
                        } else {
                            // Its memory is free before the next one takes as much.
                            let _ = child.process.kill().await;
                        }
                        self.engine_ms.fetch_add(u64::from(engine_ms), Ordering::Relaxed);
                        self.busy_ms.fetch_add(began.elapsed().as_millis() as u64, Ordering::Relaxed);
                        return Ok(timed(page, spent));
                    }
                    Err(silence) => silence,
                },
                Ok(Err(SandboxError::Refused { reason, .. })) => return Ok(failed(reason)),
                Ok(Err(other)) => return Err(other),
                Err(silence) => silence,
            };
            match silence {
                Silence::TimedOut => {
                    tracing::warn!(source = source.key, page = number, "the page took too long; its child was ended");
                    return Ok(failed(Reason::PageTimeout));
                }
                Silence::Died { out_of_memory, how } => {
                    tracing::warn!(source = source.key, page = number, "the page child died: {how}");
                    last = if out_of_memory { Reason::PageMemory } else { Reason::PageCrash };
                }
            }
        }
        Ok(failed(last))
    }

    /// Cuts a part out of a page, for a person to look at: `place` in pixels of the kept image, turned clockwise by `rotated_deg`.
    pub async fn crop(&self, source: &SourceFile, number: u32, place: Rect, rotated_deg: u16) -> Result<Crop, SandboxError> {
        match self.look(source, Request::Crop { number, place, rotated_deg }).await? {
            Answer::Crop(crop) => Ok(crop),
            _ => Err(out_of_turn()),
        }
    }

    /// A whole page as a screen shows it, turned clockwise by `rotated_deg`.
    pub async fn picture(&self, source: &SourceFile, number: u32, rotated_deg: u16) -> Result<Picture, SandboxError> {
        match self.look(source, Request::Picture { number, rotated_deg }).await? {
            Answer::Picture(picture) => Ok(picture),
            _ => Err(out_of_turn()),
        }
    }

    /// Opens the source and asks for a part or the whole of a page.
    async fn look(&self, source: &SourceFile, asked: Request) -> Result<Answer, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Start(e.to_string()))?;
        let mut child = self.take(&source.key).await?;
        let opened = match child.open(source, &self.spec).await {
            Ok(opened) => opened.map(|_| ()),
            Err(silence) => Err(silence.refusal()),
        };
        opened?;
        let answer = child.look(&asked, &self.spec).await;
        if let Ok(_) | Err(SandboxError::Refused { .. }) = &answer {
            self.idle.lock().await.push(child);
        }
        answer
    }

    /// An idle child, best one that has the source open already, else a new one.
    async fn take(&self, key: &str) -> Result<PageChild, SandboxError> {
        {
            let mut idle = self.idle.lock().await;
            let at = idle.iter().position(|child| child.open.as_ref().is_some_and(|(open, _)| open == key));
            if let Some(child) = at.map(|at| idle.swap_remove(at)).or_else(|| idle.pop()) {
                return Ok(child);
            }
        }
        let nth = self.started.fetch_add(1, Ordering::Relaxed);
        let child = PageChild::start(&self.spec, self.spool.join(format!("child-{nth}"))).await?;
        let missing = missing(&child.ready.walls);
        if !missing.is_empty() {
            if self.spec.require_walls {
                return Err(SandboxError::Walls(missing));
            }
            if !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!("scans are opened although the page reader is not walled in: {}", told(&missing));
            }
        }
        Ok(child)
    }
}

/// Starts a child in `folder`, whatever walls it has, and asks what it is; nothing is read by it.
pub async fn probe(spec: &ChildSpec, folder: &Path) -> Result<Ready, SandboxError> {
    let child = PageChild::start(spec, folder.join("probe")).await?;
    Ok(child.ready.clone())
}

/// The walls that do not stand, those that the child does not speak of among them.
fn missing(walls: &[Wall]) -> Vec<Wall> {
    let unsaid =
        |name: &str| Wall { name: name.to_owned(), stands: false, detail: "the page reader does not speak of it".into() };
    let told = |name: &str| walls.iter().find(|wall| wall.name == name).cloned().unwrap_or_else(|| unsaid(name));
    WALLS.into_iter().map(told).filter(|wall| !wall.stands).collect()
}

impl PageChild {
    async fn start(spec: &ChildSpec, folder: PathBuf) -> Result<PageChild, SandboxError> {
        std::fs::create_dir_all(&folder).map_err(|e| SandboxError::Spool(folder.clone(), e))?;
        let program = match &spec.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(|e| SandboxError::Start(e.to_string()))?,
        };
        let mut process = Command::new(program)
            .arg("page-child")
            .env_clear()
            // OpenMP on top of one engine per core makes everything several times slower; it is read once, at start.
            .envs([("OMP_THREAD_LIMIT", "1"), ("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")])
            // It loads the engine that the service was started with (`just engine`).
            .envs(std::env::var_os("LD_LIBRARY_PATH").map(|folders| ("LD_LIBRARY_PATH", folders)))
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on the terminal is for the service, which then stops its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| SandboxError::Start(e.to_string()))?;
        let (Some(input), Some(output), Some(stderr)) = (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(SandboxError::Start("its pipes could not be made".into()));
        };
        let last_words = Arc::new(StdMutex::new(Vec::new()));
        tokio::spawn(listen(stderr, last_words.clone()));
        let unready =
            Ready { engine: EngineInfo { engine: String::new(), model: String::new(), model_sha256: None }, walls: Vec::new() };
        let mut child = PageChild { process, input, output, folder, last_words, ready: unready, open: None, pages: 0 };
        match child.exchange(spec, &spec.limits, START_TIME).await {
            Ok(Answer::Ready(ready)) => {
                tracing::debug!(pid = child.process.id(), walls = ?ready.walls, "page child ready");
                child.ready = ready;
                Ok(child)
            }
            Ok(Answer::Refused { detail, .. }) => Err(SandboxError::Start(detail)),
            Ok(_) => Err(SandboxError::Start("it answered out of turn".into())),
            Err(Silence::TimedOut) => Err(SandboxError::Start(format!("it was not ready within {START_TIME:?}"))),
            Err(Silence::Died { how, .. }) => Err(SandboxError::Start(how)),
        }
    }

    /// Opens `source` unless it is open already.
    async fn open(&mut self, source: &SourceFile, spec: &ChildSpec) -> Result<Result<SourceInfo, SandboxError>, Silence> {
        if let Some((key, info)) = &self.open
            && *key == source.key
        {
            return Ok(Ok(info.clone()));
        }
        self.open = None;
        if let Err(error) = hand_over(&source.path, &self.folder.join(HANDED)) {
            return Ok(Err(SandboxError::Spool(self.folder.clone(), error)));
        }
        match self.exchange(&Request::Open { name: source.name.clone() }, &spec.limits, spec.open_time).await? {
            Answer::Opened(info) => {
                self.open = Some((source.key.clone(), info.clone()));
                Ok(Ok(info))
            }
            Answer::Refused { reason, detail } => Ok(Err(SandboxError::Refused { reason, detail })),
            _ => Err(self.autopsy(Lie("it answered out of turn".into())).await),
        }
    }

    /// Reads a page of the source that is open: the page, milliseconds inside the engine, microseconds by stage.
    async fn page(&mut self, number: u32, spec: &ChildSpec) -> Result<(ReadPage, u32, Spent), Silence> {
        tracing::debug!(pid = self.process.id(), page = number, "page child asked");
        let answer = self.exchange(&Request::Page { number }, &spec.limits, spec.page_time).await?;
        let Answer::Page { page, engine_ms, spent } = answer else {
            return Err(self.autopsy(Lie("it answered out of turn".into())).await);
        };
        match protocol::check_page(number, &page, &spec.limits) {
            Ok(()) => Ok((*page, engine_ms, spent)),
            Err(lie) => Err(self.autopsy(lie).await),
        }
    }

    /// Judges the signatures of a source; an error says why the child could not, and it is of no use then.
    async fn signatures(
        &mut self,
        source: &SourceFile,
        spec: &ChildSpec,
    ) -> Result<Result<Vec<Checked>, Box<SignatureCheck>>, String> {
        let told = |silence: Silence| silence.of_source().1;
        self.open(source, spec).await.map_err(told)?.map_err(|e| e.to_string())?;
        let now = crate::time::now().timestamp().as_second();
        match self.exchange(&Request::Signatures { now }, &spec.limits, spec.open_time).await.map_err(told)? {
            Answer::Signatures(checked) => Ok(Ok(checked)),
            Answer::NoSignatures(check) => Ok(Err(Box::new(check))),
            Answer::Refused { detail, .. } => Err(detail),
            _ => Err(told(self.autopsy(Lie("it answered out of turn".into())).await)),
        }
    }

    /// Asks for a part or the whole of a page of the source that is open.
    async fn look(&mut self, asked: &Request, spec: &ChildSpec) -> Result<Answer, SandboxError> {
        let answer = self.exchange(asked, &spec.limits, spec.page_time).await.map_err(Silence::refusal)?;
        match (asked, answer) {
            (Request::Crop { .. }, answer @ Answer::Crop(_)) | (Request::Picture { .. }, answer @ Answer::Picture(_)) => {
                Ok(answer)
            }
            (_, Answer::Refused { reason, detail }) => Err(SandboxError::Refused { reason, detail }),
            _ => Err(self.autopsy(Lie("it answered out of turn".into())).await.refusal()),
        }
    }

    /// Sends one message and waits for an answer that can be one.
    async fn exchange<M: Serialize>(&mut self, message: &M, limits: &Limits, time: Duration) -> Result<Answer, Silence> {
        let talk = async {
            send_frame(&mut self.input, &protocol::encode(message)?).await?;
            let frame = receive_frame(&mut self.output, MAX_MESSAGE).await?;
            let mut answer: Answer = protocol::decode(&frame).map_err(std::io::Error::other)?;
            protocol::check(&answer, limits).map_err(std::io::Error::other)?;
            if let Answer::Page { page, .. } = &mut answer
                && let Some(kept) = &mut page.kept
            {
                kept.data = receive_frame(&mut self.output, image_limit(limits)).await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        match tokio::time::timeout(time, talk).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.autopsy(error).await),
            Err(_) => {
                let _ = self.process.kill().await;
                Err(Silence::TimedOut)
            }
        }
    }

    /// Why the child died or has to, from its exit status and last words.
    async fn autopsy(&mut self, cause: impl std::fmt::Display) -> Silence {
        let _ = self.process.start_kill();
        let status = self.process.wait().await;
        if status.as_ref().is_ok_and(|status| status.signal() == Some(libc::SIGXCPU)) {
            return Silence::TimedOut;
        }
        let status = status.map_or_else(|e| e.to_string(), |status| status.to_string());
        // its last words may still be on their way through the pipe
        tokio::time::sleep(Duration::from_millis(20)).await;
        let words = self.last_words.lock().map(|words| String::from_utf8_lossy(&words).into_owned()).unwrap_or_default();
        let out_of_memory =
            words.contains("memory allocation of") || words.contains("bad_alloc") || words.contains("capacity overflow");
        Silence::Died { out_of_memory, how: format!("{status}; {cause}; {}", words.lines().last().unwrap_or("no last words")) }
    }
}

/// No child that is kept does this: its answer was compared with what was asked.
fn out_of_turn() -> SandboxError {
    SandboxError::Refused { reason: Reason::OpenCrash, detail: "it answered out of turn".into() }
}

impl Silence {
    fn refusal(self) -> SandboxError {
        let (reason, detail) = self.of_source();
        SandboxError::Refused { reason, detail }
    }

    /// What it means when it happened while a source was being opened.
    fn of_source(self) -> (Reason, String) {
        match self {
            Silence::TimedOut => (Reason::OpenTimeout, "the page reader did not open it in time".into()),
            Silence::Died { out_of_memory: true, how } => (Reason::TooLarge, how),
            Silence::Died { how, .. } => (Reason::OpenCrash, how),
        }
    }
}

impl Drop for PageChild {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads what a child writes on standard error, lest it wait for ever on a full pipe, and keeps the end of it.
async fn listen(mut stderr: ChildStderr, last_words: Arc<StdMutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut piece).await {
        if let Ok(mut words) = last_words.lock() {
            words.extend_from_slice(&piece[..n]);
            let surplus = words.len().saturating_sub(LAST_WORDS);
            words.drain(..surplus);
        }
    }
}

/// Puts the source where the child may read it: a hard link where that is possible, else a copy.
fn hand_over(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(|_| ()))
}
