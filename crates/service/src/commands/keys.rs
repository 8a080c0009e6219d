//! `sohoa keys`: which keys count, a new one, an end to one, and the root's ceremony.

use super::{Failure, Outcome, open};
use crate::cli::{Keys, Root};
use crate::config::{Config, ConfigError};
use crate::key_changes::{self, Draft, KeyChangeError};
use crate::keyring;
use crate::present::{json_line, printable};
use crate::sign;
use sohoa_record::keyring::{History, Keyring, Standing, State};
use sohoa_record::seal::OpenError;
use sohoa_record::{Sha256Hex, TrustPolicy, trust};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

impl From<KeyChangeError> for Failure {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Keyring(error) => error.into(),
            KeyChangeError::Log(error) => error.into(),
            KeyChangeError::Home(error) => error.into(),
            KeyChangeError::Refused(..) | KeyChangeError::Asked(_) => Failure::Usage(error.to_string()),
        }
    }
}

/// Runs it. What the holders of the root do needs no data folder.
pub async fn run(load: impl Fn() -> Result<Config, ConfigError>, asked: Keys, password_file: Option<&Path>) -> Outcome {
    match asked {
        Keys::New { name, out } => new(&load()?, &name, out, password_file)?,
        Keys::List { json } => list(&load()?, json.json).await?,
        Keys::Rotate { name } => {
            let config = load()?;
            let password = keyring::password(password_file)?;
            let mut draft = Draft::open(&config, &open(&config).await?, None).await?;
            let key = draft.rotate(name.as_deref(), &password)?;
            println!("made     {}  (encrypted; {key})", key_changes::next_key_file(&config).display());
            to_be_signed(draft)?;
        }
        Keys::Revoke { key, reason, from } => {
            let config = load()?;
            let mut draft = Draft::open(&config, &open(&config).await?, None).await?;
            let id = draft.revoke(&key, &reason, from)?;
            if key_changes::sealing_id(&config).as_ref() == Some(&id) && !key_changes::next_key_file(&config).exists() {
                println!("note     this key seals here: `sohoa keys rotate` now, before signing, so that one keyring does both");
            }
            to_be_signed(draft)?;
        }
        Keys::Publish { keyring } => {
            let config = load()?;
            let file = keyring.unwrap_or_else(|| key_changes::draft_file(&config));
            let done = key_changes::publish(&config, &file, password_file).await?;
            tell(&done.keyring);
            println!("logged   keyring version {} is leaf {} of the log", done.keyring.version, done.leaf);
            if let Some(id) = done.new_key {
                println!("seals    {id}");
            }
            println!("next     a root or log that is new to auditors is in the file to give them: sohoa keys trust");
        }
        Keys::Trust { out } => {
            let text = policy(&load()?).await?;
            match out {
                Some(file) => keyring::write_new(&file, text.as_bytes(), 0o644)?,
                None => print!("{text}"),
            }
        }
        Keys::Root(Root::New { file, name }) => new_holder(&file, &name, password_file)?,
        Keys::Root(Root::Set { holders, threshold }) => {
            let config = load()?;
            let root = key_changes::root_of(&holders, threshold)?;
            let mut draft = Draft::open(&config, &open(&config).await?, Some(&root)).await?;
            draft.keyring.root = root;
            to_be_signed(draft)?;
        }
        Keys::Root(Root::Sign { keyring, key }) => sign_keyring(&keyring, &key, password_file)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn new(config: &Config, name: &str, out: Option<PathBuf>, password_file: Option<&Path>) -> Result<(), Failure> {
    if keyring::trust_policy(config).is_ok_and(|policy| policy.root().is_some()) {
        let why = "a root speaks about keys here, and would not know a key that is just made; `sohoa keys rotate` makes one";
        return Err(Failure::Usage(why.into()));
    }
    let out = out.unwrap_or_else(|| config.path(&config.seal.key));
    let line = keyring::new_key(config, &out, name, &keyring::password(password_file)?)?;
    println!("made     {}\nbelieved {}", out.display(), config.path(&config.seal.trust).display());
    println!("{line}");
    Ok(())
}

fn to_be_signed(draft: Draft<'_>) -> Result<(), Failure> {
    tell(&draft.keyring);
    let file = draft.save()?;
    println!("drawn up {}", file.display());
    println!(
        "next     its root signs it, each on their own computer: sohoa keys root sign FILE --key KEY; then here: sohoa keys publish"
    );
    Ok(())
}

fn new_holder(file: &Path, name: &str, password_file: Option<&Path>) -> Result<(), Failure> {
    let public = file.with_extension("root");
    if let Some(taken) = [file, &public].into_iter().find(|file| file.exists()) {
        return Err(keyring::KeyringError::Exists(taken.to_owned()).into());
    }
    let name = sohoa_record::text::nfc(name);
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Failure::Usage("--name is empty or has control characters; write who holds the key".into()));
    }
    let password = keyring::password(password_file)?;
    let key = sohoa_sign::keys::generate(*keyring::random::<32>()?);
    keyring::write_key(file, &key, &password)?;
    keyring::write_new(&public, format!("{}\n", trust::root_line(&key.verifying_key(), &name)).as_bytes(), 0o644)?;
    println!("made     {}  (encrypted; keep it off the network)", file.display());
    println!("made     {}  (for `sohoa keys root set`)", public.display());
    println!("key      {}", trust::key_id(&key.verifying_key()));
    Ok(())
}

fn sign_keyring(file: &Path, key_file: &Path, password_file: Option<&Path>) -> Result<(), Failure> {
    let (mut envelope, keyring, payload) = key_changes::read(file)?;
    tell(&keyring);
    let key = keyring::open_key(key_file, password_file)?;
    let id = trust::key_id(&key.verifying_key());
    let root = keyring.trusted_root().map_err(KeyChangeError::from)?;
    match root.keys.iter().find(|holder| holder.id == id) {
        Some(holder) => println!("signed   as {}", printable(&holder.name)),
        None if keyring.version == 1 => {
            return Err(Failure::Usage(format!("{} is not among the keys of this root", key_file.display())));
        }
        None => println!("signed   as a key of the root before: it is not among the keys of this one"),
    }
    envelope.sign(&payload, &key);
    key_changes::write(file, &envelope)?;
    match root.check(&envelope, &payload) {
        Ok(()) => println!("next     enough of this root have signed; in the data folder: sohoa keys publish {}", file.display()),
        Err(OpenError::BadSignature(why)) => println!("next     {why}"),
        Err(other) => return Err(Failure::Usage(other.to_string())),
    }
    Ok(())
}

/// What a keyring says, for whoever is about to sign it.
fn tell(keyring: &Keyring) {
    println!("keyring  version {}", keyring.version);
    let holders: Vec<String> = keyring.root.keys.iter().map(|holder| printable(&holder.name)).collect();
    println!("root     {} of {}: {}", keyring.root.threshold, holders.len(), holders.join(", "));
    for (key, said) in keyring.sealing_keys().unwrap_or_default().iter().zip(&keyring.keys) {
        let from = said.from.map_or("this keyring's leaf".to_owned(), |from| format!("leaf {from}"));
        let end = match (said.state, said.until) {
            (State::Revoked, Some(until)) => format!(", void from leaf {until} on"),
            (State::Revoked, None) => ", void from its revocation on".to_owned(),
            _ => String::new(),
        };
        let reason = said.reason.as_deref().map_or(String::new(), |reason| format!(": {}", printable(reason)));
        println!("{:<8} {}  from {from}{end}  {}{reason}", said.state.as_str(), key.id, printable(&said.name));
    }
}

/// One key as `list` shows it.
struct Row {
    role: &'static str,
    id: Option<String>,
    name: String,
    state: String,
    from: Option<u64>,
    until: Option<u64>,
    detail: String,
    here: bool,
}

async fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let policy = keyring::trust_policy(config)?;
    let history = match policy.root() {
        Some(_) => open(config).await?.key_history().await?,
        None => None,
    };
    let mut rows = sealing_rows(config, &policy, history.as_ref());
    let appends = std::fs::read_to_string(config.path(&config.log.key).with_extension("vkey")).unwrap_or_default();
    for log in policy.log().map_or(&[][..], |log| log.logs()) {
        rows.push(Row {
            role: "checkpoint",
            id: Some(trust::key_id(log.key.key()).to_string()),
            name: log.key.name().to_owned(),
            state: "valid".into(),
            from: Some(0),
            until: None,
            detail: "by the trust policy".into(),
            here: appends.trim_end() == log.key.to_string(),
        });
    }
    for fact in sign::facts(config)? {
        let (state, detail) = match fact.outcome {
            Ok(detail) => ("valid", detail),
            Err(error) => ("unusable", error.to_string()),
        };
        let (id, state) = (fact.certificate.map(|id| id.to_string()), state.to_owned());
        rows.push(Row { role: "pdf", id, name: fact.profile, state, from: None, until: None, detail, here: true });
    }
    if let Some(root) = history
        .as_ref()
        .and_then(History::current)
        .and_then(|keyring| keyring.trusted_root().ok())
        .or_else(|| policy.root().cloned())
    {
        let version = history.as_ref().and_then(History::current).map_or(0, |keyring| keyring.version);
        let detail = format!("{} of {} must sign; keyring version {version}", root.threshold, root.keys.len());
        rows.extend(root.keys.iter().map(|key| Row {
            role: "root",
            id: Some(key.id.to_string()),
            name: key.name.clone(),
            state: "valid".into(),
            from: None,
            until: None,
            detail: detail.clone(),
            here: false,
        }));
    }
    rows.iter().for_each(|row| row.print(json));
    Ok(())
}

fn sealing_rows(config: &Config, policy: &TrustPolicy, history: Option<&History>) -> Vec<Row> {
    let sealing = key_changes::sealing_id(config);
    let believed = history.map_or_else(|| policy.clone(), |history| policy.with_keys_of(history));
    let row = |key: &trust::TrustedKey| {
        let standing = history.map_or(Standing::Unnamed, |history| history.standing(&key.id, None));
        let (state, until, detail) = match standing {
            Standing::Unnamed => ("valid", None, "by the trust policy".to_owned()),
            Standing::Valid => ("valid", None, "by the root".to_owned()),
            Standing::NotYet(from) => ("valid", None, format!("from leaf {from} on")),
            Standing::Retired(by) => ("retired", Some(by), "for verifying only".to_owned()),
            Standing::Revoked { from, by, reason } => ("revoked", Some(from), format!("by leaf {by}: {reason}")),
            Standing::Unclear(leaf) => ("unclear", None, format!("the keyring of leaf {leaf} is not there")),
        };
        let from = history.map_or(Some(0), |history| history.since(&key.id));
        let (id, here) = (Some(key.id.to_string()), sealing.as_ref() == Some(&key.id));
        Row { role: "manifest", id, name: key.name.clone(), state: state.into(), from, until, detail, here }
    };
    believed.keys().iter().map(row).collect()
}

impl Row {
    fn print(&self, json: bool) {
        if json {
            let Row { role, id, name, state, from, until, detail, here } = self;
            println!(
                "{}",
                json_line(&serde_json::json!({"role": role, "key_id": id, "name": name, "state": state, "from": from,
                    "until": until, "detail": detail, "seals": *here && *role == "manifest", "here": here}))
            );
            return;
        }
        let leaf = |leaf: Option<u64>| leaf.map_or_else(String::new, |leaf| leaf.to_string());
        let leaves =
            if self.role == "manifest" { format!("leaves {}…{}", leaf(self.from), leaf(self.until)) } else { String::new() };
        let id = self.id.as_deref().unwrap_or("-");
        let here = match (self.here, self.role) {
            (true, "manifest") => "  ← seals here",
            (true, "checkpoint") => "  ← appends here",
            _ => "",
        };
        let (name, detail) = (printable(&self.name), printable(&self.detail));
        println!("{:<10}  {:<8}  {id}  {leaves:<12}  {name}  ({detail}){here}", self.role, self.state);
    }
}

/// The auditors' policy: the lines of this archive's, but sealing keys that the root names by itself, and the root as it is now.
async fn policy(config: &Config) -> Result<String, Failure> {
    let own = keyring::trust_policy(config)?;
    let history = match own.root() {
        Some(_) => open(config).await?.key_history().await?,
        None => None,
    };
    let root = history
        .as_ref()
        .and_then(History::current)
        .and_then(|keyring| keyring.trusted_root().ok())
        .or_else(|| own.root().cloned());
    let mut text =
        "# Whom to believe about this archive (docs/format.md). Compare the keys with what its people tell you by another way.\n"
            .to_owned();
    if let Some(root) = &root {
        root.keys.iter().for_each(|key| text += &format!("{}\n", trust::root_line(&key.key, &key.name)));
        text += &format!("root-threshold {}\n", root.threshold);
    }
    let named = |id: &Sha256Hex| history.as_ref().is_some_and(|history| history.since(id).is_some());
    for key in own.keys().iter().filter(|key| !named(&key.id)) {
        text += &format!("{}\n", trust::policy_line(&key.key, &key.name));
    }
    let file = config.path(&config.seal.trust);
    let lines = std::fs::read_to_string(&file).map_err(|e| Failure::input(&file, e))?;
    const ABOUT_LOGS: [&str; 6] = ["log", "witness", "group", "quorum", "timestamp-root", "time-tolerance"];
    let about_logs = |line: &&str| ABOUT_LOGS.contains(&line.split_whitespace().next().unwrap_or_default());
    lines.lines().filter(about_logs).for_each(|line| text += &format!("{}\n", line.trim()));
    Ok(text)
}
