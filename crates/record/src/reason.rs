//! Why a document, page or field is not simply done: one code each, with words that a clerk understands and what to do.
//! The codes are part of the signed format: they may be added to, never renamed.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident, $code:literal, $vi:literal, $en:literal;)*) => {
        /// A reason code. In JSON its snake-case name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason { $($(#[doc = $doc])* #[doc = $en] #[serde(rename = $code)] $name,)* }

        impl Reason {
            /// Every reason there is, in the order of this file.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The code that stands in manifests and JSON lines.
            pub fn code(self) -> &'static str { match self { $(Reason::$name => $code,)* } }

            /// For the clerk: what is the matter and what to do, in Vietnamese.
            pub fn vi(self) -> &'static str { match self { $(Reason::$name => $vi,)* } }

            /// The same in English.
            pub fn en(self) -> &'static str { match self { $(Reason::$name => $en,)* } }
        }
    };
}

reasons! {
    // --- a field is in doubt: a person must look
    NumberHandwritten, "number_handwritten", "số văn bản viết tay: xem ảnh và nhập số", "the number is handwritten: look at the image and type it";
    NumberUnconfirmed, "number_unconfirmed", "chưa có căn cứ xác nhận số văn bản: đối chiếu với ảnh", "no rule confirms the number: compare it with the image";
    NumberMissing, "number_missing", "không tìm thấy số văn bản: xem ảnh và nhập, hoặc để trống nếu không có", "no number was found: look at the image and type it, or leave it empty if there is none";
    DateHandwritten, "date_handwritten", "ngày ban hành viết tay: xem ảnh và nhập ngày", "the day is handwritten: look at the image and type the date";
    DateUnconfirmed, "date_unconfirmed", "chưa có căn cứ xác nhận ngày ban hành: đối chiếu với ảnh", "no rule confirms the date: compare it with the image";
    DateMissing, "date_missing", "không tìm thấy ngày ban hành: xem ảnh và nhập ngày", "no date was found: look at the image and type it";
    NotationUnconfirmed, "notation_unconfirmed", "ký hiệu văn bản đọc chưa chắc: đối chiếu với ảnh", "the notation is not sure: compare it with the image";
    FieldMissing, "field_missing", "thiếu trường bắt buộc: xem ảnh và nhập", "a required field was not found: look at the image and type it";
    LowConfidence, "low_confidence", "máy đọc chưa chắc: đối chiếu với ảnh", "the reading is not sure: compare it with the image";
    Conflicting, "conflicting", "hai chỗ trên giấy ghi khác nhau: xem ảnh và chọn", "two places on the paper disagree: look at the image and choose";
    RegisterTie, "register_tie", "sổ theo dõi có dòng có thể là giấy này nhưng chưa chắc: xem ảnh và chọn dòng đúng", "rows of the register could be this paper, none for sure: look at the image and choose";
    UnknownKind, "unknown_kind", "không nhận ra loại giấy tờ: chọn loại", "the kind of paper was not recognized: choose it";
    DossierUnknown, "dossier_unknown", "chưa biết mã hồ sơ: đặt tên thư mục hoặc tệp theo mã hồ sơ", "the dossier's code is not known: name the folder or file by it";
    DossierConflict, "dossier_conflict", "mã hồ sơ trên giấy khác mã của thư mục hoặc tệp: kiểm tra giấy tờ thuộc hồ sơ nào", "the dossier's code on the paper is not that of the folder or file: check which dossier the paper belongs to";
    // --- a page
    RecognizeFailed, "recognize_failed", "có trang không đọc được chữ: quét lại trang đó hoặc nhập tay", "a page could not be read: scan it again or key it in";
    PageTimeout, "page_timeout", "trang vượt quá thời gian xử lý: quét lại trang đó", "the page took longer than its time limit: scan it again";
    PageCrash, "page_crash", "chương trình đọc trang bị dừng: giữ nguyên tệp gốc, quét lại trang đó", "the page reader stopped: the original is kept, scan the page again";
    PageMemory, "page_memory", "trang cần quá nhiều bộ nhớ: quét lại ở độ phân giải thấp hơn", "the page needs too much memory: scan it again at a lower resolution";
    PageDamaged, "page_damaged", "ảnh trang bị hỏng: quét lại trang đó", "the page's image is damaged: scan it again";
    PageTooLarge, "page_too_large", "trang quá lớn: quét lại ở độ phân giải thấp hơn", "the page has too many pixels: scan it again at a lower resolution";
    LowDpi, "low_dpi", "ảnh dưới 200 dpi (NĐ 30/2020): nên quét lại", "the scan has less than 200 dpi (NĐ 30/2020): better scan it again";
    NoText, "no_text", "không có chữ nào đọc được trên các trang: kiểm tra bản quét", "no text was found on any page: check the scan";
    SeparatorUnreadable, "separator_unreadable", "có tờ phân cách không đọc được mã: kiểm tra xem các giấy tờ có bị gộp không, in lại tờ phân cách rồi quét lại", "a separator sheet's code could not be read: check whether papers were put together, print the sheet again and scan again";
    DivisionUnsure, "division_unsure", "tệp có thể gồm nhiều giấy tờ, chưa tách: xem trang được đánh dấu, chấp nhận nếu là một giấy tờ, nếu không thì đặt tờ phân cách vào giữa rồi quét lại", "the file may hold several papers and was not divided: look at the marked page, accept when it is one paper, else put separator sheets between them and scan again";
    DividedByContent, "divided_by_content", "giấy tờ bắt đầu ở trang này được tách theo quốc hiệu, tên loại và số của nó: nếu tách sai, đặt tờ phân cách trước và sau cả giấy tờ rồi quét lại", "the paper was divided from the one before it by its own header, title and number: where that is wrong, put separator sheets around the whole paper and scan again";
    // --- a whole file cannot be taken
    Empty, "empty", "tệp rỗng: quét hoặc gửi lại", "the file is empty: scan or send it again";
    UnknownFormat, "unknown_format", "không phải PDF, TIFF, JPEG hay PNG: chuyển sang một trong các dạng đó", "neither PDF, TIFF, JPEG nor PNG: convert it to one of them";
    NameMismatch, "name_mismatch", "nội dung không phải PDF hay ảnh như tên tệp ghi: kiểm tra tệp, rồi quét lại hoặc chuyển sang PDF", "it is no PDF or picture, whatever the file's name says: check the file, then scan again or convert it";
    Encrypted, "encrypted", "tệp có mật khẩu: mở khóa rồi gửi lại", "the file needs a password: remove it and send the file again";
    Damaged, "damaged", "tệp hỏng hoặc bị cắt cụt: quét hoặc sao chép lại", "the file is damaged or cut short: scan or copy it again";
    NoPages, "no_pages", "tệp không có trang nào: quét lại", "the file has no pages: scan it again";
    TooManyPages, "too_many_pages", "tệp có quá nhiều trang: tách thành nhiều tệp", "the file has too many pages: split it";
    TooLarge, "too_large", "tệp lớn hơn giới hạn cho phép: tách nhỏ hoặc quét ở độ phân giải thấp hơn", "the file is larger than the limit: split it or scan it at a lower resolution";
    OpenTimeout, "open_timeout", "không mở được tệp trong thời gian cho phép: tệp có thể hỏng hoặc có ý đồ xấu", "the file could not be opened within its time limit: it may be damaged or malicious";
    OpenCrash, "open_crash", "chương trình đọc tệp bị dừng khi mở tệp: tệp có thể hỏng hoặc có ý đồ xấu", "the reader stopped while opening the file: it may be damaged or malicious";
    // --- what the signatures say that came with a PDF
    SignatureAltered, "signature_altered", "tệp đã bị thay đổi sau khi ký số: xin lại bản gốc từ nơi ký, không dùng nội dung này", "the file was altered after it was signed: ask the signer for the original, do not use this content";
    SignatureBroken, "signature_broken", "chữ ký số trong tệp hỏng hoặc không bao trùm nội dung: xin lại bản gốc từ nơi ký", "a signature in the file is broken or does not cover it: ask the signer for the original";
    SignatureDoubtful, "signature_doubtful", "chữ ký số dùng thuật toán yếu hoặc chứng thư không được chấp nhận: hỏi lại nơi ký", "a signature is weak or its certificate is refused: ask the signer";
    SignatureUnchecked, "signature_unchecked", "chữ ký số trong tệp chưa kiểm tra được: kiểm tra bằng phần mềm khác", "a signature in the file could not be checked: check it with another program";
    // --- lawfully not digitized (TT 01/2023/TT-VPCP)
    Secret, "secret", "giấy tờ có dấu mật: không số hóa, chuyển bộ phận bảo mật", "the paper is marked secret: it is not digitized, hand it to the security officer";
    AlreadyShared, "already_shared", "đã có dữ liệu dùng chung có giá trị pháp lý: không số hóa lại (TT 01/2023)", "already shared as data of legal value: it is not digitized again (TT 01/2023)";
    Photocopy, "photocopy", "bản chụp hoặc bản sao chứng thực giấy: không phải số hóa (TT 01/2023)", "a photocopy or certified paper copy: it need not be digitized (TT 01/2023)";
    PresentOnly, "present_only", "giấy tờ chỉ phải xuất trình: không phải số hóa (TT 01/2023)", "a paper that is only presented: it need not be digitized (TT 01/2023)";
    // --- vouched for, and its PDF is not signed yet
    SignatureWaits, "signature_waits", "chờ ký số trên máy khác: chạy sohoa sign prepare, ký, rồi sohoa sign complete", "it waits for a signature made on another computer: sohoa sign prepare, sign, then sohoa sign complete";
    TimestampMissing, "timestamp_missing", "chưa có dấu thời gian: kiểm tra mạng và [sign] tsa, rồi chạy lại sohoa ingest hoặc sohoa sign run", "no time stamp could be had: check the network and [sign] tsa, then run sohoa ingest or sohoa sign run again";
    RevocationUnknown, "revocation_unknown", "chưa biết chứng thư có bị thu hồi không: kiểm tra mạng, rồi chạy lại sohoa ingest hoặc sohoa sign run", "whether a certificate was revoked is not known: check the network, then run sohoa ingest or sohoa sign run again";
    SignerFailed, "signer_failed", "không ký số được: chạy sohoa doctor, kiểm tra thiết bị ký và chứng thư, rồi sohoa sign run", "the PDF could not be signed: run sohoa doctor, check token and certificate, then sohoa sign run";
    // --- decided by a person; never counts as digitized
    Rejected, "rejected", "người kiểm tra từ chối: xem ghi chú", "the reviewer rejected it: see the note";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::str::FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or_else(|| UnknownReason(code.to_owned()))
    }
}

/// A code that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a reason code of this version; a newer sohoa may know it")]
pub struct UnknownReason(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_come_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse::<Reason>().unwrap(), *reason);
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{}\"", reason.code()));
        }
    }

    #[test]
    fn every_explanation_says_what_to_do() {
        for reason in Reason::ALL {
            assert!(reason.vi().contains(':') && reason.en().contains(':'), "{reason} has no remedy");
        }
    }
}
