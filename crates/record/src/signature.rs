//! What a check of an incoming PDF's signature says: one verdict, what speaks for and against it, who, when and by which
//! certificates. The checking itself is not here (`sohoa-sign`). Codes stand in signed bytes: added to, never renamed.

use crate::Sha256Hex;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[doc = $about:literal])* $type:ident: $($name:ident, $code:literal, $vi:literal, $en:literal;)*) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type { $(#[doc = $en] #[serde(rename = $code)] $name,)* }

        impl $type {
            /// Every one there is, in the order of this file.
            pub const ALL: &'static [$type] = &[$($type::$name,)*];

            /// The code that stands in manifests.
            pub fn code(self) -> &'static str { match self { $($type::$name => $code,)* } }

            /// In Vietnamese.
            pub fn vi(self) -> &'static str { match self { $($type::$name => $vi,)* } }

            /// In English.
            pub fn en(self) -> &'static str { match self { $($type::$name => $en,)* } }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }
    };
}

words! {
    #[doc = "The outcome for one signature. Only the first says that all is well."]
    Verdict:
    Valid, "valid", "hợp lệ", "valid";
    IssuerNotTrusted, "issuer_not_trusted", "chữ ký nguyên vẹn, nhưng đơn vị cấp chứng thư chưa có trong danh sách tin cậy", "intact, but the certificate's issuer is not among the trusted ones";
    CertificateRefused, "certificate_refused", "chữ ký nguyên vẹn, nhưng chứng thư không được chấp nhận", "intact, but the certificate is refused";
    Weak, "weak", "chữ ký dùng thuật toán yếu, không đủ tin cậy", "made with a weak algorithm, so it proves nothing";
    AlteredAfterSigning, "altered_after_signing", "tài liệu đã bị thay đổi sau khi ký", "the document was altered after it was signed";
    NotCovering, "not_covering", "chữ ký không bao trùm nội dung như phải có", "the signature does not cover what it has to";
    Broken, "broken", "chữ ký hỏng hoặc không khớp với nội dung", "the signature is broken or does not match the content";
    Unsupported, "unsupported", "phần mềm chưa kiểm tra được loại chữ ký này", "this kind of signature cannot be checked";
    NotChecked, "not_checked", "chưa kiểm tra được chữ ký", "the signature could not be checked";
}

impl Verdict {
    /// True when the signed content is what lies in the file: whether the signer is known is another question.
    pub fn is_intact(self) -> bool {
        matches!(self, Verdict::Valid | Verdict::IssuerNotTrusted | Verdict::CertificateRefused)
    }
}

words! {
    #[doc = "Something found about a signature: why a verdict is what it is, or what a reader should know beside it."]
    Finding:
    RangeMalformed, "range_malformed", "phạm vi ký không đúng dạng", "the signed range is malformed";
    RangeStart, "range_start", "phạm vi ký không bắt đầu từ đầu tệp", "the signed range does not start at the file's first byte";
    RangeHole, "range_hole", "phần bỏ ngoài phạm vi ký không đúng là chữ ký", "what the signed range leaves out is not exactly the signature";
    RangeEnd, "range_end", "phạm vi ký không kết thúc ở cuối một phiên bản của tệp", "the signed range does not end where a revision of the file ends";
    Orphan, "orphan", "có dữ liệu chữ ký mà biểu mẫu của tệp không dẫn tới", "there is a signature that no field of the file leads to";
    SharedSignature, "shared_signature", "nhiều ô chữ ký dùng chung một chữ ký", "several signature fields share one signature";
    StructureRepaired, "structure_repaired", "cấu trúc tệp hỏng, phải đoán", "the file's structure is damaged and had to be guessed";
    TooComplex, "too_complex", "tệp quá lớn hoặc quá phức tạp để kiểm tra", "the file is too large or too complex to check";
    EncryptedFile, "encrypted_file", "tệp được mã hóa", "the file is encrypted";
    CmsMalformed, "cms_malformed", "dữ liệu chữ ký không đúng dạng", "the signature's data are malformed";
    SeveralSigners, "several_signers", "một chữ ký có nhiều người ký", "one signature has several signers";
    ContentInSignature, "content_in_signature", "chữ ký mang theo nội dung riêng, không phải nội dung tệp", "the signature carries content of its own";
    SignerCertificateMissing, "signer_certificate_missing", "không có chứng thư của người ký", "the signer's certificate is missing";
    DigestMismatch, "digest_mismatch", "nội dung đã ký không khớp giá trị băm", "the signed content does not match its digest";
    SignatureMismatch, "signature_mismatch", "giá trị chữ ký không khớp với khóa của người ký", "the signature does not match the signer's key";
    SignedAttributesMissing, "signed_attributes_missing", "chữ ký thiếu thuộc tính được ký", "the signature has no signed attributes";
    AttributeWrong, "attribute_wrong", "thuộc tính được ký sai hoặc thiếu", "a signed attribute is wrong or missing";
    SigningCertificateUnbound, "signing_certificate_unbound", "chữ ký không ghi rõ dùng chứng thư nào", "the signature does not say which certificate it was made with";
    SigningCertificateMismatch, "signing_certificate_mismatch", "chứng thư không phải là chứng thư ghi trong chữ ký", "the certificate is not the one that the signature names";
    AlgorithmUnsupported, "algorithm_unsupported", "thuật toán chưa được hỗ trợ", "the algorithm is not supported";
    AlgorithmMismatch, "algorithm_mismatch", "thuật toán băm và thuật toán ký không khớp nhau", "the digest is not the one that the signature algorithm needs";
    KindUnsupported, "kind_unsupported", "dạng chữ ký chưa được hỗ trợ", "the kind of signature is not supported";
    WeakDigest, "weak_digest", "dùng hàm băm yếu (MD5 hoặc SHA-1)", "a weak digest (MD5 or SHA-1) is used";
    WeakKey, "weak_key", "khóa RSA ngắn hơn 2048 bit", "the RSA key has less than 2048 bits";
    PathNotFound, "path_not_found", "chứng thư không nối được tới gốc tin cậy nào", "no path leads from the certificate to a trusted root";
    PathExpired, "path_expired", "có chứng thư ngoài thời hạn hiệu lực vào thời điểm xét (dấu thời gian tin cậy, hoặc lúc kiểm tra)", "a certificate was outside its validity at the time that counts (a believed stamp, else the time of asking)";
    PathUsage, "path_usage", "có chứng thư không được phép dùng cho việc này", "a certificate may not be used for this";
    CertificateRevoked, "certificate_revoked", "chứng thư đã bị thu hồi trước lúc ký", "the certificate was revoked before the time of signing";
    RevocationNotChecked, "revocation_not_checked", "chưa kiểm tra việc thu hồi chứng thư", "revocation was not checked";
    RevocationGood, "revocation_good", "danh sách kèm theo cho biết chứng thư không bị thu hồi", "embedded lists say that the certificate was not revoked";
    TimeClaimed, "time_claimed", "thời điểm ký chỉ do người ký ghi", "the time of signing is only what the signer claims";
    TimeUnknown, "time_unknown", "không ghi thời điểm ký", "no time of signing is given";
    TimeStamped, "time_stamped", "có dấu thời gian nguyên vẹn", "it has an intact time stamp";
    TimeStampBroken, "time_stamp_broken", "dấu thời gian hỏng", "its time stamp is broken";
    TimeStampNotTrusted, "time_stamp_not_trusted", "đơn vị cấp dấu thời gian chưa có trong danh sách tin cậy", "the time stamp's issuer is not among the trusted ones";
    LaterRevision, "later_revision", "tệp có phần được thêm sau chữ ký", "something was added to the file after the signature";
    ValidationDataAdded, "validation_data_added", "sau khi ký có thêm dữ liệu để kiểm tra chữ ký", "data for checking signatures were added after it";
    TimeStampAdded, "time_stamp_added", "sau khi ký có thêm dấu thời gian", "a time stamp was added after it";
    SignatureAdded, "signature_added", "sau khi ký có thêm chữ ký khác", "another signature was added after it";
    FieldFilled, "field_filled", "sau khi ký có ô biểu mẫu được điền", "a form field was filled after it";
    MetadataChanged, "metadata_changed", "sau khi ký thông tin mô tả tệp đã thay đổi", "the file's description was changed after it";
    ContentChanged, "content_changed", "sau khi ký nội dung trang đã thay đổi", "the content of pages was changed after it";
    PagesChanged, "pages_changed", "sau khi ký các trang đã được thêm, bớt hoặc thay", "pages were added, taken away or replaced after it";
    AnnotationChanged, "annotation_changed", "sau khi ký chú thích hoặc ô hiển thị đã thay đổi", "annotations were changed after it";
    FormChanged, "form_changed", "sau khi ký biểu mẫu đã thay đổi", "the form was changed after it";
    DocumentChanged, "document_changed", "sau khi ký cấu trúc tài liệu đã thay đổi", "the document's structure was changed after it";
    NotPermitted, "not_permitted", "người ký chứng nhận không cho phép thay đổi này", "the certifying signer does not permit this change";
    HiddenLayers, "hidden_layers", "tệp có lớp nội dung có thể ẩn hoặc hiện", "the file has layers that can be hidden or shown";
    ActiveContent, "active_content", "tệp có mã lệnh hoặc hành động tự chạy", "the file has scripts or actions that run by themselves";
    CoveringAnnotation, "covering_annotation", "có chú thích che nội dung trang", "an annotation covers content of a page";
    UnusedPages, "unused_pages", "tệp có trang ẩn không dùng tới, có thể để tráo nội dung", "the file has pages that nothing shows, as prepared for an exchange";
}

/// What was found about one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureCheck {
    /// The outcome.
    pub verdict: Verdict,
    /// Why, and what else is known; sorted, each once.
    pub findings: Vec<Finding>,
    /// The full name of the form field; empty for a signature that no field leads to.
    pub field: String,
    /// Such as `rsa-pkcs1 sha256`; empty when it could not be told.
    pub algorithm: String,
    /// SHA-256 of the signer's certificate; null when there is none.
    pub certificate_sha256: Option<Sha256Hex>,
    /// The common names from the signer up to the root, as far as the path leads.
    pub path: Vec<String>,
    /// The time of an intact time stamp, RFC 3339 in UTC; null without one.
    pub stamped_time: Option<String>,
    /// What was changed after it and may not be, such as `page 2 /Contents`; a few of them.
    pub changes: Vec<String>,
}

impl SignatureCheck {
    /// A check that came to nothing but this.
    pub fn only(verdict: Verdict, findings: Vec<Finding>) -> SignatureCheck {
        SignatureCheck {
            verdict,
            findings,
            field: String::new(),
            algorithm: String::new(),
            certificate_sha256: None,
            path: Vec::new(),
            stamped_time: None,
            changes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_come_back() {
        let verdicts: BTreeSet<_> = Verdict::ALL.iter().map(|v| v.code()).collect();
        let findings: BTreeSet<_> = Finding::ALL.iter().map(|f| f.code()).collect();
        assert_eq!((verdicts.len(), findings.len()), (Verdict::ALL.len(), Finding::ALL.len()));
        for finding in Finding::ALL {
            assert_eq!(serde_json::from_str::<Finding>(&format!("\"{finding}\"")).unwrap(), *finding);
        }
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::from_str::<Verdict>(&format!("\"{verdict}\"")).unwrap(), *verdict);
        }
    }
}
