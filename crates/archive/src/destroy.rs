//! Lawful destruction: of a record whose retention has ended a signed tombstone stays ([`sohoa_record::tombstone`]), and nothing else of
//! what it said.
//!
//! ```text
//! tombstone, as the record's next revision  create-only: a review that comes at the same moment is before it or refused
//! its leaf in the log                       THE COMMIT POINT: from here on everybody can know
//! arrivals/…/destroyed.json                 these bytes do not come in again unnoticed
//! objects → arrival notes → receipts        removed, receipts last: while one is there, it says what else must go
//! index row, fields, full text              removed, and overwritten in the file
//! ```
//! Whoever was stopped on the way calls the same functions again: what is there is taken as it is, what is gone stays gone. The note of a
//! result code stays: it holds a number and a record's identifier, and keeps the number from being given a second time.

use crate::error::{Error, Result};
use crate::log::Leaves;
use crate::store::{Archive, json};
use crate::{index, layout};
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::manifest::Role;
use sohoa_record::seal::Opened;
use sohoa_record::tombstone::{self, OpenedTombstone, Tombstone};
use sohoa_record::{Envelope, Sha256Hex};
use std::collections::{BTreeMap, BTreeSet};

/// The first member of every note of a destruction.
pub const DESTROYED_FORMAT: &str = "sohoa-destroyed/1";

/// What stays in the place of a source's arrival notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedNote {
    /// [`DESTROYED_FORMAT`].
    pub format: String,
    /// The record that the arrival had: of a source with several documents the first one's.
    pub record: RecordId,
}

/// The tombstone of a record, believed, and its bytes as they are stored.
#[derive(Clone, Debug)]
pub struct Destroyed {
    /// What it says.
    pub opened: OpenedTombstone,
    /// The file.
    pub bytes: Bytes,
}

/// A record that is to be destroyed.
#[derive(Clone, Debug)]
pub struct Doomed {
    /// The record.
    pub record: RecordId,
    /// The receipts that are still there, from revision 1. All of them, unless an earlier run got as far as removing them.
    pub revisions: Vec<Opened>,
    /// Its tombstone, when an earlier run made it.
    pub tombstone: Option<Destroyed>,
}

/// What a destruction comes to. Nothing has happened yet.
#[derive(Clone, Debug)]
pub struct Destruction {
    /// The records, in the order in which they were named.
    pub records: Vec<Doomed>,
    /// Objects that go.
    pub objects: BTreeSet<Sha256Hex>,
    /// Texts that stay, since another record has the very same one (blank pages have), with one such place.
    pub kept: BTreeMap<Sha256Hex, String>,
    /// The sources, each with the record of its arrival.
    pub sources: BTreeMap<Sha256Hex, RecordId>,
}

impl Destroyed {
    /// That the record is no more, as an error.
    pub fn error(&self) -> Error {
        let tombstone = &self.opened.tombstone;
        Error::Destroyed {
            record: tombstone.record.clone(),
            revision: tombstone.revision,
            at: tombstone.destroyed_at.clone(),
            by: tombstone.by.clone(),
            basis: tombstone.basis.clone(),
        }
    }
}

impl Doomed {
    /// The tombstone to sign, under the number that is next. None when one is there already.
    pub fn to_bury(&self, basis: &str, by: &str, at: String, salt: String) -> Option<Tombstone> {
        if self.tombstone.is_some() {
            return None;
        }
        let revisions: Vec<_> = self.revisions.iter().map(|opened| (&opened.manifest, &opened.digest)).collect();
        Tombstone::of(&revisions, basis, by, at, salt)
    }
}

impl Archive {
    /// The tombstone of a record; none when it was not destroyed, or never was.
    pub async fn destroyed(&self, record: &RecordId) -> Result<Option<Destroyed>> {
        for revision in self.stored_revisions(record).await?.into_iter().rev() {
            if let Some(bytes) = self.read(&layout::receipt(record, revision)).await?
                && let Some(destroyed) = self.tombstone(record, revision, &bytes)?
            {
                return Ok(Some(destroyed));
            }
        }
        Ok(None)
    }

    /// What destroying these records comes to, or why it may not be: [`Error::Destruction`] with what to do.
    ///
    /// It reads every receipt of the archive once, since any of them may share an object. Run it while nothing is being taken in.
    pub async fn plan_destruction(&self, records: &[RecordId]) -> Result<Destruction> {
        let refuse = |why: String| Err(Error::Destruction(why));
        if self.log_head().await?.is_none() {
            return refuse(
                "no log is kept here, and without one nobody could tell a lawful destruction from a theft; make one with `sohoa init` and `sohoa log append`".into(),
            );
        }
        let mut plan =
            Destruction { records: Vec::new(), objects: BTreeSet::new(), kept: BTreeMap::new(), sources: BTreeMap::new() };
        for record in records {
            let doomed = self.doomed(record).await?;
            for opened in &doomed.revisions {
                let source = &opened.manifest.source.digests.sha256;
                plan.sources.insert(source.clone(), self.arrival_of(source, record).await?);
                plan.objects.extend(opened.manifest.objects.iter().map(|object| object.digests.sha256.clone()));
            }
            plan.records.push(doomed);
        }
        self.want_all_parts(&plan).await?;
        self.spare_the_shared(&mut plan).await?;
        Ok(plan)
    }

    /// Stores a record's signed tombstone. [`Error::Chain`] when another revision came first: plan again.
    pub async fn bury(&self, envelope: &Envelope) -> Result<Destroyed> {
        let opened = Tombstone::open(envelope, &self.policy).map_err(|source| Error::ForeignReceipt { source })?;
        let (record, revision) = (opened.tombstone.record.clone(), opened.tombstone.revision);
        let bytes = envelope.to_bytes();
        let own = Destroyed { opened, bytes: bytes.clone().into() };
        self.want_free(&record, revision, Some(&own)).await?;
        match self.create(&layout::receipt(&record, revision), bytes.clone()).await? {
            Some(other) if other != bytes => self.tombstone(&record, revision, &other)?.ok_or_else(|| Error::Chain {
                record,
                revision,
                why: "a review came first".into(),
            }),
            _ => Ok(own),
        }
    }

    /// Removes what the plan names, once each of its receipts and the tombstone of each record is in the published log; else
    /// [`Error::Destruction`] and nothing is touched. May be called again after any failure, with a plan that was made anew.
    pub async fn erase(&self, plan: &Destruction) -> Result<()> {
        let mut tombstones = Vec::new();
        for doomed in &plan.records {
            tombstones.push(self.logged_tombstone(doomed).await?);
        }
        for (source, record) in &plan.sources {
            let note = DestroyedNote { format: DESTROYED_FORMAT.to_owned(), record: record.clone() };
            self.create(&layout::destroyed_source(source), json(&note)).await?;
        }
        for object in &plan.objects {
            self.remove(&layout::object(object)).await?;
        }
        for source in plan.sources.keys() {
            let folder = layout::arrivals(source);
            let listed = self.store.list(Some(&folder)).map_ok(|meta| meta.location);
            let notes: Vec<Path> = listed.try_collect().await.map_err(Error::store(&folder))?;
            for note in notes.iter().filter(|path| layout::parse_destroyed_source(path).is_none()) {
                self.remove(note).await?;
            }
        }
        for doomed in &plan.records {
            for opened in &doomed.revisions {
                self.remove(&layout::receipt(&doomed.record, opened.manifest.revision)).await?;
            }
        }
        self.index
            .database
            .erase(async |tx| {
                for destroyed in &tombstones {
                    let tombstone = &destroyed.opened.tombstone;
                    index::destroy(tx, &tombstone.record, tombstone.revision, &tombstone.destroyed_at).await?;
                }
                Ok(())
            })
            .await
    }

    /// The tombstone that stored bytes are; none when they are something else. It must be believed, and have its own place.
    pub(crate) fn tombstone(&self, record: &RecordId, revision: u32, bytes: &[u8]) -> Result<Option<Destroyed>> {
        let bad = |source| Error::Receipt { record: record.clone(), revision, source };
        let envelope = Envelope::parse(bytes).map_err(bad)?;
        if !envelope.is_of_type(tombstone::PAYLOAD_TYPE) {
            return Ok(None);
        }
        let opened = Tombstone::open(&envelope, &self.policy).map_err(bad)?;
        if (&opened.tombstone.record, opened.tombstone.revision) != (record, revision) {
            return Err(Error::malformed(layout::receipt(record, revision), "it is the tombstone of another record or revision"));
        }
        Ok(Some(Destroyed { opened, bytes: Bytes::copy_from_slice(bytes) }))
    }

    /// Refuses bytes that were destroyed, with the words of the tombstone.
    pub(crate) async fn refuse_destroyed(&self, source: &Sha256Hex) -> Result<()> {
        let Some(note) = self.destroyed_note(source).await? else { return Ok(()) };
        match self.destroyed(&note.record).await? {
            Some(destroyed) => Err(destroyed.error()),
            None => Err(Error::malformed(layout::destroyed_source(source), "there is no tombstone of its record")),
        }
    }

    /// The note that a source was destroyed.
    pub(crate) async fn destroyed_note(&self, source: &Sha256Hex) -> Result<Option<DestroyedNote>> {
        let path = layout::destroyed_source(source);
        let Some(bytes) = self.read(&path).await? else { return Ok(None) };
        let note: DestroyedNote = serde_json::from_slice(&bytes).map_err(|e| Error::malformed(&path, e))?;
        if note.format != DESTROYED_FORMAT {
            return Err(Error::malformed(&path, format_args!("format '{}' is not {DESTROYED_FORMAT}", note.format)));
        }
        Ok(Some(note))
    }

    /// The numbers of the revisions whose files are there, sorted.
    async fn stored_revisions(&self, record: &RecordId) -> Result<Vec<u32>> {
        let folder = layout::receipts(record);
        let listed = self.store.list(Some(&folder)).map_ok(|meta| meta.location);
        let paths: Vec<Path> = listed.try_collect().await.map_err(Error::store(&folder))?;
        let mut numbers: Vec<u32> = paths.iter().filter_map(layout::parse_receipt).map(|(_, number)| number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    async fn doomed(&self, record: &RecordId) -> Result<Doomed> {
        let mut doomed = Doomed { record: record.clone(), revisions: Vec::new(), tombstone: None };
        let numbers = self.stored_revisions(record).await?;
        for number in &numbers {
            let Some(bytes) = self.read(&layout::receipt(record, *number)).await? else { continue };
            match self.tombstone(record, *number, &bytes)? {
                Some(destroyed) => doomed.tombstone = Some(destroyed),
                None => doomed.revisions.push(self.open_receipt(record, *number, &bytes)?),
            }
        }
        let last = numbers.last().copied().unwrap_or(0);
        if last == 0 {
            return Err(Error::Destruction(format!("record {record} is not in the archive; `sohoa search` finds records")));
        }
        if doomed.tombstone.as_ref().is_some_and(|destroyed| destroyed.opened.tombstone.revision < last) {
            return Err(Error::Destruction(format!("record {record} goes on behind its tombstone; `sohoa fsck` says more")));
        }
        self.want_free(record, last + 1 - u32::from(doomed.tombstone.is_some()), doomed.tombstone.as_ref()).await?;
        // Of a record without a tombstone nothing was removed by us: what is missing must be found first.
        if doomed.tombstone.is_none() && numbers != (1..=last).collect::<Vec<_>>() {
            return Err(Error::Destruction(format!("receipts of record {record} are missing; `sohoa fsck` says which")));
        }
        Ok(doomed)
    }

    /// The log must know of no revision in the tombstone's place or behind it: it would have two for ever, and nobody could tell any more
    /// that one was taken away.
    async fn want_free(&self, record: &RecordId, revision: u32, tombstone: Option<&Destroyed>) -> Result<()> {
        let leaves = Leaves::of(&self.index.database);
        if let Some((_, tree)) = self.log_head().await? {
            leaves.follow(&self.log(), tree.size).await?;
        }
        let own = tombstone.map(|destroyed| leaf_hash(&destroyed.opened.leaf.to_bytes()).to_vec());
        for (number, hash) in leaves.revisions_since(record, revision).await? {
            if number > revision || Some(hash) != own {
                return Err(Error::Withheld { record: record.clone(), revision: number });
            }
        }
        Ok(())
    }

    /// The record of a source's arrival, which an earlier run may have removed already.
    async fn arrival_of(&self, source: &Sha256Hex, record: &RecordId) -> Result<RecordId> {
        if let Some(note) = self.destroyed_note(source).await? {
            return Ok(note.record);
        }
        let arrival = self.arrival(source).await?.map(|note| note.record);
        arrival.ok_or_else(|| {
            Error::Destruction(format!("the arrival note of record {record} is missing; restore it from a copy of the archive"))
        })
    }

    /// The documents of one source share its bytes: all of them are destroyed, or none.
    async fn want_all_parts(&self, plan: &Destruction) -> Result<()> {
        for opened in plan.records.iter().flat_map(|doomed| &doomed.revisions) {
            let (Some(part), Some(first)) = (opened.manifest.part, plan.sources.get(&opened.manifest.source.digests.sha256))
            else {
                continue;
            };
            let all: Vec<RecordId> = (1..=part.of).map(|number| first.part(number)).collect();
            for other in &all {
                let named = plan.records.iter().any(|doomed| doomed.record == *other);
                if !named && self.destroyed(other).await?.is_none() {
                    let all: Vec<&str> = all.iter().map(RecordId::as_str).collect();
                    return Err(Error::Destruction(format!(
                        "record {} shares its scan with {} other documents, among them record {other}; when the retention of all has ended, destroy them together: sohoa destroy {}",
                        opened.manifest.record,
                        part.of.saturating_sub(1),
                        all.join(" ")
                    )));
                }
            }
        }
        Ok(())
    }

    /// Keeps what other records, or registers, have too. A text may be shared by chance; anything else would stay readable, so that is refused.
    async fn spare_the_shared(&self, plan: &mut Destruction) -> Result<()> {
        let own: BTreeSet<&RecordId> = plan.records.iter().map(|doomed| &doomed.record).collect();
        let manifests = || plan.records.iter().flat_map(|doomed| &doomed.revisions).map(|opened| &opened.manifest);
        let is_text = |digest: &Sha256Hex| {
            let mut roles = manifests().flat_map(|manifest| &manifest.objects).filter(|object| object.digests.sha256 == *digest);
            roles.all(|object| object.role == Role::Text)
        };
        let mut kept = BTreeMap::new();
        let mut listed = self.store.list(Some(&Path::from(layout::RECORDS)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::RECORDS))? {
            let path = meta.location;
            let Some((record, revision)) = layout::parse_receipt(&path).filter(|(record, _)| !own.contains(record)) else {
                continue;
            };
            let Some(bytes) = self.read(&path).await? else { continue };
            let opened = match self.open_receipt(&record, revision, &bytes) {
                Ok(opened) => opened,
                Err(Error::Destroyed { .. }) => continue,
                Err(error) => {
                    return Err(Error::Destruction(format!(
                        "nobody can say which objects '{path}' needs: {error}; `sohoa fsck` says more"
                    )));
                }
            };
            for object in opened.manifest.objects.iter().filter(|object| plan.objects.contains(&object.digests.sha256)) {
                if !is_text(&object.digests.sha256) {
                    return Err(Error::Destruction(format!(
                        "record {record} has the same bytes ({}, object {}); when its retention has ended too, destroy both together",
                        object.name, object.digests.sha256
                    )));
                }
                kept.insert(object.digests.sha256.clone(), path.to_string());
            }
        }
        let mut registers = self.registers();
        while let Some(note) = registers.try_next().await? {
            if plan.objects.contains(&note.digests.sha256) {
                return Err(Error::Destruction(format!("its bytes are the register {} too", note.digests.sha256)));
            }
        }
        drop(registers);
        plan.objects.retain(|object| !kept.contains_key(object));
        plan.kept = kept;
        Ok(())
    }

    /// A record's tombstone, when its leaf and those of the receipts that are still there are in the published log.
    async fn logged_tombstone(&self, doomed: &Doomed) -> Result<Destroyed> {
        let unlogged = |what: &str| Error::Destruction(format!("record {} has {what}", doomed.record));
        let destroyed = self.destroyed(&doomed.record).await?.ok_or_else(|| unlogged("no tombstone yet"))?;
        let (_, tree) = self.log_head().await?.ok_or_else(|| unlogged("no log"))?;
        let leaves = Leaves::of(&self.index.database);
        leaves.follow(&self.log(), tree.size).await?;
        let receipts = doomed.revisions.iter().map(Leaf::of_revision);
        let hashes: Vec<_> = receipts.chain([destroyed.opened.leaf.clone()]).map(|leaf| leaf_hash(&leaf.to_bytes())).collect();
        let known = leaves.indices_of(&hashes).await?;
        match hashes.iter().all(|hash| known.get(hash).is_some_and(|index| *index < tree.size)) {
            true => Ok(destroyed),
            false => Err(unlogged("a receipt or tombstone that is not in the published log yet; run it again")),
        }
    }

    /// Removes a file, if it is there.
    async fn remove(&self, path: &Path) -> Result<()> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }
}
