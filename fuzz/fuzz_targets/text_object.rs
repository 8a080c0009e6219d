//! The text object of a record (`sohoa-text/1`): what is read can be written and is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::page_texts::{TextPage, read_pages, to_bytes};

fuzz_target!(|data: &[u8]| {
    let read = |bytes: &[u8]| {
        let mut pages: Vec<TextPage> = Vec::new();
        read_pages(bytes, |page| pages.push(page)).map(|()| pages)
    };
    let Ok(pages) = read(data) else { return };
    assert_eq!(read(&to_bytes(&pages)).expect("our own bytes"), pages);
    for page in &pages {
        let _ = page.text.text();
        assert!(page.text.words().next().is_some() || page.text.confidence() == 0);
    }
});
