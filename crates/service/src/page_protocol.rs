//! What the service and its page child say to each other: messages, their frames, and what an answer must keep to before it is
//! believed. The child has met hostile bytes, so whatever it says is taken as outside bytes too: frames have limits that follow
//! from the configuration, memory grows with the bytes that really came, and a lie is told from an answer here, in one place.
//!
//! A frame is a length (four bytes, little endian) and as many bytes: a message in postcard form. A page's kept image is large and
//! needs no parser, so it follows its message as a frame of its own.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sohoa_digitize::page::Encoding;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_digitize::{Limits, ReadPage, Reading};
use sohoa_record::manifest::{IncomingSignature, PageState};
use sohoa_record::page_code::{self, is_plain};
use sohoa_record::signature::{Finding, SignatureCheck};
use sohoa_record::text::{fold, nfc};
use sohoa_record::{Correction, PageText, Reason, Rect, Stage};
use sohoa_sign::validate::Checked;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a message to the child: a few paths and numbers.
pub const MAX_REQUEST: u64 = 64 << 10;
/// Bytes of a message from the child: the words of a page filled to the edge with small print need about a tenth.
pub const MAX_MESSAGE: u64 = 16 << 20;
/// Words of one page, and so lines too; a page of a newspaper has about ten thousand.
pub const MAX_WORDS: usize = 200_000;
/// Signatures of one file.
pub const MAX_SIGNATURES: usize = 1_000;
/// Letters of a word, a name or a detail.
const MAX_LETTERS: usize = 1_000;
/// Walls that a child may speak of.
const MAX_WALLS: usize = 32;
/// What an encoder may add to pixels that cannot be packed.
const ENCODING_SLACK: u64 = 1 << 20;
/// The decoder believes no greater skew, nor has a scanner ever made one.
const MAX_SKEW_MDEG: u32 = 45_000;

/// How a child is to be started and what it may spend.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChildSpec {
    /// The program that has the page child in it; none is this very program. Tests put others in its place.
    #[serde(skip)]
    pub program: Option<PathBuf>,
    /// Start a child only when all its walls stand.
    #[serde(skip)]
    pub require_walls: bool,
    /// The engine's model file.
    pub model: PathBuf,
    /// A text object whose pages stand for what would be read; empty to read.
    pub recording: PathBuf,
    /// The folder of certificates that signatures of others may lead to; empty for none.
    pub roots: PathBuf,
    /// The engine's language.
    pub language: String,
    /// How pages are read.
    pub reading: Reading,
    /// What decode may spend.
    pub limits: Limits,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// To open one source.
    pub open_time: Duration,
    /// To decode, clean and recognize one page.
    pub page_time: Duration,
}

/// What the service asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Open the source with that file name; it lies in the folder handed to the child.
    Open {
        /// The source's own name: its extension is compared with its contents.
        name: String,
    },
    /// Read a page of the source that is open.
    Page {
        /// From 1.
        number: u32,
    },
    /// Judge the signatures of the source that is open.
    Signatures {
        /// What time it is, seconds since 1970, for signatures that do not say when they were made.
        now: i64,
    },
    /// Cut a part out of a page of the source that is open, for a person to look at.
    Crop {
        /// From 1.
        number: u32,
        /// The part, pixels of the kept image.
        place: Rect,
        /// Quarter turns clockwise, degrees, that make it upright.
        rotated_deg: u16,
    },
    /// Show a whole page of the source that is open, on a screen.
    Picture {
        /// From 1.
        number: u32,
        /// Quarter turns clockwise, degrees, that make it upright.
        rotated_deg: u16,
    },
}

/// What the child answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It is locked down and waits.
    Ready(Ready),
    /// The source is open.
    Opened(SourceInfo),
    /// The source cannot be taken.
    Refused {
        /// Why.
        reason: Reason,
        /// The decoder's words, for the log.
        detail: String,
    },
    /// The page. The data of its kept image follow in a frame of their own.
    Page {
        /// The page.
        page: Box<ReadPage>,
        /// Milliseconds inside the engine.
        engine_ms: u32,
        /// Microseconds of each stage.
        spent: Spent,
    },
    /// The part of a page.
    Crop(Crop),
    /// The page as a screen shows it.
    Picture(Picture),
    /// The signatures of the source, judged one by one.
    Signatures(Vec<Checked>),
    /// Its signatures cannot be judged one by one; what is said of all of them.
    NoSignatures(SignatureCheck),
}

/// Microseconds that a page took, by stage. For figures only: nothing is decided by what a child says of its own speed.
pub type Spent = BTreeMap<Stage, u32>;

/// A part of a page, grey and upright.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crop {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// A byte a pixel, row by row; 0 is black.
    pub pixels: Vec<u8>,
}

/// A page for a screen, upright.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// 1 grey, 3 sRGB.
    pub components: u8,
    /// Samples row by row; 0 is black.
    pub samples: Vec<u8>,
}

/// What a child says when it is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// The engine it holds.
    pub engine: EngineInfo,
    /// The walls around it, those that could not be raised among them.
    pub walls: Vec<Wall>,
}

/// Something that a page child gave up before it read the first outside byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    /// Its name, such as `files`.
    pub name: String,
    /// True when it stands.
    pub stands: bool,
    /// What it holds back; when it does not stand, why not.
    pub detail: String,
}

/// What is known of a source once it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// By its contents.
    pub media_type: String,
    /// How many pages it has.
    pub pages: u32,
    /// The signatures in it, listed and not judged.
    pub signatures: Vec<IncomingSignature>,
}

/// An answer that no honest child gives.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it lied: {0}")]
pub struct Lie(pub String);

/// Bytes of a kept image: as large as a stream may grow, or a page's pixels in colour that could not be packed.
pub fn image_limit(limits: &Limits) -> u64 {
    limits.max_stream_bytes.max(limits.max_page_pixels.saturating_mul(3).saturating_add(ENCODING_SLACK))
}

// --- frames

/// The bytes of a message.
pub fn encode<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(io::Error::other)
}

/// A message from exactly these bytes.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, Lie> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(Lie(format!("{} bytes after the message", rest.len()))),
        Err(error) => Err(Lie(format!("no message: {error}"))),
    }
}

/// Writes a frame; for the child's side.
pub fn write_frame(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&length(bytes)?.to_le_bytes())?;
    output.write_all(bytes)
}

/// Reads a frame of at most `limit` bytes; none at the end of the pipe. For the child's side.
pub fn read_frame(input: &mut impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = input.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = within(u32::from_le_bytes(length), limit)?;
    let mut frame = Vec::new();
    input.take(length).read_to_end(&mut frame)?;
    whole(frame, length).map(Some)
}

/// Sends a frame; for the service's side.
pub async fn send_frame(output: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    output.write_all(&length(bytes)?.to_le_bytes()).await?;
    output.write_all(bytes).await?;
    output.flush().await
}

/// Receives a frame of at most `limit` bytes; for the service's side. A length costs nothing: memory grows with what comes.
pub async fn receive_frame(input: &mut (impl AsyncRead + Unpin), limit: u64) -> io::Result<Vec<u8>> {
    let length = within(input.read_u32_le().await?, limit)?;
    let mut frame = Vec::new();
    input.take(length).read_to_end(&mut frame).await?;
    whole(frame, length)
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| io::Error::other("a message of more than 4 GiB"))
}

fn within(length: u32, limit: u64) -> io::Result<u64> {
    let length = u64::from(length);
    if length > limit {
        return Err(io::Error::other(Lie(format!("a frame of {length} bytes, at most {limit} are meant"))));
    }
    Ok(length)
}

fn whole(frame: Vec<u8>, length: u64) -> io::Result<Vec<u8>> {
    if frame.len() as u64 == length { Ok(frame) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

// --- what is believed

/// Checks all that an answer says by itself.
pub fn check(answer: &Answer, limits: &Limits) -> Result<(), Lie> {
    match answer {
        Answer::Ready(ready) => check_ready(ready),
        Answer::Opened(info) => check_source(info, limits),
        Answer::Refused { detail, .. } => check_words("detail", detail),
        // The page is checked as a whole, when its image has come.
        Answer::Page { .. } => Ok(()),
        Answer::Crop(crop) => check_crop(crop),
        Answer::Picture(picture) => check_picture(picture),
        Answer::Signatures(signatures) => {
            at_most("signatures", signatures.len(), MAX_SIGNATURES)?;
            signatures.iter().try_for_each(|checked| {
                check_signature(&checked.signature)?;
                check_judgement(&checked.check)
            })
        }
        Answer::NoSignatures(check) => check_judgement(check),
    }
}

/// A part of a page is one field, not the page.
pub const MAX_CROP_PIXELS: u64 = 8 << 20;

fn check_crop(crop: &Crop) -> Result<(), Lie> {
    let pixels = u64::from(crop.width) * u64::from(crop.height);
    if pixels == 0 || pixels > MAX_CROP_PIXELS || pixels != crop.pixels.len() as u64 {
        return Err(Lie(format!("a part of {} × {} pixels in {} bytes", crop.width, crop.height, crop.pixels.len())));
    }
    Ok(())
}

/// A page at half of 300 dpi has about two million.
pub const MAX_PICTURE_PIXELS: u64 = 2_400_000;

fn check_picture(picture: &Picture) -> Result<(), Lie> {
    let Picture { width, height, components, samples } = picture;
    let pixels = u64::from(*width) * u64::from(*height);
    // First that it is small: nothing overflows then.
    let is_small = (1..=MAX_PICTURE_PIXELS).contains(&pixels);
    if !is_small || !matches!(components, 1 | 3) || pixels * u64::from(*components) != samples.len() as u64 {
        return Err(Lie(format!("a page of {width} × {height} pixels, {components} samples each, in {} bytes", samples.len())));
    }
    Ok(())
}

fn check_ready(ready: &Ready) -> Result<(), Lie> {
    check_words("engine", &ready.engine.engine)?;
    check_words("model", &ready.engine.model)?;
    at_most("walls", ready.walls.len(), MAX_WALLS)?;
    ready.walls.iter().try_for_each(|wall| {
        check_words("wall", &wall.name)?;
        check_words("wall", &wall.detail)
    })
}

fn check_source(info: &SourceInfo, limits: &Limits) -> Result<(), Lie> {
    if !["application/pdf", "image/tiff", "image/jpeg", "image/png"].contains(&info.media_type.as_str()) {
        return Err(Lie(format!("a media type that does not exist ({} bytes)", info.media_type.len())));
    }
    if info.pages == 0 || info.pages > limits.max_pages {
        return Err(Lie(format!("{} pages, 1 to {} are meant", info.pages, limits.max_pages)));
    }
    at_most("signatures", info.signatures.len(), MAX_SIGNATURES)?;
    info.signatures.iter().try_for_each(check_signature)
}

fn check_signature(signature: &IncomingSignature) -> Result<(), Lie> {
    let words = [&signature.kind, &signature.signer, &signature.claimed_time];
    words.into_iter().try_for_each(|words| check_words("signature", words))
}

/// Certificates of a path, and changes that are told.
const MAX_TOLD: usize = 32;

/// A judgement is believed in its form only: a child that was taken over can call anything valid, as it can read anything on a page.
fn check_judgement(check: &SignatureCheck) -> Result<(), Lie> {
    at_most("findings", check.findings.len(), Finding::ALL.len())?;
    at_most("certificates", check.path.len(), MAX_TOLD)?;
    at_most("changes", check.changes.len(), MAX_TOLD)?;
    if !check.findings.is_sorted_by(|one, next| one < next) {
        return Err(Lie("findings that are not sorted".into()));
    }
    let told = [&check.field, &check.algorithm].into_iter().chain(&check.path).chain(&check.changes).chain(&check.stamped_time);
    told.into_iter().try_for_each(|words| check_words("signature", words))
}

/// Checks a page, its image's data in it, against what was asked for.
pub fn check_page(asked: u32, page: &ReadPage, limits: &Limits) -> Result<(), Lie> {
    if page.number != asked {
        return Err(Lie(format!("page {} for page {asked}", page.number)));
    }
    at_most("reasons", page.reasons.len(), Reason::ALL.len())?;
    if !matches!(page.placement.rotated_deg, 0 | 90 | 180 | 270) || page.placement.skew_mdeg.unsigned_abs() > MAX_SKEW_MDEG {
        return Err(Lie(format!("it lies as no page lies: {:?}", page.placement)));
    }
    let size = match &page.kept {
        None if page.state != PageState::RecognizeFailed => return Err(Lie("a page that was read, without its image".into())),
        None => (0, 0),
        Some(kept) => {
            let pixels = u64::from(kept.width) * u64::from(kept.height);
            if pixels == 0 || pixels > limits.max_page_pixels {
                return Err(Lie(format!("an image of {} × {} pixels", kept.width, kept.height)));
            }
            if kept.data.is_empty() || kept.data.len() as u64 > image_limit(limits) {
                return Err(Lie(format!("an image of {} bytes", kept.data.len())));
            }
            if let Encoding::Jpeg { components } | Encoding::Flate { components } = kept.encoding
                && !matches!(components, 1 | 3)
            {
                return Err(Lie(format!("an image of {components} components")));
            }
            (kept.width, kept.height)
        }
    };
    if page.state == PageState::RecognizeFailed && page.reasons.is_empty() {
        return Err(Lie("a page that failed for no reason".into()));
    }
    let upright = if matches!(page.placement.rotated_deg, 90 | 270) { (size.1, size.0) } else { size };
    if (page.text.width, page.text.height) != upright {
        return Err(Lie(format!("text of {} × {} on a page of {upright:?}", page.text.width, page.text.height)));
    }
    check_text(&page.text)?;
    check_codes(page)?;
    check_corrections(page)
}

/// Codes divide documents and name dossiers; a separator sheet has one, and no words.
fn check_codes(page: &ReadPage) -> Result<(), Lie> {
    at_most("codes", page.codes.len(), page_code::MOST_CODES)?;
    for code in &page.codes {
        inside(&code.rect, &page.text)?;
        let letters = code.text.chars().count();
        let within = (1..=page_code::MOST_LETTERS).contains(&letters);
        if !within || !code.text.chars().all(is_plain) || nfc(&code.text) != code.text {
            return Err(Lie(format!("a code of {letters} letters that is empty, too long, not NFC or has control characters")));
        }
    }
    if page.state == PageState::Separator && (page.codes.is_empty() || !page.text.lines.is_empty()) {
        return Err(Lie("a separator sheet without a code, or with words".into()));
    }
    Ok(())
}

/// A correction changes the marks of a word that is there, once, in order: nothing else may reach the search text this way.
fn check_corrections(page: &ReadPage) -> Result<(), Lie> {
    let in_order = page.corrections.windows(2).all(|two| (two[0].line, two[0].word) < (two[1].line, two[1].word));
    let fits = |correction: &Correction| {
        let line = page.text.lines.get(correction.line as usize);
        let word = line.and_then(|line| line.words.get(correction.word as usize));
        word.is_some_and(|word| fold(&word.text) == fold(&correction.text))
    };
    for correction in &page.corrections {
        check_words("correction", &correction.text)?;
        if !in_order || !fits(correction) {
            return Err(Lie(format!("a correction of word {} in line {}", correction.word, correction.line)));
        }
    }
    Ok(())
}

fn check_text(text: &PageText) -> Result<(), Lie> {
    at_most("lines", text.lines.len(), MAX_WORDS)?;
    at_most("words", text.lines.iter().map(|line| line.words.len()).sum(), MAX_WORDS)?;
    for line in &text.lines {
        inside(&line.rect, text)?;
        if line.words.is_empty() {
            return Err(Lie("a line without words".into()));
        }
        for word in &line.words {
            inside(&word.rect, text)?;
            check_words("word", &word.text)?;
            if word.text.is_empty() || word.confidence > 100 {
                return Err(Lie(format!("a word of {} bytes and {} % confidence", word.text.len(), word.confidence)));
            }
        }
    }
    Ok(())
}

fn inside(rect: &Rect, text: &PageText) -> Result<(), Lie> {
    let ends = |from: u32, size: u32, whole: u32| from.checked_add(size).is_some_and(|end| size > 0 && end <= whole);
    if ends(rect.x, rect.width, text.width) && ends(rect.y, rect.height, text.height) {
        return Ok(());
    }
    Err(Lie(format!("{rect:?} on a page of {} × {}", text.width, text.height)))
}

/// Words may go to logs, lists and signed bytes: NFC, no control characters, not endless.
fn check_words(what: &str, words: &str) -> Result<(), Lie> {
    if words.chars().count() > MAX_LETTERS || words.chars().any(char::is_control) || nfc(words) != words {
        return Err(Lie(format!("a {what} of {} bytes that is too long, not NFC or has control characters", words.len())));
    }
    Ok(())
}

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), Lie> {
    if count <= limit { Ok(()) } else { Err(Lie(format!("{count} {what}, at most {limit} are meant"))) }
}

/// A judgement in words that the service takes; for the child's side.
pub fn presentable_check(check: SignatureCheck) -> SignatureCheck {
    let all = |words: Vec<String>| words.iter().take(MAX_TOLD).map(|words| presentable(words)).collect();
    SignatureCheck {
        field: presentable(&check.field),
        algorithm: presentable(&check.algorithm),
        path: all(check.path),
        changes: all(check.changes),
        ..check
    }
}

/// Words from a file or a library, made such that the service takes them: for the child's side.
pub fn presentable(words: &str) -> String {
    let shown: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // The beginning of an NFC text is NFC.
    nfc(&shown).chars().take(MAX_LETTERS).collect()
}

#[cfg(test)]
mod tests;
