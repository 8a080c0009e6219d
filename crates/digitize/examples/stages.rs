//! What each stage costs: `cargo run --release -p sohoa-digitize --example stages -- FILE…` reads scans page by page with the real
//! engine and prints each stage's time on the core and its share. Waiting does not count, so other work on the machine does not show.
// A program of the developers: the rules of the library beside it are not its own.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use rustix::time::{ClockId, clock_gettime};
use sohoa_digitize::clean::{clean, plausible_dpi};
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::extract::{PageView, extract, in_doubt};
use sohoa_digitize::recognize::TesseractEngine;
use sohoa_digitize::{Limits, OcrEngine, codes, correct, decode};
use sohoa_record::{Correction, PageText, Placement};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

const MODEL: &str = "/usr/share/tesseract-ocr/5/tessdata/vie.traineddata";

/// Milliseconds on the core by stage, in the order of the pipeline.
type Costs = BTreeMap<(u8, &'static str), f64>;

/// A page as extract sees it.
struct Page {
    text: PageText,
    corrections: Vec<Correction>,
    dpi: u32,
    placement: Placement,
    kept_size: (u32, u32),
    born_digital: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("OMP_THREAD_LIMIT").is_none() {
        return Err("set OMP_THREAD_LIMIT=1: the engine runs on one core, as in the service".into());
    }
    let model = std::fs::read(MODEL).map_err(|e| format!("{MODEL}: {e}; install tesseract-ocr-vie"))?;
    let mut engine = TesseractEngine::new(&model, "vie")?;
    let (mut costs, mut pages, mut papers) = (Costs::new(), 0, 0);
    for file in std::env::args().skip(1) {
        match read(&file, &mut engine, &mut costs) {
            Ok(count) => (pages, papers) = (pages + count, papers + 1),
            Err(error) => eprintln!("{file}: {error}"),
        }
    }
    let all: f64 = costs.values().sum();
    println!("{papers} papers, {pages} pages; milliseconds on one core");
    for ((_, stage), ms) in &costs {
        println!("{stage:<10} {:>9.1} a page  {:>6.2} %", ms / f64::from(pages.max(1)), ms * 100.0 / all.max(1e-9));
    }
    Ok(())
}

/// Takes one paper through the stages before render.
fn read(file: &str, engine: &mut dyn OcrEngine, costs: &mut Costs) -> Result<u32, Box<dyn Error>> {
    let bytes = Arc::new(std::fs::read(file)?);
    let mut source = timed(costs, (0, "decode"), || decode::open(bytes, file, &Limits::default()))?;
    let mut pages = Vec::new();
    let templates = Templates::built_in();
    for number in 1..=source.page_count() {
        let scan = timed(costs, (0, "decode"), || source.page(number))?;
        let (width, height) = (scan.grey.width, scan.grey.height);
        let dpi = plausible_dpi(scan.dpi, width, height);
        timed(costs, (2, "codes"), || codes::read(&scan.grey, dpi));
        let (text, placement) = match &scan.text {
            Some(text) => (text.clone(), Placement { rotated_deg: scan.rotate_deg, skew_mdeg: 0 }),
            None => {
                let (page, _) = timed(costs, (1, "clean"), || clean(&scan));
                let text = timed(costs, (3, "recognize"), || engine.recognize(&page))?;
                (text, page.placement)
            }
        };
        let corrections = timed(costs, (4, "correct"), || correct::correct(&text));
        let born_digital = scan.text.is_some();
        if !born_digital {
            // what looking again asks of both, at most: `second_look.rs`. What the engine reads again is not in it.
            timed(costs, (4, "correct"), || (0..2).for_each(|_| drop(correct::suspect(&text))));
            let alone = Page {
                text: text.clone(),
                corrections: corrections.clone(),
                dpi,
                placement,
                kept_size: (width, height),
                born_digital,
            };
            timed(costs, (5, "extract"), || (0..4).for_each(|_| drop(in_doubt(&view(number, &alone), &templates))));
        }
        pages.push(Page { text, corrections, dpi, placement, kept_size: (width, height), born_digital });
    }
    let views: Vec<PageView<'_>> = (1..).zip(&pages).map(|(number, page)| view(number, page)).collect();
    timed(costs, (5, "extract"), || extract(&views, &templates));
    Ok(source.page_count())
}

fn view(number: u32, page: &Page) -> PageView<'_> {
    let Page { text, corrections, dpi, placement, kept_size, born_digital } = page;
    PageView { number, text, corrections, dpi: *dpi, placement: *placement, kept_size: *kept_size, born_digital: *born_digital }
}

fn timed<T>(costs: &mut Costs, stage: (u8, &'static str), work: impl FnOnce() -> T) -> T {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    let began = now();
    let done = work();
    *costs.entry(stage).or_default() += now() - began;
    done
}
