//! What codes are on the pages of scans, and how long looking for them takes: `cargo run --example codes -- FILE…`; for times as of a
//! release with `CARGO_PROFILE_DEV_OPT_LEVEL=3`.
// A program of the developers: the rules of the library beside it are not its own.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use sohoa_digitize::clean::plausible_dpi;
use sohoa_digitize::{Limits, codes, decode};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let (mut pages, mut pixels, mut all) = (0u32, 0usize, Duration::ZERO);
    for file in std::env::args().skip(1) {
        let source = std::fs::read(&file).map_err(|e| e.to_string());
        let source = source.and_then(|bytes| decode::open(Arc::new(bytes), &file, &Limits::default()).map_err(|e| e.to_string()));
        let mut source = match source {
            Ok(source) => source,
            Err(error) => {
                eprintln!("{file}: {error}");
                continue;
            }
        };
        for number in 1..=source.page_count() {
            let Ok(scan) = source.page(number) else { continue };
            let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
            let began = Instant::now();
            let found = codes::read(&scan.grey, dpi);
            let took = began.elapsed();
            (pages, pixels, all) = (pages + 1, pixels + scan.grey.pixels.len(), all + took);
            println!("{file} {number}: {} × {} at {dpi} dpi, {took:?}", scan.grey.width, scan.grey.height);
            found.codes.iter().for_each(|code| println!("    {:?} {:?}", code.kind, code.text));
            found.unread.iter().for_each(|rect| println!("    not read: {rect:?}"));
        }
    }
    let a4 = all.as_secs_f64() * 1e3 / pixels.max(1) as f64 * (2480.0 * 3508.0);
    println!("{pages} pages, {:?} each; {a4:.1} ms for so many pixels as A4 has at 300 dpi", all / pages.max(1));
}
