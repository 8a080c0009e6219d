//! What a JPEG file says of itself before it is unpacked: size, components, resolution, orientation (ITU-T T.81, JFIF 1.02,
//! Exif 2.3).

/// The header of a JPEG file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JpegHeader {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    /// Bits a sample.
    pub(super) precision: u8,
    /// The Adobe marker's colour transform, when there is one.
    pub(super) adobe_transform: Option<u8>,
    /// Pixels per inch; 0 when not told.
    pub(super) dpi: u32,
    /// Exif orientation, 1 to 8.
    pub(super) orientation: u8,
}

impl JpegHeader {
    /// None when there is no frame header to be found.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let mut header = JpegHeader { orientation: 1, ..Default::default() };
        let mut exif_dpi = 0;
        let mut at = 2;
        loop {
            // markers may be padded with any number of 0xff
            while *data.get(at)? != 0xff {
                at += 1;
            }
            while *data.get(at)? == 0xff {
                at += 1;
            }
            let marker = *data.get(at)?;
            at += 1;
            if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
                continue;
            }
            let length = usize::from(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]));
            let segment = data.get(at + 2..(at + length).min(data.len()))?;
            match marker {
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    header.precision = *segment.first()?;
                    header.height = u32::from(u16::from_be_bytes([*segment.get(1)?, *segment.get(2)?]));
                    header.width = u32::from(u16::from_be_bytes([*segment.get(3)?, *segment.get(4)?]));
                    header.components = *segment.get(5)?;
                    if header.dpi == 0 {
                        header.dpi = exif_dpi;
                    }
                    return Some(header);
                }
                0xda | 0xd9 => return None,
                0xe0 if segment.starts_with(b"JFIF\0") => header.dpi = jfif_dpi(segment).unwrap_or(0),
                0xe1 if segment.starts_with(b"Exif\0\0") => {
                    let (orientation, dpi) = exif(&segment[6..]);
                    header.orientation = orientation.unwrap_or(1);
                    exif_dpi = dpi.unwrap_or(0);
                }
                0xee if segment.starts_with(b"Adobe") => header.adobe_transform = segment.get(11).copied(),
                _ => {}
            }
            at += length;
        }
    }
}

fn jfif_dpi(segment: &[u8]) -> Option<u32> {
    let density = u32::from(u16::from_be_bytes([*segment.get(8)?, *segment.get(9)?]));
    match segment.get(7)? {
        1 => Some(density),
        2 => Some((density * 254 + 50) / 100),
        _ => None, // a ratio only
    }
}

/// Orientation (tag 0x112) and X resolution (0x11a, unit 0x128) of the first directory.
fn exif(tiff: &[u8]) -> (Option<u8>, Option<u32>) {
    let Some(big) = tiff.first().map(|b| *b == b'M') else { return (None, None) };
    let u16_at = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let (a, b) = (u32::from(u16_at(at)?), u32::from(u16_at(at + 2)?));
        Some(if big { a << 16 | b } else { b << 16 | a })
    };
    let (mut orientation, mut resolution, mut unit) = (None, None, 2);
    let directory = u32_at(4).unwrap_or(0) as usize;
    for i in 0..usize::from(u16_at(directory).unwrap_or(0)) {
        let entry = directory.saturating_add(2 + 12 * i);
        match u16_at(entry) {
            Some(0x112) => orientation = u16_at(entry + 8).filter(|v| (1..=8).contains(v)).map(|v| v as u8),
            Some(0x11a) => {
                let at = u32_at(entry + 8).unwrap_or(0) as usize;
                resolution = u32_at(at)
                    .zip(u32_at(at.saturating_add(4)))
                    .filter(|(_, d)| *d > 0)
                    .map(|(n, d)| f64::from(n) / f64::from(d));
            }
            Some(0x128) => unit = u16_at(entry + 8).unwrap_or(2),
            Some(_) => {}
            None => break,
        }
    }
    let dpi = resolution.map(|r| (if unit == 3 { r * 2.54 } else { r }).round()).filter(|r| (1.0..100_000.0).contains(r));
    (orientation, dpi.map(|r| r as u32))
}

/// What an orientation (Exif, TIFF) asks for: mirror left and right first, then turn clockwise by degrees.
pub(super) fn orientation(value: u8) -> (bool, u16) {
    match value {
        2 => (true, 0),
        3 => (false, 180),
        4 => (true, 180),
        5 => (true, 270),
        6 => (false, 90),
        7 => (true, 90),
        8 => (false, 270),
        _ => (false, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(app: &[u8]) -> Vec<u8> {
        let frame = [0xff, 0xc0, 0, 17, 8, 0, 20, 0, 10, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        [&[0xff, 0xd8], app, &frame].concat()
    }

    #[test]
    fn size_components_and_resolution_are_found() {
        let jfif = [0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 1, 2, 0, 118, 0, 118, 0, 0];
        let header = JpegHeader::read(&jpeg(&jfif)).unwrap();
        assert_eq!((header.width, header.height, header.components, header.dpi), (10, 20, 3, 300));
    }

    #[test]
    fn exif_orientation_and_resolution_are_found_in_both_byte_orders() {
        for big in [true, false] {
            let n16 = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
            let n32 = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
            let entry = |tag: u16, kind: u16, value: [u8; 4]| [&n16(tag)[..], &n16(kind), &n32(1), &value].concat();
            let short = |v: u16| [n16(v)[0], n16(v)[1], 0, 0];
            let tiff = [
                if big { &b"MM\0*"[..] } else { b"II*\0" },
                &n32(8),
                &n16(2),
                &entry(0x112, 3, short(6)),
                &entry(0x11a, 5, n32(38)),
                &n32(0),
                &n32(600),
                &n32(2),
            ]
            .concat();
            let body = [&b"Exif\0\0"[..], &tiff].concat();
            let app = [&[0xff, 0xe1][..], &(body.len() as u16 + 2).to_be_bytes(), &body].concat();
            let header = JpegHeader::read(&jpeg(&app)).unwrap();
            assert_eq!((header.orientation, header.dpi), (6, 300));
        }
    }
}
