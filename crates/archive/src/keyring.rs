//! The keyrings of the root in the store (`keyring/v0001.json` …): one for each version, created if absent, so that of two people who
//! publish a version one is told. What a keyring says holds from its leaf in the log on.

use crate::error::{Error, Result};
use crate::layout;
use crate::log::Leaves;
use crate::store::Archive;
use bytes::Bytes;
use sohoa_record::keyring::{Event, History, Keyring, Standing};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Kind, Leaf, Note, TlogProof};
use sohoa_record::seal::Opened;
use sohoa_record::{Envelope, TrustPolicy};

/// A keyring as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKeyring {
    /// From 1.
    pub version: u32,
    /// The file's bytes.
    pub bytes: Bytes,
    /// What they say.
    pub envelope: Envelope,
    /// Its leaf, as it is or will be in the log.
    pub leaf: Leaf,
}

impl Archive {
    /// The trust policy under which it was opened.
    pub fn policy(&self) -> &TrustPolicy {
        &self.policy
    }

    /// The same archive, opening receipts of the keys too that the root has named: whoever was given a policy with the root alone reads
    /// all that was sealed since.
    pub async fn believing_the_root(mut self) -> Result<Archive> {
        if let Some(history) = self.key_history().await? {
            self.policy = self.policy.with_keys_of(&history);
        }
        Ok(self)
    }

    /// Every keyring from version 1 on, not yet believed.
    pub async fn keyrings(&self) -> Result<Vec<StoredKeyring>> {
        let mut keyrings = Vec::new();
        for version in 1.. {
            let path = layout::keyring(version);
            let Some(bytes) = self.read(&path).await? else { break };
            let malformed = |why: String| Error::malformed(&path, why);
            let envelope = Envelope::parse(&bytes).map_err(|e| malformed(e.to_string()))?;
            let (_, payload) = Keyring::of(&envelope).map_err(|e| malformed(e.to_string()))?;
            let leaf = envelope.leaf(Kind::KeyEvent, &payload).ok_or_else(|| malformed("nobody signed it".into()))?;
            keyrings.push(StoredKeyring { version, bytes, envelope, leaf });
        }
        Ok(keyrings)
    }

    /// What the root says about keys, by the places of its keyrings in the log as it is published; none when the trust policy names no
    /// root. A keyring whose leaf is not there yet says nothing.
    pub async fn key_history(&self) -> Result<Option<History>> {
        let Some(root) = self.policy.root() else { return Ok(None) };
        let mut events = Vec::new();
        for (keyring, index) in self.placed().await? {
            events.extend(index.map(|index| Event { index, envelope: Some(keyring.envelope) }));
        }
        events.sort_by_key(|event| event.index);
        Ok(Some(History::read(root, events)))
    }

    /// True when none of the keys that signed a revision counted where the log has it.
    pub async fn is_void(&self, opened: &Opened) -> Result<bool> {
        let Some(history) = self.key_history().await? else { return Ok(false) };
        let index = self.log_proof(opened).await?.map(|proof| proof.index);
        let counts = |key| matches!(history.standing(key, index), Standing::Valid | Standing::Unnamed);
        Ok(!opened.signers.iter().any(counts))
    }

    /// The keyrings that the root stands for, in order, with or without a leaf: what is to be logged.
    pub(crate) async fn believed_keyrings(&self) -> Result<Vec<Leaf>> {
        let Some(root) = self.policy.root() else { return Ok(Vec::new()) };
        let keyrings = self.keyrings().await?;
        let event = |(index, keyring): (u64, &StoredKeyring)| Event { index, envelope: Some(keyring.envelope.clone()) };
        let history = History::read(root, (0..).zip(&keyrings).map(event).collect());
        let refused = |index: u64| history.refused().iter().any(|refused| refused.index == index);
        Ok((0..).zip(keyrings).filter(|(index, _)| !refused(*index)).map(|(_, keyring)| keyring.leaf).collect())
    }

    /// Stores a version of the keyring. When another one of that version is there, that is given.
    pub async fn put_keyring(&self, version: u32, envelope: &Envelope) -> Result<Option<Bytes>> {
        let bytes = envelope.to_bytes();
        Ok(self.create(&layout::keyring(version), bytes.clone()).await?.filter(|other| *other != bytes))
    }

    /// Each keyring with the proof that it is in the log, under that checkpoint; none when it is not in there (yet).
    pub async fn keyring_proofs(&self, (note, tree): &(Note, Checkpoint)) -> Result<Vec<(StoredKeyring, Option<TlogProof>)>> {
        let mut proofs = Vec::new();
        for (keyring, index) in self.placed().await? {
            let proof = match index.filter(|index| *index < tree.size) {
                Some(index) => Some(self.log().proof(index, tree.size, note.clone()).await?),
                None => None,
            };
            proofs.push((keyring, proof));
        }
        Ok(proofs)
    }

    /// Where the last keyring of the published log is.
    pub(crate) async fn last_keyring_index(&self) -> Result<Option<u64>> {
        Ok(self.placed().await?.into_iter().filter_map(|(_, index)| index).max())
    }

    /// The leaf of the keyring of that version; none when it is not in the published log.
    pub async fn keyring_index(&self, version: u32) -> Result<Option<u64>> {
        Ok(self.placed().await?.into_iter().find(|(keyring, _)| keyring.version == version).and_then(|(_, index)| index))
    }

    /// Each keyring, and where it is in the published log.
    async fn placed(&self) -> Result<Vec<(StoredKeyring, Option<u64>)>> {
        let keyrings = self.keyrings().await?;
        let Some((_, tree)) = self.log_head().await?.filter(|_| !keyrings.is_empty()) else {
            return Ok(keyrings.into_iter().map(|keyring| (keyring, None)).collect());
        };
        let leaves = Leaves::of(&self.index.database);
        leaves.follow(&self.log(), tree.size).await?;
        let hash = |keyring: &StoredKeyring| leaf_hash(&keyring.leaf.to_bytes());
        let places = leaves.indices_of(&keyrings.iter().map(hash).collect::<Vec<_>>()).await?;
        let place = |keyring: &StoredKeyring| places.get(&hash(keyring)).copied().filter(|index| *index < tree.size);
        Ok(keyrings.into_iter().map(|keyring| (keyring.clone(), place(&keyring))).collect())
    }
}
