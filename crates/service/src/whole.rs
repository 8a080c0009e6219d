//! Files that are there whole or not at all: whoever reads meanwhile, or after a power cut, sees the old bytes or the new ones.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Puts these bytes into the file, in place of what it has; makes its folder. It is readable by its owner alone, who is that of the file
/// before, or of the folder. When it returns the bytes are durable under the name.
pub fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = folder_of(file);
    std::fs::create_dir_all(folder)?;
    // Made by tempfile with mode 600.
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(bytes)?;
    give_to_owner_of(place_of(file), fresh.as_file())?;
    fresh.as_file().sync_all()?;
    fresh.persist(file).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

/// Waits for whoever else changes the file, in this process or another, and keeps them waiting until what is returned is dropped: held from reading
/// to writing, so that of two changes at once both are made. Makes the file's folder. The file itself is replaced, so the lock is one beside it.
pub fn lock(file: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(folder_of(file))?;
    let lock = File::options().create(true).append(true).open(file.with_added_extension("lock"))?;
    give_to_owner_of(place_of(file), &lock)?;
    lock.lock()?;
    Ok(lock)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whose owner a new file gets.
fn place_of(file: &Path) -> &Path {
    if file.exists() { file } else { folder_of(file) }
}

/// Gives what root has just made to the owner of `place`: the service runs as a user of its own, and a file that root alone may read would
/// keep it out.
pub fn give_to_owner_of(place: &Path, made: &File) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let (owner, has) = (std::fs::metadata(place)?, made.metadata()?.uid());
    if has == 0 && owner.uid() != 0 {
        std::os::unix::fs::fchown(made, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_is_replaced_at_once_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys/people");
        for bytes in ["một", "hai"] {
            super::write(&file, bytes.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), bytes);
        }
        assert_eq!(std::fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);
        let taken = dir.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(super::write(&taken, b"x").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "what failed leaves nothing");
    }
}
