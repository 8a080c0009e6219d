//! The first half of ingest: folders and files become a list of scans with the dossier each belongs to. It only looks; sources
//! are never written, moved or deleted.

use sohoa_record::text::nfc;
use sohoa_record::{DossierCode, manifest};
use std::fs::FileType;
use std::path::{Path, PathBuf};

/// Files of these kinds are taken; whether the contents keep the name's promise is for decode to say.
const EXTENSIONS: &[&str] = &["pdf", "tif", "tiff", "jpg", "jpeg", "jpe", "jfif", "png"];

/// One scan to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Its file name, NFC.
    pub name: String,
    /// Where it belongs; its unit is filled in by ingest.
    pub dossier: manifest::Dossier,
}

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// In the order in which people see them: by folder, then by name.
    pub scans: Vec<Scan>,
    /// What cannot be taken in, and why.
    pub refused: Vec<(PathBuf, Refused)>,
    /// Files that are no scans by their name; they are counted, not judged.
    pub others: Vec<PathBuf>,
    /// Files with the names of copies that are not finished. Most are gone in a moment.
    pub partial: Vec<PathBuf>,
    /// Scans by the end of their names, which begin with a dot: whoever hides a file does not hand it in. They are passed over.
    pub hidden: Vec<PathBuf>,
}

/// Why something in a folder is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Refused {
    #[error("is a symbolic link; name its target itself")]
    Symlink,
    #[error("is a FIFO, socket or device, not a file; copy the scan into a file first")]
    Special,
    #[error("cannot be read: {0}; check its permissions")]
    Unreadable(String),
    #[error("does not exist")]
    Absent,
    #[error("its name is not Unicode; rename it")]
    Name,
}

/// Lists the scans under `paths`.
pub fn walk(paths: &[PathBuf]) -> Walk {
    let mut walk = Walk::default();
    for path in paths {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        // One place has one name, whatever way it was reached; a link itself is refused below.
        let path = match std::fs::symlink_metadata(&absolute) {
            Ok(metadata) if !metadata.is_symlink() => std::fs::canonicalize(&absolute).unwrap_or(absolute),
            _ => absolute,
        };
        // What the user names is the root: the folder's own name counts as its dossier, its parents' names do not.
        let root = if path.is_dir() { path.clone() } else { path.parent().unwrap_or(&path).to_owned() };
        walk.visit(&path, &root, true);
    }
    let mut seen = std::collections::HashSet::new();
    walk.scans.retain(|scan| seen.insert(scan.path.clone()));
    walk
}

/// Lists the scans in a folder, except for those in the folders `own` that we made in it.
pub fn walk_inbox(folder: &Path, own: &[&str]) -> Walk {
    let mut walk = Walk::default();
    let listed =
        std::fs::read_dir(folder).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>());
    match listed {
        Ok(mut children) => {
            children.retain(|path| !path.file_name().is_some_and(|name| own.iter().any(|own| name == *own)));
            children.sort_by_key(|path| (path.is_dir(), path.file_name().map(|n| n.to_owned())));
            children.iter().for_each(|child| walk.visit(child, folder, false));
        }
        Err(error) => walk.refuse(folder, Refused::Unreadable(error.to_string())),
    }
    walk
}

impl Walk {
    fn visit(&mut self, path: &Path, root: &Path, named: bool) {
        let kind = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return self.refuse(path, Refused::Absent),
            Err(error) => return self.refuse(path, Refused::Unreadable(error.to_string())),
        };
        if !named && is_junk(path) {
            if kind.is_file() && is_partial(path) {
                self.partial.push(path.to_owned());
            } else if kind.is_file() && lower_name(path).starts_with('.') && has_scan_extension(path) {
                self.hidden.push(path.to_owned());
            }
            return;
        }
        match kind {
            kind if kind.is_symlink() => self.refuse(path, Refused::Symlink),
            kind if kind.is_dir() => self.visit_folder(path, root),
            kind if is_special(kind) => self.refuse(path, Refused::Special),
            _ if !named && !has_scan_extension(path) => self.others.push(path.to_owned()),
            _ => match scan(path, root) {
                Some(scan) => self.scans.push(scan),
                None => self.refuse(path, Refused::Name),
            },
        }
    }

    fn visit_folder(&mut self, folder: &Path, root: &Path) {
        let listed =
            std::fs::read_dir(folder).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>());
        match listed {
            Ok(mut children) => {
                // files before sub-folders, both by name
                children.sort_by_key(|path| (path.is_dir(), path.file_name().map(|n| n.to_owned())));
                children.iter().for_each(|child| self.visit(child, root, false));
            }
            Err(error) => self.refuse(folder, Refused::Unreadable(error.to_string())),
        }
    }

    fn refuse(&mut self, path: &Path, why: Refused) {
        self.refused.push((path.to_owned(), why));
    }
}

fn is_special(kind: FileType) -> bool {
    !kind.is_file()
}

/// What programs call a file while they copy it.
const PARTIAL: [&str; 4] = [".tmp", ".part", ".partial", ".crdownload"];

/// What desktops, shares and half-done copies leave behind.
pub fn is_junk(path: &Path) -> bool {
    let name = lower_name(path);
    name.starts_with('.')
        || name.starts_with("~$")
        || matches!(
            name.as_str(),
            "thumbs.db" | "desktop.ini" | "@eadir" | "#recycle" | "$recycle.bin" | "system volume information"
        )
        || name.ends_with('~')
        || PARTIAL.iter().any(|end| name.ends_with(end))
}

/// True for the name of a copy that is not finished: `scan.pdf.part`, or `.scan.pdf.Xa81bQ` as rsync calls it.
fn is_partial(path: &Path) -> bool {
    let name = lower_name(path);
    match name.strip_prefix('.') {
        Some(hidden) => hidden.rsplit_once('.').is_some_and(|(scan, random)| {
            random.len() == 6 && random.bytes().all(|c| c.is_ascii_alphanumeric()) && has_scan_extension(Path::new(scan))
        }),
        None => !name.starts_with("~$") && PARTIAL.iter().any(|end| name.ends_with(end)),
    }
}

fn lower_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// True for the name of a PDF, TIFF, JPEG or PNG.
pub fn has_scan_extension(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    EXTENSIONS.contains(&extension.as_str())
}

/// The dossier of a scan: by its file name's code, else by the nearest folder's, else the folder itself with unknown code.
/// None when a name is not Unicode. Only looks at the names.
pub fn scan(path: &Path, root: &Path) -> Option<Scan> {
    let name = nfc(path.file_name()?.to_str()?);
    let parent = path.parent()?;
    let folder = nfc(parent.strip_prefix(root.parent().unwrap_or(root)).unwrap_or(parent).to_str()?);
    let (mut code, mut ordinal) = (None, None);
    if let Some((found, nth)) = DossierCode::find_in(&name) {
        (code, ordinal) = (Some(found), nth);
    } else {
        let within = parent.ancestors().take_while(|folder| folder.starts_with(root));
        for name in within.filter_map(|folder| folder.file_name()?.to_str()) {
            if let Some((found, _)) = DossierCode::find_in(name) {
                code = Some(found);
                break;
            }
        }
    }
    Some(Scan { path: path.to_owned(), name, dossier: manifest::Dossier { code, folder, ordinal, unit: None } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names_carry_the_dossier_and_junk_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("scans");
        let coded = root.join("000.00.53.H48-220921-0099/phụ lục");
        std::fs::create_dir_all(&coded).unwrap();
        let junk = ["Thumbs.db", ".hidden.pdf", "~$notes.tmp", "half.pdf.part", ".rsync.PDF.a81bQx", "notes.txt"];
        for file in ["H48.15-250117-0042.03.pdf", "scan0001.PDF"].into_iter().chain(junk) {
            std::fs::write(root.join(file), b"x").unwrap();
        }
        std::fs::write(coded.join("a.tif"), b"x").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("link.pdf")).unwrap();
        let walk = walk(std::slice::from_ref(&root));
        let told: Vec<_> = walk
            .scans
            .iter()
            .map(|s| (s.name.as_str(), s.dossier.code.as_ref().map(|c| c.as_str()), s.dossier.ordinal, s.dossier.folder.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("H48.15-250117-0042.03.pdf", Some("H48.15-250117-0042"), Some(3), "scans"),
                ("scan0001.PDF", None, None, "scans"),
                ("a.tif", Some("000.00.53.H48-220921-0099"), None, "scans/000.00.53.H48-220921-0099/phụ lục"),
            ]
        );
        assert_eq!(walk.refused, [(root.join("link.pdf"), Refused::Symlink)]);
        assert_eq!(walk.others, [root.join("notes.txt")]);
        assert_eq!(walk.partial, [root.join(".rsync.PDF.a81bQx"), root.join("half.pdf.part")]);
        assert_eq!(walk.hidden, [root.join(".hidden.pdf")]);
    }

    #[test]
    fn a_fifo_is_refused_and_never_opened() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("pipe.pdf");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(walk(std::slice::from_ref(&fifo)).refused, [(fifo, Refused::Special)]);
    }

    #[test]
    fn the_same_file_named_twice_is_one_scan() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.pdf"), b"x").unwrap();
        assert_eq!(walk(&[dir.path().to_owned(), dir.path().join("a.pdf")]).scans.len(), 1);
    }

    #[test]
    fn decomposed_names_become_nfc() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("quye\u{302}\u{301}t.pdf"), b"x").unwrap();
        assert_eq!(walk(&[dir.path().to_owned()]).scans[0].name, "quyết.pdf");
    }
}
