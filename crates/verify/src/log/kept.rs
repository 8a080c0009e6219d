//! What an archive keeps of its log besides checkpoint and entries: hash tiles, tiles of older sizes, heads and staged entries. All of
//! it follows from the entries, so each file is compared with what they yield, while they are read.

use super::Reading;
use crate::audit::Observer;
use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Kind};
use crate::moments::judge_as_of;
use sohoa_record::Sha256Hex;
use sohoa_record::log::head::{CREATE_ONLY, Head, anchor, cosigned as cosigned_path, parse_anchor, parse_staging, staging};
use sohoa_record::log::policy::{Cosigned, PolicyError};
use sohoa_record::log::tile::{Contents, push_entry, split_entries};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Hash, Leaf, LogPolicy, Note, Tile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Folders nested deeper than this are no log's.
const MAX_DEPTH: usize = 12;

/// The files of a log as they were found, and what was found wrong with them. Some 150 bytes a head and 50 a tile.
pub(super) struct Kept<'a> {
    folder: &'a Path,
    policy: &'a LogPolicy,
    tree: &'a Checkpoint,
    /// True of an archive's own log, which has every file that was ever written. Of a copy what is there is compared.
    whole: bool,
    /// What witnesses said until then counts.
    at: Option<u64>,
    /// Each tile that is there, and whether it was compared or told of.
    tiles: BTreeMap<Tile, bool>,
    heads: Vec<Link>,
    /// True when heads are missing or bad: what follows from them cannot be told then.
    broken: bool,
    /// How many heads the entries have passed.
    passed: usize,
    /// Staged entries by the size of the tree that they continue: size and root of the tree that they lead to.
    staged: BTreeMap<u64, Vec<(u64, Hash)>>,
    /// The time stamps that lie there of the checkpoint of each size, by number, until they are judged.
    anchors: BTreeMap<u64, BTreeSet<u32>>,
    /// Those that renew others.
    renewing: Vec<(u64, u32)>,
    observer: Option<Observer<'a>>,
    stamps: Vec<(u64, u64)>,
    /// Cosigned checkpoints of the past, by the size of their tree; then those that the entries lead to.
    cosigned: BTreeMap<u64, (Hash, Option<Cosigned>)>,
    seen: Vec<Cosigned>,
    findings: Vec<Finding>,
}

/// What the kept files tell.
pub(super) struct Told {
    /// What is wrong with them.
    pub findings: Vec<Finding>,
    /// Checkpoints of the past that witnesses cosigned.
    pub cosigned: Vec<Cosigned>,
    /// Size of a checkpoint, and the time in seconds since 1970 UTC by which a time stamp says that it was there.
    pub stamps: Vec<(u64, u64)>,
}

/// What is needed of a head that is believed.
#[derive(Clone, Copy)]
struct Link {
    number: u64,
    size: u64,
    root: Hash,
}

impl<'a> Kept<'a> {
    /// Lists what is in `folder`, a log whose believed checkpoint is `tree`.
    pub(super) fn list(folder: &'a Path, reading: Reading<'a>, tree: &'a Checkpoint) -> Self {
        let mut kept = Kept {
            folder,
            policy: reading.policy,
            tree,
            whole: reading.whole,
            at: reading.at,
            tiles: BTreeMap::new(),
            heads: Vec::new(),
            broken: false,
            passed: 0,
            staged: BTreeMap::new(),
            anchors: BTreeMap::new(),
            renewing: Vec::new(),
            observer: reading.observer,
            stamps: Vec::new(),
            cosigned: BTreeMap::new(),
            seen: Vec::new(),
            findings: Vec::new(),
        };
        let mut found = Found::default();
        kept.walk(folder, "", 0, &mut found);
        kept.check_create_only(found.create_only);
        kept.read_heads(&found.heads);
        kept.place_staged(&found.staged);
        kept.read_cosigned(&found.cosigned);
        kept
    }

    /// A bundle that the caller has read and will believe or refuse.
    pub(super) fn has_read(&mut self, bundle: Tile) {
        self.tiles.entry(bundle).and_modify(|compared| *compared = true);
    }

    /// A tile that the last entry filled.
    pub(super) fn full(&mut self, tile: Tile, hashes: &[Hash], size: u64) {
        self.compare(tile, || hashes.concat());
        self.want(tile, size);
    }

    /// The tree as it was after an entry; `bundle` has the entries of its last bundle up to there.
    pub(super) fn at(&mut self, edge: &Edge, bundle: &[u8]) {
        let size = edge.size();
        // A partial tile of level n is another one after every 256^n entries.
        for (tile, hashes) in edge.tiles().filter(|(tile, _)| began(tile, size)) {
            self.compare(tile, || hashes.concat());
        }
        let last = (size > 0).then(|| Tile::holding(Contents::Entries, size.saturating_sub(1), size));
        if let Some(last) = last {
            self.compare(last, || bundle.to_vec());
        }
        let mut written = size == self.tree.size;
        while let Some(head) = self.heads.get(self.passed).copied().filter(|head| head.size <= size) {
            if (head.size, head.root) != (size, edge.root()) {
                self.tell(&Head::path(head.number), bad("the entries have another root at its size"));
            }
            written = true;
            self.passed += 1;
        }
        if written {
            edge.tiles().map(|(tile, _)| tile).chain(last).for_each(|tile| self.want(tile, size));
        }
        if let Some((root, cosigned)) = self.cosigned.remove(&size) {
            if root == edge.root() {
                self.seen.extend(cosigned);
            } else {
                self.tell(&cosigned_path(size), bad("the entries have another root at its size: two histories were signed"));
            }
        }
        if let Some(numbers) = self.anchors.remove(&size) {
            self.judge_anchor(&Checkpoint { origin: self.tree.origin.clone(), size, root: edge.root() }, &numbers);
        }
        for (number, root) in self.staged.remove(&size).unwrap_or_default() {
            let path = staging(number, &root);
            if let Some(bytes) = self.file(&path) {
                let mut next = edge.clone();
                split_entries(&bytes).unwrap_or_default().into_iter().for_each(|entry| next.push(leaf_hash(entry), |_, _| {}));
                if next.root() != root {
                    self.tell(&path, bad("its entries do not lead to the tree that its name says"));
                }
            }
        }
    }

    /// Goes on, after the last entry under the checkpoint, by the heads beyond it: a writer is at work, or was stopped. Then tells
    /// what belongs to no tree. Gives that, and the cosigned and stamped checkpoints that hold.
    pub(super) fn finish(mut self, mut edge: Edge, mut bundle: Vec<u8>) -> Told {
        while let Some(head) = self.heads.get(self.passed).copied().filter(|_| !self.broken) {
            let (size, path) = (head.size, staging(head.number, &head.root));
            let Some(bytes) = self.file(&path) else { break };
            for entry in split_entries(&bytes).unwrap_or_default() {
                if edge.size().is_multiple_of(256) {
                    bundle.clear();
                }
                if push_entry(&mut bundle, entry).is_none() {
                    break;
                }
                edge.push(leaf_hash(entry), |tile, hashes| self.compare(tile, || hashes.concat()));
                self.at(&edge, &bundle);
            }
            if edge.size() != size {
                break;
            }
        }
        let tiles: Vec<Tile> = self.tiles.iter().filter(|(_, compared)| !**compared).map(|(tile, _)| *tile).collect();
        tiles.iter().for_each(|tile| self.tell(&tile.path(), bad("no tree of this log has it")));
        for (number, root) in std::mem::take(&mut self.staged).into_values().flatten() {
            self.tell(&staging(number, &root), bad("its entries continue no tree of this log"));
        }
        let beyond: Vec<u64> = std::mem::take(&mut self.cosigned).into_keys().collect();
        for size in beyond {
            self.tell(&cosigned_path(size), Cause::LogTakenBack { kept: size, found: self.tree.size });
        }
        let beyond: Vec<u64> = std::mem::take(&mut self.anchors).into_keys().collect();
        for size in beyond {
            self.tell(&anchor(size, 1), Cause::LogTakenBack { kept: size, found: self.tree.size });
        }
        Told { findings: self.findings, cosigned: self.seen, stamps: self.stamps }
    }

    /// Each leaf that names a renewed time stamp has its token, and the log has signed it. A copy of a log may do without its tokens.
    pub(super) fn check_renewals(&mut self, leaves: &[(u64, Leaf)]) {
        if leaves.is_empty() {
            return;
        }
        let mut tokens = BTreeMap::new();
        for (size, number) in std::mem::take(&mut self.renewing) {
            if let Some(token) = self.file(&anchor(size, number)) {
                tokens.insert(Sha256Hex::of(&token), token);
            }
        }
        let keys: Vec<_> = self.policy.logs().iter().map(|log| *log.key.key()).collect();
        for (index, leaf) in leaves {
            match tokens.get(&leaf.man.sha256) {
                Some(token) if keys.iter().any(|key| leaf.is_renewal(token, key)) => {}
                Some(_) => self.tell("anchors", bad_leaf(*index, "no key of this log has signed what it says of a time stamp")),
                None if self.whole => self.tell("anchors", bad_leaf(*index, "the renewed time stamp that it names is not here")),
                None => {}
            }
        }
    }

    /// Has the time stamps of a checkpoint judged, by whoever can. One by a service whom the policy does not name says nothing.
    fn judge_anchor(&mut self, tree: &Checkpoint, numbers: &BTreeSet<u32>) {
        let Some(observer) = self.observer else { return };
        let mut tokens = Vec::new();
        for (expected, &number) in (1..).zip(numbers) {
            if number != expected {
                return self.tell(&anchor(tree.size, expected), Cause::LogFileMissing);
            }
            let Some(token) = self.file(&anchor(tree.size, number)) else { return };
            tokens.push(token);
        }
        match (observer.stamps)(&tree.text(), &tokens) {
            Ok(time) => {
                self.stamps.extend(time.filter(|time| self.at.is_none_or(|at| *time <= at)).map(|time| (tree.size, time)))
            }
            Err(why) => self.tell(&anchor(tree.size, 1), Cause::BadLog(clipped(&why))),
        }
    }

    fn walk(&mut self, folder: &Path, below: &str, depth: usize, found: &mut Found) {
        let entries = match files::entries(folder) {
            Ok(entries) => entries,
            Err(error) => return self.tell(below, files::unreadable(&error)),
        };
        // From the last name on: tiles and staged entries before the heads that account for them, while a writer is at work.
        for entry in entries.iter().rev() {
            let path = if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
            match entry.kind {
                Kind::Folder if depth < MAX_DEPTH => self.walk(&entry.path, &path, depth + 1, found),
                Kind::File if self.takes(&path, found) => {}
                _ if self.whole => self.tell(&path, bad("it is no file of a log")),
                _ => {}
            }
        }
    }

    /// False when a log has no such file.
    fn takes(&mut self, path: &str, found: &mut Found) -> bool {
        if let Some(tile) = Tile::parse(path) {
            self.tiles.insert(tile, false);
        } else if let Some(staged) = parse_staging(path) {
            found.staged.insert(staged);
        } else if let Some(number) = number_in(path, "heads/") {
            found.heads.push(number);
        } else if let Some(size) = number_in(path, "cosigned/") {
            found.cosigned.push(size);
        } else if let Some((size, number)) = parse_anchor(path) {
            self.anchors.entry(size).or_default().insert(number);
            self.renewing.extend((number > 1).then_some((size, number)));
        } else if path == "create-only" {
            found.create_only = true;
        } else if let Some((own, _)) =
            path.rsplit_once('#').filter(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        {
            // The folder store's name for what it was writing when power was cut (see `files`).
            return own == "checkpoint" || self.takes(own, &mut Found::default());
        } else {
            return path == "checkpoint";
        }
        true
    }

    fn check_create_only(&mut self, is_there: bool) {
        match is_there {
            true => {
                if self.file("create-only").is_some_and(|bytes| bytes != CREATE_ONLY) {
                    self.tell("create-only", bad("it has other bytes than are written there"));
                }
            }
            false if self.whole => self.tell("create-only", Cause::LogFileMissing),
            false => {}
        }
    }

    /// Reads the heads with those numbers, highest first as they were listed.
    fn read_heads(&mut self, numbers: &[u64]) {
        let mut before: Option<(u64, Sha256Hex)> = None;
        let mut expected = 1;
        for &number in numbers.iter().rev() {
            if number != expected {
                self.lacks_head(expected);
            }
            expected = number.saturating_add(1);
            let path = Head::path(number);
            let Some(bytes) = self.file(&path) else {
                self.broken = true;
                continue;
            };
            let parent = before.take().filter(|(n, _)| n + 1 == number).map(|(_, digest)| digest);
            match self.believe(number, &bytes, parent) {
                Ok(head) => {
                    before = Some((number, Sha256Hex::of(&bytes)));
                    self.heads.push(Link { number, size: head.tree.size, root: head.tree.root });
                }
                Err(why) => {
                    self.broken = true;
                    self.tell(&path, Cause::BadLog(clipped(&why)));
                }
            }
        }
        if self.whole && !self.broken && !self.heads.iter().any(|head| head.size == self.tree.size) {
            self.lacks_head(expected);
        }
    }

    /// Reads checkpoints that witnesses cosigned when they were the newest. The times of those whom the policy does not ask say nothing.
    fn read_cosigned(&mut self, sizes: &[u64]) {
        for &size in sizes {
            let path = cosigned_path(size);
            let Some(bytes) = self.file(&path) else { continue };
            let note = Note::parse(&bytes).map_err(PolicyError::from);
            let judged = note.and_then(|note| Ok((self.policy.signed(&note)?, judge_as_of(&note, self.policy, self.at))));
            match judged {
                Ok((tree, cosigned)) if tree.size == size && tree.origin == self.tree.origin => match cosigned {
                    Ok(cosigned) => drop(self.cosigned.insert(size, (tree.root, Some(cosigned)))),
                    Err(PolicyError::NoQuorum { .. }) => drop(self.cosigned.insert(size, (tree.root, None))),
                    Err(error) => self.tell(&path, Cause::BadLog(clipped(&error.to_string()))),
                },
                Ok(_) => self.tell(&path, bad("it is a checkpoint of another tree than its name says")),
                Err(error) => self.tell(&path, Cause::BadLog(clipped(&error.to_string()))),
            }
        }
    }

    fn lacks_head(&mut self, number: u64) {
        self.broken = true;
        if self.whole {
            self.tell(&Head::path(number), Cause::LogFileMissing);
        }
    }

    /// A head that the log signed and that continues the one before it.
    fn believe(&self, number: u64, bytes: &[u8], parent: Option<Sha256Hex>) -> Result<Head, String> {
        let note = Note::parse(bytes).map_err(|e| e.to_string())?;
        let head = Head::parse(number, &note).map_err(|e| e.to_string())?;
        let mut signed = false;
        for log in self.policy.logs().iter().filter(|log| log.key.name() == self.tree.origin) {
            signed |= !note.signed_by(&log.key).map_err(|e| e.to_string())?.is_empty();
        }
        if !signed || head.tree.origin != self.tree.origin {
            return Err("no key of this log that the trust policy names has signed it".into());
        }
        if parent.is_some() && parent != head.parent {
            return Err("it names another head before it than the one that is here".into());
        }
        if self.heads.last().is_some_and(|before| before.size >= head.tree.size) {
            return Err("it has no more leaves than the head before it".into());
        }
        Ok(head)
    }

    /// Says of staged entries which tree they continue: that of the head before theirs, whether theirs came first or another did.
    fn place_staged(&mut self, found: &BTreeSet<(u64, Hash)>) {
        if self.whole && !self.broken {
            // Looked for once more: while a writer is at work, a head may be newer than the list of staged entries.
            let of_heads = self.heads.iter().map(|head| (head.number, head.root));
            let lacking = of_heads.filter(|named| !found.contains(named)).map(|(number, root)| staging(number, &root));
            let lacking: Vec<String> = lacking.filter(|path| self.kind(path) == Ok(None)).collect();
            lacking.iter().for_each(|path| self.tell(path, Cause::LogFileMissing));
        }
        for &(number, root) in found {
            let before = self.heads.binary_search_by_key(&number.saturating_sub(1), |head| head.number);
            let start = if number == 1 { Some(0) } else { before.ok().map(|at| self.heads[at].size) };
            match start {
                Some(start) => self.staged.entry(start).or_default().push((number, root)),
                // Where it begins is not known: the missing head is told, if there should be one.
                None if self.broken => {}
                None => self.tell(&staging(number, &root), bad("its entries continue no head")),
            }
        }
    }

    /// Compares a tile with what it must be, if it is there and was not compared yet.
    fn compare(&mut self, tile: Tile, bytes: impl FnOnce() -> Vec<u8>) {
        let Some(compared) = self.tiles.get_mut(&tile).filter(|compared| !**compared) else { return };
        *compared = true;
        let path = tile.path();
        if self.file(&path).is_some_and(|found| found != bytes()) {
            self.tell(&path, bad("it is not what the entries yield"));
        }
    }

    /// A tile that was written with a tree of that size. Beyond the checkpoint its writer may not have got there.
    fn want(&mut self, tile: Tile, size: u64) {
        if self.whole && size <= self.tree.size && self.tiles.insert(tile, true).is_none() {
            self.tell(&tile.path(), Cause::LogFileMissing);
        }
    }

    /// A file's bytes; that it cannot be read is told.
    fn file(&mut self, path: &str) -> Option<Vec<u8>> {
        self.file_or(path).map_err(|cause| self.tell(path, cause)).ok()
    }

    fn file_or(&self, path: &str) -> Result<Vec<u8>, Cause> {
        match self.kind(path)? {
            None => Err(Cause::LogFileMissing),
            Some(Kind::File) => files::small_file(&self.folder.join(path)),
            Some(_) => Err(Cause::NotAFile),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, Cause> {
        files::kind_below(self.folder, &path.split('/').collect::<Vec<_>>())
    }

    fn tell(&mut self, path: &str, cause: Cause) {
        let path = format!("{}/{path}", super::FOLDER);
        self.findings.push(Finding::about(path.trim_end_matches('/'), None, cause));
    }
}

/// What was listed besides tiles.
#[derive(Default)]
struct Found {
    /// Highest first.
    heads: Vec<u64>,
    cosigned: Vec<u64>,
    staged: BTreeSet<(u64, Hash)>,
    create_only: bool,
}

/// The number of a head, or the size of a cosigned checkpoint: both are written with twenty digits.
fn number_in(path: &str, folder: &str) -> Option<u64> {
    let digits = path.strip_prefix(folder)?;
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    (format!("{number:020}") == digits).then_some(number)
}

/// True when the tile has its last hash since the tree has that size.
fn began(tile: &Tile, size: u64) -> bool {
    match tile.contents {
        Contents::Hashes(level) => size.is_multiple_of(1 << (8 * u32::from(level))),
        Contents::Entries => true,
    }
}

fn bad_leaf(index: u64, why: &str) -> Cause {
    Cause::BadLog(format!("leaf {index}: {why}"))
}

fn bad(why: &str) -> Cause {
    Cause::BadLog(why.into())
}
