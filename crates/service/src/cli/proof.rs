//! The commands about proof: the log, the keys, the witness.

use super::Json;
use clap::Subcommand;
use std::path::PathBuf;

/// `sohoa log …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Log {
    /// How many leaves it has, and how many records wait for theirs
    Status {
        #[command(flatten)]
        json: Json,
    },
    /// Append what is missing: receipts of a run that was stopped, or from before there was a log
    Append,
    /// Have the newest checkpoint stamped by a time-stamping service of [log] timestamp now; runs do it by themselves once in [log] anchor_hours
    Anchor,
}

/// `sohoa keys …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Keys {
    /// Make a sealing key (encrypted PKCS#8) and add it to the trust policy; where there is a root, `rotate` does that
    New {
        /// Whose key it is, as it stands in the trust policy
        #[arg(long, default_value = "sohoa")]
        name: String,
        /// Where to write it; [seal] key when left out. An existing file is never written over
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Every key with its state: those that seal and from which leaf on, the log's, those for PDFs, the root's
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Make the next sealing key and draw up the keyring that retires the present one; the root signs it, `publish` puts it to use
    Rotate {
        /// Whose key it is; the present one's name when left out
        #[arg(long)]
        name: Option<String>,
    },
    /// Draw up the keyring that revokes a sealing key: what is logged behind that is void, what was logged before stays good
    #[command(
        after_help = "Example:\n  sohoa keys revoke 8a5302d4 --reason \"máy chủ bị xâm nhập\" --from 1841\n\nWhat it does to old records: docs/operating.md, \"Keys\"."
    )]
    Revoke {
        /// The key's identifier, or its beginning (`sohoa keys list`)
        key: String,
        /// Why, for auditors
        #[arg(long)]
        reason: String,
        /// The first leaf that is void, when the key was stolen earlier: all that it sealed from there on counts no more
        #[arg(long, value_name = "INDEX")]
        from: Option<u64>,
    },
    /// Publish a keyring that enough of the root have signed, log it, and put a new sealing key to use
    Publish {
        /// The signed keyring; the one that was drawn up here when left out
        keyring: Option<PathBuf>,
    },
    /// The trust policy to give to auditors, by another way than the archive
    Trust {
        /// Where to write it; must not exist. Printed when left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The root: people who each hold a key off the network, and so many of whom must agree
    #[command(subcommand)]
    Root(Root),
}

/// `sohoa keys root …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Root {
    /// Make one person's key, on a computer that is off the network; needs no data folder
    #[command(
        after_help = "Example:\n  sohoa keys root new usb/an.pem --name \"Nguyễn Văn An\"\n\nusb/an.root goes to the data folder, usb/an.pem into the safe."
    )]
    New {
        /// Where to write it
        file: PathBuf,
        /// Who holds it
        #[arg(long)]
        name: String,
    },
    /// Draw up the keyring with which these people become the root: the first one, or in place of the present one
    #[command(after_help = "Example:\n  sohoa keys root set an.root binh.root chung.root --threshold 2")]
    Set {
        /// Their .root files
        #[arg(required = true)]
        holders: Vec<PathBuf>,
        /// How many of them must sign
        #[arg(long, value_name = "K")]
        threshold: u32,
    },
    /// Show what a keyring says and sign it with one person's key; needs no data folder
    #[command(after_help = "Example:\n  sohoa keys root sign usb/keyring-next.json --key usb/an.pem")]
    Sign {
        /// The keyring; the signature is added to it
        keyring: PathBuf,
        /// The person's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// `sohoa witness …`
#[derive(Subcommand)]
#[allow(missing_docs)]
pub enum Witness {
    /// Make a witness: its key, witness.toml, an empty memory; prints its line for the trust policies of those who want it
    #[command(
        after_help = "Example:\n  sohoa witness new chung --name stp.example.vn/witness --log \"$(cat log.vkey)\"\n\nGet each log's .vkey from its agency's own hands."
    )]
    New {
        /// The witness's folder
        dir: PathBuf,
        /// The name in its key, best a domain and path of the agency; no spaces or '+'
        #[arg(long)]
        name: String,
        /// Address and port to listen on
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7380")]
        listen: std::net::SocketAddr,
        /// The vkey of a log to watch; may be given again, and added to witness.toml later
        #[arg(long, value_name = "VKEY")]
        log: Vec<String>,
    },
    /// Answer logs and monitors until Ctrl-C (C2SP tlog-witness)
    Serve {
        /// The witness's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}
