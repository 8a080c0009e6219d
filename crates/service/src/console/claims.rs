//! Who has which paper open: the next reviewer gets another one. It is a courtesy; that nobody decides over somebody else's decision is
//! held by the revision they saw.

use sohoa_record::identifier::RecordId;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A paper that somebody left open is offered to others after this long.
const HELD_FOR: Duration = Duration::from_secs(10 * 60);

/// Papers that are open.
#[derive(Default)]
pub struct Claims(Mutex<HashMap<RecordId, (String, Instant)>>);

impl Claims {
    /// Takes a paper for a person. True when somebody else has it open.
    pub fn take(&self, record: &RecordId, login: &str) -> bool {
        let Ok(mut open) = self.0.lock() else { return false };
        let now = Instant::now();
        open.retain(|_, (_, since)| now.duration_since(*since) < HELD_FOR);
        if of_another(&open, record, login) {
            return true;
        }
        open.retain(|_, (who, _)| who != login);
        open.insert(record.clone(), (login.to_owned(), now));
        false
    }

    /// True when somebody else has it open.
    pub fn is_taken(&self, record: &RecordId, login: &str) -> bool {
        self.0.lock().is_ok_and(|open| of_another(&open, record, login))
    }

    /// Gives a paper back, if it is this person's.
    pub fn release(&self, record: &RecordId, login: &str) {
        if let Ok(mut open) = self.0.lock()
            && !of_another(&open, record, login)
        {
            open.remove(record);
        }
    }
}

fn of_another(open: &HashMap<RecordId, (String, Instant)>, record: &RecordId, login: &str) -> bool {
    open.get(record).is_some_and(|(who, since)| who != login && since.elapsed() < HELD_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_one_persons_until_it_is_given_back() {
        let claims = Claims::default();
        let record = sohoa_archive::new_record_id();
        assert!(!claims.take(&record, "mai"));
        assert!(!claims.take(&record, "mai"), "it is hers still");
        assert!(claims.take(&record, "lan") && claims.is_taken(&record, "lan"));
        assert!(!claims.take(&sohoa_archive::new_record_id(), "mai"));
        assert!(!claims.is_taken(&record, "lan"), "who opens another paper leaves the first");
        assert!(!claims.take(&record, "lan"));
        claims.release(&record, "mai");
        assert!(claims.is_taken(&record, "mai"), "nobody gives back what is not theirs");
        claims.release(&record, "lan");
        assert!(!claims.take(&record, "mai"));
    }
}
