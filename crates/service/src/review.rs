//! Decisions of people: a record's fields are accepted or corrected, the document is refused, or somebody else looks at what a
//! person decided. Each decision is a new, signed revision that keeps who, when, and each value before and after.
//!
//! This is the one way to decide, for the commands and for whoever comes after them. Nobody vouches for a paper that was altered
//! ([`decide`] re-hashes its objects), nor decides on a revision that is no longer the latest. It does *not* know who sits at
//! the keyboard: names are given by the caller.

mod fields;
pub mod second_round;
pub mod values;

use crate::keyring::KeyringError;
use crate::sealing::{self, OF_THE_WHOLE};
use crate::sign::Sealer;
use fields::{FieldsDecided, accept, correct};
use second_round::{Case, Rules};
use sohoa_archive::{Archive, Commit};
use sohoa_record::field::name::DOSSIER_CODE;
use sohoa_record::identifier::{Doubt, RecordId};
use sohoa_record::manifest::{Change, Event, Manifest, State, action};
use sohoa_record::seal::Opened;
use sohoa_record::{DossierCode, Reason};

/// What a decision is made with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The archive.
    pub archive: &'a Archive,
    /// What seals, and signs what becomes sealed.
    pub sealer: Sealer<'a>,
    /// Which decisions are looked at again.
    pub second_round: Rules,
}

/// Who decides, and on what.
#[derive(Clone, Debug)]
pub struct Reviewer {
    /// The record.
    pub record: RecordId,
    /// The person's name, as it will stand in the history.
    pub who: String,
    /// The revision that the person saw; the decision is refused when there is a later one. None takes the latest unseen.
    pub seen: Option<u32>,
}

/// What a person decided.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The values of these fields are right as read; of all fields in doubt when none is named.
    Accept(Vec<String>),
    /// These fields have these values; none says that the paper has no such value.
    Correct(Vec<(String, Option<String>)>),
    /// The paper is lawfully not digitized: one of [`SKIPS`], with a note.
    Skip(Reason, String),
    /// The document is refused, with a note.
    Reject(String),
}

/// Why a paper need not be digitized, as a person finds it (TT 01/2023/TT-VPCP). It counts as done. A secret paper is found by its mark.
pub const SKIPS: [Reason; 3] = [Reason::AlreadyShared, Reason::Photocopy, Reason::PresentOnly];

/// What a second person found.
#[derive(Clone, Debug)]
pub enum SecondLook {
    /// What was decided is right.
    Accept,
    /// These fields have other values.
    Correct(Vec<(String, Option<String>)>),
}

/// A decision that is sealed.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The new revision.
    pub opened: Opened,
    /// What is odd about a typed value: it was kept, since a person saw the paper.
    pub warnings: Vec<(String, Doubt)>,
}

/// Why a decision was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The store does not have the record.
    #[error("record {0} is not in the store; `sohoa fsck` says what else is missing")]
    NotThere(RecordId),
    /// Somebody decided since the person looked.
    #[error("record {record} is at revision {latest} ({action} by {who}), you saw {seen}; look at it again and decide anew")]
    MovedOn {
        /// The record.
        record: RecordId,
        /// What the person saw; 0 when it was not said.
        seen: u32,
        /// What there is.
        latest: u32,
        /// Who made it.
        who: String,
        /// How.
        action: String,
    },
    /// No name, or one that no history should show.
    #[error("'{0}' is no name of a person; say who decides, in one line of at most 100 letters")]
    BadName(String),
    /// The record has no such field.
    #[error("the record has no field '{0}'; `sohoa review show` lists them")]
    NoField(String),
    /// There is no value to accept.
    #[error("field '{0}' has no value to accept; type it with `sohoa review correct … {0}=VALUE`")]
    NoValue(String),
    /// The value is not of the field's form.
    #[error("field '{0}': {1}")]
    BadValue(String, String),
    /// Nothing would change, so nothing is signed.
    #[error("nothing is in doubt: {0}")]
    NothingInDoubt(&'static str),
    /// Only captured documents can be decided on.
    #[error("the record's state is '{0}'; only 'review' and 'sealed' records can be changed, scan the paper again")]
    WrongState(&'static str),
    /// No law says so.
    #[error("'{0}' is no reason to leave a paper out; already_shared, photocopy or present_only is (TT 01/2023/TT-VPCP)")]
    NoSkip(Reason),
    /// A second look without a first one.
    #[error("nobody's decision on this record waits for a second look; `sohoa review second-round list` shows those that do")]
    NoSecondRound,
    /// The lot did not fall on it.
    #[error("this record was not drawn for the second round; `sohoa review second-round list` shows those that were")]
    NotDrawn,
    /// The second look is another person's.
    #[error("{0} decided on this record in the first round; the second look is another person's")]
    SamePerson(String),
    /// Store, index or an altered object.
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] KeyringError),
}

/// The latest revision of a record. When the index has an older one, because a decision's program was killed just after its commit, the
/// index is brought up to date.
pub async fn latest(archive: &Archive, record: &RecordId) -> Result<Opened, ReviewError> {
    let latest = archive.revisions(record).await?.pop().ok_or_else(|| ReviewError::NotThere(record.clone()))?;
    if archive.index.entry(record).await?.is_some_and(|entry| entry.revision < latest.manifest.revision) {
        archive.resume(record).await?;
    }
    Ok(latest)
}

/// Seals a decision as the record's next revision.
pub async fn decide(desk: &Desk<'_>, reviewer: &Reviewer, decision: Decision) -> Result<Decided, ReviewError> {
    let before = latest(desk.archive, &reviewer.record).await?;
    let who = name(&reviewer.who)?;
    check_seen(reviewer, &before)?;
    if !matches!(decision, Decision::Reject(_) | Decision::Skip(..)) {
        verify_objects(desk.archive, &before.manifest).await?;
    }
    let mut manifest = before.manifest.clone();
    let rejected = manifest.state == State::Failed && manifest.reasons.contains(&Reason::Rejected);
    let skipped = manifest.state == State::Skipped && !manifest.reasons.contains(&Reason::Secret);
    if !matches!(manifest.state, State::Review | State::Sealed) && !rejected && !skipped {
        return Err(ReviewError::WrongState(manifest.state.as_str()));
    }
    let (action, note, decided) = match decision {
        Decision::Accept(names) => {
            // Who accepts the whole looked at the whole: no two papers are in one record, and what its signatures say is known.
            let whole = names.is_empty() && manifest.reasons.iter().any(|reason| OF_THE_WHOLE.contains(reason));
            manifest.reasons.retain(|reason| !(whole && OF_THE_WHOLE.contains(reason)));
            let decided = match accept(&mut manifest.fields, names) {
                Err(ReviewError::NoValue(_)) if whole => FieldsDecided::default(),
                decided => decided?,
            };
            (action::ACCEPT, names_of(&decided.changes), decided)
        }
        Decision::Correct(values) => {
            let decided = correct(&mut manifest.fields, values, "review.correct")?;
            (action::CORRECT, names_of(&decided.changes), decided)
        }
        Decision::Skip(reason, note) => {
            if !SKIPS.contains(&reason) {
                return Err(ReviewError::NoSkip(reason));
            }
            manifest.state = State::Skipped;
            manifest.reasons.retain(|reason| *reason != Reason::Rejected && !SKIPS.contains(reason));
            manifest.reasons.push(reason);
            (action::SKIP, if note.is_empty() { reason.code().to_owned() } else { note }, FieldsDecided::default())
        }
        Decision::Reject(note) => {
            manifest.state = State::Failed;
            manifest.reasons.retain(|reason| !SKIPS.contains(reason));
            manifest.reasons.push(Reason::Rejected);
            (action::REJECT, note, FieldsDecided::default())
        }
    };
    if action != action::REJECT && action != action::SKIP {
        follow_dossier(&mut manifest, &decided.changes);
        set_outcome(&mut manifest);
        // What a key that has ended sealed is sealed anew by whoever finds it right.
        if manifest == before.manifest && !desk.archive.is_void(&before).await? {
            return Err(ReviewError::NothingInDoubt("the fields have these values already, and nothing was signed"));
        }
    }
    seal(desk, reviewer, before, manifest, (who, action, note), decided).await
}

/// Seals what a second person found about a decision that was drawn.
pub async fn decide_again(desk: &Desk<'_>, reviewer: &Reviewer, look: SecondLook) -> Result<Decided, ReviewError> {
    let revisions = desk.archive.revisions(&reviewer.record).await?;
    let case = second_round::cases(&revisions).pop().filter(Case::waits);
    let before = revisions.into_iter().next_back().ok_or_else(|| ReviewError::NotThere(reviewer.record.clone()))?;
    let who = name(&reviewer.who)?;
    check_seen(reviewer, &before)?;
    let case = case.ok_or(ReviewError::NoSecondRound)?;
    if let Some(first) = case.people().find(|first| second_round::is_same_person(first, &who)) {
        return Err(ReviewError::SamePerson(first.to_owned()));
    }
    // The lot is quickly asked; whether it is one of a person's first is known only beside all the others.
    let rules = desk.second_round;
    if !case.is_drawn_by_lot(rules) {
        let all = second_round::survey(desk.archive).await?;
        if !second_round::waiting(&all, rules).any(|drawn| *drawn == case) {
            return Err(ReviewError::NotDrawn);
        }
    }
    verify_objects(desk.archive, &before.manifest).await?;
    let mut manifest = before.manifest.clone();
    let (action, mut decided) = match look {
        SecondLook::Accept => (action::SECOND_ROUND_ACCEPT, FieldsDecided::default()),
        SecondLook::Correct(values) => {
            let decided = correct(&mut manifest.fields, values, "review.second_round")?;
            if decided.changes.iter().all(|change| change.before == change.after) {
                return Err(ReviewError::NothingInDoubt("the fields have these values already; accept instead"));
            }
            follow_dossier(&mut manifest, &decided.changes);
            set_outcome(&mut manifest);
            (action::SECOND_ROUND_CORRECT, decided)
        }
    };
    let note = match action {
        action::SECOND_ROUND_ACCEPT => case.fields().collect::<Vec<_>>().join(", "),
        _ => names_of(&decided.changes),
    };
    // What was looked at and left is told too.
    for name in case.fields().filter(|name| decided.changes.iter().all(|change| change.field != *name)).collect::<Vec<_>>() {
        if let Some(field) = manifest.fields.iter().find(|field| field.name == name) {
            decided.changes.push(Change { field: name.to_owned(), before: field.value.clone(), after: field.value.clone() });
        }
    }
    seal(desk, reviewer, before, manifest, (who, action, note), decided).await
}

fn check_seen(reviewer: &Reviewer, latest: &Opened) -> Result<(), ReviewError> {
    match reviewer.seen {
        Some(seen) if seen != latest.manifest.revision => Err(moved_on(reviewer, latest)),
        _ => Ok(()),
    }
}

fn moved_on(reviewer: &Reviewer, latest: &Opened) -> ReviewError {
    let m = &latest.manifest;
    let (who, action) = m.history.last().map(|event| (event.who.clone(), event.action.clone())).unwrap_or_default();
    let seen = reviewer.seen.unwrap_or(m.revision.saturating_sub(1));
    ReviewError::MovedOn { record: m.record.clone(), seen, latest: m.revision, who, action }
}

/// Nobody vouches for a paper that is no longer the one that was sealed.
async fn verify_objects(archive: &Archive, manifest: &Manifest) -> Result<(), ReviewError> {
    for object in &manifest.objects {
        archive.objects.verify(&object.digests.sha256).await?;
    }
    Ok(())
}

async fn seal(
    desk: &Desk<'_>,
    reviewer: &Reviewer,
    before: Opened,
    mut next: Manifest,
    (who, action, note): (String, &str, String),
    decided: FieldsDecided,
) -> Result<Decided, ReviewError> {
    next.reasons.sort();
    next.reasons.dedup();
    let event = Event { at: String::new(), who, action: action.into(), note, changes: decided.changes };
    let next = sealing::next_revision(&before, next, event)?;
    let receipt = desk.sealer.seal(desk.archive, next, None).await?;
    match desk.archive.commit(&receipt).await? {
        Commit::Committed(opened) => Ok(Decided { opened, warnings: decided.warnings }),
        // Somebody decided between our look and our seal: their decision stands, ours must see it first.
        Commit::AlreadyCommitted(other) => Err(moved_on(reviewer, &other)),
    }
}

/// Whoever accepts or types the dossier's code says where the document belongs.
fn follow_dossier(m: &mut Manifest, changes: &[Change]) {
    let decided = changes.iter().find(|change| change.field == DOSSIER_CODE).and_then(|change| change.after.as_deref());
    let Some(code) = decided.and_then(|code| code.parse::<DossierCode>().ok()) else { return };
    m.dossier.unit.get_or_insert_with(|| code.agency().to_owned());
    m.dossier.code = Some(code);
    m.reasons.retain(|reason| *reason != Reason::DossierUnknown);
}

/// A decision on fields takes an earlier rejection or skip back; what is left in doubt decides the outcome.
fn set_outcome(m: &mut Manifest) {
    m.reasons.retain(|reason| *reason != Reason::Rejected && !SKIPS.contains(reason));
    m.state = sealing::settle(&m.fields, &mut m.reasons);
}

/// Names only: a note is shown more widely than fields are.
fn names_of(changes: &[Change]) -> String {
    changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>().join(", ")
}

/// A person's name as histories have it.
fn name(who: &str) -> Result<String, ReviewError> {
    let name = sohoa_record::text::nfc(who.trim());
    match name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        true => Err(ReviewError::BadName(who.escape_debug().take(60).collect())),
        false => Ok(name),
    }
}
