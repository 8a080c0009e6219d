//! How many pushes a station may begin: one that runs wild, or is meant to, keeps the disk and the others waiting otherwise.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is saved up while a station is silent: so long's worth of pushes.
const SAVED: Duration = Duration::from_secs(60);

/// The stations' token buckets, each as the time at which it would be full again (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug, Default)]
pub struct Allowances(Mutex<HashMap<String, Instant>>);

impl Allowances {
    /// Takes one push of so many a minute (at least 1) from a station's bucket, or tells when there is one again.
    pub fn take(&self, station: &str, per_minute: u64, now: Instant) -> Result<(), Duration> {
        let each = SAVED / u32::try_from(per_minute).unwrap_or(u32::MAX).max(1);
        let Ok(mut full_at) = self.0.lock() else { return Ok(()) };
        let before = full_at.get(station).copied().unwrap_or(now).max(now);
        let after = before + each;
        match after.saturating_duration_since(now).checked_sub(SAVED) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                full_at.insert(station.to_owned(), after);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_is_its_stations_alone() {
        let (allowances, now) = (Allowances::default(), Instant::now());
        let take = |station, after| allowances.take(station, 6, now + Duration::from_secs(after));
        assert!((0..6).all(|_| take("a", 0).is_ok()));
        assert_eq!(take("a", 0), Err(Duration::from_secs(10)));
        assert_eq!(take("a", 4), Err(Duration::from_secs(6)), "who asks too early loses nothing by it");
        assert!(take("b", 0).is_ok());
        assert!(take("a", 10).is_ok() && take("a", 10).is_err());
        assert_eq!((0..9).filter(|_| take("a", 3600).is_ok()).count(), 6, "no more is saved up than fits");
    }
}
