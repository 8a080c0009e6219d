//! A store that is a folder holds files and folders. A link may be pointed elsewhere at any time and by whoever owns what it leads to, so what was
//! hashed through it is not what is kept; `sohoa-verify` follows none.

use super::{Kind, Run};
use crate::error::Result;
use std::path::Path;

impl Run<'_> {
    /// Tells each. False when opening one could wait or read for ever, so that nothing else may be looked at.
    pub(super) async fn not_files(&mut self) -> Result<bool> {
        let objects = &self.archive.objects;
        let mut may_go_on = true;
        for path in objects.not_files().await {
            let place = objects.folder().and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(&path);
            let (what, is_endless) = (what(&path), is_endless(&path));
            let stopped = if is_endless { "; nothing else was looked at, since opening it may never end" } else { "" };
            let why = format!("{what}, not a file: `sohoa-verify` does not follow it{stopped}");
            self.found(Kind::NotAFile, place.display(), why);
            may_go_on &= !is_endless;
        }
        Ok(may_go_on)
    }
}

fn what(path: &Path) -> String {
    match std::fs::read_link(path) {
        Ok(target) => format!("a link to '{}'", target.display()),
        Err(_) => "a pipe, socket or device".to_owned(),
    }
}

/// True for a pipe, socket or device, and for a link to one.
fn is_endless(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
