//! File calls into a folder that may not answer: a network share that is gone holds a call for minutes or for ever, in a state that no signal
//! ends. Each call is made aside, and waited for so long; while one hangs, no other is made.

use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The calls into one folder.
#[derive(Debug)]
pub struct Share {
    patience: Duration,
    hung: Option<JoinHandle<()>>,
}

/// A call did not come back.
#[derive(Debug, PartialEq, Eq)]
pub struct Hangs(pub String);

impl Share {
    /// Calls that are waited for so long.
    pub fn new(patience: Duration) -> Share {
        Share { patience, hung: None }
    }

    /// Makes a call.
    pub async fn call<T: Send + 'static>(&mut self, call: impl FnOnce() -> T + Send + 'static) -> Result<T, Hangs> {
        if self.hung.as_ref().is_some_and(|hung| !hung.is_finished()) {
            return Err(self.silence());
        }
        let (told, answer) = oneshot::channel();
        let made = tokio::task::spawn_blocking(move || {
            // Nobody may wait any more.
            let _ = told.send(call());
        });
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Hangs("a look at it ended badly; the log has more".into())),
            Err(_) => {
                self.hung = Some(made);
                Err(self.silence())
            }
        }
    }

    fn silence(&self) -> Hangs {
        Hangs(format!("it has not answered for {} s; is its share connected?", self.patience.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn while_a_call_hangs_no_other_is_made_and_nobody_else_waits() {
        let mut share = Share::new(Duration::from_millis(50));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let made = Arc::new(AtomicU32::new(0));
        let count = |made: &Arc<AtomicU32>| {
            let made = Arc::clone(made);
            move || made.fetch_add(1, Ordering::SeqCst)
        };
        assert!(share.call(move || gate.recv()).await.is_err());
        // This very task goes on, and another folder's calls are made.
        assert_eq!(Share::new(Duration::from_secs(20)).call(count(&made)).await, Ok(0));
        assert!(share.call(count(&made)).await.is_err());
        assert_eq!(made.load(Ordering::SeqCst), 1, "no second call hangs beside the first");
        open.send(()).unwrap();
        while share.call(count(&made)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(made.load(Ordering::SeqCst), 2, "it is made once the first came back");
    }
}
