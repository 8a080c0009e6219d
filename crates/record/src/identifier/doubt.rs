//! What can be odd about an identifier, in words, and how one is refused.

use std::fmt;

/// Why a person should compare a well-formed identifier with the paper. It may still be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Zeros at the beginning were missing and were put back.
    LostZero,
    /// The check digit does not fit.
    CheckDigit,
    /// A sequence or suffix of zeros only, which nobody is given.
    ZeroSequence,
    /// The first three digits of a personal number are no province.
    NoProvince,
    /// A personal number says a birth after 2099.
    CenturyToCome,
    /// A personal number says another sex than the paper.
    OtherSex,
    /// A personal number says another year of birth than the paper.
    OtherBirthYear,
    /// More or fewer digits than those seen so far.
    UnusualLength,
    /// An agency's root (`H48`) stands neither first nor last.
    RootInside,
    /// Longer than QĐ 20/2020/QĐ-TTg allows.
    TooLong,
    /// A procedure's first digit is not 1, 2 or 3.
    UnusualGroup,
    /// What follows a procedure's base code is neither an agency nor an ordinal.
    UnknownSuffix,
    /// A land certificate's serial and its number in the book could both be written so.
    SerialOrBookNumber,
    /// The letters before a book number are none of those seen so far.
    UnknownPrefix,
    /// A serial with Đ, which was not seen so far.
    UnusualLetter,
    /// An identifier whose shape nobody has confirmed.
    UnverifiedShape,
}

impl Doubt {
    /// For the clerk: what is odd and what to do, in Vietnamese.
    pub fn vi(self) -> &'static str {
        match self {
            Doubt::LostZero => "thiếu số 0 ở đầu, đã thêm lại: đối chiếu với giấy tờ",
            Doubt::CheckDigit => "chữ số kiểm tra không khớp: đối chiếu với giấy tờ",
            Doubt::ZeroSequence => "số thứ tự toàn số 0: đối chiếu với giấy tờ",
            Doubt::NoProvince => "ba chữ số đầu không phải mã tỉnh (001–096): chỉ đúng với người đăng ký khai sinh ở nước ngoài",
            Doubt::CenturyToCome => "số định danh cho năm sinh sau 2099: đối chiếu với giấy tờ",
            Doubt::OtherSex => "số định danh cho giới tính khác với giấy tờ: xem lại cả hai",
            Doubt::OtherBirthYear => "số định danh cho năm sinh khác với giấy tờ: xem lại cả hai",
            Doubt::UnusualLength => "số chữ số khác thường: đối chiếu với giấy tờ",
            Doubt::RootInside => "mã cơ quan có phần gốc (như H48) ở giữa: đối chiếu với giấy tờ",
            Doubt::TooLong => "mã cơ quan dài quá 35 ký tự: đối chiếu với giấy tờ",
            Doubt::UnusualGroup => "mã thủ tục không bắt đầu bằng 1, 2 hoặc 3: đối chiếu với danh mục",
            Doubt::UnknownSuffix => "phần sau mã thủ tục gốc chưa từng gặp: đối chiếu với danh mục",
            Doubt::SerialOrBookNumber => "có thể là số phát hành hoặc số vào sổ: xem vị trí trên giấy chứng nhận",
            Doubt::UnknownPrefix => "ký hiệu trước số vào sổ chưa từng gặp: đối chiếu với giấy chứng nhận",
            Doubt::UnusualLetter => "số phát hành có chữ Đ: đối chiếu với giấy chứng nhận",
            Doubt::UnverifiedShape => "chưa có quy tắc cho loại số này: đối chiếu với giấy tờ",
        }
    }

    /// The same in English.
    pub fn en(self) -> &'static str {
        match self {
            Doubt::LostZero => "zeros at the beginning were missing and were put back: compare with the paper",
            Doubt::CheckDigit => "the check digit does not fit: compare with the paper",
            Doubt::ZeroSequence => "a sequence of zeros only: compare with the paper",
            Doubt::NoProvince => {
                "the first three digits are no province (001–096): right only for someone whose birth was registered abroad"
            }
            Doubt::CenturyToCome => "the number says a birth after 2099: compare with the paper",
            Doubt::OtherSex => "the number says another sex than the paper: look at both",
            Doubt::OtherBirthYear => "the number says another year of birth than the paper: look at both",
            Doubt::UnusualLength => "an unusual number of digits: compare with the paper",
            Doubt::RootInside => "the root of the agency's code (such as H48) stands inside: compare with the paper",
            Doubt::TooLong => "the agency's code has more than 35 characters: compare with the paper",
            Doubt::UnusualGroup => "the procedure's code does not begin with 1, 2 or 3: compare with the catalogue",
            Doubt::UnknownSuffix => "what follows the procedure's base code was never met: compare with the catalogue",
            Doubt::SerialOrBookNumber => {
                "it could be the serial or the number in the book: look where it stands on the certificate"
            }
            Doubt::UnknownPrefix => "the letters before the book number were never met: compare with the certificate",
            Doubt::UnusualLetter => "the serial has a Đ: compare with the certificate",
            Doubt::UnverifiedShape => "there is no rule for such a number: compare with the paper",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en())
    }
}

/// An identifier that was read with more tolerance than parsing has, and all that is odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<T> {
    /// The identifier, whole.
    pub value: T,
    /// What a person should look at, its own doubts among them; empty when nothing is odd.
    pub doubts: Vec<Doubt>,
}

/// A text that is not the identifier it was taken for. It says what was expected and not what was there: the latter is often
/// somebody's number, and errors go into logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} was expected")]
pub struct Malformed(pub &'static str);

/// The text without white space.
pub(super) fn unspaced(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Is it `count` ASCII digits and nothing else?
pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// The JSON of an identifier is its canonical text.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl TryFrom<String> for $name {
            type Error = crate::identifier::Malformed;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}
pub(super) use as_text;
