//! Accuracy: what `sohoa digitize` and its peers read of the same pages, class by class, and whether sohoa knows how sure it is.

mod papers;
mod readers;
mod reliability;
mod scans;
mod score;
mod tables;

use crate::figures::Figure;
use crate::pages::{Page, file_error, write};
use crate::tools::{Contender, Versions};
use crate::{Asked, BenchError};
use papers::Sheet;
use readers::Readers;
use reliability::Reliability;
use scans::Class;
use score::Score;
use std::path::Path;
use std::sync::Mutex;

/// Clean pages of which each class is made, when nothing else is asked for.
const PAGES_A_CLASS: usize = 12;

/// What all programs read of the pages of one class.
struct OfClass {
    name: &'static str,
    pages: usize,
    /// In the order of the columns.
    scores: Vec<Score>,
}

/// One class after the other: tables, figures, and whether sohoa is nowhere worse than Tesseract.
pub fn run(asked: &Asked, versions: &Versions, work: &Path) -> Result<(String, Vec<Figure>, bool), BenchError> {
    let classes = classes(&asked.classes)?;
    eprintln!("making the pages");
    let pages_a_class = asked.pages.map_or(PAGES_A_CLASS, |pages| pages as usize);
    let sheets = papers::sheets(asked, &classes, pages_a_class, work)?;
    let readers = Readers::new(asked, versions, work)?;
    if let Some(folder) = &asked.keep {
        std::fs::create_dir_all(folder).map_err(file_error(folder))?;
    }
    let contenders: Vec<Contender> = match asked.without_ocrmypdf {
        true => vec![Contender::Sohoa, Contender::Tesseract],
        false => vec![Contender::Sohoa, Contender::Tesseract, Contender::Ocrmypdf, Contender::OcrmypdfCleaning],
    };
    let (mut results, mut reliability, mut lost) = (Vec::new(), Reliability::default(), String::new());
    let mut columns: Vec<String> = contenders.iter().map(|contender| contender.name().to_owned()).collect();
    for class in classes {
        let sheets: Vec<&Sheet> = sheets.iter().filter(|sheet| sheet.class == class).collect();
        if sheets.is_empty() {
            continue;
        }
        let mut texts = Vec::new();
        let ours = readers.sohoa(&sheets)?;
        texts.push(ours.iter().map(|page| page.text.clone()).collect::<Vec<_>>());
        for &contender in &contenders[1..] {
            eprintln!("{}: {} pages, {}", class.name(), sheets.len(), contender.name());
            texts.push(readers.peer(contender, &sheets)?);
        }
        texts.extend(ours.iter().map(|page| page.raw.clone()).collect::<Option<Vec<_>>>());
        columns.truncate(contenders.len());
        columns.resize(texts.len(), "sohoa, before correction".into());
        for (sheet, page) in sheets.iter().zip(&ours) {
            reliability.add(&sheet.truth, &page.words);
        }
        let scores = in_parallel(&texts, |_, texts| {
            let each = sheets.iter().zip(texts).map(|(sheet, text)| Score::of(&sheet.truth, text));
            Ok(each.fold(Score::default(), Score::plus))
        })?;
        let worse = tables::worse(&scores);
        eprintln!("{}: sohoa is {}", class.name(), if worse { "WORSE than tesseract" } else { "not worse than tesseract" });
        results.push(OfClass { name: class.name(), pages: sheets.len(), scores });
        if let Some(folder) = &asked.keep {
            keep(folder, &sheets, &texts, &columns, &mut lost)?;
        }
    }
    if let Some(folder) = &asked.keep {
        write(&folder.join("lines.tsv"), lost.as_bytes())?;
    }
    if results.is_empty() {
        return Err(BenchError::Usage("there is no page of these classes".into()));
    }
    tables::drop_what_is_the_same(&mut columns, &mut results, contenders.len());
    let sums = tables::sums(&results);
    let held = !results.iter().any(|of| tables::worse(&of.scores)) && sums.iter().all(|of| tables::better(&of.scores));
    results.extend(sums);
    let mut figures = tables::figures(&columns, &results);
    figures.extend(reliability.figures());
    Ok((format!("{}\n\n{}", tables::markdown(&columns, &results), reliability.markdown()), figures, held))
}

/// Pages of dense text in colour, as a scanner makes them: the class `colour-300`, for figures of speed.
pub fn colour_scans(asked: &Asked, pages: usize, work: &Path) -> Result<Vec<Page>, BenchError> {
    let sheets = papers::sheets(asked, &[Class::Colour300], pages, work)?;
    Ok(sheets.into_iter().map(|sheet| Page { text: Some(sheet.truth), ..sheet.page }).collect())
}

/// Those that were asked for by name, or all.
fn classes(names: &[String]) -> Result<Vec<Class>, BenchError> {
    if names.is_empty() {
        return Ok(Class::ALL.to_vec());
    }
    let named = |name: &String| Class::ALL.into_iter().find(|class| class.name() == name);
    let all = || Class::ALL.map(Class::name).join(", ");
    names
        .iter()
        .map(|name| named(name).ok_or_else(|| BenchError::Usage(format!("no class is called {name}; there are {}", all()))))
        .collect()
}

/// Keeps every page, its truth and what was read of it; and adds each line of which sohoa and Tesseract differ in wrong characters.
fn keep(
    folder: &Path,
    sheets: &[&Sheet],
    texts: &[Vec<String>],
    columns: &[String],
    lost: &mut String,
) -> Result<(), BenchError> {
    for (nth, sheet) in sheets.iter().enumerate() {
        let file = |rest: &str| folder.join(format!("{}.{}.{rest}", sheet.class.name(), sheet.name));
        let (ending, bytes) = readers::single(&sheet.page)?;
        write(&file(ending), &bytes)?;
        write(&file("truth.txt"), sheet.truth.as_bytes())?;
        for (column, texts) in columns.iter().zip(texts) {
            write(&file(&format!("{}.txt", column.replace(' ', "_"))), texts[nth].as_bytes())?;
        }
        let (ours, stock) = (score::lines(&sheet.truth, &texts[0][nth]), score::lines(&sheet.truth, &texts[1][nth]));
        for (ours, stock) in ours.iter().zip(&stock).filter(|(ours, stock)| ours.wrong != stock.wrong) {
            let more = ours.wrong as i64 - stock.wrong as i64;
            lost.push_str(&format!("{more}\t{}\t{}\t{}\n", sheet.class.name(), sheet.name, ours.text));
        }
    }
    Ok(())
}

/// Does the work for every item, as many at once as there are cores; results in the order of the items.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> Result<R, BenchError> + Sync,
) -> Result<Vec<R>, BenchError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (Mutex::new(items.iter().enumerate()), Mutex::new(Vec::new()));
    let worker = || -> Result<(), BenchError> {
        loop {
            let Some((nth, item)) = next.lock().ok().and_then(|mut next| next.next()) else { return Ok(()) };
            let result = work(nth, item)?;
            done.lock().map_err(|_| BenchError::Usage("a worker died".into()))?.push((nth, result));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let ended = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(BenchError::Usage("a worker died".into())))
        };
        workers.into_iter().try_for_each(ended)
    })?;
    let mut done = done.into_inner().map_err(|_| BenchError::Usage("a worker died".into()))?;
    done.sort_by_key(|(nth, _)| *nth);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
