//! What an export takes of the log so that its proofs bound time as the whole log does: for each leaf the cosigned checkpoints next before and
//! after it and the time stamps next after it, each with the proof that the export's checkpoint continues it.

use super::read::{LogReader, place};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use sohoa_record::log::head::{anchor, cosigned};
use sohoa_record::log::{Checkpoint, Continued, Note};
use std::collections::BTreeSet;

impl LogReader {
    /// The files, by their paths below the log's prefix; none when neither cosigned nor stamped checkpoints bound any of the leaves. The
    /// leaves are in the tree of `note`, which is `tree`.
    pub async fn excerpt(&self, note: &Note, tree: &Checkpoint, leaves: &[u64]) -> Result<Vec<(String, Bytes)>> {
        let seen: BTreeSet<u64> = self.cosigned_sizes().await?.into_iter().filter(|size| *size <= tree.size).collect();
        let stamped: BTreeSet<u64> = self.anchored_sizes().await?.into_iter().filter(|size| *size <= tree.size).collect();
        let lacking = leaves.iter().filter_map(|leaf| seen.range(..=leaf).next_back());
        let having = leaves.iter().filter_map(|leaf| seen.range(leaf + 1..).next());
        let seen: BTreeSet<u64> = lacking.chain(having).copied().collect();
        let stamped: BTreeSet<u64> = leaves.iter().filter_map(|leaf| stamped.range(leaf + 1..).next()).copied().collect();
        let mut files = Vec::new();
        for size in &seen {
            let path = cosigned(*size);
            let gone = || Error::malformed(place(&path), "it is gone");
            files.push((path.clone(), self.read(&place(&path)).await?.ok_or_else(gone)?));
        }
        for size in &stamped {
            let tokens = (1..).zip(self.anchors(*size).await?);
            files.extend(tokens.map(|(number, token)| (anchor(*size, number), token)));
        }
        for size in seen.union(&stamped) {
            let tree_then = Checkpoint { origin: tree.origin.clone(), size: *size, root: self.root(*size).await? };
            let continued = Continued { tree: tree_then, hashes: self.consistency(*size, tree.size).await? };
            files.push((Continued::path(*size), continued.to_string().into()));
        }
        if !files.is_empty() {
            files.push(("checkpoint".to_owned(), note.to_string().into()));
        }
        Ok(files)
    }

    /// The sizes of the checkpoints that are kept as witnesses cosigned them, in no order.
    pub(super) async fn cosigned_sizes(&self) -> Result<Vec<u64>> {
        let folder = place("cosigned");
        let listed = self.store.list(Some(&folder)).map_err(Error::store(&folder));
        let sizes =
            listed.try_filter_map(|meta| async move { Ok(meta.location.filename().and_then(|name| name.parse::<u64>().ok())) });
        sizes.try_collect().await
    }
}
