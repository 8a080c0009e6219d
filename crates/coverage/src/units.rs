//! Units (đơn vị) and their levels (cấp) as dated data. Agency codes are historic: a dossier keeps the code of its time, a unit
//! may have several codes, and a code says nothing safe about the level, so levels come from a table.

use crate::Error;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use sohoa_record::text::fold;
use std::collections::BTreeMap;
use std::fmt;

/// The table that sohoa carries: the provinces.
const CARRIED: &str = include_str!("units.toml");

/// The last day of the district level: only province and commune are left from 1 July 2025 (NĐ 118/2025/NĐ-CP art. 1).
pub const LAST_DISTRICT_DAY: Date = date(2025, 6, 30);

/// The level (cấp) of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Cấp tỉnh.
    Province,
    /// Cấp huyện, until [`LAST_DISTRICT_DAY`].
    District,
    /// Cấp xã: commune, ward, special zone.
    Commune,
    /// In no table, or not at that time: reported apart, never under another level.
    #[serde(skip_deserializing)]
    Unknown,
}

impl Level {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune => "commune",
            Level::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One unit over one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Agency code (mã định danh, QĐ 20/2020/QĐ-TTg), upper case.
    pub code: String,
    /// Its name, NFC.
    pub name: String,
    /// Its level in that time.
    pub level: Level,
    /// First day; `None` is "since ever".
    pub valid_from: Option<Date>,
    /// Last day; `None` is "until further notice".
    pub valid_to: Option<Date>,
    /// Other codes of the same unit, upper case.
    pub formerly: Vec<String>,
    /// The codes of the units that took its place, upper case; a unit may have been split.
    pub succeeded_by: Vec<String>,
}

impl Unit {
    fn overlaps(&self, from: Date, to: Date) -> bool {
        self.valid_from.is_none_or(|first| first <= to) && self.valid_to.is_none_or(|last| last >= from)
    }
}

/// All units that are known, by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    by_code: BTreeMap<String, Vec<Unit>>,
    by_former_code: BTreeMap<String, String>,
}

impl Default for Units {
    /// The table that sohoa carries.
    fn default() -> Self {
        // A test reads the carried table, so this cannot fail in a released build; without it every level would be "unknown".
        Self::parse(CARRIED).unwrap_or(Self { by_code: BTreeMap::new(), by_former_code: BTreeMap::new() })
    }
}

impl Units {
    /// Reads a table of the form that `units.toml` of this crate shows.
    pub fn parse(toml: &str) -> Result<Self, Error> {
        let file: File =
            toml::from_str(toml).map_err(|e| Error::Toml { table: "units", cause: e.to_string().trim_end().into() })?;
        let units = file.unit.into_iter().map(checked).collect::<Result<Vec<Unit>, Error>>()?;
        Self::from_units(units)
    }

    /// These units with `own` laid over them: all entries of a code that `own` names are replaced.
    pub fn overlay(self, own: Units) -> Result<Self, Error> {
        let mut by_code = self.by_code;
        by_code.extend(own.by_code);
        Self::from_units(by_code.into_values().flatten().collect())
    }

    /// The code under which a unit is counted: its present one when `code` is a former one, else `code` itself, upper case.
    pub fn canonical(&self, code: &str) -> String {
        let code = code.trim().to_uppercase();
        self.by_former_code.get(&code).cloned().unwrap_or(code)
    }

    /// The unit of a (canonical) code as it was between the two days, both included; its last form when it changed meanwhile.
    pub fn unit(&self, code: &str, from: Date, to: Date) -> Option<&Unit> {
        self.by_code.get(code)?.iter().rev().find(|unit| unit.overlaps(from, to))
    }

    /// The level of a (canonical) code between the two days. Of a code that is in no table only the bare province code is
    /// safe to tell by its shape; the number of digits of the parts behind it is a habit, not a rule.
    pub fn level(&self, code: &str, from: Date, to: Date) -> Level {
        match self.unit(code, from, to) {
            Some(unit) => unit.level,
            None if !self.by_code.contains_key(code) && is_bare_province(code) => Level::Province,
            None => Level::Unknown,
        }
    }

    /// Today's units in the place of a (canonical) code: those that the table names as its successors, and theirs in turn, as they are
    /// on `day`. None when the unit is there itself, or the table does not say.
    pub fn successors(&self, code: &str, day: Date) -> Vec<&Unit> {
        let (mut found, mut seen, mut asked) = (Vec::new(), vec![code], vec![code]);
        while let Some(code) = asked.pop() {
            match self.unit(code, day, day) {
                Some(unit) => found.extend((code != seen[0]).then_some(unit)),
                None => {
                    for next in self.by_code.get(code).into_iter().flatten().flat_map(|unit| &unit.succeeded_by) {
                        if !seen.contains(&next.as_str()) {
                            seen.push(next);
                            asked.push(next);
                        }
                    }
                }
            }
        }
        found.sort_by(|a, b| a.code.cmp(&b.code));
        found
    }

    /// Units that are gone on `day`, have successors, and are named in a text as it stands on paper. A name that two units have is
    /// nobody's.
    pub fn gone_in(&self, text: &str, day: Date) -> Vec<&Unit> {
        let text = format!(" {} ", fold(text));
        let units = || self.by_code.values().filter_map(|entries| entries.last());
        let named = |unit: &&Unit| text.contains(&format!(" {} ", bare_name(unit)));
        let alone = |unit: &&Unit| units().filter(|other| bare_name(other) == bare_name(unit)).count() == 1;
        units().filter(|unit| !self.successors(&unit.code, day).is_empty()).filter(named).filter(alone).collect()
    }

    fn from_units(units: Vec<Unit>) -> Result<Self, Error> {
        let mut by_code: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
        let mut by_former_code = BTreeMap::new();
        for unit in units {
            by_code.entry(unit.code.clone()).or_default().push(unit);
        }
        for (code, entries) in &mut by_code {
            entries.sort_by_key(|unit| unit.valid_from);
            let overlap = entries.windows(2).any(|two| {
                let begins = two[1].valid_from.unwrap_or(Date::MIN);
                two[0].valid_to.is_none_or(|ends| ends >= begins)
            });
            if overlap {
                let cause = "two entries are valid on the same day; end the earlier with valid_to before the later begins";
                return Err(Error::Unit { code: code.clone(), cause: cause.into() });
            }
        }
        for unit in by_code.values().flatten() {
            for former in &unit.formerly {
                let taken = by_former_code.insert(former.clone(), unit.code.clone()).is_some_and(|other| other != unit.code);
                if taken || by_code.contains_key(former) {
                    let cause = format!("the former code '{former}' also belongs to another unit; keep it at one of them");
                    return Err(Error::Unit { code: unit.code.clone(), cause });
                }
            }
        }
        Ok(Self { by_code, by_former_code })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    unit: Vec<WrittenUnit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnit {
    code: String,
    name: String,
    level: Level,
    valid_from: Option<toml::value::Datetime>,
    valid_to: Option<toml::value::Datetime>,
    #[serde(default)]
    formerly: Vec<String>,
    #[serde(default)]
    succeeded_by: Vec<String>,
}

/// Folded, without "UBND": a paper may write that out, or name the place alone.
fn bare_name(unit: &Unit) -> String {
    let name = fold(&unit.name);
    let bare = ["uy ban nhan dan ", "ubnd "].iter().find_map(|prefix| name.strip_prefix(prefix));
    bare.unwrap_or(&name).to_owned()
}

fn checked(written: WrittenUnit) -> Result<Unit, Error> {
    let code = written.code.trim().to_uppercase();
    let wrong = |cause: String| Error::Unit { code: written.code.clone(), cause };
    let is_code = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let codes = |codes: &[String]| codes.iter().map(|code| code.trim().to_uppercase()).collect::<Vec<String>>();
    let (formerly, succeeded_by) = (codes(&written.formerly), codes(&written.succeeded_by));
    if let Some(odd) = std::iter::once(&code).chain(&formerly).chain(&succeeded_by).find(|code| !is_code(code)) {
        return Err(wrong(format!("'{odd}' is no agency code; letters, digits and '.' were expected, such as H44.117")));
    }
    let day = |key: &str, value: Option<toml::value::Datetime>| {
        let day = value.map(|value| value.to_string().parse::<Date>().ok().filter(|_| value.time.is_none()));
        day.map(|day| day.ok_or_else(|| wrong(format!("{key} is not a day; write it as 2025-07-01")))).transpose()
    };
    let valid_from = day("valid_from", written.valid_from)?;
    let mut valid_to = day("valid_to", written.valid_to)?;
    if written.level == Level::District {
        if valid_to.is_some_and(|last| last > LAST_DISTRICT_DAY) {
            return Err(wrong(format!("a district's valid_to cannot be after {LAST_DISTRICT_DAY}, when the level ended")));
        }
        valid_to = Some(valid_to.unwrap_or(LAST_DISTRICT_DAY));
    }
    if valid_from.zip(valid_to).is_some_and(|(first, last)| first > last) {
        return Err(wrong("valid_from is after valid_to; exchange or correct them".into()));
    }
    let name = sohoa_record::text::nfc(&written.name);
    Ok(Unit { code, name, level: written.level, valid_from, valid_to, formerly, succeeded_by })
}

/// `H44`: a province itself. `G…` are ministries, which have no level here.
fn is_bare_province(code: &str) -> bool {
    code.len() == 3 && code.starts_with('H') && code[1..].bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"
        [[unit]]
        code = "h44.117"
        name = "UBND phường Một"
        level = "commune"
        valid_from = 2025-07-01
        formerly = ["000.00.17.H44"]

        [[unit]]
        code = "H44.31"
        name = "UBND huyện Hai"
        level = "district"
    "#;

    fn year(y: i16) -> (Date, Date) {
        (date(y, 1, 1), date(y, 12, 31))
    }

    fn level(units: &Units, code: &str, y: i16) -> Level {
        units.level(code, year(y).0, year(y).1)
    }

    #[test]
    fn the_carried_table_has_the_34_provinces() {
        let units = Units::parse(CARRIED).unwrap();
        let in_2026 = units.by_code.keys().filter(|code| units.unit(code, year(2026).0, year(2026).1).is_some());
        assert_eq!(in_2026.count(), 34);
        assert_eq!(level(&units, "H58", 2024), Level::Province);
        assert_eq!(level(&units, "H58", 2026), Level::Unknown);
    }

    #[test]
    fn the_district_level_ends_by_itself() {
        let units = Units::parse(OWN).unwrap();
        assert_eq!(level(&units, "H44.31", 2025), Level::District);
        assert_eq!(level(&units, "H44.31", 2026), Level::Unknown);
        assert_eq!(level(&units, "H44.117", 2024), Level::Unknown);
        assert_eq!(level(&units, "H44.117", 2025), Level::Commune);
    }

    #[test]
    fn only_a_bare_province_code_is_known_by_its_shape() {
        let units = Units::parse("").unwrap();
        assert_eq!(level(&units, "H99", 2026), Level::Province);
        for unsafe_to_tell in ["H44.07", "H44.117", "H15.50.05.13", "G09", "H4", "H4x", "Hé", ""] {
            assert_eq!(level(&units, unsafe_to_tell, 2026), Level::Unknown, "{unsafe_to_tell}");
        }
    }

    #[test]
    fn an_own_table_is_laid_over_the_carried_one() {
        let own = Units::parse("[[unit]]\ncode='H44'\nname='Own name'\nlevel='province'\n").unwrap();
        let units = Units::default().overlay(own).unwrap().overlay(Units::parse(OWN).unwrap()).unwrap();
        assert_eq!(units.unit("H44", year(2026).0, year(2026).1).unwrap().name, "Own name");
        assert_eq!(level(&units, "H48", 2026), Level::Province);
        assert_eq!(units.canonical(" 000.00.17.h44 "), "H44.117");
        assert_eq!(units.canonical("h1.2"), "H1.2");
    }

    #[test]
    fn the_place_of_a_unit_that_is_gone_is_found_by_code_and_by_name() {
        let units = Units::parse(
            "[[unit]]\ncode='H44.31'\nname='UBND huyện Hai'\nlevel='district'\nsucceeded_by=['h44.117', 'H44.20']\n
             [[unit]]\ncode='H44.20'\nname='UBND xã Cũ'\nlevel='commune'\nvalid_to=2025-09-30\nsucceeded_by=['H44.118', 'H44.31']\n
             [[unit]]\ncode='H44.117'\nname='UBND phường Một'\nlevel='commune'\nvalid_from=2025-07-01\n
             [[unit]]\ncode='H44.118'\nname='UBND xã Mới'\nlevel='commune'\nvalid_from=2025-10-01",
        )
        .unwrap();
        let codes = |code, day| units.successors(code, day).iter().map(|unit| unit.code.as_str()).collect::<Vec<_>>();
        assert_eq!(codes("H44.31", date(2026, 1, 1)), ["H44.117", "H44.118"], "in turn, and a circle ends");
        assert_eq!(codes("H44.31", date(2025, 8, 1)), ["H44.117", "H44.20"]);
        assert!(codes("H44.31", date(2025, 6, 30)).is_empty() && codes("H44.117", date(2026, 1, 1)).is_empty());
        let gone = |text| units.gone_in(text, date(2026, 1, 1)).iter().map(|unit| unit.code.as_str()).collect::<Vec<_>>();
        assert_eq!(gone("ỦY BAN NHÂN DÂN HUYỆN HAI"), ["H44.31"]);
        assert_eq!(gone("thôn 3, xã Cũ, huyện Hai"), ["H44.20", "H44.31"]);
        assert!(gone("UBND phường Một").is_empty() && gone("huyện Haiti").is_empty());
    }

    #[test]
    fn mistakes_are_named_with_the_unit() {
        let unit = |rest: &str| format!("[[unit]]\ncode='H44.1'\nname='x'\n{rest}\n");
        for (table, cause) in [
            (unit("level='district'\nvalid_to=2026-01-01"), "2025-06-30"),
            (unit("level='commune'\nvalid_from=2026-01-01\nvalid_to=2025-01-01"), "valid_from is after"),
            (unit("level='commune'\nvalid_from=2026-01-01T10:00:00"), "not a day"),
            (unit("level='commune'") + &unit("level='commune'"), "same day"),
            (unit("level='unknown'"), "unknown"),
            (unit("level='commune'\nsucceeded_by=['xã 2']"), "no agency code"),
            (unit("level='commune'\nvalid_form=2026-01-01"), "valid_form"),
            (unit("level='commune'\nformerly=['H44.2']") + "[[unit]]\ncode='H44.2'\nname='y'\nlevel='commune'", "former code"),
            ("[[unit]]\ncode='xã 1'\nname='x'\nlevel='commune'".into(), "no agency code"),
        ] {
            let error = Units::parse(&table).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
