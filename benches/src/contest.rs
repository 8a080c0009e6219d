//! Speed and size: `sohoa digitize` and its peers in turn over the same pages, then `sohoa ingest`; medians over the rounds.

use crate::figures::{Figure, TimeLine, median, words_found};
use crate::measure::{Taken, taken};
use crate::pages::{Input, file_error};
use crate::tools::{self, Archive, Contender, Files};
use crate::{Asked, BenchError, accuracy};
use std::path::Path;

/// What one round told of one contender.
struct Run {
    contender: Contender,
    taken: Taken,
    words_found: Option<f64>,
}

/// What one round told of ingest.
struct Ingest {
    taken: Taken,
    line: TimeLine,
    stored: Stored,
}

/// Bytes an archive holds.
struct Stored {
    objects: u64,
    store: u64,
    index: u64,
}

/// At most this share of the workers' time may be spent outside the engine, per cent.
const MOST_OUTSIDE: f64 = 10.0;

/// All figures of all inputs, and whether sohoa is as fast as it is meant to be.
pub fn run(asked: &Asked, work: &Path) -> Result<(Vec<Figure>, bool), BenchError> {
    let pages = asked.pages.map_or(cores().max(6), |pages| pages as usize);
    if pages < cores() {
        // And with fewer pages than cores OCRmyPDF gives Tesseract several threads a page, which on a machine that does something
        // else too took ten times as long: it would be beaten by accident.
        return Err(BenchError::Usage(format!("--pages {pages} leaves cores idle; ask for {} or more", cores())));
    }
    let mut inputs = vec![Input::fixtures(&asked.fixtures, pages)?];
    match &asked.corpus {
        Some(corpus) => {
            inputs.push(Input::corpus(corpus, pages)?);
            inputs.push(Input { name: "dense text, colour, 300 dpi", pages: accuracy::colour_scans(asked, pages, work)? });
        }
        None => eprintln!("real scans are LEFT OUT: SOHOA_CORPUS names no corpus"),
    }
    warm_up(asked, &inputs[0], work)?;
    let mut figures = Vec::new();
    for input in &inputs {
        figures.extend(measure(asked, input, work)?);
    }
    let missed = missed(&figures);
    missed.iter().for_each(|figure| eprintln!("not as fast as it is meant to be: {figure}"));
    Ok((figures, missed.is_empty()))
}

/// Every program once over a page for each core: libraries and models come from the disk, Python compiles its modules.
fn warm_up(asked: &Asked, input: &Input, work: &Path) -> Result<(), BenchError> {
    eprintln!("warming up");
    let few = Input { name: input.name, pages: input.pages[..cores()].to_vec() };
    let room = room(work)?;
    let files = Files::write(&few, room.path())?;
    for contender in Contender::all(asked) {
        tools::run(asked, contender, cores(), &files, self::room(room.path())?.path())?;
    }
    Ok(())
}

fn measure(asked: &Asked, input: &Input, work: &Path) -> Result<Vec<Figure>, BenchError> {
    let room = room(work)?;
    let files = Files::write(input, room.path())?;
    let (mut runs, mut ingests) = (Vec::new(), Vec::new());
    for round in 1..=asked.rounds {
        for contender in Contender::all(asked) {
            let out = self::room(room.path())?;
            let (written, taken) = taken(|| tools::run(asked, contender, cores(), &files, out.path()))?;
            let words = tools::words(&written)?;
            if words.trim().is_empty() {
                let what = "its PDF holds no words".into();
                return Err(BenchError::NotDone { command: contender.name().into(), what });
            }
            let words_found = input.text().and_then(|truth| words_found(&truth, &words));
            eprintln!("{}, round {round} of {}: {}, {:.1} s", input.name, asked.rounds, contender.name(), taken.wall);
            runs.push(Run { contender, taken, words_found });
        }
        let out = self::room(room.path())?;
        let run = ingest(asked, input, &files, out.path())?;
        eprintln!("{}, round {round} of {}: sohoa ingest, {:.1} s", input.name, asked.rounds, run.taken.wall);
        ingests.push(run);
    }
    let mut figures = of_contenders(input, &Contender::all(asked), &runs);
    figures.extend(of_ingest(input, &ingests));
    Ok(figures)
}

fn ingest(asked: &Asked, input: &Input, files: &Files, to: &Path) -> Result<Ingest, BenchError> {
    let archive = Archive::init(asked, to)?;
    let ((stdout, stderr), taken) = taken(|| tools::ingest(asked, &archive, &files.folder))?;
    let not_done = |what: String| BenchError::NotDone { command: "sohoa ingest".into(), what };
    let done = documents_done(&stdout);
    if done != input.pages.len() {
        return Err(not_done(format!("{done} of {} documents are sealed or in review:\n{stdout}{stderr}", input.pages.len())));
    }
    let line = TimeLine::find(&stderr).ok_or_else(|| not_done(format!("it did not say where the time went:\n{stderr}")))?;
    let store = archive.folder.join("archive");
    let index = bytes_of(&archive.folder, &|name| name.starts_with("index.sqlite"))?;
    let stored = Stored { objects: bytes_of(&store.join("objects"), &|_| true)?, store: bytes_of(&store, &|_| true)?, index };
    Ok(Ingest { taken, line, stored })
}

/// Documents that were read to the end, of the JSON lines of ingest.
fn documents_done(stdout: &str) -> usize {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["document"].is_string() && (line["state"] == "sealed" || line["state"] == "review")).count()
}

/// Lengths of the files below a folder whose name is wanted.
fn bytes_of(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<u64, BenchError> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let entry = entry.map_err(file_error(folder))?;
        let metadata = entry.metadata().map_err(file_error(folder))?;
        if metadata.is_dir() {
            sum += bytes_of(&entry.path(), wanted)?;
        } else if wanted(&entry.file_name().to_string_lossy()) {
            sum += metadata.len();
        }
    }
    Ok(sum)
}

/// The name of the ratio that is told of every contender.
const TIMES_OURS: &str = "times the wall time of sohoa";

/// What is asked of it.
const ASKED: &str = "at least";

fn of_contenders(input: &Input, contenders: &[Contender], runs: &[Run]) -> Vec<Figure> {
    let pages = input.pages.len() as f64;
    let walls = |contender| runs.iter().filter(move |run| run.contender == contender).map(|run| run.taken.wall);
    let mut figures = Vec::new();
    for &contender in contenders {
        let mine = || runs.iter().filter(move |run| run.contender == contender);
        let mut add = |name, value, unit| figures.push(figure(input, contender.name(), name, value, unit));
        add("pages a minute", pages * 60.0 / median(walls(contender)), "1/min");
        // Of each round by itself: what slows the machine down for a while slows both.
        add(TIMES_OURS, median(walls(contender).zip(walls(Contender::Sohoa)).map(|(its, ours)| its / ours)), "");
        if let Some(target) = contender.target() {
            add(ASKED, target, "");
        }
        add("CPU seconds a page", median(mine().map(|run| run.taken.cpu)) / pages, "s");
        let found: Vec<_> = mine().filter_map(|run| run.words_found).collect();
        if !found.is_empty() {
            add("words found", 100.0 * median(found), "%");
        }
    }
    figures
}

/// The figures that miss what is asked of them, in words.
fn missed(figures: &[Figure]) -> Vec<String> {
    let mut missed = Vec::new();
    for figure in figures {
        let of_same = |other: &&Figure| (&other.input, &other.subject) == (&figure.input, &figure.subject);
        let told = |least_or_most: &str, bound: f64| {
            format!("{}, {}: {} {:.2}, {least_or_most} {bound} is meant", figure.input, figure.subject, figure.name, figure.value)
        };
        if figure.name == TIMES_OURS {
            let target = figures.iter().filter(of_same).find(|other| other.name == ASKED);
            missed.extend(target.filter(|target| figure.value < target.value).map(|target| told("at least", target.value)));
        } else if figure.name == OUTSIDE && figure.value > MOST_OUTSIDE {
            missed.push(told("at most", MOST_OUTSIDE));
        }
    }
    missed
}

/// The share that a faster engine could not win.
const OUTSIDE: &str = "outside the engine, of the workers' time";

fn of_ingest(input: &Input, ingests: &[Ingest]) -> Vec<Figure> {
    let pages = input.pages.len() as f64;
    let of = |value: &dyn Fn(&Ingest) -> f64| median(ingests.iter().map(value));
    let rows = [
        ("pages a minute", pages * 60.0 / of(&|i| i.taken.wall), "1/min"),
        ("CPU seconds a page", of(&|i| i.taken.cpu) / pages, "s"),
        (OUTSIDE, 100.0 * of(&|i| i.line.outside_of_wall()), "%"),
        ("outside the engine, of all cores' time", 100.0 * of(&|i| i.line.outside_of_cores(cores())), "%"),
        ("outside the engine, while a page is read", 100.0 * of(&|i| i.line.outside_of_busy()), "%"),
        ("bytes a page that came in", input.bytes_a_page(), "B"),
        ("bytes a page in objects/", of(&|i| i.stored.objects as f64) / pages, "B"),
        ("bytes a page in the whole store", of(&|i| i.stored.store as f64) / pages, "B"),
        ("bytes a page in index and queue", of(&|i| i.stored.index as f64) / pages, "B"),
    ];
    rows.into_iter().map(|(name, value, unit)| figure(input, "sohoa ingest", name, value, unit)).collect()
}

fn figure(input: &Input, subject: &str, name: &'static str, value: f64, unit: &'static str) -> Figure {
    Figure { input: input.name.into(), pages: input.pages.len(), subject: subject.into(), name, value, unit }
}

/// Cores that this process may use; every program gets them all.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A fresh folder that is gone when it is dropped.
fn room(work: &Path) -> Result<tempfile::TempDir, BenchError> {
    tempfile::tempdir_in(work).map_err(file_error(work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_that_were_read_count() {
        let lines = "{\"document\":\"a\",\"state\":\"sealed\"}\n{\"document\":\"b\",\"state\":\"review\"}\n\
                     {\"document\":\"c\",\"state\":\"failed\"}\n{\"state\":\"sealed\"}\nno JSON\n";
        assert_eq!(documents_done(lines), 2);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let input = Input { name: "x", pages: Vec::new() };
        let run = |contender, wall| Run { contender, taken: Taken { wall, cpu: 0.0 }, words_found: None };
        let (ours, its) = (Contender::Sohoa, Contender::Ocrmypdf);
        // The second round was slow for both.
        let runs = [run(ours, 1.0), run(its, 2.0), run(ours, 10.0), run(its, 20.0), run(ours, 1.0), run(its, 3.0)];
        let figures = of_contenders(&input, &[ours, its], &runs);
        let ratio = figures.iter().find(|figure| figure.subject == "ocrmypdf" && figure.name.starts_with("times")).unwrap();
        assert_eq!(ratio.value, 2.0);
        assert_eq!(missed(&figures), ["x, ocrmypdf: times the wall time of sohoa 2.00, at least 4 is meant"]);
    }

    #[test]
    fn what_is_fast_enough_is_not_told() {
        let input = Input { name: "x", pages: Vec::new() };
        let at = |name, value| figure(&input, "sohoa ingest", name, value, "%");
        assert_eq!(missed(&[at(OUTSIDE, 10.0), at("outside the engine, while a page is read", 30.0)]), [""; 0]);
        assert_eq!(missed(&[at(OUTSIDE, 10.1)]).len(), 1);
    }
}
