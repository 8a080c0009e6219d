//! What a page child may say, and what it is asked: no bytes crash or swell the service, and an answer that is believed can be
//! rendered and extracted without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_digitize::{Assembly, Limits, render};
use sohoa_service::page_protocol::*;

/// Small, so that what is believed is quickly rendered.
const LIMITS: Limits = Limits { max_source_bytes: 1 << 20, max_pages: 50, max_page_pixels: 1 << 20, max_stream_bytes: 1 << 20 };

fuzz_target!(|data: &[u8]| {
    let Some((side, data)) = data.split_first() else { return };
    match side % 3 {
        0 => answer(data),
        1 => {
            if let Ok(request) = decode::<Request>(data) {
                assert_eq!(decode::<Request>(&encode(&request).unwrap()).unwrap(), request);
            }
            if let Ok(spec) = decode::<ChildSpec>(data) {
                assert!(spec.program.is_none(), "a program never comes through the pipe");
                assert_eq!(encode(&decode::<ChildSpec>(&encode(&spec).unwrap()).unwrap()).unwrap(), encode(&spec).unwrap());
            }
        }
        _ => frames(data),
    }
});

/// A message, and behind it, as its length says, the image.
fn answer(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (message, image) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let Ok(mut answer) = decode::<Answer>(message) else { return };
    let bytes = encode(&answer).unwrap();
    assert_eq!(encode(&decode::<Answer>(&bytes).unwrap()).unwrap(), bytes);
    if check(&answer, &LIMITS).is_err() {
        return;
    }
    match &mut answer {
        Answer::Page { page, .. } => {
            if let Some(kept) = &mut page.kept {
                kept.data = image.to_vec();
            }
            let number = page.number;
            if check_page(number, page, &LIMITS).is_err() {
                return;
            }
            assert!(check_page(number.wrapping_add(1), page, &LIMITS).is_err());
            let size = page.kept.as_ref().map_or((0, 0), |kept| (kept.width, kept.height));
            for word in page.text.words() {
                assert!(word.rect.right() <= page.text.width && word.rect.bottom() <= page.text.height && word.confidence <= 100);
                assert!(!word.text.chars().any(char::is_control) && sohoa_record::text::nfc(&word.text) == word.text);
                let placed = page.placement.to_kept(word.rect, size);
                assert!(placed.right() <= size.0 && placed.bottom() <= size.1);
            }
            // all that the service does with a page from here on
            let mut assembly = Assembly::new(std::io::sink(), std::io::sink(), render::Profile::PdfA1b).unwrap();
            assembly.add((**page).clone()).unwrap();
            let created = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
            let meta = render::Meta { title: "fuzz".into(), created, id: [0; 16] };
            let (digitized, _, _) = assembly.finish(&meta).unwrap();
            assert_eq!(digitized.pages.len(), 1);
        }
        Answer::Opened(info) => assert!((1..=LIMITS.max_pages).contains(&info.pages) && info.signatures.len() <= MAX_SIGNATURES),
        Answer::Signatures(signatures) => assert!(signatures.len() <= MAX_SIGNATURES),
        Answer::NoSignatures(_) => {}
        Answer::Picture(shown) => {
            assert_eq!(shown.samples.len() as u64, u64::from(shown.width) * u64::from(shown.height) * u64::from(shown.components));
        }
        Answer::Crop(crop) => assert_eq!(crop.pixels.len() as u64, u64::from(crop.width) * u64::from(crop.height)),
        Answer::Ready(_) | Answer::Refused { .. } => {}
    }
}

/// Frames as they come through a pipe: whatever length is announced, memory goes to what is there. The fuzzer's own limit of one
/// allocation (`-malloc_limit_mb`) is the judge.
fn frames(data: &[u8]) {
    let mut input = data;
    let mut sizes = 0;
    while let Ok(Some(frame)) = read_frame(&mut input, u64::MAX) {
        sizes += frame.len() + 4;
    }
    assert!(sizes <= data.len());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut input = data;
    let mut again = 0;
    while let Ok(frame) = runtime.block_on(receive_frame(&mut input, u64::MAX)) {
        again += frame.len() + 4;
    }
    assert_eq!(sizes, again, "both sides see the same frames");
}
