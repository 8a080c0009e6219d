//! Who tries passwords is slowed down: the more failures, the longer the wait, and never for ever. Three counts stand side by side, in
//! memory that is bounded: of a login from one address, of an address whatever the login, and of a login from addresses that are new to it.
//!
//! The last one alone could be used by a stranger to keep a person out. So its wait is short, and it does not hold for addresses from which
//! the person has signed in before.

use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A count is forgotten when so long has passed since its last failure and the wait after it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// A login from one address: whoever has forgotten a password.
const OF_PAIR: Limit = Limit { free: 5, longest: Duration::from_secs(15 * 60) };
/// An address: an office behind one address has many people who mistype.
const OF_ADDRESS: Limit = Limit { free: 20, longest: Duration::from_secs(15 * 60) };
/// A login from addresses that are new to it: guesses that are spread over many machines.
const OF_LOGIN: Limit = Limit { free: 20, longest: Duration::from_secs(60) };
/// Counts of one kind that are kept; with more, those that end first are forgotten.
const MOST: usize = 10_000;

struct Limit {
    /// Failures without a wait.
    free: u32,
    longest: Duration,
}

/// All counts. Times are given, so that a test need not wait.
#[derive(Default)]
pub struct LockOut {
    pairs: Counts<(Login, Address)>,
    addresses: Counts<Address>,
    logins: Counts<Login>,
    /// From where people have signed in, and when last.
    known: HashMap<(Login, Address), Instant>,
}

/// A digest: what is typed as a login may be a password that went into the wrong field.
type Login = [u8; 32];
/// An IPv4 address, or the network of an IPv6 address: whoever has one of its 2⁶⁴ addresses has them all.
type Address = [u8; 8];

impl LockOut {
    /// Lets somebody try, or says how long to wait. Counted as a failure at once, so that a hundred tries at the same moment are a hundred;
    /// a success takes it back ([`LockOut::succeeded`]). Tries that are not let through are not counted: impatience does not add to the wait.
    pub fn admit(&mut self, login: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let (login, address) = (digest(login), network(from));
        let known = self.known.contains_key(&(login, address));
        let of_login = if known { Duration::ZERO } else { self.logins.wait(&login, &OF_LOGIN, now) };
        let (of_pair, of_address) = (&(login, address), &address);
        let wait = self.pairs.wait(of_pair, &OF_PAIR, now).max(self.addresses.wait(of_address, &OF_ADDRESS, now)).max(of_login);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.pairs.add((login, address), &OF_PAIR, now);
        self.addresses.add(address, &OF_ADDRESS, now);
        if !known {
            self.logins.add(login, &OF_LOGIN, now);
        }
        Ok(())
    }

    /// Takes back what [`LockOut::admit`] counted. The person's own failures from there are forgotten; those of others are not, or whoever
    /// has one password could try for the others without an end.
    pub fn succeeded(&mut self, login: &str, from: IpAddr, now: Instant) {
        let (login_digest, address) = (digest(login), network(from));
        self.withdraw(login, from);
        self.pairs.0.remove(&(login_digest, address));
        self.knows(login, from, now);
    }

    /// Takes back one count: a try whose outcome nobody knows.
    pub fn withdraw(&mut self, login: &str, from: IpAddr) {
        let (login, address) = (digest(login), network(from));
        self.pairs.take_back(&(login, address));
        self.addresses.take_back(&address);
        if !self.known.contains_key(&(login, address)) {
            self.logins.take_back(&login);
        }
    }

    /// Remembers that this person signed in from there.
    pub fn knows(&mut self, login: &str, from: IpAddr, now: Instant) {
        let pair = (digest(login), network(from));
        if self.known.len() >= MOST && !self.known.contains_key(&pair) {
            drop_first_tenth(&mut self.known, |seen| *seen);
        }
        self.known.insert(pair, now);
    }
}

struct Counts<K>(HashMap<K, Count>);

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    /// When the last one was.
    last: Instant,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Counts(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn wait(&self, key: &K, limit: &Limit, now: Instant) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |count| count.end(limit).saturating_duration_since(now))
    }

    fn add(&mut self, key: K, limit: &Limit, now: Instant) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.make_room(limit, now);
        }
        let fresh = Count { failures: 0, last: now };
        let count = self.0.entry(key).or_insert(fresh);
        if count.end(limit) + FORGOTTEN_AFTER <= now {
            *count = fresh;
        }
        *count = Count { failures: count.failures.saturating_add(1), last: now };
    }

    fn take_back(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            count.failures = count.failures.saturating_sub(1);
        }
    }

    fn make_room(&mut self, limit: &Limit, now: Instant) {
        self.0.retain(|_, count| count.end(limit) + FORGOTTEN_AFTER > now);
        if self.0.len() >= MOST {
            drop_first_tenth(&mut self.0, |count| count.end(limit));
        }
    }
}

impl Count {
    /// When its wait is over.
    fn end(&self, limit: &Limit) -> Instant {
        self.last + limit.wait_after(self.failures)
    }
}

impl Limit {
    fn wait_after(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(more) => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(more)).min(self.longest),
        }
    }
}

/// Many at once, so that a flood does not look through all of them for each of its tries.
fn drop_first_tenth<K: Copy + Eq + Hash, V>(map: &mut HashMap<K, V>, time: impl Fn(&V) -> Instant) {
    let mut times: Vec<(Instant, K)> = map.iter().map(|(key, value)| (time(value), *key)).collect();
    times.sort_by_key(|(time, _)| *time);
    for (_, key) in &times[..times.len() / 10] {
        map.remove(key);
    }
}

fn digest(login: &str) -> Login {
    Sha256::digest(login.as_bytes()).into()
}

fn network(address: IpAddr) -> Address {
    match address.to_canonical() {
        // In the form of an address that is translated to IPv6 (RFC 6052), so that it is never the network of another.
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0, 0x64, 0xff, 0x9b, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let bytes = address.octets();
            std::array::from_fn(|n| bytes[n])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICE: [u8; 4] = [10, 0, 0, 7];

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Tries for so long, as often as one is let; how many tries there were.
    fn attack(lock: &mut LockOut, login: &str, from: impl Fn(u32) -> IpAddr, now: Instant, time: Duration) -> u32 {
        let (mut at, mut tries) = (now, 0);
        while at < now + time {
            match lock.admit(login, from(tries), at) {
                Ok(()) => tries += 1,
                Err(wait) => at += wait,
            }
        }
        tries
    }

    #[test]
    fn waits_begin_after_five_failures_and_double() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        let mut at = now;
        for _ in 0..5 {
            lock.admit("lan", OFFICE.into(), at).unwrap();
        }
        for wait in [5, 10, 20, 40, 80, 160, 320, 640, 900, 900] {
            assert_eq!(lock.admit("lan", OFFICE.into(), at), Err(seconds(wait)));
            assert_eq!(lock.admit("lan", OFFICE.into(), at + seconds(wait - 1)), Err(seconds(1)), "not longer by asking again");
            at += seconds(wait);
            lock.admit("lan", OFFICE.into(), at).unwrap();
        }
        assert!(lock.admit("minh", OFFICE.into(), at).is_ok(), "somebody else at the same address");
        assert!(lock.admit("lan", [10, 0, 0, 8].into(), at).is_ok(), "the same person elsewhere");
        // after the last wait and a quarter of an hour all is forgotten
        let later = at + seconds(900) + FORGOTTEN_AFTER;
        for _ in 0..5 {
            lock.admit("lan", OFFICE.into(), later).unwrap();
        }
    }

    #[test]
    fn a_success_forgets_the_persons_own_slips_and_nobody_elses() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        for _ in 0..100 {
            for _ in 0..3 {
                lock.admit("lan", OFFICE.into(), now).ok();
            }
            lock.succeeded("lan", OFFICE.into(), now);
        }
        // a clerk with a password of their own tries those of others from the same address
        let mut tries = 0;
        for n in 0..200 {
            tries += u32::from(lock.admit(&format!("p{n}"), [10, 0, 0, 9].into(), now).is_ok());
            if lock.admit("minh", [10, 0, 0, 9].into(), now).is_ok() {
                lock.succeeded("minh", [10, 0, 0, 9].into(), now);
            }
        }
        assert!(tries <= OF_ADDRESS.free, "{tries}");
    }

    #[test]
    fn tries_at_the_same_moment_are_all_counted() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        assert_eq!((0..100).filter(|_| lock.admit("lan", OFFICE.into(), now).is_ok()).count(), 5);
    }

    #[test]
    fn a_stranger_cannot_keep_a_person_out() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        lock.succeeded("lan", OFFICE.into(), now);
        let day = seconds(86_400);
        let tries = attack(&mut lock, "lan", |n| address(n + 1), now, day);
        assert!(tries <= 20 + 1440 + 10, "at most one a minute, from however many addresses: {tries}");
        assert_eq!(lock.admit("lan", OFFICE.into(), now + day), Ok(()), "her own desk");
        let wait = lock.admit("lan", address(0xffff_ff00), now + day);
        assert!(wait.is_ok() || wait.is_err_and(|wait| wait <= OF_LOGIN.longest), "another desk: a minute at most");
    }

    #[test]
    fn one_machine_gets_few_tries_a_day() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        let tries = attack(&mut lock, "lan", |_| address(1), now, seconds(86_400));
        assert!((5..=5 + 8 + 96).contains(&tries), "{tries}");
        let mut lock = LockOut::default();
        let tries = attack(&mut lock, "lan", |n| format!("2001:db8::{n:x}").parse().unwrap(), now, seconds(86_400));
        assert!((5..=5 + 8 + 96).contains(&tries), "a network of IPv6 is one machine: {tries}");
    }

    #[test]
    fn memory_is_bounded_and_an_old_count_goes_first() {
        let (mut lock, now) = (LockOut::default(), Instant::now());
        for _ in 0..9 {
            let _ = lock.admit("lan", OFFICE.into(), now);
        }
        for n in 0..30_000_u32 {
            let _ = lock.admit(&format!("p{n}"), address(n), now);
        }
        assert!(lock.pairs.0.len() <= MOST && lock.addresses.0.len() <= MOST && lock.logins.0.len() <= MOST);
        assert_eq!(lock.admit("lan", OFFICE.into(), now), Err(seconds(5)), "a flood of others does not wash a wait away");
        for n in 0..30_000_u32 {
            lock.knows(&format!("p{n}"), address(n), now + seconds(n.into()));
        }
        assert!(lock.known.len() <= MOST && lock.known.contains_key(&(digest("p29999"), network(address(29_999)))));
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let mapped: IpAddr = "::ffff:10.0.0.7".parse().unwrap();
        assert_eq!(network(mapped), network(OFFICE.into()));
        assert_ne!(network("::1".parse().unwrap()), network("10.0.0.1".parse().unwrap()));
    }
}
