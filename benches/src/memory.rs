//! Memory: a short and a long job of the same pages. A job's memory must not grow with its pages.

use crate::figures::Figure;
use crate::measure::{Peak, peak};
use crate::pages::{self, Page};
use crate::{Asked, BenchError};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The long job may need this much of what the short one needs.
const MOST: f64 = 1.2;

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
        let ratio = of_long.peak.own / of_short.peak.own;
        figures.extend(of_short.figures(input, short, 1.0));
        figures.extend(of_long.figures(input, long, ratio));
        let most = of_long.peak.own.max(of_short.peak.own);
        held &= ratio <= MOST && most <= MOST_MIB;
        if most > MOST_MIB {
            eprintln!("{input}: {most:.0} MiB, at most {MOST_MIB} is meant");
        }
        if ratio > MOST {
            eprintln!("{input}: {long} pages need {ratio:.2} times the memory of {short}, at most {MOST} is meant");
        }
    }
    Ok((figures, held))
}

/// What one job took.
struct Job {
    peak: Peak,
    wall: f64,
}

fn job(asked: &Asked, input: &str, page: &Page, count: usize, work: &Path) -> Result<Job, BenchError> {
    let (from, to) = (work.join("job.pdf"), work.join("job-out.pdf"));
    pages::write(&from, &pages::pdf(std::iter::repeat_n(page, count)))?;
    let began = Instant::now();
    let peak = peak(Command::new(&asked.sohoa).arg("digitize").arg(&from).arg(&to).arg("--force").current_dir(work))?;
    let wall = began.elapsed().as_secs_f64();
    eprintln!("{input}, {count} pages: {:.0} MiB of its own, {wall:.0} s", peak.own);
    Ok(Job { peak, wall })
}

impl Job {
    fn figures(&self, input: &str, pages: usize, ratio: f64) -> [Figure; 4] {
        let figure =
            |name, value, unit| Figure { input: input.into(), pages, subject: "sohoa digitize".into(), name, value, unit };
        [
            figure("most memory of its own", self.peak.own, "MiB"),
            figure("times the short job's", ratio, ""),
            figure("most resident, mapped files too", self.peak.resident, "MiB"),
            figure("pages a minute", pages as f64 * 60.0 / self.wall, "1/min"),
        ]
    }
}
