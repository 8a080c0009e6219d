//! `sohoa user new|list|password|totp|role|disable|enable`: who may sit at the console. Each change is in the access log.

use super::{Failure, Outcome};
use crate::access_log::{AccessLog, AccessLogError, Act, Change};
use crate::cli::User;
use crate::config::Config;
use crate::keyring;
use crate::people::password::{NewPassword, PasswordError};
use crate::people::{NewPerson, People, PeopleError, Person};
use crate::present::json_line;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Runs it.
pub fn run(config: &Config, asked: User, password_file: Option<&Path>) -> Outcome {
    let people = People::at(config.path(&config.access.people));
    let changed = match asked {
        User::List { json } => return list(&people, json.json),
        User::New { login, name, role, unit, ask } => {
            // Looked at first: nobody types a password twice for a login that is taken.
            if people.find(&login)?.is_some() {
                return Err(PeopleError::TakenLogin(login).into());
            }
            let chosen = Chosen::of(ask, password_file)?;
            let new = NewPerson {
                login: &login,
                name: &name,
                role,
                unit: unit.as_deref(),
                password: &chosen.password,
                temporary: chosen.temporary,
            };
            let person = people.add(&new)?;
            println!("login    {}\nname     {}\nrole     {} / {}", person.login, person.name, person.role.vi(), person.role.en());
            println!("unit     {}", person.unit.as_deref().unwrap_or("all"));
            chosen.tell();
            (person, Change::NewPerson)
        }
        User::Password { login, ask } => {
            there(&people, &login)?;
            let chosen = Chosen::of(ask, password_file)?;
            let person = people.set_password(&login, &chosen.password, chosen.temporary)?;
            println!("{} has another password", person.login);
            chosen.tell();
            (person, Change::Password)
        }
        User::Totp { login, off: true } => {
            let person = people.drop_totp(&login)?;
            println!("{} is asked for no more one-time codes", person.login);
            (person, Change::Totp)
        }
        User::Totp { login, off: false } => {
            let (person, secret) = people.new_totp(&login)?;
            println!("login    {}\nsecret   {}\nuri      {}", person.login, secret.base32(), secret.uri(&person.login));
            println!("The secret is shown this once: into the app on their phone, and nowhere else.");
            println!("  qrencode -t ANSIUTF8 'URI'   shows it as a QR code (Debian package qrencode)");
            (person, Change::Totp)
        }
        User::Role { login, role, unit, all_units } => {
            let unit = if all_units { Some(None) } else { unit.as_deref().map(Some) };
            let person = people.set_role(&login, role, unit)?;
            let units = person.unit.as_deref().unwrap_or("all units");
            println!("{} is {} / {}, of {units}", person.login, person.role.vi(), person.role.en());
            (person, Change::Role)
        }
        User::Disable { login } => {
            let person = people.set_disabled(&login, true)?;
            println!("{} cannot sign in any more", person.login);
            (person, Change::Disable)
        }
        User::Enable { login } => {
            let person = people.set_disabled(&login, false)?;
            println!("{} can sign in again", person.login);
            (person, Change::Enable)
        }
    };
    let (person, change) = changed;
    let log = AccessLog::at(config.path(&config.access.log), config.access.log_days);
    log.note(&config.operator(), None, None, Act::Administer { change, on: person.login })?;
    Ok(ExitCode::SUCCESS)
}

fn there(people: &People, login: &str) -> Result<(), Failure> {
    match people.find(login)? {
        Some(_) => Ok(()),
        None => Err(PeopleError::Unknown(login.to_owned()).into()),
    }
}

fn list(people: &People, json: bool) -> Outcome {
    for person in people.all()?.iter() {
        let Person { login, name, role, unit, disabled, must_change_password, since, .. } = person;
        if json {
            let line = serde_json::json!({"login": login, "name": name, "role": role, "unit": unit, "disabled": disabled,
                "must_change_password": must_change_password, "totp": person.has_totp(), "since": since});
            println!("{}", json_line(&line));
        } else {
            let state = match (disabled, must_change_password) {
                (true, _) => "disabled",
                (false, true) => "must choose a password",
                (false, false) => "may sign in",
            };
            let code = if person.has_totp() { ", with code" } else { "" };
            let unit = unit.as_deref().unwrap_or("all");
            println!("{login:<16} {:<15} {unit:<12} {state}{code}  since {since}  {name}", role.as_str());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A password, and whether it is only for the first time.
struct Chosen {
    password: NewPassword,
    temporary: bool,
    generated: bool,
}

impl Chosen {
    /// From the file, from the terminal, or made. Whoever types one or writes the file knows what they do; one that was made went over a
    /// screen and a slip of paper.
    fn of(ask: bool, file: Option<&Path>) -> Result<Chosen, Failure> {
        let password = match (ask, file) {
            (true, Some(_)) => {
                return Err(Failure::Usage("--ask and --password-file are both given; a password comes from one of them".into()));
            }
            (false, Some(file)) => NewPassword::parse(&keyring::password(Some(file))?)?,
            (true, None) => NewPassword::parse(&typed_twice()?)?,
            (false, None) => {
                return Ok(Chosen { password: NewPassword::generate()?, temporary: true, generated: true });
            }
        };
        Ok(Chosen { password, temporary: false, generated: false })
    }

    fn tell(&self) {
        if self.generated {
            println!("password {}", self.password.reveal());
            println!("The password is shown this once; they choose their own when they sign in with it.");
        }
    }
}

fn typed_twice() -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        let why = "--ask asks at a terminal, and there is none; give --password-file FILE, or leave both out and one is made";
        return Err(Failure::Usage(why.into()));
    }
    let ask = |words: &str| rpassword::prompt_password(words).map(Zeroizing::new);
    let cannot = |e: std::io::Error| Failure::Usage(format!("the terminal gives no password: {e}"));
    let (one, two) = (ask("New password: ").map_err(cannot)?, ask("Once more: ").map_err(cannot)?);
    if *one == *two { Ok(one) } else { Err(Failure::Usage("the two differ; nothing was changed".into())) }
}

impl From<PeopleError> for Failure {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Unknown(_) => Failure::NotFound(error.to_string()),
            PeopleError::Keyring(error) => error.into(),
            PeopleError::File(..) | PeopleError::Line(..) => Failure::Setup(error.to_string()),
            _ => Failure::Usage(error.to_string()),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Failure::Usage(error.to_string())
    }
}

impl From<AccessLogError> for Failure {
    fn from(error: AccessLogError) -> Self {
        Failure::Archive(format!("the change was made and could not be noted: {error}"))
    }
}
