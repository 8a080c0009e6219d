//! The door, one's own account, and what is said when something is not there.

use crate::frame::Frame;
use askama::Template;

/// Where people sign in.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// What stands around it.
    pub frame: Frame,
    /// The login that was typed.
    pub login: String,
    /// The page that was wanted; empty for the first.
    pub to: String,
    /// Why it was refused.
    pub problem: Option<String>,
    /// True where people may sign in with a provider too.
    pub oidc: bool,
}

/// Somebody has signed in with a provider. A page and no redirect: browsers send a session's cookie (`SameSite=Strict`) with what our own page
/// asks for, and not with where another site leads.
#[derive(Debug, Template)]
#[template(path = "signed_in.html")]
pub struct SignedInPage {
    /// What stands around it.
    pub frame: Frame,
}

/// Where people change their password and set up one-time codes.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What stands around it.
    pub frame: Frame,
    /// True when nothing else is shown before the password is changed.
    pub must_change: bool,
    /// Why the new password was refused.
    pub problem: Option<String>,
    /// Their one-time codes; none before they have a password of their own.
    pub totp: Option<TotpPart>,
}

/// One-time codes on the account's page.
#[derive(Debug)]
pub struct TotpPart {
    /// True when codes are asked of them.
    pub is_on: bool,
    /// True when their role wants codes, and nothing else is shown before.
    pub is_missing: bool,
    /// A secret that counts once a code of it was typed.
    pub offer: Option<TotpOffer>,
    /// Why what was sent was refused.
    pub problem: Option<String>,
}

/// A secret for somebody's app.
pub struct TotpOffer {
    /// In base32, as it is typed by hand.
    pub secret: String,
    /// Modules of a row of the QR code.
    pub width: usize,
    /// Its modules row by row, true is dark; without quiet zone.
    pub dark: Vec<bool>,
}

impl TotpOffer {
    /// With the quiet zone of four modules around (ISO/IEC 18004, 9.1).
    fn view_box(&self) -> String {
        format!("-4 -4 {0} {0}", self.width + 8)
    }

    /// Each run of dark modules as a rectangle.
    fn path(&self) -> String {
        let mut path = String::new();
        for (y, row) in self.dark.chunks(self.width.max(1)).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] {
                    path += &format!("M{x} {y}h{0}v1h-{0}z", run.len());
                }
                x += run.len();
            }
        }
        path
    }
}

impl std::fmt::Debug for TotpOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpOffer(…)")
    }
}

/// Something is not there, not allowed, or broken.
#[derive(Debug, Template)]
#[template(path = "apology.html")]
pub struct Apology {
    /// What stands around it.
    pub frame: Frame,
    /// What is the matter and what to do.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_dark_modules_are_rectangles() {
        let dark = [true, true, false, false, false, true, true, false, true].to_vec();
        let offer = TotpOffer { secret: "GEZD".into(), width: 3, dark };
        assert_eq!(offer.path(), "M0 0h2v1h-2zM2 1h1v1h-1zM0 2h1v1h-1zM2 2h1v1h-1z");
        assert_eq!(offer.view_box(), "-4 -4 11 11");
        assert!(!format!("{offer:?}").contains("GEZD"));
    }
}
