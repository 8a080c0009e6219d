//! Codes of agencies (mã định danh cơ quan): today's order, `H48.53`, and the reversed one before it, `000.00.53.H48`.

use super::doubt::{Doubt, Malformed, as_text, unspaced};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An agency's code, verbatim. Groups of 2 or 3 digits around one root of a letter and two digits: `G` a ministry, `H` a province.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgencyCode(String);

/// In which order a code is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Root first: `H15.50.05.13` (QĐ 20/2020/QĐ-TTg). A root alone is of this order.
    Current,
    /// Root last: `000.00.53.H48` (QCVN 102:2016/BTTTT).
    Old,
    /// Root inside; known from no rule.
    Inside,
}

impl AgencyCode {
    /// The code as it was written, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ministry or province, such as `H48`.
    pub fn root(&self) -> &str {
        self.0.split('.').find(|group| is_root(group)).unwrap_or_default()
    }

    /// In which order it is written.
    pub fn order(&self) -> Order {
        let root = self.root();
        match () {
            () if self.0.starts_with(root) => Order::Current,
            () if self.0.ends_with(root) => Order::Old,
            () => Order::Inside,
        }
    }

    /// The code in today's order: the groups turned round, and the zeros that only filled the old form's places left out. This is
    /// arithmetic: where an agency was given a new code, only a table of agencies knows it.
    pub fn to_current(&self) -> AgencyCode {
        if self.order() != Order::Old {
            return self.clone();
        }
        let mut groups: Vec<&str> = self.0.split('.').rev().collect();
        while groups.last().is_some_and(|group| group.bytes().all(|b| b == b'0')) {
            groups.pop();
        }
        AgencyCode(groups.join("."))
    }

    /// The code in the old order, `VVV.ZZ.YY.MXX`; nothing when its groups do not fit into those places. [`AgencyCode::to_current`]
    /// leads back to it.
    pub fn to_old(&self) -> Option<AgencyCode> {
        match self.order() {
            Order::Old => return Some(self.clone()),
            Order::Inside => return None,
            Order::Current => {}
        }
        let mut groups: Vec<&str> = self.0.split('.').collect();
        let places = [3, 2, 2, 3];
        // The old form cannot say a zero group at the end: there it means that nobody is meant.
        let ends_in_zeros = groups.len() > 1 && groups.last().is_some_and(|group| group.bytes().all(|b| b == b'0'));
        for (place, filler) in [(1, "00"), (2, "00"), (3, "000")] {
            if groups.len() == place {
                groups.push(filler);
            }
        }
        groups.reverse();
        let fits = groups.len() == places.len() && groups.iter().zip(places).all(|(group, length)| group.len() == length);
        (fits && !ends_in_zeros).then(|| AgencyCode(groups.join(".")))
    }

    /// The same agency, in whichever order each code is written.
    pub fn is_same(&self, other: &AgencyCode) -> bool {
        self.to_current() == other.to_current()
    }

    /// What is odd about it.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if self.order() == Order::Inside {
            doubts.push(Doubt::RootInside);
        }
        if self.0.len() > 35 {
            doubts.push(Doubt::TooLong);
        }
        doubts
    }
}

/// Is it the code of an agency, as it stands?
pub fn is_agency(text: &str) -> bool {
    let is_number = |s: &str| (2..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = text.split('.').collect();
    let roots = groups.iter().filter(|g| is_root(g)).count();
    roots == 1 && groups.iter().all(|g| is_root(g) || is_number(g))
}

/// Is it the code of a ministry or province, such as `G15` or `H48`?
pub(super) fn is_root(group: &str) -> bool {
    group.len() == 3 && group.starts_with(['G', 'H']) && group[1..].bytes().all(|b| b.is_ascii_digit())
}

impl std::str::FromStr for AgencyCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = unspaced(text);
        match is_agency(&code) {
            true => Ok(Self(code)),
            false => Err(Malformed("an agency code such as H48.15 or 000.00.53.H48")),
        }
    }
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(AgencyCode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> AgencyCode {
        text.parse().unwrap()
    }

    #[test]
    fn codes_of_both_orders_are_codes() {
        for text in ["H48", "H44.01", "H44.100", "G09.20", "H15.50.05.13"] {
            assert_eq!((code(text).order(), code(text).doubts()), (Order::Current, vec![]), "{text}");
        }
        assert_eq!((code("000.00.53.H48").order(), code("000.00.53.H48").root()), (Order::Old, "H48"));
        assert_eq!(code("12.H48.15").doubts(), [Doubt::RootInside]);
        for wrong in ["", "48.15", "H4", "H48.1", "H48.1500", "H48.H44", "H48..15", "X48.15", "h48.15", "H48.15.", "Hé"] {
            assert!(wrong.parse::<AgencyCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn old_and_new_order_are_one_agency() {
        for (old, new) in [
            ("000.00.53.H48", "H48.53"),
            ("000.00.00.G15", "G15"),
            ("000.07.53.H48", "H48.53.07"),
            ("012.00.53.H48", "H48.53.00.012"),
        ] {
            assert_eq!(code(old).to_current(), code(new));
            assert_eq!(code(new).to_old(), Some(code(old)));
            assert!(code(old).is_same(&code(new)) && !code(old).is_same(&code("H48.15")));
        }
        for only_new in ["H44.100", "H15.50.05.13", "H48.00", "12.H48.15"] {
            assert_eq!(code(only_new).to_old(), None, "{only_new}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,40}") {
            if let Ok(code) = text.parse::<AgencyCode>() {
                prop_assert!(is_root(code.root()));
            }
        }

        #[test]
        fn what_is_shown_parses_to_the_same_and_orders_lead_back(
            before in "([0-9]{2,3}\\.){0,3}", root in "[GH][0-9]{2}", after in "(\\.[0-9]{2,3}){0,3}",
        ) {
            let code = code(&format!("{before}{root}{after}"));
            prop_assert_eq!(code.to_string().parse::<AgencyCode>().unwrap(), code.clone());
            let current = code.to_current();
            prop_assert_eq!(current.as_str().parse::<AgencyCode>().unwrap(), current.clone());
            if let Some(old) = current.to_old() {
                prop_assert_eq!(old.to_current(), current);
            }
        }
    }
}
