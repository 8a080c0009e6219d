//! Measures sohoa as a user meets it: whole programs, on whole scans, beside what that user would pick instead.
//! It is *not* part of the product, and it knows nothing of the product's insides: it runs commands and looks from outside.

mod accuracy;
mod contest;
mod figures;
mod load;
mod measure;
mod memory;
mod pages;
mod report;
mod straight;
mod tools;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// What was asked for.
#[derive(Parser)]
#[command(
    name = "sohoa-benches",
    version,
    about = "Pages a minute, time outside the engine, bytes stored, memory, accuracy, papers that need no person. See benches/README.md"
)]
pub struct Asked {
    /// The sohoa to measure; a release build, or the figures mean nothing
    #[arg(long, default_value = "sohoa", value_name = "PATH")]
    sohoa: PathBuf,
    /// The OCRmyPDF to measure it against
    #[arg(long, default_value = "ocrmypdf", value_name = "PATH")]
    ocrmypdf: PathBuf,
    /// The library folder of another build of the engine (`just engine` makes one): sohoa with it is measured beside
    #[arg(long, value_name = "DIR", conflicts_with_all = ["memory", "accuracy"])]
    engine: Option<PathBuf>,
    /// Pages of each input [default: 6, or one for each core]; a set that has fewer begins again from its first.
    /// With --accuracy: clean pages of which every class is made [default: 12; the corpus has 60]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pages: Option<u32>,
    /// Rounds; every program runs once in each, and medians are told
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Measure memory instead of speed: a short and a long job
    #[arg(long)]
    memory: bool,
    /// Pages of the short and of the long job
    #[arg(long, default_value = "50,1000", value_delimiter = ',', num_args = 1, value_name = "SHORT,LONG")]
    memory_pages: Vec<usize>,
    /// How much of each page of these jobs is filled, from the top: less text, less time, the same image size
    #[arg(long, default_value_t = 40, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    filled: u32,
    /// Measure the service under load instead of speed: stations push PDFs of ten pages while somebody looks at the console
    #[arg(long, conflicts_with = "memory")]
    load: bool,
    /// How long the load lasts
    #[arg(long, default_value_t = 600, requires = "load", value_parser = clap::value_parser!(u64).range(5..=86_400))]
    seconds: u64,
    /// How many stations push
    #[arg(long, default_value_t = 50, requires = "load", value_parser = clap::value_parser!(u32).range(1..=400))]
    stations: u32,
    /// Seconds from one document of a station to its next: a scanner of 60 pages a minute has ten in so many
    #[arg(long, default_value_t = 10, requires = "load", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Measure accuracy instead of speed: words and characters of pages whose text is known
    #[arg(long, conflicts_with = "memory")]
    accuracy: bool,
    /// Only these page classes, such as grey-300,seal
    #[arg(long, value_delimiter = ',', num_args = 1, requires = "accuracy", value_name = "CLASS,…")]
    classes: Vec<String>,
    /// What other programs read before, of the same page and in the same version, is taken from the work folder
    #[arg(long, requires = "accuracy")]
    cached: bool,
    /// Leave OCRmyPDF out, which takes most of the time
    #[arg(long, requires = "accuracy")]
    without_ocrmypdf: bool,
    /// Keep the pages, what was read of each, and the lines in which sohoa and Tesseract differ (lines.tsv)
    #[arg(long, requires = "accuracy", value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Instead of speed: how many of the papers drawn into this folder by `sohoa-fixtures DIR --series …` need no person, and how many
    /// of the fields that are vouched for are wrong
    #[arg(long, conflicts_with_all = ["memory", "accuracy", "engine", "load"], value_name = "DIR")]
    straight_through: Option<PathBuf>,
    /// Append the figures to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Where the work is done: on the kind of disk that an archive would be on, not in memory
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// The project's sample papers
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"), value_name = "DIR")]
    fixtures: PathBuf,
    /// Real papers: scans in vn/scan below this folder, born-digital ones with their text; left out when not given
    #[arg(long, env = "SOHOA_CORPUS", value_name = "DIR")]
    corpus: Option<PathBuf>,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say it
pub enum BenchError {
    #[error("{program} cannot be started: {source}; `./bootstrap bench` installs what this needs")]
    Missing { program: String, source: std::io::Error },
    #[error("{command} failed ({status}), so its time means nothing; it said:\n{said}")]
    Failed { command: String, status: std::process::ExitStatus, said: String },
    #[error("{command} did not do its work: {what}")]
    NotDone { command: String, what: String },
    #[error("{path}: {source}; check that it exists and that the disk has room", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is no page to measure with: {what}; choose another in benches/src/pages.rs", path = path.display())]
    Page { path: PathBuf, what: String },
    #[error("{0}")]
    Usage(String),
}

impl Asked {
    /// Paths that hold wherever a command runs; a bare name of a program is looked for in PATH.
    fn absolute(mut self) -> Result<Asked, BenchError> {
        let in_path = |path: &PathBuf| path.components().count() == 1;
        for path in [&mut self.sohoa, &mut self.ocrmypdf]
            .into_iter()
            .filter(|path| !in_path(path))
            .chain(&mut self.work)
            .chain(&mut self.keep)
            .chain(&mut self.engine)
            .chain(&mut self.straight_through)
        {
            *path = std::path::absolute(&*path).map_err(|source| BenchError::File { path: path.clone(), source })?;
        }
        Ok(self)
    }
}

fn run(asked: &Asked) -> Result<bool, BenchError> {
    let machine = report::Machine::here()?;
    eprintln!("{machine}");
    measure::adopt_orphans()?;
    let work = match &asked.work {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let at = asked.work.clone().unwrap_or_else(std::env::temp_dir);
    let work = work.map_err(|source| BenchError::File { path: at, source })?;
    let versions = tools::Versions::of(asked)?;
    let (tables, figures, held) = if asked.accuracy {
        accuracy::run(asked, &versions, work.path())?
    } else if let Some(drawn) = &asked.straight_through {
        straight::run(asked, drawn, work.path())?
    } else {
        let (figures, held) = if asked.memory {
            memory::run(asked, work.path())?
        } else if asked.load {
            load::run(asked, work.path())?
        } else {
            contest::run(asked, work.path())?
        };
        (report::tables(&figures), figures, held)
    };
    println!("\n{tables}\n\n{machine}\n{versions}");
    if let Some(file) = &asked.csv {
        report::append(file, &machine, &versions, &figures)?;
        eprintln!("added to {}", file.display());
    }
    Ok(held)
}

fn main() -> ExitCode {
    match Asked::parse().absolute().and_then(|asked| run(&asked)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("sohoa-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
