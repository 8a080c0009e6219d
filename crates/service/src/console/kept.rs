//! Figures that go over every record: shown as they were made last, and made anew behind when they are older than a minute. Only who asks
//! first waits.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What is older is made anew.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// Figures by what they are of.
pub struct Kept<K, T> {
    known: Mutex<HashMap<K, (Instant, T)>>,
    /// Held while some are made: one hand is enough.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Kept { known: Mutex::default(), turn: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + 'static> Kept<K, T> {
    /// The figures of `key`, for which `making` gives newer ones.
    pub async fn of<E: Display + Send + 'static>(
        self: &Arc<Self>,
        key: K,
        making: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let Some((at, known)) = self.find(&key) else {
            // Whoever comes while they are made waits for these, and makes none.
            let _turn = self.turn.lock().await;
            if let Some((_, known)) = self.find(&key) {
                return Ok(known);
            }
            let made = making.await?;
            self.keep(key, made.clone());
            return Ok(made);
        };
        if at.elapsed() >= FRESH_FOR
            && let Ok(turn) = Arc::clone(&self.turn).try_lock_owned()
        {
            let own = Arc::clone(self);
            tokio::spawn(async move {
                match making.await {
                    Ok(made) => own.keep(key, made),
                    Err(error) => tracing::warn!("figures of the console stay as they were: {error}"),
                }
                drop(turn);
            });
        }
        Ok(known)
    }

    fn find(&self, key: &K) -> Option<(Instant, T)> {
        self.known.lock().ok()?.get(key).cloned()
    }

    fn keep(&self, key: K, made: T) {
        if let Ok(mut known) = self.known.lock() {
            known.insert(key, (Instant::now(), made));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn old_figures_are_shown_while_newer_ones_are_made() {
        let kept = Arc::new(Kept::<u8, u32>::default());
        let failed = kept.of(1, async { Err("away") }).await;
        assert_eq!(failed, Err("away"), "nothing is known, and nothing is kept of a failure");
        assert_eq!(kept.of(1, async { Ok::<_, &str>(7) }).await, Ok(7));
        assert_eq!(kept.of(1, async { Ok::<_, &str>(8) }).await, Ok(7), "they are fresh");
        let old = Instant::now().checked_sub(FRESH_FOR).unwrap();
        kept.known.lock().unwrap().insert(1, (old, 7));
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let slow = async {
            told.await.unwrap();
            Ok::<_, &str>(9)
        };
        assert_eq!(kept.of(1, slow).await, Ok(7), "nobody waits");
        assert_eq!(kept.of(1, async { Ok::<_, &str>(10) }).await, Ok(7), "one hand makes them");
        tell.send(()).unwrap();
        let _made = kept.turn.lock().await;
        assert_eq!(kept.find(&1).unwrap().1, 9);
    }
}
