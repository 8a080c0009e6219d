//! The way to time-stamping services, CRLs and responders: plain HTTP, since every answer is signed and checked; short of time and size.

use sohoa_sign::revocation::Ask;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;

/// Time-stamp answers have some kilobytes, the CRL of a large CA some megabytes.
const MOST_BYTES: u64 = 32 << 20;
/// A CRL is asked for again after this long: a run of thousands of documents does not fetch it for each.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// Who did not answer is left alone for this long: a backlog does not wait for the same silence with each document.
const AWAY: Duration = Duration::from_secs(60);

pub(crate) struct Network {
    agent: Agent,
    lists: Mutex<HashMap<String, (Instant, Vec<u8>)>>,
    away: Mutex<HashMap<String, (Instant, String)>>,
}

impl Network {
    pub(crate) fn new(limit: Duration) -> Network {
        let agent = Agent::config_builder().timeout_global(Some(limit)).max_redirects(3).user_agent(crate::sealing::SOFTWARE);
        Network { agent: agent.build().new_agent(), lists: Mutex::default(), away: Mutex::default() }
    }

    pub(crate) fn ask(&self, ask: Ask<'_>) -> Result<Vec<u8>, String> {
        if let Some((at, why)) = self.away.lock().unwrap_or_else(PoisonError::into_inner).get(ask.url)
            && at.elapsed() < AWAY
        {
            return Err(format!("{why} (asked {} s ago)", at.elapsed().as_secs()));
        }
        if ask.post.is_none()
            && let Some((at, list)) = self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(ask.url)
            && at.elapsed() < KEPT
        {
            return Ok(list.clone());
        }
        let bytes = self.fetch(ask).map_err(|error| {
            let why = error.to_string();
            let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
            away.insert(ask.url.to_owned(), (Instant::now(), why.clone()));
            why
        })?;
        if ask.post.is_none() {
            let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            lists.insert(ask.url.to_owned(), (Instant::now(), bytes.clone()));
        }
        Ok(bytes)
    }

    fn fetch(&self, ask: Ask<'_>) -> Result<Vec<u8>, ureq::Error> {
        let mut response = match ask.post {
            Some((media_type, body)) => self.agent.post(ask.url).header("Content-Type", media_type).send(body)?,
            None => self.agent.get(ask.url).call()?,
        };
        response.body_mut().with_config().limit(MOST_BYTES).read_to_vec()
    }
}
