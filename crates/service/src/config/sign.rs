//! `[sign]`: which legal signatures the searchable PDF gets, in order, and who makes them.

use serde::Deserialize;
use sohoa_sign::pades::Level;
use std::path::PathBuf;

/// Legal signatures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Sign {
    pub level: String,
    pub roots: PathBuf,
    pub tsa: Vec<String>,
    pub network_seconds: u64,
    pub font: PathBuf,
    pub signature: Vec<Signature>,
}

/// `[[sign.signature]]`: one of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Signature {
    pub profile: String,
    pub signer: SignerKind,
    pub name: String,
    #[serde(default = "form")]
    pub form: String,
    #[serde(default)]
    pub file: PathBuf,
    #[serde(default)]
    pub module: PathBuf,
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub password_file: PathBuf,
    #[serde(default)]
    pub seal_image: PathBuf,
    #[serde(default)]
    pub algorithm: String,
}

/// Where the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerKind {
    /// A PKCS#12 file.
    Pkcs12,
    /// A token or HSM.
    Pkcs11,
    /// Another computer.
    External,
}

fn form() -> String {
    "SAO Y".to_owned()
}

impl Default for Sign {
    fn default() -> Self {
        Sign {
            level: Level::Archival.as_str().to_owned(),
            roots: PathBuf::from("keys/roots.pem"),
            tsa: Vec::new(),
            network_seconds: 20,
            font: PathBuf::from("/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"),
            signature: Vec::new(),
        }
    }
}

/// Letters that a line of a visible signature may have.
const MOST_LETTERS: usize = 200;

impl Sign {
    /// The level, when its name is known.
    pub(super) fn level(&self) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == self.level)
    }

    /// The first value that makes no sense: key, value, what to write instead.
    pub(super) fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        let Some(level) = self.level() else {
            return Some(("level", self.level.clone(), "write \"b-b\", \"b-t\", \"b-lt\" or \"b-lta\""));
        };
        if let Some(url) = self.tsa.iter().find(|url| !url.starts_with("http://")) {
            return Some(("tsa", url.clone(), "write http://…: the answer is signed, and https brings nothing more"));
        }
        for (at, signature) in self.signature.iter().enumerate() {
            if let Some(mistake) = signature.mistake() {
                return Some(mistake);
            }
            if self.signature[..at].iter().any(|before| before.profile == signature.profile) {
                return Some(("signature.profile", signature.profile.clone(), "each profile stands once in the list"));
            }
        }
        if !self.signature.is_empty() && level > Level::Basic && self.tsa.is_empty() {
            return Some((
                "tsa",
                "[]".into(),
                "the level needs a time-stamping service; name one or more, or write level = \"b-b\"",
            ));
        }
        None
    }
}

impl Signature {
    fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        let empty = |path: &PathBuf| path.as_os_str().is_empty();
        let blank =
            |text: &str| text.trim().is_empty() || text.chars().count() > MOST_LETTERS || text.chars().any(char::is_control);
        if !["nd30-2020", "tt01-2023", "tt02-2019"].contains(&self.profile.as_str()) {
            return Some(("signature.profile", self.profile.clone(), "write \"nd30-2020\", \"tt01-2023\" or \"tt02-2019\""));
        }
        if blank(&self.name) {
            return Some(("signature.name", self.name.clone(), "write the organisation's or person's name as it shall be shown"));
        }
        if blank(&self.form) {
            return Some(("signature.form", self.form.clone(), "write \"SAO Y\", \"SAO LỤC\" or \"TRÍCH SAO\""));
        }
        if !["", "rsa-pss", "ed25519"].contains(&self.algorithm.as_str()) {
            return Some((
                "signature.algorithm",
                self.algorithm.clone(),
                "write \"\" (the key's usual one), \"rsa-pss\" or \"ed25519\"",
            ));
        }
        if self.profile == "tt02-2019" && empty(&self.seal_image) {
            return Some(("signature.seal_image", String::new(), "name the PNG of the red seal"));
        }
        match self.signer {
            SignerKind::Pkcs12 if empty(&self.file) => Some(("signature.file", String::new(), "name the PKCS#12 file")),
            SignerKind::Pkcs11 if empty(&self.module) => {
                Some(("signature.module", String::new(), "name the token's PKCS#11 library, such as /usr/lib/…/lib….so"))
            }
            _ => None,
        }
    }
}
