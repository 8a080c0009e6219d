//! `sohoa witness new|serve`: an agency that cosigns other agencies' logs.

use super::{Failure, Outcome};
use crate::cli::Witness;
use crate::keyring;
use crate::log_witness::settings::{self, Settings, SettingsError};
use crate::log_witness::{LogWitness, server};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs it.
pub async fn run(asked: Witness, password_file: Option<&Path>) -> Outcome {
    match asked {
        Witness::New { dir, name, listen, log } => {
            let public = settings::make(&dir, &name, listen, &log, &keyring::password(password_file)?)?;
            println!("made     {}", dir.join(settings::FILE).display());
            println!("made     {}  (encrypted key)", dir.join("witness.pem").display());
            println!("made     {}  (what it must never forget)", dir.join("memory").display());
            println!(
                "next     for the trust policy of each agency that wants to be witnessed, with a name of their choice and your address:"
            );
            println!("witness {} {public} http://{listen}", name.replace(['/', ':'], "-"));
        }
        Witness::Serve { dir } => {
            let settings = Settings::load(&dir)?;
            let witness = settings.open(&dir, password_file)?;
            let listener = TcpListener::bind(settings.listen).await;
            let listener = listener.map_err(|e| Failure::Setup(format!("{} cannot be listened on: {e}", settings.listen)))?;
            serve(witness, listener).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(witness: LogWitness, listener: TcpListener) -> Result<(), Failure> {
    let unusable = |e: std::io::Error| Failure::Setup(format!("signals cannot be received: {e}"));
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(unusable)?, signal(SignalKind::terminate()).map_err(unusable)?);
    println!("witness  {}", witness.public());
    witness.origins().for_each(|origin| println!("watches  {origin}"));
    println!("listens  http://{}", listener.local_addr().map_err(unusable)?);
    server::serve(Arc::new(witness), listener, async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
    .await;
    println!("stopped");
    Ok(())
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Memory(_) => Failure::Archive(error.to_string()),
            SettingsError::Witness(crate::log_witness::WitnessError::Memory(error)) => Failure::Archive(error.to_string()),
            _ => Failure::Setup(error.to_string()),
        }
    }
}
