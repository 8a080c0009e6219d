//! How Tesseract hands the image of each text line to its network: as a PNG file in memory, packed with zlib and unpacked again
//! at once.
//!
//! Tesseract calls Leptonica's `pixWriteMem` for it, and nothing else in this process does. A program's own symbol comes before
//! those of its libraries (System V gABI, "Shared Object Dependencies"), so the function below is called instead: it writes the
//! same image in Leptonica's own serial form, a copy of its header and memory, which `pixReadMem` on the other side knows by its
//! first bytes. No pixel differs, so neither does the text; a test reads every sample page both ways.
//!
//! It holds only for the library versions on which that was proved; with any other, everything goes the library's own way.

use leptess::capi;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

/// (Tesseract, Leptonica) on which the text was found to be the same, on every sample page.
const PROVED: [(&str, &str); 1] = [("5.3.0", "leptonica-1.82.0")];

// SAFETY: declared as in dlfcn.h.
unsafe extern "C" {
    /// Of the C library (dlfcn.h): the next symbol of that name after the caller's, null when there is none.
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

/// `RTLD_NEXT` of dlfcn.h.
const NEXT_ONE: *mut c_void = usize::MAX as *mut c_void;

// SAFETY: declared as in leptonica/allheaders.h; whoever calls one owes what its comment there asks.
type WriteMem = unsafe extern "C" fn(*mut *mut u8, *mut usize, *mut capi::Pix, i32) -> i32;

/// Makes the linker keep [`pixWriteMem`] in every program that has an engine: nothing in Rust calls it.
pub fn keep_linked() {
    let ours: WriteMem = pixWriteMem;
    std::hint::black_box(ours);
}

fn proved() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| {
        // SAFETY: Tesseract's version is a static string; Leptonica's is the caller's to free.
        let (tesseract, leptonica) = unsafe {
            let raw = capi::getLeptonicaVersion();
            if raw.is_null() {
                return false;
            }
            let leptonica = CStr::from_ptr(raw).to_string_lossy().into_owned();
            capi::lept_free(raw.cast());
            (CStr::from_ptr(capi::TessVersion()).to_string_lossy().into_owned(), leptonica)
        };
        PROVED.contains(&(tesseract.as_str(), leptonica.as_str()))
    })
}

/// The library's own function of this name: the next one after ours.
fn of_the_library() -> Option<WriteMem> {
    static NEXT: OnceLock<Option<WriteMem>> = OnceLock::new();
    *NEXT.get_or_init(|| {
        // SAFETY: the name is NUL-terminated; a function of that name has this type (leptonica/allheaders.h), and null is none.
        unsafe {
            let found = dlsym(NEXT_ONE, c"pixWriteMem".as_ptr());
            std::mem::transmute::<*mut c_void, Option<WriteMem>>(found)
        }
    })
}

/// In place of Leptonica's function: an image that would be packed as PNG is copied; any other format goes its own way.
///
/// # Safety
/// As Leptonica's: two places to write to, and a valid image.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn pixWriteMem(data: *mut *mut u8, size: *mut usize, pix: *mut capi::Pix, format: i32) -> i32 {
    const FAILED: i32 = 1;
    let short = format == capi::IFF_PNG as i32 && proved();
    #[cfg(test)]
    let short = short && tests::is_short();
    let format = if short { capi::IFF_SPIX as i32 } else { format };
    match of_the_library() {
        // SAFETY: the caller's arguments, handed on.
        Some(write) => unsafe { write(data, size, pix, format) },
        None => FAILED,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // it walks the sample papers and needs the engine's model
mod tests {
    use super::*;
    use crate::capi::Tesseract;
    use crate::page::Limits;
    use crate::{clean, decode};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    /// Lets all images go the library's own way.
    static AS_PNG: AtomicBool = AtomicBool::new(false);
    static COPIED: AtomicU64 = AtomicU64::new(0);

    /// Asked for each line image: is it copied? Counts those that are.
    pub(super) fn is_short() -> bool {
        let short = !AS_PNG.load(Ordering::Relaxed);
        COPIED.fetch_add(u64::from(short), Ordering::Relaxed);
        short
    }

    fn copied() -> u64 {
        COPIED.load(Ordering::Relaxed)
    }

    fn scans_below(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_scan =
                path.extension().is_some_and(|extension| ["pdf", "jpg", "png", "tif"].iter().any(|scan| extension == *scan));
            if path.is_dir() {
                files.extend(scans_below(&path));
            } else if is_scan {
                files.push(path);
            }
        }
        files.sort();
        files
    }

    /// The claim of this file. On a library version that is not in [`PROVED`] it fails: look at the texts, then add the version.
    #[test]
    fn every_sample_page_reads_the_same_with_and_without_the_detour() {
        assert!(proved(), "this version of the engine has not been proved");
        let mut folders: Vec<PathBuf> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.is_dir() && !["generator", "receipts", "tampered", "log", "keyring"].iter().any(|not| path.ends_with(not))
            })
            .collect();
        folders.sort();
        let model = std::fs::read("/usr/share/tesseract-ocr/5/tessdata/vie.traineddata").unwrap();
        let mut engine = Tesseract::new(&model, "vie").unwrap();
        let mut pages = 0;
        for file in folders.iter().flat_map(|folder| scans_below(folder)) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let mut source = decode::open(Arc::new(std::fs::read(&file).unwrap()), &name, &Limits::default()).unwrap();
            for number in 1..=source.page_count() {
                let (page, _) = clean::clean(&source.page(number).unwrap());
                if page.is_blank() {
                    continue;
                }
                AS_PNG.store(true, Ordering::Relaxed);
                let before = copied();
                let stock = engine.recognize(&page.grey, page.dpi).unwrap();
                assert_eq!(copied(), before, "the library's own way");
                AS_PNG.store(false, Ordering::Relaxed);
                let ours = engine.recognize(&page.grey, page.dpi).unwrap();
                assert!(copied() > before, "{name}: no line image came this way: is the symbol still called?");
                assert_eq!(ours, stock, "{name}, page {number}");
                pages += 1;
            }
        }
        assert!(pages >= 14, "{pages} pages were compared");
    }
}
