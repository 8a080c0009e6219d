//! What a person at the console is there for, and what that lets them do: one table. It does *not* know who has which role, nor whose
//! unit's papers they are ([`super::Person::sees_unit`]).

use serde::{Deserialize, Serialize};

/// What a person is there for. Everybody has one; the names stand in files and in the access log and are never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Role {
    /// Takes scans in and watches over batches
    Operator,
    /// Vouches for what the machine was not sure of
    Reviewer,
    /// Looks again at what others decided, and reviews too
    SecondReviewer,
    /// Looks at everything that was done, changes nothing
    Auditor,
    /// Sees figures, no papers
    Statistician,
    /// Keeps people, stations and the machine, sees no papers
    Administrator,
}

/// What a role may let a person do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Lists, search, records with their history and proof state, and the pages themselves; personal numbers are masked in everything that
    /// can be listed, searched or copied as text. A page's image shows what is printed on it: the mask stops collecting, not looking, and
    /// each look is in the access log.
    SeePapers,
    /// Personal numbers whole: số định danh cá nhân and its like, basic personal data after NĐ 356/2025, and the key to all other. Only who
    /// compares them with the paper: the reviewers.
    SeePersonalNumbers,
    /// Download a PDF, its proof, or an export. The PDF has the text of its pages, nothing masked.
    TakeAway,
    /// Decide on what waits for a person: accept, correct, skip, reject.
    Review,
    /// Decide in the second round, on what somebody else decided.
    ReviewAgain,
    /// Take scans in; pause, resume and retry.
    RunBatches,
    /// Rates against targets. Figures and dossier codes, no papers.
    SeeReports,
    /// Queue, disk, keys, log, version.
    SeeSystem,
    /// People and stations: make, change, disable.
    Administer,
    /// Who looked at what, and when.
    SeeAccessLog,
}

impl Role {
    /// Every role, in the order of this file.
    pub const ALL: [Role; 6] =
        [Role::Operator, Role::Reviewer, Role::SecondReviewer, Role::Auditor, Role::Statistician, Role::Administrator];

    /// True when this role has that right: the one table, shown in docs/operating.md.
    ///
    /// - **Operator**: had the papers in hand and sees what became of them, but vouches for nothing and carries nothing away.
    /// - **Reviewer**: types numbers from the paper, so sees them whole; hands out the finished PDF with its proof.
    /// - **Second reviewer**: all of that, and the second round. That nobody looks again at their own decision is `review`'s to refuse.
    /// - **Auditor**: read only. Takes records away, since `sohoa-verify` judges them on another machine; sees no whole numbers in lists,
    ///   since none is needed to judge. Reads who looked at what.
    /// - **Statistician**: reports only, no personal data.
    /// - **Administrator**: could read every file of the machine, but not by way of the console; whoever keeps the people decides on no
    ///   paper. A role that administrators give themselves is in the access log, which the auditor reads.
    pub fn may(self, right: Right) -> bool {
        use Right::*;
        let rights: &[Right] = match self {
            Role::Operator => &[SeePapers, RunBatches, SeeReports, SeeSystem],
            Role::Reviewer => &[SeePapers, SeePersonalNumbers, TakeAway, Review, SeeReports],
            Role::SecondReviewer => &[SeePapers, SeePersonalNumbers, TakeAway, Review, ReviewAgain, SeeReports],
            Role::Auditor => &[SeePapers, TakeAway, SeeReports, SeeSystem, SeeAccessLog],
            Role::Statistician => &[SeeReports],
            Role::Administrator => &[RunBatches, SeeReports, SeeSystem, Administer, SeeAccessLog],
        };
        rights.contains(&right)
    }

    /// Its name in files, commands and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Reviewer => "reviewer",
            Role::SecondReviewer => "second_reviewer",
            Role::Auditor => "auditor",
            Role::Statistician => "statistician",
            Role::Administrator => "administrator",
        }
    }

    /// Its name for people, in Vietnamese.
    pub fn vi(self) -> &'static str {
        match self {
            Role::Operator => "Người số hóa",
            Role::Reviewer => "Người kiểm tra",
            Role::SecondReviewer => "Người kiểm tra lần hai",
            Role::Auditor => "Người thanh tra",
            Role::Statistician => "Người thống kê",
            Role::Administrator => "Quản trị viên",
        }
    }

    /// The same in English.
    pub fn en(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Reviewer => "reviewer",
            Role::SecondReviewer => "second reviewer",
            Role::Auditor => "auditor",
            Role::Statistician => "statistician",
            Role::Administrator => "administrator",
        }
    }
}

impl Right {
    /// Every right, in the order of this file.
    pub const ALL: [Right; 10] = [
        Right::SeePapers,
        Right::SeePersonalNumbers,
        Right::TakeAway,
        Right::Review,
        Right::ReviewAgain,
        Right::RunBatches,
        Right::SeeReports,
        Right::SeeSystem,
        Right::Administer,
        Right::SeeAccessLog,
    ];

    /// True when who has it can change something.
    pub fn changes(self) -> bool {
        matches!(self, Right::Review | Right::ReviewAgain | Right::RunBatches | Right::Administer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATING: &str = include_str!("../../../../docs/operating.md");

    /// Each right as a row: who has it, in the order of [`Role::ALL`].
    #[rustfmt::skip]
    const TABLE: [(Right, &str, [bool; 6]); 10] = {
        const Y: bool = true;
        const N: bool = false;
        [   //                                      operator reviewer second auditor statistician administrator
            (Right::SeePapers,          "SeePapers",          [Y, Y, Y, Y, N, N]),
            (Right::SeePersonalNumbers, "SeePersonalNumbers", [N, Y, Y, N, N, N]),
            (Right::TakeAway,           "TakeAway",           [N, Y, Y, Y, N, N]),
            (Right::Review,             "Review",             [N, Y, Y, N, N, N]),
            (Right::ReviewAgain,        "ReviewAgain",        [N, N, Y, N, N, N]),
            (Right::RunBatches,         "RunBatches",         [Y, N, N, N, N, Y]),
            (Right::SeeReports,         "SeeReports",         [Y, Y, Y, Y, Y, Y]),
            (Right::SeeSystem,          "SeeSystem",          [Y, N, N, Y, N, Y]),
            (Right::Administer,         "Administer",         [N, N, N, N, N, Y]),
            (Right::SeeAccessLog,       "SeeAccessLog",       [N, N, N, Y, N, Y]),
        ]
    };

    #[test]
    fn every_role_may_what_the_table_says_and_the_documents_too() {
        for (right, name, who) in TABLE {
            for (role, expected) in Role::ALL.into_iter().zip(who) {
                assert_eq!(role.may(right), expected, "{role:?} {right:?}");
            }
            let row = OPERATING.lines().find(|line| line.starts_with(&format!("| `{name}`"))).expect(name);
            let cells: Vec<bool> = row.split('|').skip(3).take(6).map(|cell| cell.trim() == "yes").collect();
            assert_eq!(cells, who, "docs/operating.md: {row}");
        }
        assert_eq!(TABLE.map(|(right, ..)| right), Right::ALL);
    }

    #[test]
    fn an_auditor_changes_nothing_and_a_statistician_sees_no_paper() {
        assert!(Right::ALL.into_iter().all(|right| !(right.changes() && Role::Auditor.may(right))));
        assert!(Right::ALL.into_iter().all(|right| Role::Statistician.may(right) == (right == Right::SeeReports)));
        // who keeps the people decides on no paper, and who decides does not keep the people
        let both = |role: Role| role.may(Right::Administer) && (role.may(Right::Review) || role.may(Right::SeePapers));
        assert!(!Role::ALL.into_iter().any(both));
    }

    #[test]
    fn names_are_those_of_files_and_all_differ() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
            let value = clap::ValueEnum::to_possible_value(&role).unwrap();
            assert_eq!(value.get_name(), role.as_str());
        }
        let distinct = |name: fn(Role) -> &'static str| std::collections::BTreeSet::from(Role::ALL.map(name)).len();
        assert_eq!((distinct(Role::vi), distinct(Role::en)), (6, 6));
    }
}
