//! Tombstones: all that they say is gone must be gone, and nothing may be gone that has none.

use super::{Kind, Run};
use crate::error::Result;
use crate::layout;
use object_store::path::Path;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;

impl Run<'_> {
    /// A record whose tombstone is believed.
    pub(super) async fn buried(&mut self, record: &RecordId) -> Result<()> {
        let archive = self.archive;
        let destroyed = archive.destroyed(record).await;
        let Some(Some(destroyed)) = self.checked(destroyed)? else { return Ok(()) };
        let (opened, revision) = (&destroyed.opened, destroyed.opened.tombstone.revision);
        self.report.destroyed += 1;
        self.sealed(record, revision, &opened.digest, &opened.key_id).await?;
        sqlx::query("INSERT OR IGNORE INTO temp.destroyed VALUES (?, ?, ?)")
            .bind(record.as_str())
            .bind(revision)
            .bind(opened.digest.as_str())
            .execute(&mut self.memory)
            .await?;
        for before in 1..revision {
            if archive.exists(&layout::receipt(record, before)).await? {
                self.found(Kind::HalfDestroyed, record, format!("it has a tombstone, and its revision {before} is still there"));
                return Ok(());
            }
        }
        if archive.index.entry(record).await?.is_some() {
            self.found(Kind::IndexDiffers, record, "it was destroyed, and the index still has its words");
        } else if !archive.index.is_destroyed(record).await? {
            self.found(Kind::IndexDiffers, record, "it was destroyed, and the index does not know of it");
        }
        Ok(())
    }

    /// The note that the bytes of a source were destroyed must have a tombstone.
    pub(super) async fn destroyed_source(&mut self, source: &Sha256Hex, path: &Path) -> Result<()> {
        let archive = self.archive;
        let note = archive.destroyed_note(source).await;
        let Some(Some(note)) = self.checked(note)? else { return Ok(()) };
        let destroyed = archive.destroyed(&note.record).await;
        if let Some(None) = self.checked(destroyed)? {
            self.found(
                Kind::BadArrival,
                path,
                format!("it says that record {} was destroyed, which has no tombstone", note.record),
            );
        }
        Ok(())
    }

    /// True of a record that has a tombstone: what is missing of it was removed by a destruction that was stopped.
    pub(super) async fn is_doomed(&mut self, record: &RecordId) -> Result<bool> {
        Ok(self.archive.destroyed(record).await.is_ok_and(|destroyed| destroyed.is_some()))
    }
}
