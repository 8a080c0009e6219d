//! The walls of the page child: what a process gives up for good before it reads the first outside byte. Each wall is raised by
//! itself and reported by name, so that a kernel that lacks one is told of and never passed over in silence.
#![allow(unsafe_code)]

use crate::page_protocol::{ChildSpec, Wall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

/// Files that a child may have open: its three pipes, the source, and some for libraries.
const OPEN_FILES: u64 = 64;
/// Pages that one child reads in its life, see [`crate::sandbox`]; one more for what it cannot finish. A leak in a library of the
/// engine ends with it. A new child costs 0.1 s.
pub const PAGES_PER_LIFE: u32 = 200;

/// The names of all walls, in the order in which they are raised.
pub const WALLS: [&str; 8] = ["memory", "time", "core dumps", "writing", "open files", "powers", "files", "calls"];

/// Gives up all that reading pages does not need. From here on the process can read its own folder, write to the pipes that it
/// has, and compute, within limits.
pub fn wall_in(spec: &ChildSpec) -> Vec<Wall> {
    let mut walls = Vec::new();
    let mut raise = |name: &str, holds: String, raised: Result<(), String>| {
        let stands = raised.is_ok();
        walls.push(Wall { name: name.to_owned(), stands, detail: raised.err().unwrap_or(holds) });
    };
    let megabytes = spec.memory_bytes >> 20;
    // what the process can write to; the mapped source counts only as address space
    let memory = limit(Resource::Data, spec.memory_bytes)
        .and_then(|()| limit(Resource::As, spec.memory_bytes.saturating_mul(2).saturating_add(spec.limits.max_source_bytes)));
    raise("memory", format!("at most {megabytes} MB"), memory);
    let life = life_seconds(spec);
    let time = limit(Resource::Cpu, life);
    raise("time", format!("at most {} s of a processor for a page", spec.page_time.as_secs()), time);
    let core =
        limit(Resource::Core, 0).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|e| e.to_string()));
    raise("core dumps", "none, and nobody may look into it".into(), core);
    raise("writing", "no file may grow".into(), limit(Resource::Fsize, 0));
    raise("open files", format!("at most {OPEN_FILES}"), limit(Resource::Nofile, OPEN_FILES));
    raise("powers", "no privileges, nor can any be gained".into(), give_up_powers());
    match close_files() {
        Ok(detail) => raise("files", detail, Ok(())),
        Err(why) => raise("files", String::new(), Err(why)),
    }
    // Last: what the others need is not on the list.
    let calls = close_calls().map_err(|e| e.to_string());
    raise("calls", "only memory, time and reading: no network or processes".into(), calls);
    walls
}

/// What a person does about a wall that does not stand.
pub fn remedy(wall: &str) -> &'static str {
    match wall {
        "files" => {
            "run a kernel of 5.13 or later with Landlock (Debian 12 has it; `lsm=` on the kernel's command line must name landlock)"
        }
        "calls" => "run a kernel with seccomp filters, and outside of containers that forbid them",
        _ => "run sohoa where the system call that sets it is allowed",
    }
}

/// CPU seconds of a whole life: as many pages as it may read, each as long as it may take.
fn life_seconds(spec: &ChildSpec) -> u64 {
    (spec.page_time + spec.open_time).as_secs().saturating_mul(u64::from(PAGES_PER_LIFE) + 1).max(60)
}

/// Lets the process use `more` of CPU time from now on: the kernel ends it when its parent cannot. The limit of its whole life
/// stays; a system without clock or limit has said so among the walls.
pub fn grant_time(more: Duration) {
    let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut used) } != 0 {
        return;
    }
    let maximum = getrlimit(Resource::Cpu).maximum;
    // Whole seconds are counted: two more, so that the parent's clock runs out first and tells the story.
    let wanted = (used.tv_sec as u64).saturating_add(more.as_secs()).saturating_add(2);
    let current = Some(maximum.map_or(wanted, |maximum| wanted.min(maximum)));
    let _ = setrlimit(Resource::Cpu, Rlimit { current, maximum });
}

/// Lowers a limit, for good; one that is lower already stays.
fn limit(resource: Resource, value: u64) -> Result<(), String> {
    let value = getrlimit(resource).maximum.map_or(value, |maximum| value.min(maximum));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }).map_err(|e| e.to_string())
}

/// Root is a user like any other in here.
fn give_up_powers() -> Result<(), String> {
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
    set_no_new_privs(true).map_err(|e| e.to_string())?;
    let none = CapabilitySet::empty();
    let powers = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, powers).map_err(|e| e.to_string())
}

/// Landlock: only the working folder, read only. Newer kernels refuse more beside it (network, signals), all of which the list of
/// calls refuses too; so any version will do.
fn close_files() -> Result<String, String> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus, PathBeneath, PathFd, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    };
    let abi = ABI::V6;
    let restrict = || -> Result<_, RulesetError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?;
        if let Ok(folder) = PathFd::new(".") {
            rules = rules.add_rule(PathBeneath::new(folder, AccessFs::ReadFile | AccessFs::ReadDir))?;
        }
        rules.restrict_self()
    };
    let status = restrict().map_err(|e| format!("Landlock: {e}"))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("Landlock is built into the kernel and not enabled".into())
        }
        (RulesetStatus::NotEnforced, _) => Err("the kernel has no Landlock".into()),
        (_, LandlockStatus::Available { effective_abi, .. }) => {
            Ok(format!("the source handed over and no other (Landlock {})", effective_abi as i32))
        }
        _ => Ok("the source handed over and no other".into()),
    }
}

/// Seccomp: a list of what reading a page needs; any other call fails (EPERM). What the list names was found by tracing the child
/// over all test papers; what the C library may choose instead of a traced call (`futex_waitv`, older `stat`) fails and is coped
/// with.
fn close_calls() -> Result<(), Box<dyn Error>> {
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(permitted()?, refuse, SeccompAction::Allow, arch)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}

/// Calls that are let through, and on which condition; an empty list is none.
fn permitted() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let when = |argument: u8, operator: SeccompCmpOp, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
    };
    let own = u64::from(std::process::id());
    let executable = libc::PROT_EXEC as u64;
    let writing = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND | libc::O_TMPFILE) as u64
        & !(libc::O_DIRECTORY as u64);
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = [
        // the pipes, and the source
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_pread64,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        // memory
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // locks of one thread, time, chance
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_restart_syscall,
        // panics, aborts and the end
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    let mut on = |call: i64, conditions: Vec<SeccompCondition>| -> Result<(), seccompiler::BackendError> {
        calls.entry(call).or_default().push(SeccompRule::new(conditions)?);
        Ok(())
    };
    // no new code
    on(libc::SYS_mmap, vec![when(2, MaskedEq(executable), 0)?])?;
    on(libc::SYS_mprotect, vec![when(2, MaskedEq(executable), 0)?])?;
    // only to read
    on(libc::SYS_openat, vec![when(2, MaskedEq(writing), 0)?])?;
    on(libc::SYS_fcntl, vec![when(1, Eq, libc::F_GETFD as u64)?])?;
    on(libc::SYS_fcntl, vec![when(1, Eq, libc::F_GETFL as u64)?])?;
    // abort() sends a signal, to itself
    on(libc::SYS_tgkill, vec![when(0, Eq, own)?])?;
    // grant_time: its own limit of CPU time, below the limit of its life
    on(libc::SYS_prlimit64, vec![when(0, Eq, 0)?, when(1, Eq, u64::from(libc::RLIMIT_CPU))?])?;
    Ok(calls)
}

#[cfg(test)]
mod tests;
