//! The programs that read: what is run over the pages of a class, and where each one's text is taken from.

use super::in_parallel;
use super::papers::Sheet;
use crate::measure::{output, shown};
use crate::pages::{self, Kind, Page, file_error, write};
use crate::tools::{Contender, LANGUAGE, Versions};
use crate::{Asked, BenchError};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What sohoa read of one page.
pub struct Ours {
    /// The text that is searched.
    pub text: String,
    /// What the engine read, before sohoa gave words their accents back; when the program tells its words.
    pub raw: Option<String>,
    /// Each word and how sure of it sohoa is, in percent; empty when the program cannot tell.
    pub words: Vec<(String, u8)>,
}

/// The programs, and where the work is done.
pub struct Readers<'a> {
    asked: &'a Asked,
    versions: &'a Versions,
    work: &'a Path,
    /// What peers read before.
    cache: Option<PathBuf>,
    /// `sohoa digitize` has `--text`.
    tells_words: bool,
}

impl<'a> Readers<'a> {
    /// Asks what sohoa can do and looks for what peers read before.
    pub fn new(asked: &'a Asked, versions: &'a Versions, work: &'a Path) -> Result<Readers<'a>, BenchError> {
        let cache = match (asked.cached, &asked.work) {
            (false, _) => None,
            (true, None) => return Err(BenchError::Usage("--cached needs --work: without it nothing is left of a run".into())),
            (true, Some(folder)) => Some(folder.join("accuracy-cache")),
        };
        if let Some(cache) = &cache {
            std::fs::create_dir_all(cache).map_err(file_error(cache))?;
        }
        let help = output(Command::new(&asked.sohoa).args(["digitize", "--help"]), &[0])?;
        let tells_words = String::from_utf8_lossy(&help.stdout).contains("--text");
        if !tells_words {
            eprintln!("this sohoa has no `digitize --text`: the table of confidence is LEFT OUT");
        }
        Ok(Readers { asked, versions, work, cache, tells_words })
    }

    /// sohoa over all pages, as one PDF.
    pub fn sohoa(&self, sheets: &[&Sheet]) -> Result<Vec<Ours>, BenchError> {
        let room = tempfile::tempdir_in(self.work).map_err(file_error(self.work))?;
        let (pdf, words) = (room.path().join("pages.pdf"), room.path().join("words.json"));
        write(&pdf, &pages::pdf(sheets.iter().map(|sheet| &sheet.page)))?;
        let mut command = Command::new(&self.asked.sohoa);
        command.arg("digitize").arg(&pdf).arg("--json").current_dir(room.path());
        if self.tells_words {
            command.arg("--text").arg(&words);
        }
        let not_done = |what: &str| BenchError::NotDone { command: "sohoa digitize".into(), what: what.into() };
        let said = output(&mut command, &[0])?.stdout;
        let said: serde_json::Value =
            serde_json::from_slice(&said).map_err(|e| not_done(&format!("its output is no JSON: {e}")))?;
        let texts = said["text"].as_array().filter(|texts| texts.len() == sheets.len());
        let texts = texts.ok_or_else(|| not_done("it did not tell the text of every page"))?;
        let object = match self.tells_words {
            true => {
                let bytes = std::fs::read(&words).map_err(file_error(&words))?;
                serde_json::from_slice(&bytes).map_err(|e| not_done(&format!("its words are no JSON: {e}")))?
            }
            false => serde_json::Value::Null,
        };
        Ok(texts.iter().enumerate().map(|(nth, text)| ours(text, &object["pages"][nth])).collect())
    }

    /// A peer over all pages; one that it read before, in the same version, is not read again when that was asked for.
    pub fn peer(&self, contender: Contender, sheets: &[&Sheet]) -> Result<Vec<String>, BenchError> {
        let files: Vec<_> = sheets.iter().map(|sheet| self.cached_at(contender, &sheet.page)).collect();
        let known = |file: &Option<PathBuf>| file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let mut texts: Vec<Option<String>> = files.iter().map(known).collect();
        let open: Vec<usize> = (0..sheets.len()).filter(|&nth| texts[nth].is_none()).collect();
        let pages: Vec<&Page> = open.iter().map(|&nth| &sheets[nth].page).collect();
        if !pages.is_empty() {
            let read =
                if contender == Contender::Tesseract { self.tesseract(&pages)? } else { self.ocrmypdf(contender, &pages)? };
            for (nth, text) in open.into_iter().zip(read) {
                if let Some(file) = &files[nth] {
                    write(file, text.as_bytes())?;
                }
                texts[nth] = Some(text);
            }
        }
        Ok(texts.into_iter().flatten().collect())
    }

    /// The engine alone at its defaults, a process a page: only language and resolution are told.
    fn tesseract(&self, pages: &[&Page]) -> Result<Vec<String>, BenchError> {
        let room = tempfile::tempdir_in(self.work).map_err(file_error(self.work))?;
        in_parallel(pages, |nth, page| {
            let (ending, bytes) = single(page)?;
            let file = room.path().join(format!("{nth:04}.{ending}"));
            write(&file, &bytes)?;
            let mut command = Command::new("tesseract");
            command.arg(&file).args(["stdout", "-l", LANGUAGE, "--dpi", &page.dpi.to_string()]).env("OMP_THREAD_LIMIT", "1");
            Ok(String::from_utf8_lossy(&output(&mut command, &[0])?.stdout).into_owned())
        })
    }

    /// OCRmyPDF over one PDF. Its text comes from the sidecar: what its engine read, in its order; out of the PDF poppler would
    /// have to find words and lines again.
    fn ocrmypdf(&self, contender: Contender, pages: &[&Page]) -> Result<Vec<String>, BenchError> {
        let room = tempfile::tempdir_in(self.work).map_err(file_error(self.work))?;
        let (pdf, sidecar) = (room.path().join("pages.pdf"), room.path().join("text.txt"));
        write(&pdf, &pages::pdf(pages.iter().copied()))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut command = Command::new(&self.asked.ocrmypdf);
        // What comes after reading (PDF/A, smaller images) changes no letter. A loaded machine must not cost it a page.
        command.args(["-l", LANGUAGE, "--jobs", &cores.to_string(), "--output-type", "pdf", "--optimize", "0"]);
        command.args(["--tesseract-timeout", "900"]).env("OMP_THREAD_LIMIT", "1");
        if contender == Contender::OcrmypdfCleaning {
            command.args(["--rotate-pages", "--deskew", "--clean"]);
        }
        command.arg("--sidecar").arg(&sidecar).arg(&pdf).arg(room.path().join("out.pdf")).current_dir(room.path());
        output(&mut command, &[0])?;
        let text = std::fs::read_to_string(&sidecar).map_err(file_error(&sidecar))?;
        let texts: Vec<String> = text.split('\u{c}').map(String::from).collect();
        if texts.len() != pages.len() {
            let what = format!("its sidecar has {} pages of {}", texts.len(), pages.len());
            return Err(BenchError::NotDone { command: shown(&command), what });
        }
        Ok(texts)
    }

    /// Named for all that decides what is read: program, version, image, resolution.
    fn cached_at(&self, contender: Contender, page: &Page) -> Option<PathBuf> {
        let mut hasher = Sha256::new();
        hasher.update(contender.name());
        for program in ["tesseract", "ocrmypdf", "unpaper"] {
            if contender != Contender::Tesseract || program == "tesseract" {
                hasher.update(self.versions.of_program(program));
            }
        }
        hasher.update(page.dpi.to_be_bytes());
        hasher.update(&page.bytes);
        let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.cache.as_ref()?.join(digest).with_extension("txt"))
    }
}

/// One page of `sohoa digitize --json --text`.
fn ours(text: &serde_json::Value, page: &serde_json::Value) -> Ours {
    let lines = || page["text"]["lines"].as_array().into_iter().flatten();
    let words_of = |line: &serde_json::Value| line["words"].as_array().cloned().unwrap_or_default();
    let words = lines().flat_map(words_of);
    let told =
        |word: serde_json::Value| Some((word["text"].as_str()?.to_owned(), u8::try_from(word["confidence"].as_u64()?).ok()?));
    let reading = |line: &serde_json::Value| {
        let words = words_of(line);
        words.iter().filter_map(|word| word["text"].as_str()).collect::<Vec<_>>().join(" ")
    };
    let raw = page["text"]["lines"].is_array().then(|| lines().map(reading).collect::<Vec<_>>().join("\n"));
    Ours { text: text.as_str().unwrap_or_default().to_owned(), raw, words: words.filter_map(told).collect() }
}

/// A page as a file of its own: ending and bytes. JPEGs are as they are in the PDF, faxes become PNG.
pub fn single(page: &Page) -> Result<(&'static str, Vec<u8>), BenchError> {
    if page.kind != Kind::Fax {
        return Ok(("jpg", page.bytes.clone()));
    }
    let pixels = pages::from_fax(page);
    let mut png = std::io::Cursor::new(Vec::new());
    let error = |e| pages::page_error(Path::new("a fax page"), e);
    pixels.write_to(&mut png, image::ImageFormat::Png).map_err(error)?;
    Ok(("png", png.into_inner()))
}
