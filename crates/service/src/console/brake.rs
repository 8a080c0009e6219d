//! Questions to the index go over every record, and its readers are shared with those who push: each person asks one at a time, and two are
//! answered at once in all. Whoever comes meanwhile waits, and is told when it takes too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many questions are answered at once.
const AT_ONCE: usize = 2;
/// So long somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who asks now.
pub struct Brake {
    all: Arc<Semaphore>,
    own: Mutex<HashMap<String, Weak<Semaphore>>>,
    patience: Duration,
}

/// The turn of a person; it ends when it is dropped.
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Brake {
    fn default() -> Self {
        Brake { all: Arc::new(Semaphore::new(AT_ONCE)), own: Mutex::default(), patience: PATIENCE }
    }
}

impl Brake {
    /// The turn of that person; none when it did not come in time.
    pub async fn turn(&self, login: &str) -> Option<Turn> {
        let own = self.own_of(login)?;
        let turns = async {
            // The own one first: whoever asks ten times at once stands once in the line of all.
            let own = own.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _own: own, _all: all })
        };
        tokio::time::timeout(self.patience, turns).await.ok().flatten()
    }

    fn own_of(&self, login: &str) -> Option<Arc<Semaphore>> {
        let mut known = self.own.lock().ok()?;
        known.retain(|_, own| own.strong_count() > 0);
        if let Some(own) = known.get(login).and_then(Weak::upgrade) {
            return Some(own);
        }
        let own = Arc::new(Semaphore::new(1));
        known.insert(login.to_owned(), Arc::downgrade(&own));
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_person_asks_once_at_a_time_and_holds_nobody_else_up() {
        let brake = Brake { patience: Duration::from_millis(20), ..Brake::default() };
        let first = brake.turn("an").await.unwrap();
        assert!(brake.turn("an").await.is_none(), "the own one is not done");
        let other = brake.turn("binh").await.unwrap();
        assert!(brake.turn("chi").await.is_none(), "two at once");
        drop(first);
        assert!(brake.turn("an").await.is_some());
        drop(other);
        assert!(brake.turn("chi").await.is_some());
        assert_eq!(brake.own.lock().unwrap().len(), 1, "who is gone is forgotten");
    }
}
