//! Who is signed in: sessions in memory, each known by a random number that only the person's browser has. A restart ends them all. It does
//! *not* know passwords; what a session stands on (role, unit, password, codes) is compared with the people's file at every look.

pub mod cookie;
pub mod same_origin;

use crate::keyring::{self, KeyringError};
use crate::people::role::{Right, Role};
use crate::people::totp::Secret;
use crate::people::{People, Person};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use sohoa_record::Sha256Hex;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Browsers that one person is signed in with at once; with one more the one that was used longest ago ends.
const MOST_OF_ONE: usize = 8;

/// How long a session lasts.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub longest: Duration,
}

/// A session as a request finds it.
#[derive(Clone)]
pub struct Session {
    /// The person's login.
    pub login: String,
    /// Their full name: what a decision is signed with.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// The unit whose papers they see; None: all units.
    pub unit: Option<String>,
    /// True while nothing may be done but choose a password.
    pub must_change_password: bool,
    /// True while nothing may be done but set up one-time codes, which their role wants.
    pub must_set_up_totp: bool,
    /// True when a provider said who they are, and no password of ours.
    pub is_vouched_for: bool,
    csrf: Zeroizing<String>,
}

impl Session {
    /// True when the person's role has that right, and nothing must be done before.
    pub fn may(&self, right: Right) -> bool {
        !self.must_do_first() && self.role.may(right)
    }

    /// True while nothing may be done but choose a password or set up one-time codes.
    pub fn must_do_first(&self) -> bool {
        self.must_change_password || self.must_set_up_totp
    }

    /// True when a paper of that unit is theirs to see, as far as their role sees papers. A paper without a unit is for those who see all.
    pub fn sees_unit(&self, unit: Option<&str>) -> bool {
        self.unit.is_none() || self.unit.as_deref() == unit
    }

    /// What every form of this session carries in a hidden field, and every request by script in a header: 43 letters of base64url.
    pub fn csrf_token(&self) -> &str {
        &self.csrf
    }

    /// True when a request carries the token. Nothing may be changed by one that does not.
    pub fn is_csrf_token(&self, given: &str) -> bool {
        self.csrf.as_bytes().ct_eq(given.as_bytes()).into()
    }

    fn of(person: &Person, held: &Held, totp_required: &[Role]) -> Session {
        Session {
            login: person.login.clone(),
            name: person.name.clone(),
            role: person.role,
            unit: person.unit.clone(),
            // Whoever comes by way of a provider used no password that somebody else may know.
            must_change_password: person.must_change_password && !held.is_vouched_for,
            // Whether that takes a code is the provider's matter, too.
            must_set_up_totp: totp_required.contains(&person.role) && !person.has_totp() && !held.is_vouched_for,
            is_vouched_for: held.is_vouched_for,
            csrf: held.csrf.clone(),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}, {})", self.login, self.role.as_str())
    }
}

/// All sessions. Times are given, so that a test need not wait.
pub struct Sessions {
    rules: Rules,
    totp_required: Vec<Role>,
    held: HashMap<[u8; 32], Held>,
}

struct Held {
    login: String,
    standing: Sha256Hex,
    csrf: Zeroizing<String>,
    is_vouched_for: bool,
    /// A secret that the person has not confirmed.
    offered: Option<Secret>,
    begun: Instant,
    seen: Instant,
}

impl Sessions {
    /// No session yet.
    pub fn new(rules: Rules) -> Sessions {
        Sessions { rules, totp_required: Vec::new(), held: HashMap::new() }
    }

    /// The same, where people of those roles must have one-time codes before they do anything else.
    pub fn with_totp_required(self, of: &[Role]) -> Sessions {
        Sessions { totp_required: of.to_vec(), ..self }
    }

    /// Begins a session, always under a new number: none that a browser brought along is taken over. The number is for the cookie alone, and
    /// kept as a digest.
    pub fn begin(&mut self, person: &Person, now: Instant) -> Result<(Zeroizing<String>, Session), KeyringError> {
        self.begin_by(person, false, now)
    }

    /// The same. `is_vouched_for`: a provider said who they are.
    pub fn begin_by(
        &mut self,
        person: &Person,
        is_vouched_for: bool,
        now: Instant,
    ) -> Result<(Zeroizing<String>, Session), KeyringError> {
        let (id, csrf) = (token()?, token()?);
        let rules = self.rules;
        self.held.retain(|_, held| held.lasts(rules, now));
        let of_person = self.held.iter().filter(|(_, held)| held.login == person.login);
        if of_person.clone().count() >= MOST_OF_ONE
            && let Some(oldest) = of_person.min_by_key(|(_, held)| held.seen).map(|(digest, _)| *digest)
        {
            self.held.remove(&oldest);
        }
        let held = Held {
            login: person.login.clone(),
            standing: person.standing(),
            csrf,
            is_vouched_for,
            offered: None,
            begun: now,
            seen: now,
        };
        let session = Session::of(person, &held, &self.totp_required);
        self.held.insert(digest(&id), held);
        Ok((id, session))
    }

    /// The session of a number that a browser sent. It has ended when it was idle too long or lasts too long, when the person was disabled,
    /// and when their role, unit, password or codes changed. None too when the people cannot be read: then nobody is let in.
    ///
    /// `asked`: a person asked for that, so the session is not idle; false of what a page asks by itself every few seconds.
    pub fn find(&mut self, id: &str, people: &People, now: Instant, asked: bool) -> Option<Session> {
        let digest = digest(id);
        let held = self.held.get_mut(&digest)?;
        let lasts = held.lasts(self.rules, now);
        let person = people.find(&held.login).inspect_err(|error| tracing::error!("{error}")).ok()?;
        match person.filter(|person| lasts && !person.disabled && person.standing() == held.standing) {
            Some(person) => {
                if asked {
                    held.seen = now;
                }
                Some(Session::of(&person, held, &self.totp_required))
            }
            None => {
                self.held.remove(&digest);
                None
            }
        }
    }

    /// Keeps a secret for one-time codes with a session until it is confirmed, or forgets it.
    pub fn offer(&mut self, id: &str, secret: Option<Secret>) {
        if let Some(held) = self.held.get_mut(&digest(id)) {
            held.offered = secret;
        }
    }

    /// The secret that is kept with a session.
    pub fn offered(&self, id: &str) -> Option<Secret> {
        self.held.get(&digest(id))?.offered.clone()
    }

    /// Ends a session; gives whose it was.
    pub fn end(&mut self, id: &str) -> Option<String> {
        self.held.remove(&digest(id)).map(|held| held.login)
    }

    /// How many there are, those that have ended unseen among them.
    pub fn count(&self) -> usize {
        self.held.len()
    }
}

impl Held {
    fn lasts(&self, rules: Rules, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < rules.idle && now.saturating_duration_since(self.begun) < rules.longest
    }
}

/// 256 random bits as 43 letters of base64url.
fn token() -> Result<Zeroizing<String>, KeyringError> {
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(*keyring::random::<32>()?)))
}

/// Who looks a number up by its digest learns nothing from the time that takes: digests are not chosen.
fn digest(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests;
