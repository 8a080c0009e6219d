//! How a signature looks on page 1: the three conventions in use. NĐ 30/2020/NĐ-CP (organisation, top right, text only), TT 01/2023/TT-VPCP
//! (who copied, top left) and TT 02/2019/TT-BNV (top right, the red seal's picture). Everything is embedded, nothing is transparent:
//! the file stays PDF/A-1.

mod font;
mod seal;

use crate::SignError;
use crate::pdf::{self, KEPT_EMPTY};
use jiff::Zoned;
use lopdf::{Object, ObjectId, Stream, dictionary};

pub use font::Font;
pub use seal::SealImage;

/// Points; NĐ 30/2020 Phụ lục I: Times New Roman, upright, size 10, black.
const SIZE: f32 = 10.0;
const LEADING: f32 = 12.0;
/// Longer lines are broken, where the page leaves so much.
const WIDEST: f32 = 200.0;
/// From the page's upper edge, and from its side: in the margin above the first line of a paper after NĐ 30/2020.
const FROM_TOP: f32 = 10.0;
const FROM_SIDE: f32 = 42.5;
/// A seal's picture that says no size is drawn as wide as most seals are, 36 mm.
const SEAL_WIDTH: f32 = 102.0;

/// A corner of the page as it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Appearance<'a> {
    corner: Corner,
    lines: Vec<String>,
    seal: Option<&'a SealImage>,
    font: &'a Font,
}

impl<'a> Appearance<'a> {
    /// An organisation's signature on a digitized copy (NĐ 30/2020/NĐ-CP, Phụ lục I, phần II mục I): form of copy (`SAO Y`, `SAO LỤC`,
    /// `TRÍCH SAO`), organisation, time of signing.
    pub fn nd30_2020(form: &str, organisation: &str, at: &Zoned, font: &'a Font) -> Result<Self, SignError> {
        Self::of(Corner::TopRight, &[form, organisation, &time(at)], None, font)
    }

    /// The signature of the person who copied (TT 01/2023/TT-VPCP art. 8): name and time.
    pub fn tt01_2023(person: &str, at: &Zoned, font: &'a Font) -> Result<Self, SignError> {
        let (who, when) = (format!("Người sao chụp: {person}"), format!("Thời gian sao chụp: {}", time(at)));
        Self::of(Corner::TopLeft, &[&who, &when], None, font)
    }

    /// An organisation's signature with its red seal (TT 02/2019/TT-BNV): picture, organisation, time.
    pub fn tt02_2019(organisation: &str, at: &Zoned, seal: &'a SealImage, font: &'a Font) -> Result<Self, SignError> {
        Self::of(Corner::TopRight, &[organisation, &time(at)], Some(seal), font)
    }

    fn of(corner: Corner, lines: &[&str], seal: Option<&'a SealImage>, font: &'a Font) -> Result<Self, SignError> {
        let mut broken = Vec::new();
        for line in lines {
            font.check(line)?;
            broken.extend(wrapped(line, font));
        }
        Ok(Self { corner, lines: broken, seal, font })
    }

    /// Width and height that it needs.
    fn size(&self) -> (f32, f32) {
        let text = self.lines.iter().map(|line| self.font.width(line) * SIZE).fold(0.0, f32::max);
        let height = LEADING * self.lines.len() as f32 + 4.0;
        match self.seal_size() {
            Some((width, tall)) => (text.max(width) + 2.0, height + tall),
            None => (text + 2.0, height),
        }
    }

    fn seal_size(&self) -> Option<(f32, f32)> {
        let seal = self.seal?;
        let width = seal.points_wide().unwrap_or(SEAL_WIDTH);
        Some((width, width * seal.height as f32 / seal.width as f32))
    }

    /// Its place on a page of that size, as it is seen: left, bottom, right, top in points. A small page gets a smaller signature,
    /// never one beyond its edges.
    pub(crate) fn place(&self, (page_width, page_height): (f32, f32)) -> Result<[f32; 4], SignError> {
        let (width, height) = self.size();
        let (side, top) = (FROM_SIDE.min(page_width / 10.0), FROM_TOP.min(page_height / 20.0));
        let scale = ((page_width - 2.0 * side) / width).min((page_height - 2.0 * top) / height).min(1.0);
        if !scale.is_finite() || scale < 0.05 {
            return Err(SignError::Appearance("the first page is too small to show it".into()));
        }
        let (width, height) = (width * scale, height * scale);
        let left = if self.corner == Corner::TopLeft { side } else { page_width - side - width };
        let upper = page_height - top;
        Ok([left, upper - height, left + width, upper])
    }

    /// The form XObject, upright on a page that is turned by so many degrees clockwise (ISO 32000-1 12.5.5).
    pub(crate) fn draw(&self, add: &mut dyn FnMut(Object) -> ObjectId, turned: i64) -> Result<ObjectId, SignError> {
        let (width, height) = self.size();
        let mut content = String::from("q\n");
        let mut pictures = dictionary! { KEPT_EMPTY => add(Object::Stream(pdf::empty_form())) };
        let mut text_top = height - 2.0;
        if let (Some(seal), Some((wide, tall))) = (self.seal, self.seal_size()) {
            pictures.set("Seal", seal.embed(add));
            text_top -= tall;
            let left = (width - wide) / 2.0;
            content.push_str(&format!("q {wide:.2} 0 0 {tall:.2} {left:.2} {:.2} cm /Seal Do Q\n", height - tall));
        }
        let subset = self.font.embed(&self.lines, add)?;
        content.push_str(&format!("BT\n/F {SIZE} Tf\n0 g\n{LEADING} TL\n1 {:.2} Td\n", text_top - SIZE + 1.0));
        for line in &self.lines {
            let codes: String = subset.codes(line).iter().map(|code| format!("{code:04X}")).collect();
            content.push_str(&format!("<{codes}> Tj T*\n"));
        }
        content.push_str("ET\nQ\n");
        let resources = dictionary! { "XObject" => pictures, "Font" => dictionary! { "F" => subset.font } };
        let matrix: [i64; 6] = match turned {
            90 => [0, 1, -1, 0, 0, 0],
            180 => [-1, 0, 0, -1, 0, 0],
            270 => [0, -1, 1, 0, 0, 0],
            _ => [1, 0, 0, 1, 0, 0],
        };
        let form = dictionary! {
            "Type" => "XObject",
            "Subtype" => "Form",
            "BBox" => vec![Object::Real(0.0), Object::Real(0.0), Object::Real(width), Object::Real(height)],
            "Matrix" => matrix.map(Object::Integer).to_vec(),
            "Resources" => resources,
        };
        Ok(add(Object::Stream(Stream::new(form, content.into_bytes()))))
    }
}

/// `27/11/2026 10:05:03 +07:00`: day, time and zone as NĐ 30/2020 has them.
fn time(at: &Zoned) -> String {
    at.strftime("%d/%m/%Y %H:%M:%S %:z").to_string()
}

/// Lines of at most [`WIDEST`] points, broken between words.
fn wrapped(line: &str, font: &Font) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        match lines.last_mut() {
            Some(last) if font.width(&format!("{last} {word}")) * SIZE <= WIDEST => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
