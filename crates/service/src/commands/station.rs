//! `sohoa station new|change|list|revoke`: who may push, and how much.

use super::{Failure, Outcome};
use crate::cli::{Station, StationLimits};
use crate::config::Config;
use crate::present::json_line;
use crate::stations::{self, Limits, StationError};
use std::process::ExitCode;

/// Runs it.
pub fn run(config: &Config, asked: Station) -> Outcome {
    let file = config.path(&config.serve.stations);
    match asked {
        Station::New { name, unit, limits } => {
            let mut own = Limits::default();
            limits.set(&mut own);
            let token = stations::add(&file, &name, unit.as_deref(), own)?;
            println!("station  {name}\ntoken    {token}");
            println!("The token is shown this once. A station pushes with it:");
            println!("  curl -H 'Authorization: Bearer {token}' --data-binary @scan.pdf \\");
            println!("    'http://{}/v1/documents?name=scan.pdf'", config.serve.listen);
        }
        Station::Change { name, limits } => {
            if limits.per_minute.or(limits.most_mb).is_none() {
                return Err(Failure::Usage("say what changes: --per-minute N, --most-mb N".into()));
            }
            stations::limit(&file, &name, |own| limits.set(own))?;
            println!("{name} has other limits from its next push on");
        }
        Station::List { json } => {
            for station in stations::load(&file)? {
                if json.json {
                    println!("{}", json_line(&station));
                } else {
                    let state = if station.revoked { "revoked" } else { "may push" };
                    let own = |limit: u64, of: &str| if limit == 0 { "-".into() } else { format!("{limit}{of}") };
                    println!(
                        "{:<20} {:<12} {state:<8} {:>11} {:>10}  since {}",
                        station.name,
                        station.unit.as_deref().unwrap_or("-"),
                        own(station.limits.per_minute, "/min"),
                        own(station.limits.most_mb, " MB"),
                        station.since
                    );
                }
            }
        }
        Station::Revoke { name } => {
            stations::revoke(&file, &name)?;
            println!("{name} may not push any more");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl StationLimits {
    fn set(&self, own: &mut Limits) {
        own.per_minute = self.per_minute.unwrap_or(own.per_minute);
        own.most_mb = self.most_mb.unwrap_or(own.most_mb);
    }
}

impl From<StationError> for Failure {
    fn from(error: StationError) -> Self {
        match error {
            StationError::Unknown(_) => Failure::NotFound(error.to_string()),
            StationError::Name(_)
            | StationError::Unit(_)
            | StationError::Limit(_)
            | StationError::Taken(_)
            | StationError::Revoked(_) => Failure::Usage(error.to_string()),
            StationError::File(..) | StationError::Line(..) | StationError::Random(_) => Failure::Setup(error.to_string()),
        }
    }
}
