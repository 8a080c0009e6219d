//! `sohoa`: one binary for clerks, operators and administrators. This file only reads the command line and sets up the logs.

use clap::Parser as _;
use sohoa_service::{cli, commands, heap, sandbox_child};
use std::io::IsTerminal as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    restore_broken_pipe();
    heap::share_between_threads();
    let cli = cli::Cli::parse();
    if matches!(cli.command, cli::Command::PageChild) {
        // Its standard output is the pipe to the service; whatever goes wrong is told by its death.
        return if sandbox_child::run().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if !matches!(cli.command, cli::Command::Digitize { .. }) {
        // Scans are personal data: what a data folder or an export holds is for its owner and group.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
    }
    let log_json = cli.log_json;
    start_logs(cli.verbose, log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("sohoa: the asynchronous runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // A call into a share that hangs would be waited for; nothing else is under way.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(code) => code,
        Err(error) => {
            if log_json {
                tracing::error!("{error}");
            } else {
                eprintln!("sohoa: {error}");
            }
            error.exit_code()
        }
    }
}

/// `sohoa search … | head` ends quietly, as other tools do.
fn restore_broken_pipe() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let broken = info.payload().downcast_ref::<String>().is_some_and(|text| text.contains("Broken pipe"));
        if broken {
            std::process::exit(0);
        }
        default(info);
    }));
}

/// Logs go to stderr; `SOHOA_LOG` wins over `-v`.
fn start_logs(verbose: u8, json: bool) {
    let level = match verbose {
        0 => "warn",
        1 => "sohoa=info,warn",
        _ => "sohoa=debug,info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SOHOA_LOG").unwrap_or_else(|_| level.into());
    let colours = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if json {
        logs.json().flatten_event(true).init();
    } else {
        logs.with_ansi(colours).init();
    }
}
