//! `sohoa station new|list|revoke`: who may push.

use super::{Failure, Outcome};
use crate::cli::Station;
use crate::config::Config;
use crate::present::json_line;
use crate::stations::{self, StationError};
use std::process::ExitCode;

/// Runs it.
pub fn run(config: &Config, asked: Station) -> Outcome {
    let file = config.path(&config.serve.stations);
    match asked {
        Station::New { name, unit } => {
            let token = stations::add(&file, &name, unit.as_deref())?;
            println!("station  {name}\ntoken    {token}");
            println!("The token is shown this once. A station pushes with it:");
            println!("  curl -H 'Authorization: Bearer {token}' --data-binary @scan.pdf \\");
            println!("    'http://{}/v1/documents?name=scan.pdf'", config.serve.listen);
        }
        Station::List { json } => {
            for station in stations::load(&file)? {
                if json.json {
                    println!("{}", json_line(&station));
                } else {
                    let state = if station.revoked { "revoked" } else { "may push" };
                    println!(
                        "{:<20} {:<12} {state:<8}  since {}",
                        station.name,
                        station.unit.as_deref().unwrap_or("-"),
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

impl From<StationError> for Failure {
    fn from(error: StationError) -> Self {
        match error {
            StationError::Unknown(_) => Failure::NotFound(error.to_string()),
            StationError::Name(_) | StationError::Unit(_) | StationError::Taken(_) => Failure::Usage(error.to_string()),
            StationError::File(..) | StationError::Line(..) | StationError::Random(_) => Failure::Setup(error.to_string()),
        }
    }
}
