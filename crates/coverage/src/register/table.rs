//! The table in a CSV file: which sign separates its cells, where its header is, which column is which.

use super::{Effect, RowProblem};
use crate::date::Reading;
use sohoa_record::text::fold;
use std::collections::{BTreeMap, BTreeSet};

/// A header is looked for in so many lines: exports put titles and dates of printing above it.
const LINES_ABOVE_THE_HEADER: usize = 20;

/// A column that the register needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Unit,
    Procedure,
    DossierCode,
    Number,
    Date,
    ValidUntil,
    Subject,
    Owner,
    Organ,
    Signer,
}

/// Names of the columns, folded and without spaces: ours, the offices' Vietnamese ones, those of the national payload and of the
/// registers of digitized results that follow TT 01/2023/TT-VPCP art. 9.
const NAMES: [(Column, &[&str]); 10] = [
    (Column::Unit, &["unit", "donvi", "madonvi", "donvixuly", "donvigiaiquyet", "macoquan", "unitcode"]),
    (Column::Procedure, &["procedure", "procedurecode", "thutuc", "mathutuc", "matthc"]),
    (Column::DossierCode, &["dossiercode", "dossier", "mahoso", "masohoso", "mahosotthc", "masohosotthc"]),
    (Column::Number, &["number", "codenumber", "sokyhieu", "sovakyhieu", "sovanban", "sokyhieuvanban", "kyhieugiayto", "so"]),
    (Column::Date, &["date", "issueddate", "ngay", "ngaycap", "ngaybanhanh", "ngaythangnam", "ngayky"]),
    (Column::ValidUntil, &["validuntil", "conhieulucden", "hieulucden", "cogiatriden", "thoihanhieuluc", "ngayhethan"]),
    (Column::Subject, &["subject", "trichyeu", "trichyeunoidung", "vevanban", "noidung"]),
    (Column::Owner, &["owner", "chuhoso", "tenchuhoso", "tenchugiayto", "chugiayto", "hovaten", "hoten"]),
    (Column::Organ, &["organ", "organname", "coquanbanhanh", "tencoquan", "coquancap", "noibanhanh", "noicap"]),
    (Column::Signer, &["signer", "signername", "nguoiky", "nguoikyvanban"]),
];

/// One line of cells.
pub(super) struct Record {
    /// Line in the file, from 1.
    pub line: u64,
    cells: Vec<Vec<u8>>,
}

impl Record {
    /// Spreadsheets export rows of nothing but separators below the last one.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace))
    }
}

/// A table whose header was understood.
pub(super) struct Table {
    /// The rows below the header.
    pub records: Vec<Record>,
    /// What is the matter with the table itself.
    pub problems: Vec<RowProblem>,
    /// Columns that hold a date which is only possible as month/day/year.
    pub month_first: BTreeSet<Column>,
    header: Header,
}

impl Table {
    /// Finds separator and header; a file without a usable header is refused as a whole.
    pub fn read(bytes: &[u8]) -> Result<Self, RowProblem> {
        let refused = |why: String, remedy| RowProblem { line: 1, column: String::new(), why, remedy, effect: Effect::Refused };
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(refused("the file is UTF-16".into(), "save it as \"CSV UTF-8\" and import it again"));
        }
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(refused("the file is a workbook, not CSV".into(), "save it as \"CSV UTF-8\" and import it again"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let headers = b",;\t".iter().filter_map(|separator| Header::find(bytes, *separator));
        let best = headers.reduce(|best, next| {
            // the separator with which more of the header is understood; the first of equals
            if next.columns.len() > best.columns.len() { next } else { best }
        });
        let suffices = |header: &Header| {
            let has = |column| header.columns.contains_key(&column);
            has(Column::Date) && (has(Column::DossierCode) || has(Column::Number))
        };
        let Some(header) = best.filter(suffices) else {
            let why = "no header line names a date column and a dossier code or number column".into();
            return Err(refused(why, "name the columns unit, procedure, dossier_code, number, date, valid_until"));
        };
        let mut table = Self {
            records: records(bytes, header.separator).skip(header.at + 1).collect(),
            problems: header.problems.clone(),
            month_first: BTreeSet::new(),
            header,
        };
        if !table.has(Column::Unit) {
            let why = "no column names the unit, so no row can be given to one".into();
            let remedy = "add a column 'unit' with the agency code";
            table.problems.push(RowProblem { line: 1, column: String::new(), why, remedy, effect: Effect::Counted });
        }
        table.month_first = [Column::Date, Column::ValidUntil].into_iter().filter(|c| table.is_month_first(*c)).collect();
        Ok(table)
    }

    /// Whether the file has that column.
    pub fn has(&self, column: Column) -> bool {
        self.header.columns.contains_key(&column)
    }

    /// The column's name as the file has it; empty when it has none.
    pub fn name(&self, column: Column) -> String {
        self.header.columns.get(&column).map(|(_, name)| name.clone()).unwrap_or_default()
    }

    /// The cell, trimmed; empty when the column or the cell is not there, `None` when it is not UTF-8.
    pub fn text<'r>(&self, record: &'r Record, column: Column) -> Option<&'r str> {
        let cell = self.header.columns.get(&column).and_then(|(at, _)| record.cells.get(*at));
        cell.map_or(Some(""), |cell| std::str::from_utf8(cell).ok()).map(|text| text.trim_matches(is_padding))
    }

    /// Why a row may not be what it seems: its cells are shifted, or it swallowed others.
    pub fn misshapen(&self, record: &Record) -> Option<(String, &'static str, Effect)> {
        let separators = |line: &[u8]| line.iter().filter(|byte| **byte == self.header.separator).count();
        let holds_a_row =
            |cell: &Vec<u8>| cell.split(|b| *b == b'\n').skip(1).any(|line| separators(line) + 1 >= self.header.len);
        if record.cells.iter().any(holds_a_row) {
            let why = "a cell holds whole rows, which are lost in it; a quotation mark is not closed".into();
            return Some((why, "look at the line for a single quotation mark and remove it", Effect::LeftOut));
        }
        let surplus = record.cells.iter().skip(self.header.len).any(|cell| !cell.iter().all(u8::is_ascii_whitespace));
        let why = format!("{} cells where the header has {}; cells may be shifted", record.cells.len(), self.header.len);
        surplus.then_some((why, "put cells that contain the separator into quotation marks", Effect::Counted))
    }

    fn is_month_first(&self, column: Column) -> bool {
        let is_first = |text| matches!(crate::date::read(text), Reading::Year { month_first: true, .. });
        self.records.iter().filter_map(|record| self.text(record, column)).any(is_first)
    }
}

/// The line that names the columns.
struct Header {
    /// Among the records of the file, from 0.
    at: usize,
    separator: u8,
    /// How many cells it has.
    len: usize,
    columns: BTreeMap<Column, (usize, String)>,
    problems: Vec<RowProblem>,
}

impl Header {
    /// The upper line in which most columns can be told, the first of equals; a letterhead may hold `Số:` and `Ngày:` too.
    fn find(bytes: &[u8], separator: u8) -> Option<Self> {
        let upper = records(bytes, separator).take(LINES_ABOVE_THE_HEADER).enumerate();
        let headers = upper.map(|(at, record)| {
            let (columns, problems) = columns(&record);
            Self { at, separator, len: record.cells.len(), columns, problems }
        });
        headers.reduce(|best, next| if next.columns.len() > best.columns.len() { next } else { best })
    }
}

fn records(bytes: &[u8], separator: u8) -> impl Iterator<Item = Record> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes);
    let mut lines = Lines { bytes, offset: 0, line: 1 };
    // Bytes in memory with cells of any length and number: reading cannot fail, so nothing is passed over here.
    reader.into_byte_records().filter_map(Result::ok).map(move |record| Record {
        line: lines.line_of(record.position().map_or(0, csv::Position::byte)),
        cells: record.iter().map(<[u8]>::to_vec).collect(),
    })
}

/// Counts lines as an editor shows them. The CSV reader's own count is one short after `\r\n` and empty lines, because it only
/// passes over a line's end when it looks for the next row.
struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row that was looked for from `offset` on; offsets only grow.
    fn line_of(&mut self, offset: u64) -> u64 {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let ends = self.bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = from + ends;
        for at in self.offset..start {
            let next = self.bytes.get(at + 1);
            let ends_here = self.bytes[at] == b'\n' || (self.bytes[at] == b'\r' && next != Some(&b'\n'));
            self.line += u64::from(ends_here);
        }
        self.offset = start.max(self.offset);
        self.line
    }
}

/// Which cell of a header names which column. A second name for the same column is a problem; the first is used.
fn columns(header: &Record) -> (BTreeMap<Column, (usize, String)>, Vec<RowProblem>) {
    let mut columns: BTreeMap<Column, (usize, String)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (at, cell) in header.cells.iter().enumerate() {
        let Ok(written) = std::str::from_utf8(cell) else { continue };
        let folded: String = fold(written).split(' ').collect();
        let Some((column, _)) = NAMES.iter().find(|(_, names)| names.contains(&folded.as_str())) else { continue };
        let name = written.trim().to_owned();
        if let Some((_, first)) = columns.get(column) {
            let why = format!("means the same as the column '{first}', which is used");
            let remedy = "remove or rename one of the two columns";
            problems.push(RowProblem { line: header.line, column: name, why, remedy, effect: Effect::Counted });
        } else {
            columns.insert(*column, (at, name));
        }
    }
    (columns, problems)
}

/// White space, and what spreadsheets and web pages leave around a text: no-break space, zero-width space, a stray mark.
fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}
