//! `pipeline.toml`: read once at the start, checked, and handed on. Paths in it are relative to its own folder.

mod access;
mod oidc;
mod serve;
mod sign;

use crate::result_code::Template;
use crate::review::second_round;
use serde::Deserialize;
use sohoa_digitize::codes::{payload, sheets::Rules};
use sohoa_digitize::{Limits, render::Profile};
use sohoa_record::text::nfc;
use sohoa_sign::pades::Level;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub use access::Access;
pub use oidc::Oidc;
pub use serve::{After, Priority, Serve, Subfolders, Watch};
pub use sign::{Sign, Signature, SignerKind};

/// The commented default that `sohoa init` writes.
pub const DEFAULT: &str = include_str!("../../../pipeline.toml");

/// Texts of one list of `[codes]`.
const MOST_TEXTS: usize = 50;

/// The running configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of `pipeline.toml`: relative paths start here.
    pub home: PathBuf,
    /// `[archive]`
    pub archive: Archive,
    /// `[ingest]`
    pub ingest: Ingest,
    /// `[decode]`
    pub decode: Decode,
    /// `[codes]`
    pub codes: Codes,
    /// `[recognize]`
    pub recognize: Recognize,
    /// `[correct]`
    pub correct: Correct,
    /// `[divide]`
    pub divide: Divide,
    /// `[extract]`
    pub extract: Extract,
    /// `[render]`
    pub render: Render,
    /// `[sign]`
    pub sign: Sign,
    /// `[seal]`
    pub seal: Seal,
    /// `[log]`
    pub log: Log,
    /// `[review]`
    pub review: Review,
    /// `[report]`
    pub report: Report,
    /// `[serve]`
    pub serve: Serve,
    /// `[access]`
    pub access: Access,
    /// `[[watch]]`
    pub watch: Vec<Watch>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    archive: Archive,
    ingest: Ingest,
    decode: Decode,
    codes: Codes,
    recognize: Recognize,
    correct: Correct,
    divide: Divide,
    extract: Extract,
    render: Render,
    sign: Sign,
    seal: Seal,
    log: Log,
    review: Review,
    report: Report,
    serve: Serve,
    access: Access,
    watch: Vec<Watch>,
}

/// Where things are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Archive {
    pub store: PathBuf,
    pub index: PathBuf,
    pub spool: PathBuf,
    pub unit: String,
    pub operator: String,
}

/// How backlogs are taken in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Ingest {
    pub workers: usize,
    pub max_attempts: u32,
}

/// What may be spent on outside bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Decode {
    pub max_source_mb: u64,
    pub max_pages: u32,
    pub max_page_megapixels: u64,
    pub open_seconds: u64,
    pub page_seconds: u64,
    pub child_memory_mb: u64,
    pub require_walls: bool,
    pub signature_roots: PathBuf,
}

/// Codes on paper.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Codes {
    pub separators: Vec<String>,
    pub first_page_prefixes: Vec<String>,
    pub payload_separators: String,
}

/// The engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Recognize {
    pub language: String,
    pub model: PathBuf,
    pub recording: PathBuf,
}

/// Lost accents, for search.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Correct {
    pub enabled: bool,
}

/// Several papers in one file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Divide {
    pub by_content: bool,
}

/// The kinds of paper.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Extract {
    pub templates: PathBuf,
}

/// The searchable PDF.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Render {
    pub profile: String,
}

/// Keys and trust.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Seal {
    pub key: PathBuf,
    pub trust: PathBuf,
    pub result_code: Template,
}

/// The transparency log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Log {
    pub key: PathBuf,
    pub timestamp: Vec<String>,
    pub anchor_hours: u64,
}

/// What people decide, and how much of it is looked at again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Review {
    pub second_round_first: u32,
    pub second_round_percent: u8,
}

/// Units and targets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Report {
    pub units: PathBuf,
    pub targets: PathBuf,
}

impl Default for Archive {
    fn default() -> Self {
        Archive {
            store: "archive".into(),
            index: "index.sqlite".into(),
            spool: "spool".into(),
            unit: String::new(),
            operator: String::new(),
        }
    }
}

impl Default for Ingest {
    fn default() -> Self {
        Ingest { workers: 0, max_attempts: 3 }
    }
}

impl Default for Decode {
    fn default() -> Self {
        Decode {
            max_source_mb: 2048,
            max_pages: 5000,
            max_page_megapixels: 120,
            open_seconds: 60,
            page_seconds: 120,
            child_memory_mb: 2000,
            require_walls: true,
            signature_roots: PathBuf::new(),
        }
    }
}

impl Default for Codes {
    fn default() -> Self {
        let Rules { separators, first_page_prefixes } = Rules::default();
        Codes { separators, first_page_prefixes, payload_separators: payload::SEPARATORS.into() }
    }
}

impl Default for Recognize {
    fn default() -> Self {
        Recognize { language: "vie".into(), model: PathBuf::new(), recording: PathBuf::new() }
    }
}

impl Default for Correct {
    fn default() -> Self {
        Correct { enabled: true }
    }
}

impl Default for Divide {
    fn default() -> Self {
        Divide { by_content: true }
    }
}

impl Default for Render {
    fn default() -> Self {
        Render { profile: "pdfa-1b".into() }
    }
}

impl Default for Seal {
    fn default() -> Self {
        Seal { key: "keys/manifest.pem".into(), trust: "trust".into(), result_code: Template::default() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log { key: "keys/log.pem".into(), timestamp: Vec::new(), anchor_hours: 24 }
    }
}

impl Default for Review {
    fn default() -> Self {
        Review { second_round_first: 100, second_round_percent: 30 }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error(
        "{0} cannot be read ({1}); make a data folder with `sohoa init DIR`, then work in it or name it with --config DIR/pipeline.toml"
    )]
    Unreadable(PathBuf, std::io::Error),
    /// It is not TOML, or a key is unknown or of the wrong type.
    #[error("{0}: {1}")]
    Malformed(PathBuf, String),
    /// A value makes no sense.
    #[error("{file}: [{section}] {key} = {value}: {remedy}")]
    BadValue {
        /// The file.
        file: PathBuf,
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// No model of that language is installed.
    #[error(
        "the OCR model of language '{0}' was not found; install the Debian package tesseract-ocr-{0}, or name the file in [recognize] model"
    )]
    NoModel(String),
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::Unreadable(file.to_owned(), e))?;
        let home = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Absolute from here on, so that nothing depends on the working directory later.
        let home = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
        Self::parse(&text, file, home)
    }

    /// The defaults, for commands that need no archive.
    pub fn defaults() -> Config {
        let home = std::path::absolute(".").unwrap_or_else(|_| ".".into());
        Self::from_file(File::default(), home)
    }

    /// Reads and checks the text of `file`; relative paths start at `home`. Only looks at its arguments.
    pub fn parse(text: &str, file: &Path, home: PathBuf) -> Result<Config, ConfigError> {
        let parsed: File = toml::from_str(text).map_err(|e| ConfigError::Malformed(file.to_owned(), e.to_string()))?;
        let config = Self::from_file(parsed, home);
        let bad =
            |section, key, value: String, remedy| ConfigError::BadValue { file: file.to_owned(), section, key, value, remedy };
        if config.profile().is_none() {
            return Err(bad("render", "profile", config.render.profile.clone(), "write \"pdfa-1b\" or \"pdfa-2b\""));
        }
        for (key, texts) in [("separators", &config.codes.separators), ("first_page_prefixes", &config.codes.first_page_prefixes)]
        {
            let wrong = texts.iter().find(|text| text.trim().len() < 3 || text.chars().count() > 80 || **text != nfc(text));
            if let Some(text) = wrong.or(texts.get(MOST_TEXTS)) {
                return Err(bad(
                    "codes",
                    key,
                    format!("{text:?}"),
                    "write at most 50 texts of 3 to 80 letters; shorter ones stand in any code",
                ));
            }
        }
        let (sign, serve, oidc) = (config.sign.mistake(), config.serve.mistake(), config.access.oidc.mistake());
        for (section, mistake) in [("sign", sign), ("serve", serve), ("access.oidc", oidc)] {
            if let Some((key, value, remedy)) = mistake {
                return Err(bad(section, key, value, remedy));
            }
        }
        if config.access.behind_tls && config.serve.tls().is_some() {
            let remedy = "write false where [serve] tls_certificate is named: browsers come to this service itself, and X-Forwarded-For would be whatever they say";
            return Err(bad("access", "behind_tls", "true".into(), remedy));
        }
        if let Some(url) = config.log.timestamp.iter().find(|url| !url.starts_with("http://")) {
            let remedy = "write http://…: the answer is signed, and https brings nothing more";
            return Err(bad("log", "timestamp", url.clone(), remedy));
        }
        for (section, key, value, range, remedy) in config.numbers() {
            if !range.contains(&value) {
                return Err(bad(section, key, value.to_string(), remedy));
            }
        }
        Ok(config)
    }

    /// Every number with what it may be: a limit that is none, or one that no machine has, is a mistake in typing.
    #[rustfmt::skip]
    fn numbers(&self) -> Vec<(&'static str, &'static str, u64, RangeInclusive<u64>, &'static str)> {
        let (ingest, decode, serve, access) = (&self.ingest, &self.decode, &self.serve, &self.access);
        let mut numbers = vec![
            ("ingest", "workers", ingest.workers as u64, 0..=1024, "write 0 (one per core) to 1024"),
            ("ingest", "max_attempts", ingest.max_attempts.into(), 1..=1000, "write 1 to 1000"),
            ("decode", "max_source_mb", decode.max_source_mb, 1..=1 << 20, "write 1 to 1048576 megabytes"),
            ("decode", "max_pages", decode.max_pages.into(), 1..=1_000_000, "write 1 to 1000000 pages"),
            ("decode", "max_page_megapixels", decode.max_page_megapixels, 1..=1000, "write 1 to 1000 megapixels"),
            ("decode", "open_seconds", decode.open_seconds, 1..=86_400, "every wait has a limit; write 1 to 86400 seconds"),
            ("decode", "page_seconds", decode.page_seconds, 1..=86_400, "every wait has a limit; write 1 to 86400 seconds"),
            ("decode", "child_memory_mb", decode.child_memory_mb, 300..=1 << 20, "the engine alone needs 300; write up to 1048576 megabytes"),
            ("sign", "network_seconds", self.sign.network_seconds, 1..=600, "every wait has a limit; write 1 to 600 seconds"),
            ("log", "anchor_hours", self.log.anchor_hours, 1..=8760, "write 1 to 8760 hours"),
            ("review", "second_round_percent", self.review.second_round_percent.into(), 0..=100, "write 0 (none) to 100 (all)"),
            ("serve", "most_waiting", serve.most_waiting, 1..=10_000_000, "write 1 to 10000000 documents"),
            ("serve", "station_per_minute", serve.station_per_minute, 1..=1_000_000, "write 1 to 1000000 pushes"),
            ("serve", "most_mb", serve.most_mb, 0..=1 << 20, "write 0 (as [decode] max_source_mb) to 1048576 megabytes"),
            ("serve", "min_free_mb", serve.min_free_mb, 1..=1 << 24, "a disk that runs full stops everything; write 1 to 16777216 megabytes"),
            ("serve", "stuck_minutes", serve.stuck_minutes, 1..=10_080, "write 1 to 10080 minutes"),
            ("serve", "waiting_minutes", serve.waiting_minutes, 1..=10_080, "write 1 to 10080 minutes"),
            ("access", "log_days", access.log_days.into(), 0..=36_500, "write 0 (for ever) to 36500 days"),
            ("access", "idle_minutes", access.idle_minutes, 1..=1440, "a screen that nobody sits at is open to everybody; write 1 to 1440 minutes"),
            ("access", "longest_hours", access.longest_hours, 1..=168, "write 1 to 168 hours"),
        ];
        numbers.extend(self.watch.iter().map(|watch| ("watch", "quiet_seconds", watch.quiet_seconds, 1..=3600, "a file must stand still for a while; write 1 to 3600 seconds")));
        numbers
    }

    fn from_file(file: File, home: PathBuf) -> Config {
        Config {
            home,
            archive: file.archive,
            ingest: file.ingest,
            decode: file.decode,
            codes: file.codes,
            recognize: file.recognize,
            correct: file.correct,
            divide: file.divide,
            extract: file.extract,
            render: file.render,
            sign: file.sign,
            seal: file.seal,
            log: file.log,
            review: file.review,
            report: file.report,
            serve: file.serve,
            access: file.access,
            watch: file.watch,
        }
    }

    /// A path of the configuration as an absolute one.
    pub fn path(&self, relative: &Path) -> PathBuf {
        self.home.join(relative)
    }

    /// The folder of certificates that signatures of others may lead to; empty when none is configured.
    pub fn signature_roots(&self) -> PathBuf {
        self.path_or_none(&self.decode.signature_roots)
    }

    /// What stands for the reading of pages; empty when they are read.
    pub fn recording(&self) -> PathBuf {
        self.path_or_none(&self.recognize.recording)
    }

    fn path_or_none(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { PathBuf::new() } else { self.path(path) }
    }

    /// The PDF profile; none when the name is unknown, which [`Config::load`] has ruled out.
    pub fn profile(&self) -> Option<Profile> {
        match self.render.profile.as_str() {
            "pdfa-1b" => Some(Profile::PdfA1b),
            "pdfa-2b" => Some(Profile::PdfA2b),
            _ => None,
        }
    }

    /// The level of the legal signatures; its name was checked when the configuration was read.
    pub fn signature_level(&self) -> Level {
        self.sign.level().unwrap_or(Level::Archival)
    }

    /// Which codes part a batch.
    pub fn sheets(&self) -> Rules {
        let Codes { separators, first_page_prefixes, .. } = &self.codes;
        Rules { separators: separators.clone(), first_page_prefixes: first_page_prefixes.clone() }
    }

    /// What decode may spend.
    pub fn limits(&self) -> Limits {
        Limits {
            max_source_bytes: self.decode.max_source_mb << 20,
            max_pages: self.decode.max_pages,
            max_page_pixels: self.decode.max_page_megapixels * 1_000_000,
            ..Limits::default()
        }
    }

    /// Which decisions of people are looked at again.
    pub fn second_round(&self) -> second_round::Rules {
        second_round::Rules { first: self.review.second_round_first, percent: self.review.second_round_percent }
    }

    /// How many page children work at once.
    pub fn workers(&self) -> usize {
        match self.ingest.workers {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n,
        }
    }

    /// The engine's model file.
    pub fn model(&self) -> Result<PathBuf, ConfigError> {
        if !self.recognize.model.as_os_str().is_empty() {
            return Ok(self.path(&self.recognize.model));
        }
        let name = format!("{}.traineddata", self.recognize.language);
        let from_environment = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
        let debian = ["5", "4.00"].map(|v| PathBuf::from(format!("/usr/share/tesseract-ocr/{v}/tessdata")));
        from_environment
            .into_iter()
            .chain(debian)
            .chain([PathBuf::from("/usr/share/tessdata")])
            .map(|folder| folder.join(&name))
            .find(|file| file.is_file())
            .ok_or_else(|| ConfigError::NoModel(self.recognize.language.clone()))
    }

    /// Who stands in the record as capturing.
    pub fn operator(&self) -> String {
        if !self.archive.operator.is_empty() {
            return self.archive.operator.clone();
        }
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "sohoa".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("pipeline.toml"), PathBuf::from("/data"))
    }

    #[test]
    fn the_shipped_file_says_exactly_the_defaults() {
        let shipped = parse(DEFAULT).unwrap();
        assert_eq!(format!("{shipped:?}"), format!("{:?}", parse("").unwrap()));
    }

    #[test]
    fn a_file_that_begins_with_a_byte_order_mark_is_read() {
        let config = parse("\u{feff}# saved by Notepad\n[ingest]\nworkers = 1\n").unwrap();
        assert_eq!(config.workers(), 1);
    }

    #[test]
    fn paths_start_at_the_files_folder() {
        let config = parse("[archive]\nstore = \"kho\"").unwrap();
        assert_eq!(config.path(&config.archive.store), Path::new("/data/kho"));
    }

    #[test]
    fn mistakes_name_their_key() {
        for (text, cause) in [
            ("[archive]\nstroe = 1", "stroe"),
            ("[render]\nprofile = \"pdf\"", "pdfa-1b"),
            ("[log]\nanchor_hours = 0", "anchor_hours"),
            ("[log]\ntimestamp = [\"https://tsa.example\"]", "http://"),
            ("[decode]\npage_seconds = 0", "page_seconds"),
            ("[ingest]\nmax_attempts = 0", "max_attempts"),
            ("[ingest]\nworkers = 5000", "workers"),
            ("[decode]\nmax_pages = 0", "max_pages"),
            ("[decode]\nchild_memory_mb = 299", "child_memory_mb"),
            // would not fit into a number of bytes or pixels
            ("[decode]\nmax_source_mb = 17592186044416", "max_source_mb"),
            ("[decode]\nmax_page_megapixels = 18446744073709", "max_page_megapixels"),
            ("[decode]\npage_seconds = 9223372036854775807", "page_seconds"),
            ("[review]\nsecond_round_percent = 101", "second_round_percent"),
            ("[access]\nidle_minutes = 0", "idle_minutes"),
            ("[serve]\ntls_certificate = \"a.pem\"", "tls_key"),
            ("[serve]\ntls_key = \"a.key\"", "tls_certificate"),
            ("[serve]\ntls_certificate = \"a.pem\"\ntls_key = \"a.key\"\n[access]\nbehind_tls = true", "behind_tls"),
            ("[codes]\nseparators = [\"A\"]", "separators"),
            ("[codes]\nfirst_page_prefixes = [\"\"]", "first_page_prefixes"),
            ("[sign]\nlevel = \"b-x\"", "b-lta"),
            ("[sign]\nnetwork_seconds = 0", "network_seconds"),
            ("[[sign.signature]]\nprofile = \"nd30-2020\"\nsigner = \"paper\"", "external"),
            ("[[sign.signature]]\nprofile = \"nd30\"\nsigner = \"external\"\nname = \"UBND\"", "tt01-2023"),
            ("[[sign.signature]]\nprofile = \"nd30-2020\"\nsigner = \"external\"", "name"),
            ("[[sign.signature]]\nprofile = \"nd30-2020\"\nsigner = \"pkcs12\"\nname = \"UBND\"", "file"),
            ("[sign]\ntsa = [\"https://tsa.example\"]", "http://"),
            ("[seal]\nresult_code = \"KQ{n}\"", "{dossier_code}"),
            ("nonsense", "pipeline.toml"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
