//! What the kernel notices in watched folders: it wakes whoever looks at them. A help, not more: shares tell nothing of what others write
//! there, and a system has only so many watches, so folders are looked at every few seconds all the same.

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;

/// A folder that is watched.
pub struct Noticed {
    /// The folder, absolute and without links.
    pub folder: PathBuf,
    /// Folders in it that are ours: what happens there is no news.
    pub own: Vec<PathBuf>,
    /// Woken when something happens.
    pub something: Arc<Notify>,
}

/// Wakes until what it gives is dropped; nothing where the system cannot notice. It may take as long as a share does to answer. Folders on
/// network shares are left out: what other machines write there is not told, and each watch costs a request.
pub fn watch(folders: Vec<Noticed>) -> Option<RecommendedWatcher> {
    let (shares, local): (Vec<_>, Vec<_>) = folders.into_iter().partition(|noticed| is_on_share(&noticed.folder));
    for noticed in &shares {
        tracing::info!("{} is on a network share: it is looked at only", noticed.folder.display());
    }
    let paths: Vec<PathBuf> = local.iter().map(|noticed| noticed.folder.clone()).collect();
    let notice = move |event: notify::Result<Event>| {
        for noticed in &local {
            // What cannot be told may be anything: events that were too many for the queue come as an error or without a path.
            if event.as_ref().map_or(true, |event| noticed.matters(event)) {
                noticed.something.notify_one();
            }
        }
    };
    let watcher = notify::recommended_watcher(notice).inspect_err(|error| tracing::info!("folders are looked at only: {error}"));
    let mut watcher = watcher.ok()?;
    for folder in paths {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::Recursive) {
            tracing::info!("{} is looked at only: {error}", folder.display());
        }
    }
    Some(watcher)
}

impl Noticed {
    fn matters(&self, event: &Event) -> bool {
        let is_mine = |path: &PathBuf| path.starts_with(&self.folder) && !self.own.iter().any(|own| path.starts_with(own));
        is_news(&event.kind) && (event.paths.is_empty() || event.paths.iter().any(is_mine))
    }
}

/// Reading is no news: the service itself reads what it takes.
fn is_news(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => *kind == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Remove(_) => false,
        EventKind::Any | EventKind::Create(_) | EventKind::Other => true,
    }
}

fn is_on_share(folder: &std::path::Path) -> bool {
    // The numbers have 32 bits; how wide the system's word is differs.
    rustix::fs::statfs(folder).is_ok_and(|system| is_share(system.f_type as u32))
}

/// True for the `f_type` (statfs(2), linux/magic.h) of file systems whose files other machines write.
fn is_share(magic: u32) -> bool {
    const NFS: u32 = 0x6969;
    const SMB: u32 = 0x517b;
    const CIFS: u32 = 0xff53_4d42;
    const SMB2: u32 = 0xfe53_4d42;
    const FUSE: u32 = 0x6573_5546; // sshfs, GlusterFS, rclone: most are somebody else's disk
    const V9FS: u32 = 0x0102_1997;
    const CEPH: u32 = 0x00c3_6400;
    const AFS: u32 = 0x5346_414f;
    [NFS, SMB, CIFS, SMB2, FUSE, V9FS, CEPH, AFS].contains(&magic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_comes_is_noticed_in_its_folder_and_what_is_read_or_put_away_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (inbox, other) = (root.join("in"), root.join("in-2"));
        let done = inbox.join("done");
        std::fs::create_dir_all(&done).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(inbox.join("there.png"), "x").unwrap();
        let of = |folder: &PathBuf, own| Noticed { folder: folder.clone(), own, something: Arc::new(Notify::new()) };
        let folders = vec![of(&inbox, vec![done.clone()]), of(&other, Vec::new())];
        let (first, second) = (Arc::clone(&folders[0].something), Arc::clone(&folders[1].something));
        let _watcher = watch(folders).unwrap();
        let is_noticed = async |something: &Notify, within| {
            tokio::time::timeout(Duration::from_millis(within), something.notified()).await.is_ok()
        };
        std::fs::read(inbox.join("there.png")).unwrap();
        std::fs::write(done.join("a.png"), "x").unwrap();
        assert!(!is_noticed(&first, 300).await);
        std::fs::write(inbox.join("b.png"), "x").unwrap();
        assert!(is_noticed(&first, 20_000).await);
        while is_noticed(&first, 300).await {}
        assert!(!is_noticed(&second, 1).await, "it is another folder's news");
        std::fs::rename(done.join("a.png"), inbox.join("c.png")).unwrap();
        assert!(is_noticed(&first, 20_000).await, "renamed into place");
    }

    #[test]
    fn shares_are_told_from_disks() {
        // As `stat -f -c %t` prints them: NFS, CIFS, SMB 2, sshfs.
        for share in [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546] {
            assert!(is_share(share), "{share:x}");
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS.
        for disk in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert!(!is_share(disk), "{disk:x}");
        }
        assert!(!is_on_share(std::path::Path::new("/proc")) && !is_on_share(std::path::Path::new("/nowhere")));
    }
}
