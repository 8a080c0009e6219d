//! What each level should have reached in each year, as data: value, the document it rests on, and how sure that is.

use crate::indicators::{Indicator, Population};
use crate::{Error, Level};
use serde::{Deserialize, Serialize};

/// The table that sohoa carries: the yearly plan under QĐ 468/QĐ-TTg.
const CARRIED: &str = include_str!("targets.toml");

/// How sure a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The instrument or plan itself was read.
    Read,
    /// Computed from it.
    Derived,
    /// Not verified: to be checked before anybody is judged by it.
    Recalled,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What is counted; must be that year's.
    pub population: Population,
    /// Which indicators must reach it.
    pub indicators: Vec<Indicator>,
    /// Whose target it is.
    pub level: Level,
    /// The calendar year at whose end it must be reached.
    pub year: i16,
    /// True when it holds for every later year too, until another entry says otherwise.
    #[serde(default)]
    pub onward: bool,
    /// Whole percent, 0 to 100.
    pub percent: u8,
    /// The document that sets it.
    pub basis: String,
    /// How sure that is.
    pub certainty: Certainty,
}

/// All targets that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets(Vec<Target>);

impl Default for Targets {
    /// The table that sohoa carries.
    fn default() -> Self {
        // A test reads the carried table, so this cannot fail in a released build; without it no rate would have a target.
        Self::parse(CARRIED).unwrap_or(Self(Vec::new()))
    }
}

impl Targets {
    /// Reads a table of the form that `targets.toml` of this crate shows.
    pub fn parse(toml: &str) -> Result<Self, Error> {
        let file: File =
            toml::from_str(toml).map_err(|e| Error::Toml { table: "targets", cause: e.to_string().trim_end().into() })?;
        for (at, target) in file.target.iter().enumerate() {
            let wrong = |cause: String| Err(Error::Target { level: target.level, year: target.year, cause });
            let counted = Population::of_year(target.year);
            if target.percent > 100 {
                return wrong(format!("{} percent is more than all; give 0 to 100", target.percent));
            }
            if target.population != counted {
                return wrong(format!("population is '{}', but '{}' is counted in that year", target.population, counted));
            }
            if target.indicators.is_empty() {
                return wrong("no indicator; name at least one of digitized, signed, archived".into());
            }
            if target.level == Level::District && (target.year > 2025 || target.onward) {
                return wrong("the district level ended on 2025-06-30; remove the entry or its 'onward'".into());
            }
            let shares = |other: &Target| other.indicators.iter().any(|indicator| target.indicators.contains(indicator));
            if file.target[..at].iter().any(|other| other.level == target.level && other.year == target.year && shares(other)) {
                return wrong("two entries set the same indicator; keep one".into());
            }
        }
        Ok(Self(file.target))
    }

    /// These targets with `own` laid over them: all entries of a level and year that `own` names are replaced.
    pub fn overlay(self, own: Targets) -> Self {
        let replaced = |target: &Target| own.0.iter().any(|o| o.level == target.level && o.year == target.year);
        let mut targets: Vec<Target> = self.0.into_iter().filter(|target| !replaced(target)).collect();
        targets.extend(own.0);
        Self(targets)
    }

    /// The target of a level in a year: the entry of that year, else the latest earlier one that holds onward.
    pub fn of(&self, indicator: Indicator, level: Level, year: i16) -> Option<&Target> {
        let concerns = |t: &&Target| t.level == level && t.indicators.contains(&indicator);
        let holds = |t: &&Target| t.year == year || (t.onward && t.year < year);
        self.0.iter().filter(concerns).filter(holds).max_by_key(|t| t.year)
    }

    /// Every entry, in the order of the table.
    pub fn all(&self) -> &[Target] {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    target: Vec<Target>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percents(indicator: Indicator, level: Level) -> Vec<Option<u8>> {
        let targets = Targets::parse(CARRIED).unwrap();
        (2020..=2027).map(|year| targets.of(indicator, level, year).map(|t| t.percent)).collect()
    }

    #[test]
    fn the_carried_plan_is_the_seed_plan() {
        use Indicator::Digitized;
        let some = |values: [u8; 7]| std::iter::once(None).chain(values.into_iter().map(Some)).collect::<Vec<_>>();
        assert_eq!(percents(Digitized, Level::Commune), some([15, 35, 55, 75, 95, 100, 100]));
        assert_eq!(percents(Digitized, Level::Province), some([30, 50, 70, 90, 100, 100, 100]));
        let district = [None, Some(20), Some(40), Some(60), Some(80), Some(100), None, None];
        assert_eq!(percents(Digitized, Level::District), district);
        assert_eq!(percents(Digitized, Level::Unknown), [None; 8]);
    }

    #[test]
    fn signing_and_archiving_have_targets_only_since_2023() {
        for indicator in [Indicator::Signed, Indicator::Archived] {
            assert_eq!(percents(indicator, Level::Commune)[1..4], [None, None, Some(55)]);
        }
    }

    #[test]
    fn what_was_not_verified_says_so() {
        for target in Targets::default().all() {
            assert_eq!(target.certainty == Certainty::Recalled, target.level == Level::Province, "{target:?}");
            assert!(!target.basis.is_empty());
        }
    }

    #[test]
    fn an_own_entry_replaces_that_level_and_year_only() {
        let own = "[[target]]\npopulation='solved_in_year'\nindicators=['digitized']\nlevel='commune'\nyear=2026\npercent=80\nbasis='own'\ncertainty='read'\n";
        let targets = Targets::default().overlay(Targets::parse(own).unwrap());
        assert_eq!(targets.of(Indicator::Digitized, Level::Commune, 2026).unwrap().percent, 80);
        assert_eq!(targets.of(Indicator::Signed, Level::Commune, 2026), None);
        assert_eq!(targets.of(Indicator::Digitized, Level::Commune, 2025).unwrap().percent, 95);
        assert_eq!(targets.of(Indicator::Digitized, Level::Province, 2026).unwrap().percent, 100);
    }

    #[test]
    fn mistakes_are_named_with_level_and_year() {
        let entry = |population: &str, level: &str, year: i16, percent: u8, more: &str| {
            format!(
                "[[target]]\npopulation='{population}'\nindicators=['digitized']\nlevel='{level}'\nyear={year}\npercent={percent}\nbasis='b'\ncertainty='read'\n{more}\n"
            )
        };
        let good = entry("solved_in_year", "commune", 2025, 95, "");
        assert!(Targets::parse(&good).is_ok());
        for (table, cause) in [
            (entry("solved_in_year", "commune", 2025, 101, ""), "commune 2025: 101 percent"),
            (entry("results_in_force", "commune", 2025, 95, ""), "'solved_in_year' is counted"),
            (entry("solved_in_year", "district", 2026, 95, ""), "district level ended"),
            (entry("solved_in_year", "district", 2024, 95, "onward=true"), "district level ended"),
            (good.clone() + &good, "two entries"),
            (good.replace("['digitized']", "[]"), "no indicator"),
            (good.replace("level", "levle"), "levle"),
        ] {
            let error = Targets::parse(&table).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
