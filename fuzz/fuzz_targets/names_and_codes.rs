//! Names of files and folders, codes and identifiers: whatever somebody calls a file, it is looked at safely, and a code that is
//! taken is kept verbatim.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_coverage::date;
use sohoa_coverage::number::NumberKey;
use sohoa_record::identifier::RecordId;
use sohoa_record::text::{fold, nfc};
use sohoa_record::{DossierCode, Reason, Sha256Hex};
use sohoa_service::walk::{has_scan_extension, is_junk, scan};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let path = Path::new("/scans").join(OsStr::from_bytes(data).to_string_lossy().trim_start_matches('/'));
    for path in [path.as_path(), Path::new(OsStr::from_bytes(data))] {
        let _ = (is_junk(path), has_scan_extension(path));
        if let Some(scan) = scan(path, Path::new("/scans")) {
            assert_eq!(nfc(&scan.name), scan.name);
            assert!(!scan.name.contains('/'));
            if let Some(code) = &scan.dossier.code {
                assert_eq!(code.as_str().parse::<DossierCode>().unwrap(), *code);
            }
            assert!(scan.dossier.code.is_some() || scan.dossier.ordinal.is_none());
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some((code, ordinal)) = DossierCode::find_in(text) {
        assert!(text.starts_with(code.as_str()));
        assert_eq!(code.as_str().parse::<DossierCode>().unwrap(), code);
        assert!(code.as_str().starts_with(code.agency()) && ordinal.is_none_or(|ordinal| ordinal < 10_000));
        let again = DossierCode::find_in(&format!("{code}.07.pdf")).unwrap();
        assert_eq!(again, (code, Some(7)));
    }
    if let Ok(code) = text.parse::<DossierCode>() {
        assert_eq!(code.as_str(), text);
        assert!(text.is_ascii() && !text.contains(['/', '\0', '\n']), "a code may be a folder's name");
        assert_eq!(DossierCode::find_in(text).unwrap().0, code);
    }
    if let Ok(record) = text.parse::<RecordId>() {
        assert_eq!(record.as_str(), text);
        assert!(text.len() == 36 && text.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }
    if let Ok(digest) = Sha256Hex::try_from(text.to_owned()) {
        assert_eq!(digest.as_str(), text);
        assert!(text.len() == 64);
    }
    if let Ok(reason) = text.parse::<Reason>() {
        assert_eq!(reason.code(), text);
    }
    let folded = fold(text);
    assert_eq!(fold(&folded), folded);
    assert_eq!(fold(&nfc(text)), folded);
    let _ = (NumberKey::parse(text), date::read(text));
});
