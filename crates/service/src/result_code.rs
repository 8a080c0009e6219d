//! The step "cấp mã kết quả số hóa" (TT 01/2023/TT-VPCP art. 7): a document that is sealed for the first time, and whose dossier
//! is known, is given a code that no other document has; then its manifest is signed.

use ed25519_dalek::SigningKey;
use serde::Deserialize;
use sohoa_archive::Archive;
use sohoa_record::manifest::{Manifest, State};
use sohoa_record::{DossierCode, Receipt};

/// How a code is made. The law's text gives `<mã hồ sơ>-KQ<n>` (NĐ 45/2020/NĐ-CP art. 14.3); offices have others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(String);

/// Codes stand on labels and in lists.
const MOST_LETTERS: usize = 100;

impl Default for Template {
    fn default() -> Self {
        Self("{dossier_code}-KQ{n}".to_owned())
    }
}

impl TryFrom<String> for Template {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = text.replace("{dossier_code}", "").replace("{unit}", "").replace("{n}", "");
        if text.is_empty() {
            return Ok(Self(text));
        }
        if !text.contains("{dossier_code}") || !text.contains("{n}") {
            return Err("a result code needs {dossier_code} and {n}, such as \"{dossier_code}-KQ{n}\"; \"\" gives none");
        }
        if plain.contains(['{', '}']) {
            return Err("a result code has no other places than {dossier_code}, {unit} and {n}");
        }
        if plain.chars().count() > MOST_LETTERS || !plain.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c)) {
            return Err("between its places a result code has ASCII letters, digits and - . _ / only, at most 100");
        }
        Ok(Self(text))
    }
}

impl Template {
    /// The n-th code of a dossier.
    fn code(&self, dossier: &DossierCode, unit: Option<&str>, n: u32) -> String {
        // The number last: no other value has a brace in it.
        let unit = unit.unwrap_or(dossier.agency());
        self.0.replace("{dossier_code}", dossier.as_str()).replace("{unit}", unit).replace("{n}", &n.to_string())
    }
}

/// Gives a code to a manifest that is due for one, and signs it, unless the root has ended the key.
pub async fn seal(
    archive: &Archive,
    key: &SigningKey,
    template: &Template,
    mut manifest: Manifest,
) -> sohoa_archive::Result<Receipt> {
    if let Some(why) = crate::keyring::ended(archive, key).await? {
        let why = format!("{why}; a service takes the new key up when it is started again");
        return Err(sohoa_archive::Error::KeyEnded { key: sohoa_record::trust::key_id(&key.verifying_key()), why });
    }
    let due = manifest.state == State::Sealed && manifest.result_code.is_none() && !template.0.is_empty();
    if let Some(dossier) = manifest.dossier.code.clone().filter(|_| due) {
        let unit = manifest.dossier.unit.clone();
        let code = archive.issue_code(&manifest.record, |n| template.code(&dossier, unit.as_deref(), n)).await?;
        manifest.result_code = Some(sohoa_record::text::nfc(&code));
    }
    Ok(Receipt::seal(&manifest, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, &'static str> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn the_default_is_the_decrees() {
        let dossier: DossierCode = "H48.15-250303-0042".parse().unwrap();
        assert_eq!(Template::default().code(&dossier, None, 3), "H48.15-250303-0042-KQ3");
        assert_eq!(template(&Template::default().0), Ok(Template::default()));
        let own = template("{unit}/SH.{dossier_code}.{n}").unwrap();
        assert_eq!(own.code(&dossier, Some("H48.121"), 1), "H48.121/SH.H48.15-250303-0042.1");
        assert_eq!(own.code(&dossier, None, 1), "H48.15/SH.H48.15-250303-0042.1");
    }

    #[test]
    fn a_template_that_cannot_be_unique_is_refused_with_words() {
        for (text, words) in [
            ("KQ{n}", "{dossier_code}"),
            ("{dossier_code}", "{n}"),
            ("{dossier_code}-{n}-{owner}", "no other places"),
            ("{dossier_code} {n}", "ASCII"),
            ("{dossier_code}\u{202e}{n}", "ASCII"),
        ] {
            assert!(template(text).unwrap_err().contains(words), "{text}");
        }
        assert!(template("").is_ok());
    }
}
