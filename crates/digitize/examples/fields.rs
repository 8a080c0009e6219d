//! What extract makes of papers, without a service: `OMP_THREAD_LIMIT=1 cargo run -p sohoa-digitize --example fields -- FILE…` reads them with
//! the real engine and prints each field, tab-separated: file, field, `sure` or its doubt, value, confidence.
// A program of the developers: the rules of the library beside it are not its own.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use sohoa_digitize::extract::extract;
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::recognize::TesseractEngine;
use sohoa_digitize::{Limits, Reading, decode, read_page, view};
use std::error::Error;
use std::sync::Arc;

const MODEL: &str = "/usr/share/tesseract-ocr/5/tessdata/vie.traineddata";

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::fs::read(MODEL).map_err(|e| format!("{MODEL}: {e}; install tesseract-ocr-vie"))?;
    let mut engine = TesseractEngine::new(&model, "vie")?;
    let templates = Templates::built_in();
    for file in std::env::args().skip(1) {
        let mut source = decode::open(Arc::new(std::fs::read(&file)?), &file, &Limits::default())?;
        let read: Vec<_> = (1..=source.page_count())
            .map(|number| read_page(&mut source, number, &mut engine, &Reading::default(), &mut |_| ()))
            .collect();
        for field in extract(&read.iter().map(view).collect::<Vec<_>>(), &templates).fields {
            let doubt = field.doubt.map_or("sure".to_owned(), |doubt| doubt.code().to_owned());
            println!("{file}\t{}\t{doubt}\t{}\t{}", field.name, field.value.as_deref().unwrap_or("-"), field.confidence);
        }
    }
    Ok(())
}
