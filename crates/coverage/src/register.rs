//! The register (sổ theo dõi) of results: what exists on paper, one row a result, as offices export it from spreadsheets and from
//! their one-stop systems. Read without guessing: what is in doubt is listed with line, column and remedy, and a row leaves the
//! denominators only when not even its year can be read.

mod cell;
mod table;

use crate::date::Reading;
use crate::number::NumberKey;
use jiff::civil::Date;
use serde::Serialize;
use sohoa_record::DossierCode;
use sohoa_record::text::nfc;
use std::collections::BTreeMap;
use table::{Column, Table};

/// One result (kết quả) that exists on paper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegisterRow {
    /// The unit whose result it is, as written; `None` when the cell is empty or unreadable.
    pub unit: Option<String>,
    /// The procedure's code (mã TTHC), as written. Not used for matching.
    pub procedure: Option<String>,
    /// The dossier's code; `None` when there is none or it is malformed.
    pub dossier_code: Option<DossierCode>,
    /// Number and notation (số, ký hiệu), NFC, as written.
    pub number: Option<String>,
    /// The day of issue; `None` when it is not certain.
    pub date: Option<Date>,
    /// The year of issue; `None` when it is not certain either, and then the row is in no year's denominator.
    pub year: Option<i16>,
    /// The last day on which the result is in force (còn hiệu lực đến); `None` is without end, or not readable.
    pub valid_until: Option<Date>,
    /// What the result is about (trích yếu), as written.
    pub subject: Option<String>,
    /// Whose result it is: the name of a person or organisation, as written.
    pub owner: Option<String>,
    /// Who issued it (cơ quan ban hành), as written.
    pub organ: Option<String>,
    /// Who signed it, as written.
    pub signer: Option<String>,
    /// Line in the file, from 1.
    pub line: u64,
    /// True when one of the problems of the import is about this row.
    pub in_doubt: bool,
}

/// Unit, dossier code, number, date and year of a result.
pub type Identity = (Option<String>, Option<DossierCode>, Option<NumberKey>, Option<Date>, Option<i16>);

impl RegisterRow {
    /// What makes two rows one result: unit, dossier code, number and date. `None` for a row that has neither code nor number:
    /// two such rows cannot be told to be the same.
    pub fn identity(&self) -> Option<Identity> {
        let number = self.number.as_deref().and_then(NumberKey::parse);
        let identified = self.dossier_code.is_some() || number.is_some();
        let unit = self.unit.as_ref().map(|unit| unit.trim().to_uppercase());
        identified.then(|| (unit, self.dossier_code.clone(), number, self.date, self.year))
    }
}

/// What a problem does to the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The row is counted in the denominators; the cell in doubt is not used.
    Counted,
    /// The row repeats another one and is not counted again.
    Duplicate,
    /// The row, or what it swallowed, is in no denominator, so every rate of its unit may be too high until it is corrected.
    LeftOut,
    /// Nothing of the file was taken.
    Refused,
}

/// Something in the file that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowProblem {
    /// Line in the file, from 1.
    pub line: u64,
    /// The column's name as the file has it; empty when the whole row is meant.
    pub column: String,
    /// What is the matter.
    pub why: String,
    /// What to do.
    pub remedy: &'static str,
    /// What it does to the figures.
    pub effect: Effect,
}

/// A register that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisterImport {
    /// Every result once, in the order of the file. Rows without a year are among them, so that they can be listed and counted.
    pub rows: Vec<RegisterRow>,
    /// In the order of lines.
    pub problems: Vec<RowProblem>,
    /// How many rows repeated another.
    pub duplicates: usize,
}

impl RegisterImport {
    /// False when the file as a whole was refused: then there is no register, and rates are unknown.
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.effect != Effect::Refused)
    }
}

/// Reads a register: a header line with the names of the columns in any order, then one row a result.
///
/// UTF-8 with or without mark, `,` `;` or tab between cells, any line ends. Columns are known by the names `unit`, `procedure`,
/// `dossier_code`, `number`, `date`, `valid_until`, `subject`, `owner`, `organ`, `signer`, by Vietnamese ones (`đơn vị`, `mã hồ sơ` …) and by those of the national
/// payload (`DonViXuLy`, `MaHoSo` …). Lines above the header and columns that are not needed are passed over.
pub fn parse_register(csv: &[u8]) -> RegisterImport {
    let table = match Table::read(csv) {
        Ok(table) => table,
        Err(refused) => return RegisterImport { problems: vec![refused], ..Default::default() },
    };
    let mut problems = table.problems.clone();
    let mut rows: Vec<(RegisterRow, bool)> = Vec::new();
    for record in &table.records {
        let mut reader = RowReader { table: &table, record, problems: &mut problems };
        rows.extend(reader.row());
    }
    doubt_turned_dates(&table, &mut rows, &mut problems);
    let rows = rows.into_iter().map(|(row, _)| row);
    let (rows, duplicates) = without_duplicates(rows, &mut problems);
    problems.sort();
    mark_doubts(RegisterImport { rows, problems, duplicates })
}

struct RowReader<'a> {
    table: &'a Table,
    record: &'a table::Record,
    problems: &'a mut Vec<RowProblem>,
}

impl RowReader<'_> {
    /// The row, and whether its date could be read with day and month turned round.
    fn row(&mut self) -> Option<(RegisterRow, bool)> {
        if self.record.is_blank() {
            return None;
        }
        if let Some((why, remedy, effect)) = self.table.misshapen(self.record) {
            self.problem(None, why, remedy, effect);
        }
        let unit = self.checked(Column::Unit, cell::unit);
        if unit.is_none() && self.table.has(Column::Unit) && self.text(Column::Unit).is_some_and(str::is_empty) {
            self.problem(Some(Column::Unit), "no unit".into(), "write the unit's agency code", Effect::Counted);
        }
        let procedure = self.checked(Column::Procedure, cell::procedure);
        let dossier_code = self.checked(Column::DossierCode, cell::dossier_code);
        let number = self.checked(Column::Number, cell::number);
        if dossier_code.is_none() && number.is_none() {
            let remedy = "write the dossier's code or the number, or no document can ever be found for it";
            self.problem(None, "neither a dossier code nor a number can be used".into(), remedy, Effect::Counted);
        }
        let (date, year, either_way) = self.date();
        let valid_until = self.valid_until(date);
        let line = self.record.line;
        let [subject, owner, organ, signer] =
            [Column::Subject, Column::Owner, Column::Organ, Column::Signer].map(|column| self.words(column));
        let row = RegisterRow {
            unit,
            procedure,
            dossier_code,
            number,
            date,
            year,
            valid_until,
            subject,
            owner,
            organ,
            signer,
            line,
            in_doubt: false,
        };
        Some((row, either_way))
    }

    fn date(&mut self) -> (Option<Date>, Option<i16>, bool) {
        let Some(text) = self.readable(Column::Date, Effect::LeftOut) else { return (None, None, false) };
        match crate::date::read(&text) {
            Reading::Day { date, either_way } => (Some(date), Some(date.year()), either_way),
            Reading::Year { year, why, .. } => {
                self.problem(Some(Column::Date), said(&text, why), DATE_REMEDY, Effect::Counted);
                (None, Some(year), false)
            }
            Reading::Nothing { why } => {
                self.problem(Some(Column::Date), said(&text, why), DATE_REMEDY, Effect::LeftOut);
                (None, None, false)
            }
        }
    }

    /// An end that cannot be read is no end: the result stays in force, which can only lower a rate.
    fn valid_until(&mut self, date: Option<Date>) -> Option<Date> {
        let text = self.readable(Column::ValidUntil, Effect::Counted)?;
        if text.is_empty() || cell::is_without_end(&text) {
            return None;
        }
        let why = match crate::date::read(&text) {
            Reading::Day { date: last, .. } if date.is_some_and(|date| last < date) => "it ends before it was issued",
            Reading::Day { either_way: true, .. } if self.table.month_first.contains(&Column::ValidUntil) => TURNED,
            Reading::Day { date: last, .. } => return Some(last),
            Reading::Year { why, .. } | Reading::Nothing { why } => why,
        };
        self.problem(Some(Column::ValidUntil), said(&text, why), DATE_REMEDY, Effect::Counted);
        None
    }

    /// A cell that `check` takes; what it refuses is a problem and no value. An empty cell is no value and no problem.
    fn checked<T>(&mut self, column: Column, check: fn(&str) -> cell::Checked<T>) -> Option<T> {
        let text = self.readable(column, Effect::Counted).filter(|text| !text.is_empty())?;
        let checked = check(&text);
        if let Some((why, remedy)) = checked.doubt {
            self.problem(Some(column), said(&text, why), remedy, Effect::Counted);
        }
        checked.value
    }

    /// A cell that is only compared with what was read from a paper: any words will do, one space between them.
    fn words(&mut self, column: Column) -> Option<String> {
        let text = self.readable(column, Effect::Counted)?;
        let words = nfc(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        (!words.is_empty()).then_some(words)
    }

    /// The cell's text, trimmed; `None` and a problem when its bytes are not UTF-8, or steer terminals and spreadsheets.
    fn readable(&mut self, column: Column, effect: Effect) -> Option<String> {
        let Some(text) = self.text(column).map(str::to_owned) else {
            let remedy = "save the file as \"CSV UTF-8\" and import it again";
            self.problem(Some(column), "the text is not UTF-8".into(), remedy, effect);
            return None;
        };
        // Line ends have a meaning of their own (cell::damage).
        if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            let why = format!("a control character (U+{:04X}) in the text", u32::from(control));
            self.problem(Some(column), why, "delete the cell's text, type it again and export again", effect);
            return None;
        }
        Some(text)
    }

    fn text(&self, column: Column) -> Option<&str> {
        self.table.text(self.record, column)
    }

    fn problem(&mut self, column: Option<Column>, why: String, remedy: &'static str, effect: Effect) {
        let column = column.map(|column| self.table.name(column)).unwrap_or_default();
        self.problems.push(RowProblem { line: self.record.line, column, why, remedy, effect });
    }
}

const DATE_REMEDY: &str = "write the day as 2023-04-25 or 25/04/2023";
const TURNED: &str = "day and month may be turned round, as they are elsewhere in this column";

/// The cell and what is the matter with it, cut to what fits on a line.
fn said(text: &str, why: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("'{shown}': {why}")
}

/// One date that is only possible as month/day/year says that a spreadsheet turned round all others of its column that it
/// could; those keep their year only.
fn doubt_turned_dates(table: &Table, rows: &mut [(RegisterRow, bool)], problems: &mut Vec<RowProblem>) {
    if !table.month_first.contains(&Column::Date) {
        return;
    }
    for (row, _) in rows.iter_mut().filter(|(_, either_way)| *either_way) {
        let why = said(&row.date.map(|date| date.to_string()).unwrap_or_default(), TURNED);
        row.date = None;
        let column = table.name(Column::Date);
        problems.push(RowProblem { line: row.line, column, why, remedy: DATE_REMEDY, effect: Effect::Counted });
    }
}

/// Each result once, the first row standing for all; the latest end of validity wins, since that can only lower a rate.
fn without_duplicates(rows: impl Iterator<Item = RegisterRow>, problems: &mut Vec<RowProblem>) -> (Vec<RegisterRow>, usize) {
    let mut kept: Vec<RegisterRow> = Vec::new();
    let mut seen = BTreeMap::new();
    let mut duplicates = 0;
    for row in rows {
        let Some(first) = row.identity().and_then(|identity| {
            let next = kept.len();
            let first = *seen.entry(identity).or_insert(next);
            (first != next).then_some(first)
        }) else {
            kept.push(row);
            continue;
        };
        duplicates += 1;
        let first = &mut kept[first];
        let why = format!("the same unit, dossier code, number and date as line {}", first.line);
        let remedy = "nothing if it is a repetition; else write what tells them apart";
        problems.push(RowProblem { line: row.line, column: String::new(), why, remedy, effect: Effect::Duplicate });
        first.valid_until = longest(first.valid_until, row.valid_until);
    }
    (kept, duplicates)
}

/// The later of two ends; none at all is the latest.
pub(crate) fn longest(a: Option<Date>, b: Option<Date>) -> Option<Date> {
    a.zip(b).map(|(a, b)| a.max(b))
}

fn mark_doubts(mut import: RegisterImport) -> RegisterImport {
    let lines: std::collections::BTreeSet<u64> = import.problems.iter().map(|problem| problem.line).collect();
    for row in &mut import.rows {
        row.in_doubt = lines.contains(&row.line);
    }
    import
}

#[cfg(test)]
mod tests;
