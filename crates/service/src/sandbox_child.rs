//! The page child: a process of the same binary that turns outside bytes into [`ReadPage`]s and nothing else. Before it reads
//! the first such byte it walls itself in: no network, no new programs, no files but the folder handed to it (read only), hard
//! limits of memory; its parent limits its time.
#![allow(unsafe_code)]

use crate::sandbox::{Answer, ChildSpec, HANDED, Ready, Request, SourceInfo};
use serde::{Serialize, de::DeserializeOwned};
use sohoa_digitize::page::CleanPage;
use sohoa_digitize::recognize::{EngineError, EngineInfo, TesseractEngine};
use sohoa_digitize::{Limits, OcrEngine, decode, read_page};
use sohoa_record::{PageText, Reason};
use std::io::{self, Read, Write};
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
        Err(detail) => return send(&mut output, &Answer::Refused { reason: Reason::RecognizeFailed, detail }),
    };
    let walls = wall_in(&spec);
    send(&mut output, &Answer::Ready(Ready { engine: engine.info(), walls }))?;
    let mut source: Option<decode::Opened> = None;
    while let Some(request) = receive::<Request>(&mut input)? {
        let answer = match request {
            Request::Open { name } => {
                source = None;
                match open(&name, &spec.limits) {
                    Ok(opened) => {
                        let info = SourceInfo {
                            media_type: opened.media_type().to_owned(),
                            pages: opened.page_count(),
                            signatures: opened.signatures().to_vec(),
                        };
                        source = Some(opened);
                        Answer::Opened(info)
                    }
                    Err(error) => Answer::Refused { reason: error.reason(), detail: error.to_string() },
                }
            }
            Request::Page { number } => match &mut source {
                Some(source) => {
                    engine.milliseconds = 0;
                    let page = Box::new(read_page(source, number, &mut engine, spec.correct));
                    Answer::Page { page, engine_ms: engine.milliseconds }
                }
                None => Answer::Refused { reason: Reason::OpenCrash, detail: "no source is open".into() },
            },
        };
        send(&mut output, &answer)?;
    }
    Ok(())
}

/// Whoever started the service may have left files open to it; Landlock does not take back what is open already.
fn close_inherited() {
    // SAFETY: nothing of this process is open yet but its three standard streams.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// The engine with a stop-watch, so that the time outside it can be told.
struct TimedEngine {
    engine: TesseractEngine,
    milliseconds: u32,
}

impl OcrEngine for TimedEngine {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        let began = Instant::now();
        let result = self.engine.recognize(page);
        self.milliseconds += began.elapsed().as_millis() as u32;
        result
    }

    fn info(&self) -> EngineInfo {
        self.engine.info()
    }
}

fn load_engine(spec: &ChildSpec) -> Result<TimedEngine, String> {
    let model = std::fs::read(&spec.model).map_err(|e| format!("the OCR model {} cannot be read: {e}", spec.model.display()))?;
    let engine = TesseractEngine::new(&model, &spec.language).map_err(|e| e.to_string())?;
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

/// Gives up all rights that reading pages does not need, and says which walls stand.
fn wall_in(spec: &ChildSpec) -> String {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let mut walls = Vec::new();
    for (name, resource, value) in [
        // what the process can write to; the mapped source does not count
        ("memory", Resource::Data, spec.memory_bytes),
        ("address space", Resource::As, 2 * spec.memory_bytes + spec.limits.max_source_bytes),
        ("core", Resource::Core, 0),
        ("file size", Resource::Fsize, 0),
        ("open files", Resource::Nofile, 64),
    ] {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        walls.push(format!("{name}: {}", if setrlimit(resource, limit).is_ok() { "limited" } else { "NOT limited" }));
    }
    let none = rustix::thread::CapabilitySet::empty();
    let powers = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
    let given_up = rustix::thread::set_capabilities(None, powers).is_ok();
    walls.push(format!("powers: {}", if given_up { "given up" } else { "NOT given up" }));
    walls.push(format!("files: {}", close_files().unwrap_or_else(|e| format!("NOT closed ({e})"))));
    walls.push(format!("calls: {}", close_calls().unwrap_or_else(|e| format!("NOT closed ({e})"))));
    walls.join(", ")
}

/// Landlock: only the folder handed over, read only.
fn close_files() -> Result<String, landlock::RulesetError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _,
    };
    let abi = ABI::V4;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?;
    if let Ok(folder) = PathFd::new(".") {
        rules = rules.add_rule(PathBeneath::new(folder, AccessFs::ReadFile | AccessFs::ReadDir))?;
    }
    Ok(format!("{:?}", rules.restrict_self()?.ruleset))
}

/// Seccomp: calls that reading a page never needs are refused (EPERM). A list of refusals and not of permissions, since the
/// C++ library and the allocator choose their calls by themselves.
fn close_calls() -> Result<String, Box<dyn std::error::Error>> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
    let refused = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_execve,
        libc::SYS_execveat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_memfd_create,
    ];
    let rules = refused.into_iter().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)?;
    Ok("closed".to_owned())
}

/// The next frame; none when the pipe was closed.
fn receive<M: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    if let Err(error) = input.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let mut frame = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut frame)?;
    postcard::from_bytes(&frame).map(Some).map_err(io::Error::other)
}

fn send(output: &mut impl Write, answer: &Answer) -> io::Result<()> {
    fn frame<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
        postcard::to_stdvec(message).map_err(io::Error::other)
    }
    let frame = frame(answer)?;
    output.write_all(&(frame.len() as u32).to_le_bytes())?;
    output.write_all(&frame)?;
    output.flush()
}
