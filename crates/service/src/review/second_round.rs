//! The second round: some of what people decided is looked at by somebody else, and the share that was wrong is told.
//!
//! Who is drawn follows from the receipts alone. All of a person's first documents are, and of the later ones a share, by a lot
//! that nobody can know before deciding: the salt of the revision in which the decision is sealed is random and drawn after it.
//! Deciding again draws once more and takes nothing back. An auditor with the receipts finds the same records and rates.

use serde::Serialize;
use sohoa_archive::Archive;
use sohoa_coverage::Percent;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Event, State, action};
use sohoa_record::seal::Opened;
use sohoa_record::text::nfc;
use std::collections::BTreeMap;

/// Which decisions are looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// So many documents of each person, counted from the first, are all drawn.
    pub first: u32,
    /// Of the later ones so many percent, 0 to 100.
    pub percent: u8,
}

/// What people decided on one record, up to a second look or until now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The record.
    pub record: RecordId,
    /// When the last of the decisions was sealed: RFC 3339 at +07:00.
    pub at: String,
    /// By field, or [`SKIP`]: who decided on it last, and how.
    pub decided: BTreeMap<String, (String, Step)>,
    /// The second look, when there was one.
    pub look: Option<Look>,
    /// The record was sealed or skipped by these decisions.
    finished: bool,
    /// The lowest lot of the decisions, 0 to 99.
    lot: u8,
}

/// How a person decided on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The value was vouched for as read.
    Accept,
    /// The value was typed.
    Correct,
    /// The paper was found to be lawfully not digitized.
    Skip,
}

/// Stands where a field's name does when the paper as a whole was skipped.
pub const SKIP: &str = "skip";

/// What a second person found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Who.
    pub who: String,
    /// The fields that were wrong.
    pub corrected: Vec<String>,
}

/// How often a person's decisions were found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Who decided first, as the latest history spells the name.
    pub who: String,
    /// `documents`, or what of them: `step` or `field`.
    pub of: &'static str,
    /// The step (`accept`, `correct`) or the field; empty for documents.
    pub name: String,
    /// How many were looked at: documents, or single values.
    pub looked_at: u64,
    /// How many of them were corrected.
    pub corrected: u64,
    /// Percent; null when none was looked at.
    pub rate: Option<Percent>,
}

impl Case {
    /// Everybody who decided, each once.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.decided.values().map(|(who, _)| who.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// The fields that were decided on.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.decided.keys().map(String::as_str)
    }

    /// True when it is finished and nobody else has looked.
    pub fn waits(&self) -> bool {
        self.finished && self.look.is_none()
    }

    /// True when the lot fell on it; it can be drawn as one of a person's first documents as well.
    pub fn is_drawn_by_lot(&self, rules: Rules) -> bool {
        self.lot < rules.percent
    }
}

/// The cases of one record, from all its revisions; of these only the last can wait.
pub fn cases(revisions: &[Opened]) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut open: Option<Case> = None;
    for opened in revisions {
        let m = &opened.manifest;
        let Some(event) = m.history.last() else { continue };
        let step = match event.action.as_str() {
            action::ACCEPT => Step::Accept,
            action::CORRECT | action::SET => Step::Correct,
            action::SKIP => Step::Skip,
            action::SECOND_ROUND_ACCEPT | action::SECOND_ROUND_CORRECT => {
                if let Some(mut case) = open.take() {
                    let wrong = event.changes.iter().filter(|change| change.before != change.after);
                    let mut corrected: Vec<String> = wrong.map(|change| change.field.clone()).collect();
                    // Whoever types values finds that the paper was to be digitized.
                    corrected.extend((m.state != State::Skipped && case.decided.contains_key(SKIP)).then(|| SKIP.to_owned()));
                    case.look = Some(Look { who: event.who.clone(), corrected });
                    cases.push(case);
                }
                continue;
            }
            _ => {
                if let Some(case) = &mut open {
                    case.finished = m.state == State::Sealed;
                }
                continue;
            }
        };
        let fields = if step == Step::Skip { vec![SKIP.to_owned()] } else { fields_of(event) };
        if fields.is_empty() {
            continue;
        }
        let lot = lot(&m.record, &m.salt);
        let case = open.get_or_insert_with(|| Case {
            record: m.record.clone(),
            at: String::new(),
            decided: BTreeMap::new(),
            look: None,
            finished: false,
            lot,
        });
        case.lot = case.lot.min(lot);
        case.at.clone_from(&event.at);
        case.finished = matches!(m.state, State::Sealed | State::Skipped);
        // A decision on fields takes a skip back.
        case.decided.remove(SKIP);
        case.decided.extend(fields.into_iter().map(|field| (field, (event.who.clone(), step))));
    }
    cases.extend(open);
    cases
}

/// The fields of a decision. Receipts that were made before events had changes list them in the note.
fn fields_of(event: &Event) -> Vec<String> {
    if event.changes.is_empty() {
        return event.note.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
    event.changes.iter().map(|change| change.field.clone()).collect()
}

/// A number from 0 to 99 that depends on every bit of a revision's random salt.
fn lot(record: &RecordId, salt: &str) -> u8 {
    let digest = Sha256Hex::of(format!("sohoa second round 1\0{record}\0{salt}").as_bytes());
    let number =
        digest.as_str().bytes().take(15).fold(0u64, |n, digit| n << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or(0)));
    (number % 100) as u8
}

/// Every case of an archive. The index says which records were decided on; all else is read from their receipts.
pub async fn survey(archive: &Archive) -> sohoa_archive::Result<Vec<Case>> {
    let mut all = Vec::new();
    let mut after: Option<RecordId> = None;
    loop {
        let records = archive.index.revised(after.as_ref(), 1000).await?;
        let Some(last) = records.last().cloned() else { return Ok(all) };
        for record in records {
            all.extend(cases(&archive.revisions(&record).await?));
        }
        after = Some(last);
    }
}

/// The cases of an archive that wait for a second look, oldest first.
pub fn waiting(cases: &[Case], rules: Rules) -> impl Iterator<Item = &Case> {
    let mut in_time: Vec<&Case> = cases.iter().filter(|case| case.finished || case.look.is_some()).collect();
    in_time.sort_by(|a, b| (&a.at, &a.record).cmp(&(&b.at, &b.record)));
    let mut documents: BTreeMap<String, u32> = BTreeMap::new();
    in_time.into_iter().filter(move |case| {
        let mut among_the_first = false;
        for who in case.people() {
            let count = documents.entry(person(who)).or_default();
            among_the_first |= *count < rules.first;
            *count += 1;
        }
        case.waits() && (among_the_first || case.is_drawn_by_lot(rules))
    })
}

/// How often each person's decisions were found wrong, by person, then documents before steps before fields.
pub fn rates(cases: &[Case]) -> Vec<Rate> {
    let mut counts: BTreeMap<(String, &'static str, String), (String, u64, u64)> = BTreeMap::new();
    let mut count = |who: &str, of: &'static str, name: &str, wrong: bool| {
        let (spelled, looked_at, corrected) = counts.entry((person(who), of, name.to_owned())).or_default();
        who.clone_into(spelled);
        *looked_at += 1;
        *corrected += u64::from(wrong);
    };
    for case in cases {
        let Some(look) = &case.look else { continue };
        for (field, (who, step)) in &case.decided {
            let wrong = look.corrected.contains(field);
            if *step != Step::Skip {
                count(who, "field", field, wrong);
            }
            count(
                who,
                "step",
                match step {
                    Step::Accept => "accept",
                    Step::Correct => "correct",
                    Step::Skip => "skip",
                },
                wrong,
            );
        }
        for who in case.people() {
            // What the machine vouched for and this person did not decide is not this person's mistake.
            let wrong = case.decided.iter().any(|(field, (by, _))| by == who && look.corrected.contains(field));
            count(who, "documents", "", wrong);
        }
    }
    let order = |of: &str| ["documents", "step", "field"].iter().position(|o| *o == of);
    let mut rates: Vec<((String, Option<usize>), Rate)> = counts
        .into_iter()
        .map(|((key, of, name), (who, looked_at, corrected))| {
            ((key, order(of)), Rate { who, of, name, looked_at, corrected, rate: Percent::of(corrected, looked_at) })
        })
        .collect();
    rates.sort_by(|(a, _), (b, _)| a.cmp(b));
    rates.into_iter().map(|(_, rate)| rate).collect()
}

/// Names are typed: upper and lower case and spaces around make nobody another person; accents do.
pub fn is_same_person(a: &str, b: &str) -> bool {
    person(a) == person(b)
}

fn person(name: &str) -> String {
    nfc(name.trim()).to_lowercase()
}

#[cfg(test)]
mod tests;
