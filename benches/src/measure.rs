//! Runs a command and sees, from outside, what it took: time on the wall, time on the cores, memory of its whole process tree.

use crate::BenchError;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Clone, Copy)]
pub struct Taken {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds on the cores, user and system, of every process below.
    pub cpu: f64,
}

/// The most that all processes of a tree had at one moment, in MiB.
#[derive(Clone, Copy, Default)]
pub struct Peak {
    /// Memory of their own (RssAnon + RssShmem): what must be there.
    pub own: f64,
    /// All that is resident (VmRSS); mapped files are in it, and what two processes share is counted twice.
    pub resident: f64,
}

/// What was seen of a tree's memory while it ran.
#[derive(Default)]
pub struct Watched {
    /// The most at one moment.
    pub peak: Peak,
    /// [`Peak::own`] at every look, in order of time.
    pub own: Vec<f64>,
}

impl Watched {
    /// The most in the second half of the looks, as times the most in the first: above one, memory grows while a job runs.
    pub fn growth(&self) -> f64 {
        let most = |looks: &[f64]| looks.iter().copied().fold(0.0, f64::max);
        let (first, second) = self.own.split_at(self.own.len() / 2);
        most(second) / most(first)
    }
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Makes processes whose parent is gone children of this one. A parent that kills its children without waiting for them
/// would otherwise take their time on the cores out of the count.
pub fn adopt_orphans() -> Result<(), BenchError> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| BenchError::Usage(format!("orphaned processes cannot be adopted: {e}; this needs Linux 3.4 or later")))
}

/// Does `work`, which starts processes and waits for them, and tells what they took together.
pub fn taken<T>(work: impl FnOnce() -> Result<T, BenchError>) -> Result<(T, Taken), BenchError> {
    wait_for_orphans(); // of what ran before
    let (began, before) = (Instant::now(), children_cpu()?);
    let result = work()?;
    let wall = began.elapsed().as_secs_f64();
    wait_for_orphans();
    Ok((result, Taken { wall, cpu: children_cpu()? - before }))
}

/// Whoever is still there is an adopted orphan; its time on the cores counts only once it is waited for.
fn wait_for_orphans() {
    while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
}

/// Runs a command to its end with nothing on its stdin; its exit code must be one of `good`.
pub fn output(command: &mut Command, good: &[i32]) -> Result<Output, BenchError> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| missing(command, source))?;
    judge(command, output.status, &output.stderr, good)?;
    Ok(output)
}

/// Runs a command to its end and watches the memory of its process tree.
pub fn watched(command: &mut Command) -> Result<Watched, BenchError> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = child.spawn().map_err(|source| missing(command, source))?;
    let (root, done) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watched_tree(root, || !done.load(Ordering::Relaxed)));
        let output = child.wait_with_output();
        done.store(true, Ordering::Relaxed);
        let watched = watcher.join().unwrap_or_default();
        let output = output.map_err(|source| missing(command, source))?;
        wait_for_orphans();
        judge(command, output.status, &output.stderr, &[0])?;
        Ok(watched)
    })
}

/// Watches the memory of a process tree while it is told to.
pub fn watched_tree(root: u32, go_on: impl Fn() -> bool) -> Watched {
    let mut watched = Watched::default();
    while go_on() {
        let (now, peak) = (tree_memory(root), watched.peak);
        watched.peak = Peak { own: peak.own.max(now.own), resident: peak.resident.max(now.resident) };
        watched.own.push(now.own);
        std::thread::sleep(LOOK);
    }
    watched
}

fn judge(command: &Command, status: ExitStatus, stderr: &[u8], good: &[i32]) -> Result<(), BenchError> {
    if status.code().is_some_and(|code| good.contains(&code)) {
        return Ok(());
    }
    Err(BenchError::Failed { command: shown(command), status, said: String::from_utf8_lossy(stderr).into_owned() })
}

fn missing(command: &Command, source: std::io::Error) -> BenchError {
    BenchError::Missing { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Seconds on the cores of all children that were waited for, and of theirs (proc(5): cutime and cstime of stat).
fn children_cpu() -> Result<f64, BenchError> {
    let path = Path::new("/proc/self/stat");
    let file_error = |source| BenchError::File { path: path.to_owned(), source };
    let stat = std::fs::read_to_string(path).map_err(file_error)?;
    let ticks = stat_fields(&stat).and_then(|fields| {
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(field(16)? + field(17)?)
    });
    let ticks = ticks.ok_or_else(|| file_error(std::io::Error::other("it has not the form of proc(5)")))?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The fields from the third on; the second, the name, may hold blanks and parentheses.
fn stat_fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace().collect())
}

/// What `root` and all its descendants have now.
fn tree_memory(root: u32) -> Peak {
    let mut parents = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while we look.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = stat_fields(&stat).and_then(|fields| fields.get(1)?.parse::<u32>().ok());
        parents.insert(id, parent.unwrap_or(0));
    }
    let below = |&id: &u32| std::iter::successors(Some(id), |id| parents.get(id).copied()).take(64).any(|id| id == root);
    let mut sum = Peak::default();
    for id in parents.keys().copied().filter(below) {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        sum.own += mebibytes(&status, "RssAnon:") + mebibytes(&status, "RssShmem:");
        sum.resident += mebibytes(&status, "VmRSS:");
    }
    sum
}

/// A size of /proc/PID/status, which is in KiB; 0 when it is not there.
fn mebibytes(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_does_not_shift_fields() {
        let fields = stat_fields("12 (a (b) c) S 7 12").unwrap();
        assert_eq!(fields, ["S", "7", "12"]);
    }

    #[test]
    fn sizes_are_in_kibibytes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t 512 kB\n";
        assert_eq!(mebibytes(status, "VmRSS:"), 2.0);
        assert_eq!(mebibytes(status, "RssAnon:"), 0.5);
        assert_eq!(mebibytes(status, "RssShmem:"), 0.0);
    }

    /// One test, not two: whoever waits for orphans would take the children of the other.
    #[test]
    fn a_process_tree_is_seen_whole() {
        adopt_orphans().unwrap();
        // The shell leaves a busy process behind and ends at once.
        let busy = "sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done' >/dev/null 2>&1 &";
        let (_, taken) = taken(|| output(Command::new("sh").args(["-c", busy]), &[0])).unwrap();
        assert!(taken.cpu >= 0.02, "{} s", taken.cpu);

        let holds = "head -c 60000000 /dev/zero | tail -c 60000000 | (sleep 0.3; cat >/dev/null)";
        let peak = watched(Command::new("sh").args(["-c", holds])).unwrap().peak;
        assert!(peak.own > 40.0, "{} MiB", peak.own);
        assert!(peak.resident >= peak.own);
    }
}
