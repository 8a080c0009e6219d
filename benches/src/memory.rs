//! Memory: a short and a long job of the same pages. A job's memory must not grow while it runs: the second half of the long job may need
//! little more than the first. (The long job's peak against the short one's says less: the more pages, the more often two children hold
//! their largest images at the same moment.)

use crate::figures::Figure;
use crate::measure::{Peak, watched};
use crate::pages::{self, Page};
use crate::{Asked, BenchError};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The second half of the long job may need this much of what the first needed.
const MOST: f64 = 1.1;

/// No job may need more, MiB: the service with a page child for each of two cores.
const MOST_MIB: f64 = 500.0;

/// The figures, and whether all jobs kept within [`MOST`] and [`MOST_MIB`].
pub fn run(asked: &Asked, work: &Path) -> Result<(Vec<Figure>, bool), BenchError> {
    let &[short, long] = asked.memory_pages.as_slice() else {
        return Err(BenchError::Usage("--memory-pages wants two numbers, such as 50,1000".into()));
    };
    let [fax, grey, colour] = pages::for_long_jobs(&asked.fixtures, asked.filled)?;
    let mut figures = Vec::new();
    let mut held = true;
    for (input, page) in [("bilevel G4", fax), ("grey JPEG", grey), ("colour JPEG, 300 dpi", colour)] {
        let of_short = job(asked, input, &page, short, work)?;
        let of_long = job(asked, input, &page, long, work)?;
        figures.extend(of_short.figures(input, short));
        figures.extend(of_long.figures(input, long));
        let most = of_long.peak.own.max(of_short.peak.own);
        held &= of_long.growth <= MOST && most <= MOST_MIB;
        if most > MOST_MIB {
            eprintln!("{input}: {most:.0} MiB, at most {MOST_MIB} is meant");
        }
        if of_long.growth > MOST {
            eprintln!(
                "{input}: the second half needs {:.2} times the memory of the first, at most {MOST} is meant",
                of_long.growth
            );
        }
    }
    Ok((figures, held))
}

/// What one job took.
struct Job {
    peak: Peak,
    growth: f64,
    wall: f64,
}

fn job(asked: &Asked, input: &str, page: &Page, count: usize, work: &Path) -> Result<Job, BenchError> {
    let (from, to) = (work.join("job.pdf"), work.join("job-out.pdf"));
    pages::write(&from, &pages::pdf(std::iter::repeat_n(page, count)))?;
    let began = Instant::now();
    let watched = watched(Command::new(&asked.sohoa).arg("digitize").arg(&from).arg(&to).arg("--force").current_dir(work))?;
    let wall = began.elapsed().as_secs_f64();
    let (peak, growth) = (watched.peak, watched.growth());
    eprintln!("{input}, {count} pages: {:.0} MiB of its own, second half {growth:.2} times the first, {wall:.0} s", peak.own);
    Ok(Job { peak, growth, wall })
}

impl Job {
    fn figures(&self, input: &str, pages: usize) -> [Figure; 4] {
        let figure =
            |name, value, unit| Figure { input: input.into(), pages, subject: "sohoa digitize".into(), name, value, unit };
        [
            figure("most memory of its own", self.peak.own, "MiB"),
            figure("second half, times the first", self.growth, ""),
            figure("most resident, mapped files too", self.peak.resident, "MiB"),
            figure("pages a minute", pages as f64 * 60.0 / self.wall, "1/min"),
        ]
    }
}
