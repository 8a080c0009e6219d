//! What the kernel notices in watched folders: it wakes whoever looks at them. A help, not more: shares tell nothing of what others write
//! there, and a system has only so many watches, so folders are looked at every few seconds all the same.

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;

/// Wakes until it is dropped.
pub struct Noticed {
    /// Something happened in one of the folders.
    pub something: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl Noticed {
    /// Watches the folders, those that can be; what happens below `own` is no news.
    pub fn of<'a>(folders: impl Iterator<Item = &'a Path>, own: Vec<PathBuf>) -> Noticed {
        let something = Arc::new(Notify::new());
        let woken = Arc::clone(&something);
        let notice = move |event: notify::Result<Event>| {
            // What cannot be told may be anything: events that were too many for the queue come as an error or without a path.
            let matters = event.map_or(true, |event| {
                let is_own = |path: &PathBuf| own.iter().any(|own| path.starts_with(own));
                is_news(&event.kind) && (event.paths.is_empty() || !event.paths.iter().all(is_own))
            });
            if matters {
                woken.notify_one();
            }
        };
        let watcher =
            notify::recommended_watcher(notice).inspect_err(|error| tracing::info!("folders are looked at only: {error}"));
        let mut watcher = watcher.ok();
        for folder in folders {
            let watched = watcher.as_mut().map(|watcher| watcher.watch(folder, RecursiveMode::Recursive));
            if let Some(Err(error)) = watched {
                tracing::info!("{} is looked at only: {error}", folder.display());
            }
        }
        Noticed { something, _watcher: watcher }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_comes_is_noticed_and_what_is_read_or_put_away_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().canonicalize().unwrap();
        let done = inbox.join("done");
        std::fs::create_dir_all(&done).unwrap();
        std::fs::write(inbox.join("there.png"), "x").unwrap();
        let noticed = Noticed::of([inbox.as_path()].into_iter(), vec![done.clone()]);
        let is_noticed =
            async |within| tokio::time::timeout(Duration::from_millis(within), noticed.something.notified()).await.is_ok();
        std::fs::read(inbox.join("there.png")).unwrap();
        std::fs::write(done.join("a.png"), "x").unwrap();
        assert!(!is_noticed(300).await);
        std::fs::write(inbox.join("b.png"), "x").unwrap();
        assert!(is_noticed(20_000).await);
        while is_noticed(300).await {}
        std::fs::rename(done.join("a.png"), inbox.join("c.png")).unwrap();
        assert!(is_noticed(20_000).await, "renamed into place");
    }
}
