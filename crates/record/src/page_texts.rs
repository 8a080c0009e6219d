//! The text object of a record (role `text`): the words, boxes and confidence of every page as they were read, and the words
//! that search reads otherwise, as `sohoa-text/2` JSON.
//!
//! ```json
//! {"format":"sohoa-text/2","pages":[{"number":1,"placement":{"rotated_deg":0,"skew_mdeg":0},"text":{"width":…,"lines":[…]},
//!  "corrections":[{"line":3,"word":1,"text":"quyền"}]}]}
//! ```
//! `sohoa-text/1` has no `corrections`; it is read and no longer written. An object is written and read page by page, so a record of a thousand pages needs no more memory than its largest page.

use crate::{Correction, PageText, Placement};
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::{fmt, io};

/// The first member of every text object that is written.
pub const FORMAT: &str = "sohoa-text/2";
/// The format before it: pages without corrections.
const FORMAT_1: &str = "sohoa-text/1";

/// The media type under which a manifest lists a text object.
pub const MEDIA_TYPE: &str = "application/vnd.sohoa.text+json";

/// The text of one page and how it lies on the kept image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextPage {
    /// From 1, in the order of the source.
    pub number: u32,
    /// How the upright page, whose pixels `text` uses, lies on the kept image.
    pub placement: Placement,
    /// The words in reading order, as read; without lines for a page that has none.
    pub text: PageText,
    /// The words that search reads otherwise.
    pub corrections: Vec<Correction>,
}

impl TextPage {
    /// What search reads: one line of text a line, blocks apart by an empty line, corrected words in their places.
    pub fn search_text(&self) -> String {
        self.text.corrected(&self.corrections).text()
    }
}

/// A page of [`FORMAT_1`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextPage1 {
    number: u32,
    placement: Placement,
    text: PageText,
}

impl From<TextPage1> for TextPage {
    fn from(TextPage1 { number, placement, text }: TextPage1) -> Self {
        TextPage { number, placement, text, corrections: Vec::new() }
    }
}

/// Writes a text object page by page. The same pages give the same bytes.
pub struct TextWriter<W: io::Write> {
    out: W,
    pages: u64,
}

impl<W: io::Write> TextWriter<W> {
    /// Starts the object.
    pub fn new(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"format\":\"{FORMAT}\",\"pages\":[")?;
        Ok(Self { out, pages: 0 })
    }

    /// Writes the next page.
    pub fn push(&mut self, page: &TextPage) -> io::Result<()> {
        if self.pages > 0 {
            self.out.write_all(b",")?;
        }
        self.pages += 1;
        serde_json::to_writer(&mut self.out, page).map_err(io::Error::other)
    }

    /// Ends the object and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"]}\n")?;
        Ok(self.out)
    }
}

/// The bytes of a text object whose pages are at hand.
pub fn to_bytes<'a>(pages: impl IntoIterator<Item = &'a TextPage>) -> Vec<u8> {
    // A vector takes every write and pages hold only strings and whole numbers, so nothing here can fail.
    let written = || -> io::Result<Vec<u8>> {
        let mut writer = TextWriter::new(Vec::new())?;
        for page in pages {
            writer.push(page)?;
        }
        writer.finish()
    };
    written().unwrap_or_default()
}

/// Reads a text object and hands its pages out one by one. Pages handed out before an error stand; the caller drops them.
pub fn read_pages(bytes: impl io::Read, each: impl FnMut(TextPage)) -> Result<(), MalformedText> {
    let mut json = serde_json::Deserializer::from_reader(bytes);
    let malformed = |e: serde_json::Error| MalformedText(e.to_string());
    json.deserialize_map(Whole(each)).map_err(malformed)?;
    json.end().map_err(malformed)
}

struct Whole<F>(F);

impl<'de, F: FnMut(TextPage)> Visitor<'de> for Whole<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {FORMAT} object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // The format comes first, so that pages of another format are never handed out.
        if map.next_key::<String>()?.as_deref() != Some("format") {
            return Err(A::Error::custom("the first member is not 'format'"));
        }
        let format: String = map.next_value()?;
        if format != FORMAT && format != FORMAT_1 {
            return Err(A::Error::custom(format_args!("format '{format}' is neither {FORMAT} nor {FORMAT_1}")));
        }
        if map.next_key::<String>()?.as_deref() != Some("pages") {
            return Err(A::Error::custom("the second member is not 'pages'"));
        }
        match format == FORMAT {
            true => map.next_value_seed(Pages::<F, TextPage>(&mut self.0, PhantomData))?,
            false => map.next_value_seed(Pages::<F, TextPage1>(&mut self.0, PhantomData))?,
        }
        match map.next_key::<String>()? {
            None => Ok(()),
            Some(other) => Err(A::Error::custom(format_args!("unknown member '{other}'"))),
        }
    }
}

/// The list of pages, each in the form `P` of its format.
struct Pages<'f, F, P>(&'f mut F, PhantomData<P>);

impl<'de, F: FnMut(TextPage), P: Deserialize<'de> + Into<TextPage>> DeserializeSeed<'de> for Pages<'_, F, P> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(TextPage), P: Deserialize<'de> + Into<TextPage>> Visitor<'de> for Pages<'_, F, P> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of pages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pages: A) -> Result<(), A::Error> {
        while let Some(page) = pages.next_element::<P>()? {
            (self.0)(page.into());
        }
        Ok(())
    }
}

/// Bytes that are no text object, and why.
#[derive(Debug, thiserror::Error)]
#[error("malformed text object: {0}")]
pub struct MalformedText(pub String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, Rect, Word};
    use proptest::prelude::*;

    fn page(number: u32, words: &[String]) -> TextPage {
        let rect = Rect { x: 1, y: 2, width: 30, height: 4 };
        let words = words.iter().map(|text| Word { text: text.clone(), rect, confidence: 90 }).collect();
        let text = PageText { width: 100, height: 200, lines: vec![Line { words, rect, block: 1 }] };
        let corrections = vec![Correction { line: 0, word: 1, text: "quyền".into() }];
        TextPage { number, placement: Placement { rotated_deg: 90, skew_mdeg: -850 }, text, corrections }
    }

    fn read(bytes: &[u8]) -> Result<Vec<TextPage>, MalformedText> {
        let mut pages = Vec::new();
        read_pages(bytes, |page| pages.push(page))?;
        Ok(pages)
    }

    #[test]
    fn an_object_without_pages_is_an_object() {
        assert_eq!(to_bytes([]), b"{\"format\":\"sohoa-text/2\",\"pages\":[]}\n");
        assert_eq!(read(&to_bytes([])).unwrap(), []);
    }

    #[test]
    fn other_formats_members_and_rests_are_refused() {
        for (bytes, cause) in [
            ("{\"format\":\"sohoa-text/3\",\"pages\":[]}", "sohoa-text/3"),
            ("{\"pages\":[]}", "first member"),
            ("{\"format\":\"sohoa-text/1\",\"pages\":[],\"more\":1}", "unknown member 'more'"),
            ("{\"format\":\"sohoa-text/1\",\"pages\":[]} {}", "trailing"),
            ("{\"format\":\"sohoa-text/1\",\"pages\":[", "EOF"),
            ("[]", "sohoa-text/2 object"),
        ] {
            let error = read(bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(cause), "{bytes}: {error}");
        }
    }

    #[test]
    fn the_format_before_is_read_and_has_no_corrections() {
        let page =
            "\"number\":1,\"placement\":{\"rotated_deg\":0,\"skew_mdeg\":0},\"text\":{\"width\":9,\"height\":9,\"lines\":[]}";
        let before = format!("{{\"format\":\"sohoa-text/1\",\"pages\":[{{{page}}}]}}");
        let pages = read(before.as_bytes()).unwrap();
        assert_eq!((pages.len(), pages[0].corrections.len()), (1, 0));
        for (format, more, cause) in [
            ("sohoa-text/1", ",\"corrections\":[]", "unknown field `corrections`"),
            ("sohoa-text/2", "", "missing field `corrections`"),
        ] {
            let bytes = format!("{{\"format\":\"{format}\",\"pages\":[{{{page}{more}}}]}}");
            let error = read(bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }

    #[test]
    fn search_reads_the_corrected_word_and_the_reading_stays() {
        let page = page(1, &["thâm".into(), "quyên".into()]);
        assert_eq!(page.search_text(), "thâm quyền\n");
        assert_eq!(page.text.text(), "thâm quyên\n");
    }

    proptest! {
        #[test]
        fn written_pages_are_read_back(words in prop::collection::vec(prop::collection::vec("\\PC{0,12}", 0..5), 0..4)) {
            let pages: Vec<TextPage> = words.iter().enumerate().map(|(i, words)| page(i as u32 + 1, words)).collect();
            prop_assert_eq!(read(&to_bytes(&pages)).unwrap(), pages);
        }
    }
}
