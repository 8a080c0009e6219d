//! A file's lines from the last to the first, with a piece of it in memory at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// So much is read at once.
const PIECE: usize = 64 * 1024;
/// A longer line is none of ours; what is told of it is its beginning.
const LONGEST_LINE: usize = 1024 * 1024;

/// The lines that a file had when it was opened; empty ones are left out.
pub struct LinesFromTheEnd {
    file: File,
    /// What lies before this is not read yet.
    at: u64,
    /// What was read behind that and not told yet.
    rest: Vec<u8>,
}

impl LinesFromTheEnd {
    /// Of a whole file.
    pub fn of(file: File) -> io::Result<LinesFromTheEnd> {
        let at = file.metadata()?.len();
        Ok(LinesFromTheEnd { file, at, rest: Vec::new() })
    }

    /// The line before the last one that was told, without its end.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        // Looked through once: what is left of an earlier piece has no line end.
        let mut looked_at = 0;
        loop {
            let fresh = self.rest.len() - looked_at;
            if let Some(end) = self.rest[..fresh].iter().rposition(|byte| *byte == b'\n') {
                let line = self.rest.split_off(end + 1);
                self.rest.truncate(end);
                if !line.is_empty() {
                    return Ok(Some(line));
                }
                looked_at = 0;
                continue;
            }
            if self.at == 0 {
                return Ok(Some(std::mem::take(&mut self.rest)).filter(|line| !line.is_empty()));
            }
            self.rest.truncate(LONGEST_LINE);
            looked_at = self.rest.len();
            let size = PIECE.min(usize::try_from(self.at).unwrap_or(PIECE));
            let mut piece = vec![0; size];
            self.at -= size as u64;
            self.file.read_exact_at(&mut piece, self.at)?;
            piece.append(&mut self.rest);
            self.rest = piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn backwards(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut lines = LinesFromTheEnd::of(file).unwrap();
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    fn expected(bytes: &[u8]) -> Vec<Vec<u8>> {
        bytes.rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn lines_of_any_length_are_told_once_each() {
        for length in [0, 1, 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            for line in [1, 7, 100, PIECE - 1, PIECE, PIECE + 1] {
                let bytes: Vec<u8> =
                    (0..length).map(|n| if n % (line + 1) == line { b'\n' } else { b'a' + (n % 26) as u8 }).collect();
                assert_eq!(backwards(&bytes), expected(&bytes), "{length} bytes, lines of {line}");
            }
        }
    }

    #[test]
    fn a_file_without_a_line_end_takes_little_memory() {
        let lines = backwards(&vec![b'x'; 5 * LONGEST_LINE]);
        assert!(lines.len() == 1 && lines[0].len() <= LONGEST_LINE + PIECE, "{}", lines[0].len());
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_whole_file(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400)) {
            prop_assert_eq!(backwards(&bytes), expected(&bytes));
        }
    }
}
