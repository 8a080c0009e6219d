//! What the document says of itself, twice and equal, as PDF/A asks: the information dictionary and the XMP packet
//! (ISO 19005-1 6.7.3). Our own fields carry the description of their schema with them (6.7.8).

use super::Profile;
use pdf_writer::{Chunk, Date, Finish, Ref, TextStr};
use sohoa_record::Field;
use xmp_writer::{CustomNamespace, DateTime, Namespace, Timezone, XmpWriter};

/// What the document says of itself.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The title readers show; the subject of the document (trích yếu) or the file's name.
    pub title: String,
    /// When it was made; its seconds and offset are what is written.
    pub created: jiff::Zoned,
    /// The document's identifier: the same document, the same bytes. For example the first half of the source's SHA-256.
    pub id: [u8; 16],
}

const PRODUCER: &str = concat!("sohoa ", env!("CARGO_PKG_VERSION"));
const NAMESPACE: (&str, &str, &str) = ("sohoa", "sohoa", "urn:sohoa:document:1/");

impl Meta {
    /// The information dictionary.
    pub(super) fn info(&self, id: Ref) -> Chunk {
        let date = self.pdf_date();
        let mut chunk = Chunk::new();
        let mut info = chunk.indirect(id).start::<pdf_writer::writers::DocumentInfo<'_>>();
        info.title(TextStr(&printable(&self.title))).creator(TextStr(PRODUCER)).producer(TextStr(PRODUCER));
        info.creation_date(date).modified_date(date);
        info.finish();
        chunk
    }

    /// The XMP packet.
    pub(super) fn xmp(&self, fields: &[Field], profile: Profile) -> String {
        let (part, date, title) = (if profile == Profile::PdfA1b { 1 } else { 2 }, self.xmp_date(), printable(&self.title));
        let mut xmp = XmpWriter::new();
        xmp.pdfa_part(part).pdfa_conformance("B");
        xmp.format("application/pdf");
        xmp.title([(None, title.as_str())]).language([xmp_writer::LangId("vi")]);
        xmp.creator_tool(PRODUCER).producer(PRODUCER);
        xmp.create_date(date).modify_date(date).metadata_date(date);
        // a field in doubt is nobody's statement yet, and each name may stand once
        let mut told: Vec<(&str, &str)> = Vec::new();
        for field in fields.iter().filter(|field| field.doubt.is_none() && is_xml_name(&field.name)) {
            if let Some(value) = field.value.as_deref().filter(|_| told.iter().all(|(name, _)| *name != field.name)) {
                told.push((&field.name, value));
            }
        }
        for (name, value) in &told {
            xmp.element(name, namespace()).value(printable(value).as_str());
        }
        let packet = xmp.finish(None);
        if told.is_empty() { packet } else { with_schema(&packet, &told) }
    }

    fn pdf_date(&self) -> Date {
        let (time, minutes) = (self.created.datetime(), self.offset_minutes());
        Date::new(time.year().clamp(0, 9999) as u16)
            .month(time.month() as u8)
            .day(time.day() as u8)
            .hour(time.hour() as u8)
            .minute(time.minute() as u8)
            .second(time.second() as u8)
            .utc_offset_hour((minutes / 60) as i8)
            .utc_offset_minute((minutes % 60).unsigned_abs() as u8)
    }

    fn xmp_date(&self) -> DateTime {
        let (time, minutes) = (self.created.datetime(), self.offset_minutes());
        DateTime {
            year: time.year().clamp(0, 9999) as u16,
            month: Some(time.month() as u8),
            day: Some(time.day() as u8),
            hour: Some(time.hour() as u8),
            minute: Some(time.minute() as u8),
            second: Some(time.second() as u8),
            timezone: Some(Timezone::Local { hour: (minutes / 60) as i8, minute: (minutes % 60) as i8 }),
        }
    }

    fn offset_minutes(&self) -> i32 {
        self.created.offset().seconds() / 60
    }
}

/// The packet with the description of our own fields in a `rdf:Description` of its own before all others: a validator reads
/// what a field is before it meets the field.
fn with_schema(packet: &str, told: &[(&str, &str)]) -> String {
    let mut xmp = XmpWriter::new();
    let mut schemas = xmp.extension_schemas();
    let mut schema = schemas.add_schema();
    schema.namespace(namespace());
    let mut properties = schema.properties();
    for (name, _) in told {
        let mut property = properties.add_property();
        property.name(name).value_type("Text").category(true);
        property.description(&format!("{name}, as read from the document"));
    }
    drop(properties);
    drop(schema);
    drop(schemas);
    let schema_packet = xmp.finish(None);
    let start = "<rdf:Description";
    let description = schema_packet.split_once(start).and_then(|(_, rest)| rest.split_once("</rdf:RDF>")).map_or("", |(d, _)| d);
    packet.replacen(start, &format!("{start}{description}{start}"), 1)
}

fn namespace() -> Namespace<'static> {
    Namespace::Custom(Box::new(CustomNamespace::new(NAMESPACE.0, NAMESPACE.1, NAMESPACE.2)))
}

/// Characters that XML 1.0 cannot carry become spaces, in both places, so that both stay equal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

fn is_xml_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
