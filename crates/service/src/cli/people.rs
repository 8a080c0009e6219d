//! The command line of people at the console.

use super::Json;
use crate::people::role::Role;
use clap::Subcommand;

/// `sohoa user …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum User {
    /// Add a person; prints a password, once, which they change when they sign in
    #[command(
        after_help = "Examples:\n  sohoa user new lan --name 'Nguyễn Thị Lan' --role reviewer --unit H48.15\n  sohoa user new minh --name 'Trần Văn Minh' --role administrator --ask"
    )]
    New {
        /// What they type to sign in: 2 to 40 of a-z, 0-9, '-', '_', '.'; never given twice
        login: String,
        /// Their full name, as it stands in the history of records
        #[arg(long)]
        name: String,
        /// What they are there for
        #[arg(long, value_enum)]
        role: Role,
        /// The unit (đơn vị) whose papers they see, such as H48.15; all units when left out
        #[arg(long)]
        unit: Option<String>,
        /// Ask for the password at the terminal, instead of making one; `--password-file` takes the first line of a file
        #[arg(long)]
        ask: bool,
    },
    /// Name everybody
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Give a person another password; their sessions end
    Password {
        login: String,
        /// Ask for the password at the terminal, instead of making one; `--password-file` takes the first line of a file
        #[arg(long)]
        ask: bool,
    },
    /// Ask a person for one-time codes from now on; prints the secret for their app, once. Their sessions end
    Totp {
        login: String,
        /// Ask for no more codes instead
        #[arg(long)]
        off: bool,
    },
    /// Give a person another role; their sessions end
    Role {
        login: String,
        #[arg(value_enum)]
        role: Role,
        /// Another unit too
        #[arg(long)]
        unit: Option<String>,
        /// All units from now on
        #[arg(long, conflicts_with = "unit")]
        all_units: bool,
    },
    /// Keep a person out from now on; their sessions end. They stay in the list: what they decided stays named
    Disable { login: String },
    /// Let a person in again
    Enable { login: String },
}
