//! The watched folders of a running service: each is looked at by itself, as often as its own share answers, and takes in as much as there is
//! room for. What waits is measured by who waits for it: a backlog takes no room from a counter, and folders of one priority share theirs.

use super::Service;
use crate::noticed::Noticed;
use crate::watch::{self, InQueue, Looked, Trouble, Watched};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// How often a folder is looked at …
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// … and sooner when something happens in it: this long after, when what comes with it is there too.
const BURST: Duration = Duration::from_millis(250);
/// Folders run ahead of the workers by this many documents: what waits lies better where it came from than twice on the disk.
const AHEAD: u64 = 500;
/// Of each priority so many wait whatever is more urgent: a lease now and then goes by age, and finds some of them.
const LEAST: u64 = 20;
/// A look that takes longer is told.
const LONG_LOOK: Duration = Duration::from_secs(600);
/// What is under way when everything stops may end within this.
const END_TIME: Duration = Duration::from_secs(10);

/// Which folders have scans that found no room, with their priority.
type Wanting = Mutex<BTreeMap<usize, i64>>;

impl Service<'_> {
    /// The folders, all at the same time. One that hangs holds up nobody.
    pub(super) async fn watch_folders(&self, folders: Vec<Watched>) {
        let noticed: Vec<Noticed> = folders
            .iter()
            .map(|folder| Noticed {
                folder: folder.folder().to_owned(),
                own: folder.own().into(),
                something: Arc::new(Notify::new()),
            })
            .collect();
        let wake: Vec<_> = noticed.iter().map(|noticed| Arc::clone(&noticed.something)).collect();
        // It ends with the handle. Not waited for: a share may not answer.
        let _watcher = tokio::task::spawn_blocking(move || crate::noticed::watch(noticed));
        let wanting = Wanting::default();
        let watched = folders.into_iter().zip(wake).enumerate();
        let in_queue = InQueue::default();
        let all = watched
            .map(|(number, (folder, wake))| self.watch_folder(number, folder.knowing(Arc::clone(&in_queue)), wake, &wanting));
        tokio::join!(futures::future::join_all(all), self.find_in_queue(&in_queue));
    }

    /// What an earlier run took of the folders. Nothing waits for it but figures.
    async fn find_in_queue(&self, in_queue: &InQueue) {
        let mut stop = self.stop.clone();
        let found = tokio::select! {
            found = watch::find_in_queue(self.bench.archive) => found,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let found =
            found.inspect_err(|error| tracing::warn!("files that wait in the queue are counted twice for a while: {error}"));
        let _ = in_queue.set(found.unwrap_or_default());
    }

    async fn watch_folder(&self, number: usize, mut folder: Watched, wake: Arc<Notify>, wanting: &Wanting) {
        let (running, mut counted) = (&self.api.running, [0u64; 2]);
        while !self.stopping() {
            if let Err(error) = self.bench.archive.check_is_there().await {
                self.pause(&error.into()).await;
                continue;
            }
            let room = match self.bench.archive.queue.queued_by_priority().await {
                Ok(queued) => share(room(&queued, folder.priority()), number, folder.priority(), wanting),
                Err(error) => {
                    tracing::warn!("{error}");
                    0
                }
            };
            let Some(looked) = self.look(&mut folder, room).await else { return };
            match looked {
                Ok(looked) => {
                    let counts = [looked.waiting as u64, looked.untaken as u64];
                    for (at, all) in [&running.in_folders, &running.untaken].into_iter().enumerate() {
                        // Other folders count there too.
                        all.fetch_add(counts[at].wrapping_sub(counted[at]), Ordering::Relaxed);
                    }
                    counted = counts;
                    if let Ok(mut wanting) = wanting.lock() {
                        if looked.wants_room {
                            wanting.insert(number, folder.priority())
                        } else {
                            wanting.remove(&number)
                        };
                    }
                    let other_trouble = running.note_folder(folder.folder(), looked.trouble);
                    let other_held = looked.held.is_some_and(|held| running.note_held(folder.folder(), held));
                    let other_twins = !looked.twins.is_empty();
                    running.note_twins(folder.folder(), looked.twins);
                    if other_trouble || other_held || other_twins {
                        running.changed.notify_waiters();
                    }
                    if looked.taken > 0 {
                        tracing::info!(taken = looked.taken, folder = %folder.folder().display(), "scans arrived");
                        running.changed.notify_waiters();
                    }
                }
                Err(error) => self.pause(&error.into()).await,
            }
            let mut stop = self.stop.clone();
            tokio::select! {
                _ = tokio::time::sleep(LOOK_EVERY) => {}
                // A burst is one look.
                () = wake.notified() => self.wait(BURST).await,
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// One look, however long it takes; nothing when everything stops meanwhile. What it was doing then is as if the service had been killed:
    /// the next start goes on.
    async fn look(&self, folder: &mut Watched, room: u64) -> Option<Result<Looked, sohoa_archive::Error>> {
        let (place, mut stop) = (folder.folder().to_owned(), self.stop.clone());
        let mut look = pin!(folder.look(self.bench.archive, room));
        tokio::select! {
            looked = &mut look => return Some(looked),
            () = tokio::time::sleep(LONG_LOOK) => {
                self.api.running.note_folder(&place, Some(Trouble::Slow(LONG_LOOK.as_secs() / 60)));
            }
            _ = stop.wait_for(|stop| *stop) => {}
        }
        tokio::select! {
            looked = &mut look => Some(looked),
            () = async { let _ = stop.wait_for(|stop| *stop).await; tokio::time::sleep(END_TIME).await; } => None,
        }
    }
}

/// How many documents of that priority may be taken in. `queued` are those that wait, by priority.
fn room(queued: &BTreeMap<i64, u64>, priority: i64) -> u64 {
    let before: u64 = queued.range(priority..).map(|(_, many)| many).sum();
    let own = queued.get(&priority).copied().unwrap_or(0);
    AHEAD.saturating_sub(before).max(LEAST.saturating_sub(own))
}

/// A folder's part of the room of its priority; others have a part when their last look found too little.
fn share(room: u64, number: usize, priority: i64, wanting: &Wanting) -> u64 {
    let others =
        |wanting: &BTreeMap<usize, i64>| wanting.iter().filter(|(other, of)| **other != number && **of == priority).count();
    room.div_ceil(1 + wanting.lock().map_or(0, |wanting| others(&wanting)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_less_urgent_takes_no_room() {
        let queued = BTreeMap::from([(0, 9_000), (10, 200), (20, 1)]);
        assert_eq!((room(&queued, 20), room(&queued, 10)), (499, 299));
        assert_eq!(room(&queued, 0), 0);
        assert_eq!(room(&BTreeMap::from([(10, 800), (0, 5)]), 0), 15, "some of the backlog is always there for a lease by age");
    }

    #[test]
    fn folders_of_one_priority_share_the_room() {
        let wanting = Wanting::default();
        assert_eq!(share(500, 0, 10, &wanting), 500);
        wanting.lock().unwrap().extend([(0, 10), (1, 10), (2, 20), (3, 10)]);
        assert_eq!((share(500, 0, 10, &wanting), share(500, 2, 20, &wanting)), (167, 500));
        assert_eq!((share(1, 0, 10, &wanting), share(0, 0, 10, &wanting)), (1, 0), "a small room is somebody's");
    }
}
