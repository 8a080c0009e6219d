//! Whether a file has its end: a copy that stalls looks finished by its size and times. Only the kinds' own marks are looked for; what is in
//! between is for decode to judge, and a kind that is not known counts as complete.

use std::io::{Read, Result, Seek, SeekFrom};

/// Readers of PDF look for the end within so many bytes (ISO 32000-1, annex H, note 18), and so are others' ends looked for: programs add to them.
const TAIL: u64 = 1024;
/// A TIFF with more directories than that is judged by these.
const MOST_DIRECTORIES: u32 = 10_000;
/// Lists of strips and tiles are looked through up to so many bytes.
const MOST_PLACES: u64 = 1 << 20;

/// True unless the file's end is missing. Leaves the file anywhere.
pub fn is_complete(file: &mut (impl Read + Seek)) -> Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    let head = read(file, 0, size.min(TAIL))?;
    let tail = read(file, size - size.min(TAIL), size.min(TAIL))?;
    let ends_with = |mark: &[u8]| tail.windows(mark.len()).any(|window| window == mark);
    Ok(match head.as_slice() {
        // A copy that has its room already, and not its bytes.
        head if head.iter().all(|byte| *byte == 0) => false,
        [0x89, b'P', b'N', b'G', ..] => ends_with(b"IEND"),
        [0xff, 0xd8, 0xff, ..] => ends_with(&[0xff, 0xd9]),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Tiff { file, size, little: head[0] == b'I' }.is_complete()?,
        head if head.windows(5).any(|window| window == b"%PDF-") => ends_with(b"%%EOF"),
        _ => true,
    })
}

fn read(file: &mut (impl Read + Seek), at: u64, length: u64) -> Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A TIFF (TIFF 6.0, section 2), read as far as its directories and where they point to.
struct Tiff<'a, F> {
    file: &'a mut F,
    size: u64,
    little: bool,
}

impl<F: Read + Seek> Tiff<'_, F> {
    /// True when every directory, and everything that one points to, lies inside the file.
    fn is_complete(&mut self) -> Result<bool> {
        let Some(mut at) = self.number(4, 4)?.filter(|at| *at > 0) else { return Ok(false) };
        for _ in 0..MOST_DIRECTORIES {
            if at == 0 {
                break;
            }
            let Some(entries) = self.number(at, 2)? else { return Ok(false) };
            let next = at + 2 + entries * 12;
            let directory = read(self.file, at + 2, entries * 12)?;
            if directory.len() as u64 != entries * 12 || !self.holds(&directory)? {
                return Ok(false);
            }
            let Some(following) = self.number(next, 4)? else { return Ok(false) };
            // Who points back, or into itself, would be followed for ever.
            at = if following >= next { following } else { 0 };
        }
        Ok(true)
    }

    /// The same of one directory with these entries, 12 bytes each.
    fn holds(&mut self, entries: &[u8]) -> Result<bool> {
        // Strips and tiles: where they begin, and how long they are.
        let (mut begins, mut lengths) = (Vec::new(), Vec::new());
        for entry in entries.chunks_exact(12) {
            let [tag, kind, many] = [(0, 2), (2, 2), (4, 4)].map(|(from, width)| self.value(&entry[from..from + width]));
            let width = match kind {
                3 | 8 => 2,
                4 | 9 | 11 => 4,
                5 | 10 | 12 => 8,
                _ => 1,
            };
            let outside = many * width > 4;
            let place = self.value(&entry[8..12]);
            if outside && place + many * width > self.size {
                return Ok(false);
            }
            let list = match tag {
                273 | 324 => &mut begins,
                279 | 325 => &mut lengths,
                _ => continue,
            };
            if !list.is_empty() || many * width > MOST_PLACES {
                continue;
            }
            let bytes = if outside { read(self.file, place, many * width)? } else { entry[8..12].to_vec() };
            *list = bytes.chunks_exact(width as usize).take(many as usize).map(|value| self.value(value)).collect();
        }
        Ok(begins.iter().zip(lengths).all(|(begin, length)| begin + length <= self.size))
    }

    /// A number of so many bytes there; none when it lies outside.
    fn number(&mut self, at: u64, width: u64) -> Result<Option<u64>> {
        let bytes = read(self.file, at, width)?;
        Ok((bytes.len() as u64 == width).then(|| self.value(&bytes)))
    }

    fn value(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbImage};
    use std::io::Cursor;

    fn complete(bytes: &[u8]) -> bool {
        is_complete(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn what_lacks_its_end_is_told_from_what_has_it() {
        let picture = RgbImage::from_fn(200, 150, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        let made = [ImageFormat::Png, ImageFormat::Jpeg].map(|format| {
            let mut whole = Cursor::new(Vec::new());
            picture.write_to(&mut whole, format).unwrap();
            whole.into_inner()
        });
        let tiff = include_bytes!("../../../../fixtures/submission-bleed-through/H48.15-250303-0042.01.tif").to_vec();
        for whole in made.into_iter().chain([tiff]) {
            let kind = &whole[..4];
            assert!(complete(&whole), "{kind:?}");
            assert!(complete(&[&whole[..], b"\0\0added"].concat()), "{kind:?}: what follows is no part of it");
            for part in [9, 1500, whole.len() / 2, whole.len() - 16] {
                assert!(!complete(&whole[..part]), "{kind:?} of {part} bytes");
            }
        }
        assert!(complete(b"%PDF-1.4\n...\nstartxref\n0\n%%EOF\n") && !complete(b"%PDF-1.4\n...\nendobj\n"));
        assert!(!complete(b"") && !complete(&[0; 5000]), "room without bytes");
        assert!(complete("hỏng".as_bytes()), "what it is, decode says");
    }

    #[test]
    fn a_tiff_whose_pixels_come_last_is_whole_with_its_last_strip() {
        // Little endian, one directory at 8: StripOffsets (one long) = 50, StripByteCounts = 10.
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(273u16, 50u32), (279, 10)] {
            tiff.extend([&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        tiff.extend([0; 4]);
        tiff.resize(60, 7);
        assert!(complete(&tiff));
        assert!(!complete(&tiff[..59]) && !complete(&tiff[..30]));
        // A directory that points to itself ends.
        tiff[34..38].copy_from_slice(&8u32.to_le_bytes());
        assert!(complete(&tiff));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged(head in proptest::sample::select(vec![&b"II*\0"[..], b"MM\0*", b"\x89PNG", b"%PDF-"]), rest: Vec<u8>) {
            complete(&[head, &rest].concat());
        }
    }
}
