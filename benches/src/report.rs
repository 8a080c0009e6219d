//! What is shown and kept: a Markdown table, lines of CSV, and the machine that the figures are of.

use crate::BenchError;
use crate::figures::Figure;
use crate::pages::file_error;
use crate::tools::Versions;
use std::fmt;
use std::path::Path;

/// Where and when it was measured.
pub struct Machine {
    /// UTC day.
    date: String,
    processor: String,
    cores: usize,
    kernel: String,
    /// Processes that wanted to run in the minute before: above about 0.5 the machine is not quiet.
    load: f64,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Result<Machine, BenchError> {
        let read = |path: &str| std::fs::read_to_string(path).map_err(file_error(Path::new(path)));
        let processors = read("/proc/cpuinfo")?;
        let model = processors.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
        Ok(Machine {
            date: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
            processor: model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: read("/proc/loadavg")?.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} cores, Linux {}, load before {}", self.date, self.processor, self.cores, self.kernel, self.load)?;
        if self.load > 0.5 {
            f.write_str(" (NOT QUIET: the figures are rough)")?;
        }
        Ok(())
    }
}

/// Markdown tables, for `RESULTS.md`: a line for each subject and a column for each figure, or a line for each figure where a
/// subject has nothing to stand beside.
pub fn tables(figures: &[Figure]) -> String {
    let mut tables: Vec<Vec<&[Figure]>> = Vec::new();
    for subject in figures.chunk_by(|a, b| (&a.input, a.pages, &a.subject) == (&b.input, b.pages, &b.subject)) {
        match tables.last_mut() {
            Some(table) if within(subject, table[0]) || within(table[0], subject) => table.push(subject),
            _ => tables.push(vec![subject]),
        }
    }
    tables.iter().map(|subjects| table(subjects)).collect::<Vec<_>>().join("\n\n")
}

/// Is each figure of one subject told of another too?
fn within(one: &[Figure], other: &[Figure]) -> bool {
    one.iter().all(|figure| other.iter().any(|column| column.name == figure.name))
}

fn table(subjects: &[&[Figure]]) -> String {
    let Some(columns) = subjects.iter().max_by_key(|subject| subject.len()) else { return String::new() };
    let title = |of: &Figure| format!("`{}`, {}, {} pages", of.subject, of.input, of.pages);
    if subjects.len() == 1 {
        let lines = columns.iter().map(|figure| format!("| {} | {} |", figure.name, value(figure)));
        return [format!("| {} | |\n|---|---:|", title(&columns[0]))].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    }
    let heading: String = columns.iter().map(|figure| format!(" {} |", figure.name)).collect();
    let mut lines = vec![format!("| |{heading}"), format!("|---|{}", "---:|".repeat(columns.len()))];
    lines.extend(subjects.iter().map(|subject| {
        let cell = |name| subject.iter().find(|figure| figure.name == name).map_or("–".into(), value);
        let cells: String = columns.iter().map(|column| format!(" {} |", cell(column.name))).collect();
        format!("| {} |{cells}", title(&subject[0]))
    }));
    lines.join("\n")
}

/// As many digits as mean something.
fn value(figure: &Figure) -> String {
    match figure.unit {
        "B" | "MiB" => format!("{:.0} {}", figure.value, figure.unit),
        "1/min" => format!("{:.1}", figure.value),
        "" => format!("{:.2}", figure.value),
        unit => format!("{:.1} {unit}", figure.value),
    }
}

/// Adds the figures to a CSV file, with a heading when it is new.
pub fn append(path: &Path, machine: &Machine, versions: &Versions, figures: &[Figure]) -> Result<(), BenchError> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(file_error(path))?;
    let is_new = file.metadata().map_err(file_error(path))?.len() == 0;
    let mut writer = csv::Writer::from_writer(file);
    let csv_error = |error: csv::Error| BenchError::File { path: path.to_owned(), source: std::io::Error::other(error) };
    if is_new {
        let heading =
            ["date", "processor", "cores", "kernel", "load", "versions", "input", "pages", "of", "what", "value", "unit"];
        writer.write_record(heading).map_err(csv_error)?;
    }
    let (cores, load, versions) = (machine.cores.to_string(), machine.load.to_string(), versions.to_string());
    for figure in figures {
        let (pages, value) = (figure.pages.to_string(), format!("{:.4}", figure.value));
        let of_machine = [machine.date.as_str(), &machine.processor, &cores, &machine.kernel, &load, &versions];
        let of_figure = [figure.input.as_str(), &pages, &figure.subject, figure.name, &value, figure.unit];
        writer.write_record(of_machine.iter().chain(&of_figure)).map_err(csv_error)?;
    }
    writer.flush().map_err(file_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(subject: &str, name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { input: "scans".into(), pages: 6, subject: subject.into(), name, value, unit }
    }

    #[test]
    fn those_that_can_be_compared_stand_in_one_table() {
        let figures = [
            figure("a", "speed", 12.34, "1/min"),
            figure("a", "ratio", 1.0, ""),
            figure("b", "speed", 2.0, "1/min"),
            figure("d", "speed", 3.0, "1/min"),
            figure("d", "at least", 4.0, ""),
            figure("d", "ratio", 5.0, ""),
            figure("c", "stored", 1234.5, "B"),
        ];
        let expected = "| | speed | at least | ratio |\n|---|---:|---:|---:|\n| `a`, scans, 6 pages | 12.3 | – | 1.00 |\n\
                        | `b`, scans, 6 pages | 2.0 | – | – |\n| `d`, scans, 6 pages | 3.0 | 4.00 | 5.00 |\n\n\
                        | `c`, scans, 6 pages | |\n|---|---:|\n| stored | 1234 B |";
        assert_eq!(tables(&figures), expected);
    }
}
