//! Anchors: time stamps (RFC 3161) over checkpoints of the log. Who believes the service knows by when all of a checkpoint's leaves were there, whatever becomes
//! of the log's key; one stamp bounds any number of records. Before the service's certificates run out the stamp is renewed: another one
//! over the checkpoint and the stamp before.

use crate::config::Config;
use crate::keyring::{self, KeyringError};
use crate::sign::network::Network;
use jiff::{SignedDuration, Timestamp};
use sohoa_archive::{Log, LogReader};
use sohoa_record::log::Checkpoint;
use sohoa_record::log::head::anchored;
use sohoa_sign::certificate::Certificate;
use sohoa_sign::revocation::Ask;
use sohoa_sign::timestamp::{self, QUERY, Token};
use std::time::Duration;

/// Why a checkpoint has no time stamp. The log is whole without one; the next run asks again.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// Nobody to ask.
    #[error("[log] timestamp names no service; write its http://… address there")]
    NoService,
    /// Nobody would believe it.
    #[error(
        "the trust policy has no 'timestamp-root' line, so nobody would believe a time stamp; add one with the root certificate of the service's CA (the lines of its PEM file joined)"
    )]
    NoRoot,
    /// A line of the trust policy.
    #[error("a 'timestamp-root' line of the trust policy is no certificate: {0}")]
    Root(String),
    /// Each service, with what it said.
    #[error("no time-stamping service answered well: {0}")]
    Services(String),
    /// A chain of stamps that ended before it was renewed.
    #[error("the time stamps of the checkpoint of {size} leaves count no more: {why}")]
    Ended {
        /// Leaves of the checkpoint.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// Random numbers, or the trust policy.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// The store.
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
}

/// Who is asked for time stamps, and whom we believe: the roots of the trust policy, as every auditor.
#[derive(Clone)]
pub struct Anchoring {
    services: Vec<String>,
    roots: Vec<Certificate>,
    limit: Duration,
    interval: SignedDuration,
}

/// A stamp that was made.
#[derive(Clone, Debug)]
pub struct Anchored {
    /// Leaves of the checkpoint.
    pub size: u64,
    /// From 1; a later one renews those before it.
    pub number: u32,
    /// What the service says.
    pub at: Timestamp,
    /// When it must have been renewed.
    pub ends: Timestamp,
}

impl Anchoring {
    /// What the configuration names; none when it names no service.
    pub fn open(config: &Config) -> Result<Option<Anchoring>, AnchorError> {
        if config.log.timestamp.is_empty() {
            return Ok(None);
        }
        let roots = roots(keyring::trust_policy(config)?.timestamp_roots())?;
        if roots.is_empty() {
            return Err(AnchorError::NoRoot);
        }
        let hours = i64::try_from(config.log.anchor_hours).unwrap_or(i64::MAX / 3600);
        Ok(Some(Anchoring {
            services: config.log.timestamp.clone(),
            roots,
            limit: Duration::from_secs(config.sign.network_seconds),
            interval: SignedDuration::from_hours(hours),
        }))
    }

    /// Has the newest published checkpoint stamped: always, or when the newest stamp is older than the interval. None when there is
    /// nothing to stamp, it is stamped, or it is not time yet.
    pub async fn anchor(&self, log: &Log, always: bool) -> Result<Option<Anchored>, AnchorError> {
        let Some(note) = log.reader().checkpoint().await? else { return Ok(None) };
        let Ok(tree) = Checkpoint::of_note(&note) else { return Ok(None) };
        if let Some(newest) = log.reader().anchored_sizes().await?.pop() {
            if newest == tree.size || tree.size == 0 {
                return Ok(None);
            }
            let text = text_of(log.reader(), &tree.origin, newest).await?;
            let first = log.reader().anchors(newest).await?.into_iter().next();
            let made = first.and_then(|token| timestamp::stored(&token, text.as_bytes(), &self.roots).ok());
            if !always && made.is_some_and(|token| Timestamp::now().duration_since(token.at) < self.interval) {
                return Ok(None);
            }
        }
        let token = self.stamp(tree.text().into_bytes()).await?;
        let kept = log.keep_anchor(tree.size, 1, &token.der).await?;
        Ok(kept.then(|| Anchored { size: tree.size, number: 1, at: token.at, ends: token.ends() }))
    }

    /// Renews the stamps of every checkpoint whose newest one ends within so long. `done` is told of each.
    pub async fn renew(&self, log: &Log, within: SignedDuration, done: &mut dyn FnMut(Anchored)) -> Result<(), AnchorError> {
        let Some(note) = log.reader().checkpoint().await? else { return Ok(()) };
        let Ok(tree) = Checkpoint::of_note(&note) else { return Ok(()) };
        for size in log.reader().anchored_sizes().await? {
            let now = Timestamp::now();
            let (text, links) = links(log.reader(), &tree.origin, size, &self.roots, now).await?;
            let Some(last) = links.last().filter(|last| last.ends().duration_since(now) <= within) else { continue };
            let token = self.stamp(anchored(&text, Some(&last.der))).await?;
            let number = links.len() as u32 + 1;
            if log.keep_anchor(size, number, &token.der).await? {
                done(Anchored { size, number, at: token.at, ends: token.ends() });
            }
        }
        Ok(())
    }

    /// Asks the services in order, until one answers well.
    async fn stamp(&self, stamped: Vec<u8>) -> Result<Token, AnchorError> {
        let own = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let network = Network::new(own.limit);
            let mut said = Vec::new();
            for url in &own.services {
                let nonce = *keyring::random::<8>()?;
                let response = network.ask(Ask { url, post: Some((QUERY, &timestamp::request(&stamped, nonce))) });
                let token = response.and_then(|response| {
                    timestamp::accept(&response, &stamped, nonce, &own.roots, Timestamp::now()).map_err(|e| e.to_string())
                });
                match token {
                    Ok(token) => return Ok(token),
                    Err(why) => said.push(format!("{url}: {why}")),
                }
            }
            Err(AnchorError::Services(said.join("; ")))
        });
        asked.await.map_err(|e| AnchorError::Services(e.to_string()))?
    }
}

/// The text of the checkpoint of that size, and the stamps over it, which count at `now`; else [`AnchorError::Ended`].
async fn links(
    reader: &LogReader,
    origin: &str,
    size: u64,
    roots: &[Certificate],
    now: Timestamp,
) -> Result<(String, Vec<Token>), AnchorError> {
    let text = text_of(reader, origin, size).await?;
    let tokens: Vec<Vec<u8>> = reader.anchors(size).await?.iter().map(|token| token.to_vec()).collect();
    let ended = |why: String| AnchorError::Ended { size, why };
    let links = timestamp::chain(&tokens, |before| anchored(&text, before), roots, now).map_err(|e| ended(e.to_string()))?;
    if links.len() < tokens.len() {
        return Err(ended(format!("no 'timestamp-root' line vouches for the service of stamp {}", links.len() + 1)));
    }
    match timestamp::lapsed(&links, now) {
        Some(why) => Err(ended(why)),
        None => Ok((text, links)),
    }
}

/// Who has to get a certificate, or a contract with another service, needs months: that a stamp ends is told so long before.
pub const ALARM: SignedDuration = SignedDuration::from_hours(365 * 24);

/// How long the stamps over checkpoints count if nobody renews them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// Checkpoints that are stamped.
    pub stamped: u64,
    /// Those of them whose stamps end within [`ALARM`], or count no more.
    pub ending: u64,
    /// When the first of those that count ends.
    pub first: Option<Timestamp>,
    /// What is wrong with the first that counts no more.
    pub ended: Option<String>,
}

/// Looks at the stamps of every checkpoint, as an auditor with our trust policy does.
pub async fn lasting(config: &Config, reader: &LogReader) -> Result<Lasting, AnchorError> {
    let mut lasting = Lasting::default();
    let Some(note) = reader.checkpoint().await? else { return Ok(lasting) };
    let Ok(tree) = Checkpoint::of_note(&note) else { return Ok(lasting) };
    let (roots, now) = (roots(keyring::trust_policy(config)?.timestamp_roots())?, Timestamp::now());
    for size in reader.anchored_sizes().await? {
        lasting.stamped += 1;
        match links(reader, &tree.origin, size, &roots, now).await {
            Ok((_, links)) => {
                let ends = links.last().map_or(now, Token::ends);
                lasting.ending += u64::from(ends.duration_since(now) <= ALARM);
                lasting.first = Some(lasting.first.map_or(ends, |first| first.min(ends)));
            }
            Err(AnchorError::Ended { size, why }) => {
                lasting.ending += 1;
                lasting.ended.get_or_insert(AnchorError::Ended { size, why }.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lasting)
}

/// The time by which a checkpoint was there, in seconds since 1970 UTC, by the chain of stamps over it, as of `now`; none when no root vouches
/// for the first one's service, or the chain was not renewed in time. A stamp that is damaged or over something else is an error, in words.
pub fn judge(text: &str, tokens: &[Vec<u8>], roots: &[Certificate], now: Timestamp) -> Result<Option<u64>, String> {
    if roots.is_empty() {
        return Ok(None);
    }
    let links = timestamp::chain(tokens, |before| anchored(text, before), roots, now).map_err(|e| e.to_string())?;
    let counts = timestamp::lapsed(&links, now).is_none();
    Ok(links.first().filter(|_| counts).and_then(|token| u64::try_from(token.at.as_second()).ok()))
}

/// The certificates of `timestamp-root` lines.
pub fn roots(lines: &[Vec<u8>]) -> Result<Vec<Certificate>, AnchorError> {
    lines.iter().map(|der| Certificate::from_der(der).map_err(|e| AnchorError::Root(e.to_string()))).collect()
}

async fn text_of(reader: &LogReader, origin: &str, size: u64) -> Result<String, AnchorError> {
    Ok(Checkpoint { origin: origin.to_owned(), size, root: reader.root(size).await? }.text())
}
