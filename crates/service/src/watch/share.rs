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

/// Why a folder cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A call did not come back for so many seconds.
    #[error("it has not answered for {0} s; is its share connected?")]
    Silent(u64),
    /// A look takes so many minutes so far.
    #[error("a look at it has taken {0} minutes so far; does its share answer?")]
    Slow(u64),
    /// It cannot be read: the system's words.
    #[error("{0}")]
    Unreadable(String),
    /// A fault of the program.
    #[error("a look at it ended badly; the log has more")]
    Broken,
}

impl Trouble {
    /// What is the matter and what to do, in Vietnamese; the system's own words are left out.
    pub fn vi(&self) -> String {
        match self {
            Trouble::Silent(seconds) => {
                format!(
                    "không trả lời đã {seconds} giây: kiểm tra máy chủ chia sẻ và kết nối mạng; bản quét ở đó không mất, sẽ được nhận khi có lại"
                )
            }
            Trouble::Slow(minutes) => format!("đã xem {minutes} phút chưa xong: kiểm tra máy chủ chia sẻ và kết nối mạng"),
            Trouble::Unreadable(_) => "không đọc được: báo quản trị viên kiểm tra thư mục còn đó không và quyền đọc".into(),
            Trouble::Broken => "có lỗi khi xem thư mục: báo quản trị viên xem nhật ký của dịch vụ".into(),
        }
    }

    /// The same in English.
    pub fn en(&self) -> String {
        match self {
            Trouble::Unreadable(_) => {
                "it cannot be read: ask the administrator whether it is there, and for its permissions".into()
            }
            other => other.to_string(),
        }
    }

    /// The system's words, for whoever keeps the machine.
    pub fn detail(&self) -> &str {
        if let Trouble::Unreadable(words) = self { words } else { "" }
    }
}

impl Share {
    /// Calls that are waited for so long.
    pub fn new(patience: Duration) -> Share {
        Share { patience, hung: None }
    }

    /// Makes a call.
    pub async fn call<T: Send + 'static>(&mut self, call: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
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
            Ok(Err(_)) => Err(Trouble::Broken),
            Err(_) => {
                self.hung = Some(made);
                Err(self.silence())
            }
        }
    }

    fn silence(&self) -> Trouble {
        Trouble::Silent(self.patience.as_secs())
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
