//! Codes of kinds of paper (mã loại giấy tờ): of results, `KQ.G15.000031`, and of a dossier's components, `000.00.00.G15-KQ004389`.

use super::agency::is_root;
use super::doubt::{Malformed, as_text, is_digits, unspaced};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The code of a kind of paper, verbatim; it is the `paper_kind_code` of TT 01/2023/TT-VPCP art. 9.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperCode(String);

impl PaperCode {
    /// The code without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ministry or province that gave the code, such as `G15`.
    pub fn root(&self) -> &str {
        self.0.split(['.', '-']).find(|group| is_root(group)).unwrap_or_default()
    }

    /// The six digits that tell it from others of the same root and form.
    pub fn ordinal(&self) -> &str {
        self.0.rsplit(['.', 'Q']).next().unwrap_or_default()
    }

    /// True for the code of a result, false for that of a component.
    pub fn is_result(&self) -> bool {
        self.0.starts_with("KQ.")
    }
}

impl std::str::FromStr for PaperCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = unspaced(text);
        let (root, ordinal) = match code.strip_prefix("KQ.") {
            Some(result) => result.split_once('.').unwrap_or_default(),
            None => code.strip_prefix("000.00.00.").and_then(|component| component.split_once("-KQ")).unwrap_or_default(),
        };
        match is_root(root) && is_digits(ordinal, 6) {
            true => Ok(Self(code)),
            false => Err(Malformed("the code of a kind of paper, such as KQ.G15.000031 or 000.00.00.G15-KQ004389,")),
        }
    }
}

impl fmt::Display for PaperCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(PaperCode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn results_and_components_have_codes() {
        for (text, result, ordinal) in
            [("KQ.G15.000031", true, "000031"), ("KQ.G15.000032", true, "000032"), ("000.00.00.G15-KQ004389", false, "004389")]
        {
            let code: PaperCode = text.parse().unwrap();
            assert_eq!((code.is_result(), code.root(), code.ordinal()), (result, "G15", ordinal));
        }
        for wrong in
            ["", "KQ", "KQ.G15", "KQ.G15.31", "KQ.X15.000031", "000.00.00.G15-KQ0043890", "000.00.01.G15-KQ004389", "G15.000031"]
        {
            assert!(wrong.parse::<PaperCode>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,40}") {
            let _ = text.parse::<PaperCode>();
        }

        #[test]
        fn what_is_shown_parses_to_the_same(text in "(KQ\\.[GH][0-9]{2}\\.|000\\.00\\.00\\.[GH][0-9]{2}-KQ)[0-9]{6}") {
            let code = text.parse::<PaperCode>().unwrap();
            prop_assert_eq!(code.to_string().parse::<PaperCode>().unwrap(), code.clone());
            prop_assert!(text.ends_with(code.ordinal()) && text.contains(code.root()) && code.ordinal().len() == 6);
        }
    }
}
