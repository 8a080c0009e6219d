//! The state file of an audit that may be stopped: what each record came to, a line each, in the order in which they are visited. Started
//! again with the same file an audit takes over what is there and goes on behind it. It is the auditor's own file; whoever can write it
//! can write the report too.

use crate::record::Checked;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

const FORMAT: &str = "sohoa-audit-state/1";

#[derive(Serialize)]
struct Header {
    format: String,
    /// All that the verdicts depend on besides the files.
    asked: String,
}

#[derive(Serialize, Deserialize)]
struct Done {
    place: String,
    checked: Checked,
}

/// A state file that is open.
pub struct State {
    read: BufReader<File>,
    next: Option<Done>,
    write: BufWriter<File>,
    /// How many records were taken over.
    pub taken_over: u64,
}

impl State {
    /// Opens or makes the file. `asked` says all that the verdicts depend on; a file of another audit is refused.
    pub fn open(file: &Path, asked: &str) -> io::Result<State> {
        let mut write = OpenOptions::new().read(true).append(true).create(true).open(file)?;
        let header = serde_json::to_string(&Header { format: FORMAT.into(), asked: asked.to_owned() })? + "\n";
        let mut read = BufReader::new(File::open(file)?);
        let mut first = Vec::new();
        (&mut read).take(header.len() as u64).read_to_end(&mut first)?;
        if !header.as_bytes().starts_with(&first) {
            let why = "it is the state of another audit (other policy, place, checkpoints, time or sample); name another file";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // It is ours: what a kill left half written goes, be it the first line.
        let end = end_of_lines(&mut write)?;
        write.set_len(end)?;
        if end == 0 {
            write.write_all(header.as_bytes())?;
        }
        read.seek(SeekFrom::Start(header.len() as u64))?;
        let mut state = State { read, next: None, write: BufWriter::new(write), taken_over: 0 };
        state.advance()?;
        Ok(state)
    }

    /// What the record at `place` came to before, if it was reached.
    pub fn take(&mut self, place: &str) -> io::Result<Option<Checked>> {
        while self.next.as_ref().is_some_and(|done| Path::new(&done.place) < Path::new(place)) {
            self.advance()?;
        }
        if self.next.as_ref().is_none_or(|done| done.place != place) {
            return Ok(None);
        }
        let checked = self.next.take().map(|done| done.checked);
        self.taken_over += 1;
        self.advance()?;
        Ok(checked)
    }

    /// Notes what a record came to. It is handed to the system at once: a kill loses no line.
    pub fn note(&mut self, place: &str, checked: &Checked) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            place: &'a str,
            checked: &'a Checked,
        }
        serde_json::to_writer(&mut self.write, &Line { place, checked })?;
        self.write.write_all(b"\n")?;
        self.write.flush()
    }

    fn advance(&mut self) -> io::Result<()> {
        let mut line = String::new();
        self.read.read_line(&mut line)?;
        self.next = if line.ends_with('\n') { Some(serde_json::from_str(&line)?) } else { None };
        Ok(())
    }
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = [0; 4096];
    while end > 0 {
        let from = end.saturating_sub(buffer.len() as u64);
        file.seek(SeekFrom::Start(from))?;
        let piece = &mut buffer[..(end - from) as usize];
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
