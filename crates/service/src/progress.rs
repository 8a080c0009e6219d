//! Progress of a batch for the person who waits: a bar on a terminal, plain lines without one. Always on stderr.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Without a terminal a line is printed at most this often.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Documents n of m, pages per minute, time left, failures.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
    failed: AtomicU64,
    pages: AtomicU64,
    began: Instant,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// A batch of `total` documents.
    pub fn new(total: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
            // A narrow terminal cuts the end of the line, so what matters most stands first.
            let template = "{pos}/{len} {bar:10.red} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Progress {
            bar,
            total,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            began: Instant::now(),
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// A page of some document is done.
    pub fn page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// A document is done; `failed` when its outcome is `failed` or it could not be worked on.
    pub fn document(&self, failed: bool) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        self.tell();
    }

    /// Prints a line on stdout without tearing the bar.
    pub fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// Prints a line on stderr without tearing the bar.
    pub fn print_error(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Pages done so far, and per minute.
    pub fn pace(&self) -> (u64, f64) {
        let pages = self.pages.load(Ordering::Relaxed);
        (pages, pages as f64 * 60.0 / self.began.elapsed().as_secs_f64().max(0.001))
    }

    fn tell(&self) {
        let message = self.message();
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            return;
        }
        let Ok(mut last) = self.last_line.lock() else { return };
        if last.elapsed() >= PLAIN_EVERY {
            *last = Instant::now();
            eprintln!("{}/{} documents, {message}", self.done.load(Ordering::Relaxed), self.total);
        }
    }

    fn message(&self) -> String {
        let (pages, per_minute) = self.pace();
        let (done, failed) = (self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        let left = match done {
            0 => "time left not known yet".to_owned(),
            _ => {
                let seconds = self.began.elapsed().as_secs_f64() / done as f64 * self.total.saturating_sub(done) as f64;
                format!("{} left", duration(seconds as u64))
            }
        };
        let failures = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        format!("{pages} pages, {per_minute:.0} a minute, {left}{failures}")
    }
}

/// `45 s`, `3 min 20 s`, `5 h 12 min`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_like_speech() {
        let told: Vec<String> = [0, 59, 200, 18_720].into_iter().map(super::duration).collect();
        assert_eq!(told, ["0 s", "59 s", "3 min 20 s", "5 h 12 min"]);
    }
}
