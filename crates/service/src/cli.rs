//! The command line: what can be asked, with examples. What is done about it is in [`crate::commands`].

mod people;
mod proof;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

pub use people::User;
pub use proof::{Keys, Log, Root, Witness};

const AFTER: &str = "\
A command works on the archive of ./pipeline.toml, or of --config FILE. Data goes to stdout, logs to stderr; --json gives one
JSON object a line. The key's password comes from the environment variable SOHOA_KEY_PASSWORD or from --password-file.

Exit codes:
  0  done
  2  wrong arguments
  3  done, but some documents failed or some findings need a look
  4  configuration, key or trust policy cannot be used
  5  archive, index or disk cannot be used
  6  the page reader (OCR engine) cannot be used
  7  what was asked for does not exist
  8  the file was refused (`sohoa digitize`)
130  stopped by Ctrl-C; the next run goes on

Examples:
  sohoa init kho && cd kho           a data folder with keys and a commented pipeline.toml
  sohoa ingest /mnt/scans --unit H48.15
  sohoa search \"quyết định\"
  sohoa review list

A record is named by its identifier, or by the beginning or end of it.";

const AUDIT_EXAMPLES: &str = "\
Examples:
  sohoa audit --rates 2026 --state audit.state --report audit.html
  sohoa audit /media/usb/archive --trust trust.txt --rates 2026 --against reported.jsonl
  sohoa audit --sample 500 --seed 'drawn today'";

/// sohoa (số hóa, "to digitize") turns scans of administrative dossiers and their results into sealed, searchable, provable records
#[derive(Parser)]
#[command(name = "sohoa", version, after_help = AFTER, max_term_width = 110)]
pub struct Cli {
    /// The configuration of the archive to work on
    #[arg(long, global = true, value_name = "FILE", default_value = "pipeline.toml")]
    pub config: PathBuf,
    /// A file with the key's password (its first line)
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// More on stderr: -v what is done, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The log as JSON, one object a line
    #[arg(long, global = true)]
    pub log_json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    /// Make a data folder: pipeline.toml, a sealing key, the log's key, a trust policy
    #[command(after_help = "Example:\n  SOHOA_KEY_PASSWORD=… sohoa init kho")]
    Init {
        /// The folder; made when it does not exist
        dir: PathBuf,
        /// Whose key it is, as it stands in the trust policy
        #[arg(long, default_value = "sohoa")]
        name: String,
        /// The transparency log's name, best a domain and path of the office; no spaces or '+'. Made from its key when left out
        #[arg(long, value_name = "NAME")]
        log_name: Option<String>,
    },
    /// Read one file without storing anything: fields as text or JSON, and a searchable PDF/A when OUT is given
    #[command(
        after_help = "Examples:\n  sohoa digitize scan.pdf searchable.pdf\n  sohoa digitize scan.tif --json | jq .fields\n  \
        sohoa digitize scan.tif --text words.json\n  sohoa digitize scan.pdf --explain --template giay-moi.toml"
    )]
    Digitize {
        /// PDF, TIFF, JPEG or PNG
        input: PathBuf,
        /// Where to write the searchable PDF/A; must not exist
        output: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
        /// Where to write every word with its place and confidence, as an archive keeps them; must not exist
        #[arg(long, value_name = "FILE")]
        text: Option<PathBuf>,
        /// Write over OUT and FILE when they exist
        #[arg(long)]
        force: bool,
        /// Say of each field which rule, label and place gave it, and of each reading that was left out why
        #[arg(long, conflicts_with = "json")]
        explain: bool,
        /// Know the kind of paper of this template too, or instead of the one with its name
        #[arg(long, value_name = "FILE")]
        template: Option<PathBuf>,
    },
    /// Judge the signatures of one PDF, nothing stored: who, when, what was changed afterwards; exit code 3 when one is not intact
    Signatures {
        /// The PDF
        input: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Take in scans to the end: folders are walked, what is done already is not done again, Ctrl-C stops cleanly
    #[command(after_help = "A folder or file name that carries a dossier code groups documents into dossiers:\n  \
        H48.15-250117-0042/…  or  H48.15-250117-0042.01.pdf (TT 02/2019/TT-BNV)\n\nExamples:\n  \
        sohoa ingest /mnt/scans --unit H48.15\n  sohoa ingest /mnt/scans --json > outcome.jsonl")]
    Ingest {
        /// Files and folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The unit (đơn vị) that digitizes, such as H48.15; wins over [archive] unit
        #[arg(long)]
        unit: Option<String>,
        /// Show what would be taken in, and take nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Run all day: watch folders, take what stations push over HTTP, do the work, keep the log; until Ctrl-C or SIGTERM
    #[command(
        after_help = "Folders are named in [[watch]], the address in [serve], of pipeline.toml.\n\nA station pushes with its token:\n  \
        curl -H 'Authorization: Bearer sohoa_…' --data-binary @scan.pdf 'http://127.0.0.1:8080/v1/documents?name=scan.pdf'"
    )]
    Serve,
    /// Who may push scans over HTTP: scanners' stations and other systems, each with a token and limits of its own
    #[command(
        subcommand,
        after_help = "Examples:\n  sohoa station new tram-1 --unit H48.15        prints its token, this once\n  sohoa station change tram-1 --per-minute 60\n  sohoa station revoke tram-1\n\n\
        A change holds from the station's next push on; `sohoa serve` need not be started again."
    )]
    Station(Station),
    /// Who may sit at the console: add people, list them, their passwords, codes and roles
    #[command(subcommand)]
    User(User),
    /// What is where: documents by outcome, why, and what waits
    Status {
        #[command(flatten)]
        json: Json,
    },
    /// Find records: `quyet dinh` finds all, `quyết định` finds the exact accents first; "…" for phrases
    #[command(after_help = "Examples:\n  sohoa search \"quyet dinh phe duyet\"\n  sohoa search 51/QĐ-UBND --unit H48.15")]
    Search {
        /// What to look for; nothing lists all that the options leave, oldest first
        #[arg(default_value = "")]
        query: String,
        /// Only this unit
        #[arg(long)]
        unit: Option<String>,
        /// Only this outcome: sealed, review, skipped or failed
        #[arg(long)]
        state: Option<String>,
        /// Only this dossier code
        #[arg(long)]
        dossier: Option<String>,
        /// Only this kind of paper, such as 'quyết định'
        #[arg(long)]
        kind: Option<String>,
        /// Only what arrived on that day or later, such as 2025-08-19
        #[arg(long, value_name = "DAY", value_parser = day)]
        from: Option<jiff::civil::Date>,
        /// Only what arrived on that day or before
        #[arg(long, value_name = "DAY", value_parser = day)]
        to: Option<jiff::civil::Date>,
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// One record: outcome, fields, pages, objects, history
    Show {
        /// The record's identifier, or its beginning or end
        record: String,
        /// Its text too, as search reads it, and how many of its words were corrected
        #[arg(long)]
        text: bool,
        /// Its text as the engine read it, nothing corrected
        #[arg(long, conflicts_with = "text")]
        raw: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Finish what the machine was not sure of; each decision is a new, signed revision
    #[command(subcommand)]
    Review(Review),
    /// Legal signatures on the searchable PDFs: what waits for one, and keys on other computers
    #[command(subcommand)]
    Sign(Sign),
    /// The register: what exists on paper, the denominator of every rate
    #[command(subcommand)]
    Register(Register),
    /// Digitized, signed and archived against the yearly target, by unit and level
    Report {
        /// The year; this year when left out
        #[arg(long, value_parser = clap::value_parser!(i16).range(2000..=2100))]
        year: Option<i16>,
        #[command(flatten)]
        json: Json,
    },
    /// Templates: which kinds of paper are known, and what is read from each
    #[command(subcommand)]
    Template(Template),
    /// Sheets that part a batch of papers into dossiers and documents
    #[command(subcommand)]
    Separators(Separators),
    /// Keys: which ones count, a new sealing key, revoking one, and the offline root that speaks about them
    #[command(subcommand)]
    Keys(Keys),
    /// The transparency log, in which every receipt is noted
    #[command(subcommand)]
    Log(Log),
    /// Renew time stamps over the log before the certificates of their service run out: a new one over the checkpoint and the old one
    #[command(after_help = "Once a year, and before an algorithm ends. Then a checkpoint of today is believed in 2050 as well.")]
    Renew {
        /// Those that end within so many days
        #[arg(long, value_name = "DAYS", default_value_t = 400)]
        within_days: u32,
    },
    /// Cosign the transparency logs of other agencies, so that none of them can have two histories; needs no data folder
    #[command(subcommand)]
    Witness(Witness),
    /// Can this machine and this data folder do the work? Kernel, walls, engine, store, key: tried, not guessed
    #[command(after_help = "Works outside of a data folder too, on the machine alone. Exit code 3: there is a problem.")]
    Doctor {
        #[command(flatten)]
        json: Json,
    },
    /// Re-hash every object, re-open every receipt, compare the index with them
    Fsck {
        /// Throw index and queue away and make them again from the store
        #[arg(long)]
        rebuild: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Judge a whole archive as sohoa-verify does, with the legal signatures on its PDFs, and make the rates again from the signed manifests
    /// and the registers alone
    #[command(after_help = format!("{}\n  21  rates differ from those that were reported\n\n{AUDIT_EXAMPLES}", sohoa_verify::command::EXIT_CODES))]
    Audit {
        /// What to audit; the store of the configured archive when left out
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The trust policy; the configured one when left out
        #[arg(long, value_name = "FILE")]
        trust: Option<PathBuf>,
        /// Make the rates of that year again; may be given several times
        #[arg(long, value_name = "YEAR", conflicts_with = "sample")]
        rates: Vec<i16>,
        /// Rates as they were reported (`sohoa report --json`), to compare with; what the configured archive's index says when left out
        #[arg(long, value_name = "FILE", requires = "rates")]
        against: Option<PathBuf>,
        #[command(flatten)]
        options: sohoa_verify::command::Options,
    },
    /// What an auditor or another archive takes away: a BagIt bag that sohoa-verify checks offline
    Export {
        /// Record identifiers, or their beginnings or ends
        #[arg(required = true)]
        records: Vec<String>,
        /// The bag's folder; must not exist or be empty
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Destroy records whose retention has ended, by a lawful decision: a signed tombstone stays, in the log before anything is removed
    #[command(
        after_help = "There is no way back. Look first with --dry-run. Documents of one scan go together. Copies, exports and backups are\nyours to destroy.\n\nExample:\n  \
        sohoa destroy 9d4e11f0 --basis \"QĐ 12/QĐ-UBND ngày 15/01/2046 hủy tài liệu hết giá trị\" --by \"Trần Thị Bình\" --dry-run"
    )]
    Destroy {
        /// Record identifiers, or their beginnings or ends
        #[arg(required = true)]
        records: Vec<String>,
        /// The decision and the law that it rests on, without names of the persons in the record: it stays for ever
        #[arg(long, value_name = "TEXT")]
        basis: String,
        /// Who destroys them, as it will stand in the tombstone
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Show what would be destroyed and what would stay, and touch nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// The sandboxed reader of pages; started by sohoa itself
    #[command(hide = true)]
    PageChild,
}

/// `--json`
#[derive(Args, Clone, Copy)]
pub struct Json {
    /// One JSON object a line on stdout
    #[arg(long)]
    pub json: bool,
}

fn day(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| "it is no day; write year-month-day, such as 2025-08-19".to_owned())
}

/// `sohoa review …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Review {
    /// What waits for a person, oldest first
    List {
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// One record's fields in doubt, with the reason and the place on the page
    #[command(
        after_help = "Example:\n  sohoa review show 9d4e11f0 --crops look   cuts each field in doubt out of its page: look/code_number.png, …"
    )]
    Show {
        record: String,
        /// Cut each field in doubt out of its page, into this folder, which must not exist or be empty
        #[arg(long, value_name = "DIR")]
        crops: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Vouch for the values as they were read (all in doubt, or the named fields)
    #[command(after_help = "Example:\n  sohoa review accept 9d4e11f0 code_notation")]
    Accept {
        record: String,
        /// Field names; all fields in doubt that have a value when left out
        fields: Vec<String>,
        #[command(flatten)]
        by: By,
    },
    /// Type values: NAME=VALUE; an empty value says that the paper has none
    #[command(alias = "set", after_help = "Example:\n  sohoa review correct 9d4e11f0 code_number=51 issued_date=2025-01-17")]
    Correct {
        record: String,
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
        #[command(flatten)]
        by: By,
    },
    /// Ask the imported registers again about all that waits: a number or day that a hand wrote may stand there
    #[command(
        after_help = "A row fills a value only when it alone agrees with notation, month, issuer and subject; several rows\nthat could be the paper are listed for a person: sohoa review show RECORD"
    )]
    Match {
        #[command(flatten)]
        json: Json,
    },
    /// The law does not want this paper digitized (TT 01/2023/TT-VPCP): it counts as done, with the reason
    #[command(
        after_help = "Example:\n  sohoa review skip 9d4e11f0 --because photocopy\n\nA later accept or correct takes it back."
    )]
    Skip {
        record: String,
        /// already_shared, photocopy or present_only
        #[arg(long, value_name = "REASON")]
        because: String,
        /// More words
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        by: By,
    },
    /// Refuse the document: it is not digitized
    Reject {
        record: String,
        /// Why, for whoever scans it again
        #[arg(long)]
        note: String,
        #[command(flatten)]
        by: By,
    },
    /// Look again at a part of what somebody else decided
    #[command(subcommand)]
    SecondRound(SecondRound),
    /// How often the second round found each person's decisions wrong
    Rates {
        #[command(flatten)]
        json: Json,
    },
}

/// `sohoa review second-round …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum SecondRound {
    /// What was drawn and waits for somebody else than who decided, oldest decision first
    List {
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// What was decided is right
    Accept {
        record: String,
        #[command(flatten)]
        by: By,
    },
    /// Type the values that were wrong: NAME=VALUE; the others were looked at and are right
    #[command(after_help = "Example:\n  sohoa review second-round correct 9d4e11f0 code_number=52 --by minh")]
    Correct {
        record: String,
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
        #[command(flatten)]
        by: By,
    },
}

/// Who decides, and on what.
#[derive(Args, Clone)]
pub struct By {
    /// Who decides; [archive] operator when left out
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The revision that was looked at (`sohoa review show`); when somebody decided since, nothing is signed
    #[arg(long, value_name = "N")]
    pub revision: Option<u32>,
}

/// `sohoa sign …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Sign {
    /// What is vouched for and not signed yet, with the reason
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Try again what waits for a time stamp, the network or a signer; `ingest` does it too
    Run {
        #[command(flatten)]
        json: Json,
    },
    /// What a key on another computer is to sign: RECORD.json with the digest, RECORD.tosign with the bytes
    #[command(
        after_help = "Example:\n  sohoa sign prepare 9d4e11f0 --to usb/\n\nThe other computer makes a detached CMS (CAdES: signing-certificate-v2, no signing-time) with SHA-256."
    )]
    Prepare {
        /// Records, or their beginnings or ends; all that wait for such a key when left out
        records: Vec<String>,
        /// Where to write; files of an earlier try are written over
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Take back what the other computer signed; it is checked, put into the PDF and sealed
    #[command(after_help = "Example:\n  sohoa sign complete usb/9d4e11f0-….json --cms usb/9d4e11f0-….p7s")]
    Complete {
        /// The note that prepare wrote
        note: PathBuf,
        /// The detached CMS, DER
        #[arg(long, value_name = "FILE")]
        cms: PathBuf,
        /// Who stands in the history; [archive] operator when left out
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

/// `sohoa register …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Register {
    /// Read a CSV of results in force: unit, procedure, dossier_code, number, date, valid_until
    #[command(after_help = "To correct a register, import the corrected file under the same file name: the last one counts.")]
    Import { file: PathBuf },
}

/// `sohoa template …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Template {
    /// What is wrong with the templates of a folder: file, line and what to do
    #[command(after_help = "Exit code 3: there are faults. The keys of a template are explained in docs/templates.md.")]
    Check {
        /// The folder; [extract] templates when left out
        folder: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Every kind of paper that is known, its file and what is read from it
    List {
        #[command(flatten)]
        json: Json,
    },
}

/// `sohoa separators …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Separators {
    /// Write a PDF of separator sheets: for each dossier one that names it, then sheets for its documents
    #[command(
        after_help = "Examples:\n  sohoa separators print --dossier H48.15-250117-0042 H48.15-250117-0043 --documents 3 --out to.pdf\n  \
        sohoa separators print --documents 20 --out to.pdf"
    )]
    Print {
        /// Dossier codes (mã số hồ sơ)
        #[arg(long, value_name = "CODE", num_args = 1..)]
        dossier: Vec<String>,
        /// Sheets that begin the next document, for each dossier
        #[arg(long, value_name = "N", default_value_t = 0)]
        documents: usize,
        /// Where to write the PDF; must not exist
        #[arg(long, value_name = "FILE.pdf")]
        out: PathBuf,
        /// Write over FILE.pdf when it exists
        #[arg(long)]
        force: bool,
    },
}

/// `sohoa station …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Station {
    /// Make a station; prints its token, once
    New {
        /// Its name, as it stands in the records
        name: String,
        /// The unit (đơn vị) that digitizes there, such as H48.15
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        limits: StationLimits,
    },
    /// Give a station other limits; they hold from its next push on
    Change {
        /// Its name
        name: String,
        #[command(flatten)]
        limits: StationLimits,
    },
    /// Name all stations
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Refuse a station's token from now on
    Revoke {
        /// Its name
        name: String,
    },
}

/// Limits of a station's own.
#[derive(Debug, clap::Args)]
#[allow(missing_docs)]
pub struct StationLimits {
    /// So many pushes a minute it may begin; 0 = as [serve] station_per_minute says
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u64>,
    /// One document has at most so many megabytes; 0 = as [serve] most_mb says
    #[arg(long, value_name = "N")]
    pub most_mb: Option<u64>,
}
