//! The programs in the contest: what is run, as a user would type it.

use crate::measure::{output, shown};
use crate::pages::{self, Input, file_error};
use crate::{Asked, BenchError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The language of all pages, for every program.
pub const LANGUAGE: &str = "vie";

/// What is measured against what.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Contender {
    /// `sohoa digitize`: decode, clean, recognize, extract fields, render PDF/A.
    Sohoa,
    /// OCRmyPDF as it comes.
    Ocrmypdf,
    /// OCRmyPDF told to do what sohoa always does: turn, straighten, clean.
    OcrmypdfCleaning,
    /// The engine alone, page by page, one process a core: the least that anybody would do.
    Tesseract,
    /// `sohoa digitize` held to one core: what the others bring.
    SohoaOneCore,
    /// `sohoa digitize` with the engine of `just engine`.
    SohoaOwnEngine,
}

impl Contender {
    /// In the order in which they run in each round. Sohoa is the first: it is what the others are compared with.
    pub fn all(asked: &Asked) -> Vec<Contender> {
        let mut all = vec![
            Contender::Sohoa,
            Contender::Ocrmypdf,
            Contender::OcrmypdfCleaning,
            Contender::Tesseract,
            Contender::SohoaOneCore,
        ];
        all.extend(asked.engine.is_some().then_some(Contender::SohoaOwnEngine));
        all
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Sohoa => "sohoa digitize",
            Contender::Ocrmypdf => "ocrmypdf",
            Contender::OcrmypdfCleaning => "ocrmypdf --rotate-pages --deskew --clean",
            Contender::Tesseract => "tesseract, a page a process",
            Contender::SohoaOneCore => "sohoa digitize, one core",
            Contender::SohoaOwnEngine => "sohoa digitize, engine of `just engine`",
        }
    }

    /// What is asked of its wall time, as times that of sohoa: at least this.
    pub fn target(self) -> Option<f64> {
        match self {
            Contender::Ocrmypdf => Some(4.0),
            Contender::OcrmypdfCleaning => Some(10.0),
            Contender::Tesseract => Some(2.0),
            Contender::SohoaOneCore => Some(1.9),
            Contender::Sohoa | Contender::SohoaOwnEngine => None,
        }
    }

    /// The program as it is started, without its arguments.
    fn command(self, asked: &Asked) -> Result<Command, BenchError> {
        Ok(match self {
            Contender::Sohoa => Command::new(&asked.sohoa),
            Contender::SohoaOneCore => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &first_core()?]).arg(&asked.sohoa);
                command
            }
            Contender::SohoaOwnEngine => {
                let mut command = Command::new(&asked.sohoa);
                if let Some(folder) = &asked.engine {
                    command.env("LD_LIBRARY_PATH", folder);
                }
                command
            }
            Contender::Ocrmypdf | Contender::OcrmypdfCleaning => Command::new(&asked.ocrmypdf),
            Contender::Tesseract => Command::new("tesseract"),
        })
    }
}

/// The first core that this process may use (proc(5), Cpus_allowed_list, such as `0-3,8`).
fn first_core() -> Result<String, BenchError> {
    let path = Path::new("/proc/self/status");
    let status = std::fs::read_to_string(path).map_err(file_error(path))?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    Ok(list.trim().split(['-', ',']).next().unwrap_or("0").to_owned())
}

/// An input as files, ready for every program.
pub struct Files {
    /// All pages in one PDF.
    pub pdf: PathBuf,
    /// Each page as a JPEG file, in `folder`.
    pub images: Vec<(PathBuf, u32)>,
    /// The folder that holds the JPEG files and nothing else.
    pub folder: PathBuf,
}

impl Files {
    /// Writes an input.
    pub fn write(input: &Input, to: &Path) -> Result<Files, BenchError> {
        let folder = to.join("pages");
        std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        let pdf = to.join("pages.pdf");
        pages::write(&pdf, &pages::pdf(input.pages.iter()))?;
        let mut images = Vec::new();
        for (nth, page) in input.pages.iter().enumerate() {
            let path = folder.join(format!("{:04}.jpg", nth + 1));
            pages::write(&path, &page.bytes)?;
            images.push((path, page.dpi));
        }
        Ok(Files { pdf, images, folder })
    }
}

/// Runs one contender over all pages, to PDF; the PDFs it wrote.
pub fn run(asked: &Asked, contender: Contender, cores: usize, files: &Files, to: &Path) -> Result<Vec<PathBuf>, BenchError> {
    if contender == Contender::Tesseract {
        return tesseract(asked, cores, &files.images, to);
    }
    let written = to.join("out.pdf");
    let mut command = contender.command(asked)?;
    match contender {
        Contender::Ocrmypdf | Contender::OcrmypdfCleaning => command.args(["-l", LANGUAGE, "--jobs", &cores.to_string()]),
        _ => command.arg("digitize"),
    };
    if contender == Contender::OcrmypdfCleaning {
        command.args(["--rotate-pages", "--deskew", "--clean"]);
    }
    command.arg(&files.pdf).arg(&written).current_dir(to);
    output(&mut command, &[0])?;
    if !written.is_file() {
        return Err(BenchError::NotDone { command: shown(&command), what: "it ended well but wrote no PDF".into() });
    }
    Ok(vec![written])
}

/// One single-threaded process a core, the next page to whoever is free: OpenMP on top of that makes it many times slower.
fn tesseract(asked: &Asked, cores: usize, images: &[(PathBuf, u32)], to: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let next = Mutex::new(images.iter());
    let worker = || -> Result<(), BenchError> {
        loop {
            let Some((image, dpi)) = next.lock().ok().and_then(|mut next| next.next()) else { return Ok(()) };
            let written = to.join(image.file_stem().unwrap_or_default());
            let mut command = Contender::Tesseract.command(asked)?;
            command.arg(image).arg(written).args(["-l", LANGUAGE, "--dpi", &dpi.to_string(), "pdf"]);
            output(command.env("OMP_THREAD_LIMIT", "1"), &[0])?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(BenchError::Usage("a worker died".into()))))
    })?;
    Ok(images.iter().map(|(image, _)| to.join(image.file_stem().unwrap_or_default()).with_extension("pdf")).collect())
}

/// The words in PDFs, as poppler finds them.
pub fn words(pdfs: &[PathBuf]) -> Result<String, BenchError> {
    let mut text = String::new();
    for pdf in pdfs {
        let read = output(Command::new("pdftotext").args(["-q", "-enc", "UTF-8"]).arg(pdf).arg("-"), &[0])?;
        text.push_str(&String::from_utf8_lossy(&read.stdout));
        text.push('\n');
    }
    Ok(text)
}

/// Makes an empty archive and takes a folder in; its `--json` lines and what it said with `-v`.
pub fn ingest(asked: &Asked, archive: &Archive, folder: &Path) -> Result<(String, String), BenchError> {
    let mut command = Command::new(&asked.sohoa);
    command.arg("ingest").arg(folder).arg("--config").arg(archive.folder.join("pipeline.toml"));
    command.arg("--password-file").arg(&archive.password).args(["--json", "-v"]);
    let done = output(&mut command, &[0])?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(done.stdout), text(done.stderr)))
}

/// An archive with its key.
pub struct Archive {
    /// Its folder, with `pipeline.toml`.
    pub folder: PathBuf,
    /// The file of its keys' password.
    pub password: PathBuf,
}

impl Archive {
    /// An empty one, with sohoa's defaults.
    pub fn init(asked: &Asked, to: &Path) -> Result<Archive, BenchError> {
        let archive = Archive { folder: to.join("archive"), password: to.join("password") };
        pages::write(&archive.password, b"no secret is kept with this\n")?;
        // Others than its owner may not read it, or it is refused.
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&archive.password, own).map_err(file_error(&archive.password))?;
        let mut command = Command::new(&asked.sohoa);
        output(command.arg("init").arg(&archive.folder).arg("--password-file").arg(&archive.password), &[0])?;
        Ok(archive)
    }
}

/// The versions of all programs.
pub struct Versions(Vec<(&'static str, String)>);

impl Versions {
    /// Asks those that will be run; a missing one is an error now, not after half an hour.
    pub fn of(asked: &Asked) -> Result<Versions, BenchError> {
        let mut programs = vec![("sohoa", asked.sohoa.clone())];
        if !asked.memory && !asked.load && asked.straight_through.is_none() {
            let others = [
                ("ocrmypdf", asked.ocrmypdf.clone()),
                ("tesseract", "tesseract".into()),
                ("gs", "gs".into()),
                ("unpaper", "unpaper".into()),
            ];
            programs.extend(others);
            output(Command::new("pdftotext").arg("-v"), &[0])?;
        }
        let mut versions = Vec::new();
        for (name, program) in programs {
            let said = output(Command::new(program).arg("--version"), &[0])?;
            let said = String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().trim().to_owned();
            versions.push((name, said.strip_prefix(name).unwrap_or(&said).trim().to_owned()));
        }
        Ok(Versions(versions))
    }

    /// The version of one of them; empty when it was not asked.
    pub fn of_program(&self, program: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == program).map_or("", |(_, version)| version)
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<_> = self.0.iter().map(|(name, version)| format!("{name} {version}")).collect();
        f.write_str(&all.join(", "))
    }
}
