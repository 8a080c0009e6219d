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
    /// Why it was refused.
    pub problem: Option<String>,
}

/// Where people change their password.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What stands around it.
    pub frame: Frame,
    /// True when nothing else is shown before it is changed.
    pub must_change: bool,
    /// Why it was refused.
    pub problem: Option<String>,
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
