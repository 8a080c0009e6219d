//! Our own separator sheets, as pages that the PDF writer takes: the code twice, once as QR and once as bars, and in block capitals
//! what the sheet does. Black on white at 300 dpi, A4.

use super::draw::{self, Modules};
use super::lettering::{self, ADVANCE, HEIGHT};
use super::sheets::{DOCUMENT, DOSSIER};
use crate::page::{Encoding, Grey, KeptImage, ReadPage};
use sohoa_record::manifest::PageState;
use sohoa_record::{DossierCode, Line, PageText, Placement, Rect, Word};

/// A4 at [`DPI`].
const SIZE: (u32, u32) = (2480, 3508);
const DPI: u32 = 300;
/// What a printer leaves white, and the quiet zone of the codes besides.
const MARGIN: u32 = 180;

/// A sheet that opens a dossier, or the next document of the same one. None when the text is too long for a code.
pub fn sheet(number: u32, dossier: Option<&DossierCode>) -> Option<ReadPage> {
    let (code, lines): (String, [(String, u32); 5]) = match dossier {
        Some(dossier) => (
            format!("{DOSSIER}{dossier}"),
            [
                ("PHÂN CÁCH HỒ SƠ".into(), 20),
                (dossier.to_string(), 16),
                ("Đặt trước giấy tờ đầu tiên của hồ sơ này.".into(), 7),
                ("Không gấp, không viết lên mã.".into(), 7),
                ("Quét cùng giấy tờ, tờ này không phải giấy tờ.".into(), 7),
            ],
        ),
        None => (
            DOCUMENT.into(),
            [
                ("PHÂN CÁCH GIẤY TỜ".into(), 20),
                ("Cùng hồ sơ".into(), 16),
                ("Đặt trước mỗi giấy tờ tiếp theo của cùng hồ sơ.".into(), 7),
                ("Không gấp, không viết lên mã.".into(), 7),
                ("Quét cùng giấy tờ, tờ này không phải giấy tờ.".into(), 7),
            ],
        ),
    };
    let mut grey = Grey { width: SIZE.0, height: SIZE.1, pixels: vec![255; (SIZE.0 * SIZE.1) as usize] };
    let mut text = PageText { width: SIZE.0, height: SIZE.1, lines: Vec::new() };
    let mut top = MARGIN;
    let (heading, below) = lines.split_at(2);
    for (line, dots) in heading {
        top = write(&mut grey, &mut text, line, *dots, top) + 40;
    }
    top = put(&mut grey, &draw::qr(&code)?, top + 60, 1_250, 0);
    top = put(&mut grey, &draw::code128(&code)?, top + 120, SIZE.0 - 2 * MARGIN, 260);
    top = write(&mut grey, &mut text, &code, 5, top + 10) + 60;
    for (line, dots) in below {
        top = write(&mut grey, &mut text, line, *dots, top);
    }
    let data = miniz_oxide::deflate::compress_to_vec_zlib(&grey.pixels, 6);
    let kept = KeptImage { width: SIZE.0, height: SIZE.1, encoding: Encoding::Flate { components: 1 }, data };
    Some(ReadPage {
        number,
        state: PageState::Separator,
        reasons: Vec::new(),
        dpi: DPI,
        placement: Placement::default(),
        text,
        corrections: Vec::new(),
        born_digital: true,
        codes: Vec::new(),
        look: None,
        kept: Some(kept),
    })
}

/// A line in the middle, its dots that large or smaller where it would not fit; gives what is below it.
fn write(grey: &mut Grey, text: &mut PageText, line: &str, dots: u32, top: u32) -> u32 {
    let wide = lettering::letters(line) * ADVANCE;
    let dot = dots.min((SIZE.0 - 2 * MARGIN) / wide.max(1)).max(1);
    let left = (SIZE.0 - wide * dot) / 2;
    for (x, y) in lettering::dots(line) {
        fill(grey, Rect { x: left + x * dot, y: top + y * dot, width: dot, height: dot });
    }
    let mut from = left;
    let words = line.split(' ').map(|word| {
        let width = lettering::letters(word) * ADVANCE * dot;
        let rect = Rect { x: from, y: top, width, height: HEIGHT * dot };
        from += width + ADVANCE * dot;
        Word { text: word.into(), rect, confidence: 100 }
    });
    let words = words.collect();
    let rect = Rect { x: left, y: top, width: wide * dot, height: HEIGHT * dot };
    text.lines.push(Line { words, rect, block: text.lines.len() as u32 });
    top + (HEIGHT + 2) * dot
}

/// A code in the middle, as wide as whole pixels a module allow, bars that high; gives what is below it.
fn put(grey: &mut Grey, code: &Modules, top: u32, most: u32, bars: u32) -> u32 {
    // Wider modules than six pixels, half a millimetre, make bars no easier to read.
    let module = (most / code.width as u32).min(if code.height == 1 { 6 } else { u32::MAX }).max(1);
    let high = if code.height == 1 { bars } else { module };
    let left = (SIZE.0 - module * code.width as u32) / 2;
    for (i, _) in code.dark.iter().enumerate().filter(|(_, dark)| **dark) {
        let (x, y) = ((i % code.width) as u32, (i / code.width) as u32);
        fill(grey, Rect { x: left + x * module, y: top + y * high, width: module, height: high });
    }
    top + high * code.height as u32
}

fn fill(grey: &mut Grey, rect: Rect) {
    for y in rect.y..rect.bottom().min(grey.height) {
        let row = &mut grey.pixels[(y * grey.width) as usize..][..grey.width as usize];
        row[rect.x.min(grey.width) as usize..rect.right().min(grey.width) as usize].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::sheets::{Rules, Says};

    #[test]
    fn our_own_reader_reads_both_codes_of_every_sheet() {
        for code in
            ["H48.15-250117-0042", "000.00.53.H48-220921-0099", "G09.20-20260609-0092637", "000.000.000.000.H48-20260609-0092637"]
        {
            let dossier: DossierCode = code.parse().unwrap();
            for dossier in [Some(&dossier), None] {
                let kept = sheet(1, dossier).unwrap().kept.unwrap();
                let pixels = miniz_oxide::inflate::decompress_to_vec_zlib(&kept.data).unwrap();
                let found = crate::codes::read(&Grey { width: kept.width, height: kept.height, pixels }, DPI);
                assert_eq!((found.codes.len(), found.unread.len()), (2, 0), "{code}: {found:?}");
                assert_eq!(found.codes[0].text, found.codes[1].text);
                assert_eq!(Rules::default().judge(&found.codes), Says::Separator { dossier: dossier.cloned() });
            }
        }
    }

    #[test]
    fn everything_is_within_the_margins() {
        let dossier: DossierCode = "000.000.000.000.H48-20260609-0092637".parse().unwrap();
        let page = sheet(1, Some(&dossier)).unwrap();
        let pixels = miniz_oxide::inflate::decompress_to_vec_zlib(&page.kept.unwrap().data).unwrap();
        let dark = |x: u32, y: u32| pixels[(y * SIZE.0 + x) as usize] == 0;
        let free = |x: u32, y: u32| x < MARGIN / 2 || y < MARGIN / 2 || x >= SIZE.0 - MARGIN / 2 || y >= SIZE.1 - MARGIN / 2;
        assert!((0..SIZE.1).all(|y| (0..SIZE.0).all(|x| !(free(x, y) && dark(x, y)))));
    }
}
