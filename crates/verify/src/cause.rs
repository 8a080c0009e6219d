//! What can be wrong, in the words of an auditor: each cause with its verdict and its sentence in Vietnamese and English.

use crate::verdict::Verdict;
use sohoa_record::seal::OpenError;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub cause: Cause,
    /// The object's name in the manifest, or a file's path relative to the record's folder; the path relative to the audited
    /// folder for what lies elsewhere.
    pub object: Option<String>,
    /// The revision, when it is known.
    pub revision: Option<u32>,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cause {
    /// An object has another size than was sealed, in bytes.
    Size {
        sealed: u64,
        found: u64,
    },
    /// An object has the sealed size and other bytes. The name of the digest that shows it.
    Digest(&'static str),
    /// An object in the store has other bytes than its name says, and no receipt names it.
    Name,
    /// `manifest.json` beside a receipt is not what was signed.
    ManifestCopy,
    /// A believed receipt lies in the folder of another record.
    OtherRecord {
        signed: String,
    },
    /// A believed receipt lies under the file name of another revision.
    OtherRevision {
        signed: u32,
        named: u32,
    },
    /// Two believed receipts of one revision differ.
    TwoReceipts,
    /// A revision does not continue the one before it that is here.
    BrokenChain,
    /// The note of the arrival says something else than the signed manifest. The member that differs.
    ArrivalDiffers(&'static str),
    /// A result code's note says that the code is another record's.
    CodeDiffers,
    /// Two records have one result code. The other record.
    CodeTwice {
        other: String,
    },
    /// An object is not there.
    ObjectMissing,
    /// A symbolic link, a folder, a FIFO or a device stands where a file should.
    NotAFile,
    /// A revision's receipt is not there, though a later one is or its folder is.
    RevisionMissing,
    /// A record's folder holds files and no receipt.
    NoReceipt,
    /// The archive has no note of the arrival of a record's source.
    ArrivalMissing,
    BadSignature(String),
    /// A legal signature on the PDF, which is what was sealed, does not hold: in Vietnamese and English.
    BadPdfSignature {
        vi: String,
        en: String,
    },
    UnknownKey(String),
    Malformed(String),
    /// Larger than any receipt or note we read, in bytes.
    TooLarge {
        limit: u64,
    },
    /// Folders inside folders beyond any layout of ours.
    TooDeep,
    /// The operating system's words.
    Unreadable(String),
    /// The archive has no note of a result code that a record has.
    CodeMissing,
    /// The log has a leaf of a revision whose receipt is not there. The leaf's index.
    Withheld(u64),
    /// The log's leaf of a revision names another manifest or signature. The leaf's index.
    LeafDiffers(u64),
    /// The log has no leaf of the receipt.
    NotLogged,
    /// There is neither a log nor a proof beside the receipt.
    NoProof,
    /// The trust policy names a log, and in the archive it has no leaf.
    NoLog,
    /// The newest moment at which witnesses saw the log that is shown (RFC 3339) lies more than so many days back, or there is none.
    Stale {
        newest: Option<String>,
        days: u64,
    },
    /// As of the time that was asked for, no quorum of witnesses had seen it in the log.
    NotWitnessedThen,
    /// It says to be sealed after a quorum of witnesses had seen it in the log.
    SealedAfterLogged {
        claimed: String,
        by: String,
    },
    /// It says to be sealed long before a time at which a quorum of witnesses had seen the log without it.
    KeptOutOfLog {
        claimed: String,
        after: String,
    },
    /// Of loose files: an object of an older revision, where a later one has other bytes under its name.
    Superseded {
        name: String,
        latest: u32,
    },
    /// Of loose files: no receipt that is here names these bytes.
    NotSealed,
    /// Of loose files: a receipt, and none of the files that it names.
    OnlyReceipt,
    /// It says to be sealed after the time that was asked for.
    NotYet {
        sealed_at: String,
    },
    /// A file of the log that its checkpoint wants.
    LogFileMissing,
    /// The log has fewer leaves than a checkpoint that the auditor kept.
    LogTakenBack {
        kept: u64,
        found: u64,
    },
    /// The log does not continue the checkpoint that the auditor kept, of so many leaves.
    LogForked {
        kept: u64,
    },
    /// An older checkpoint is given, and there is no log to hold it against.
    NothingToContinue,
    /// The key was revoked by leaf `by`: what it signed counts before leaf `from` only.
    KeyRevoked {
        from: u64,
        by: u64,
        reason: String,
    },
    /// The key was retired by that leaf, before the receipt's.
    KeyRetired(u64),
    /// The key counts from that leaf on, after the receipt's.
    KeyNotYet(u64),
    /// The keyring of that leaf, before the receipt's, is not at hand: it may have revoked the key.
    KeyUnclear(u64),
    /// The log names a keyring that is not at hand. The leaf's index.
    KeyringWithheld(u64),
    /// The trust policy names a root, and there are no keyrings beside the records.
    NoKeyring,
    /// What is wrong with the log or a proof.
    BadLog(String),
    /// A believed tombstone, and what it says.
    Destroyed {
        by: String,
        at: String,
        basis: String,
    },
    /// A record has a tombstone, and so many of its older receipts are still here.
    DestructionUnfinished(usize),
    /// A revision, or a tombstone, of a record behind its tombstone.
    BehindTombstone,
    /// A source is noted as destroyed, and its record has no tombstone.
    MarkedDestroyed,
    /// An arrival without a record.
    Unsealed,
    /// A record's empty folder.
    EmptyFolder,
    /// A file that no receipt names.
    Unreferenced,
    /// A symbolic link or a special file where a folder of records may be expected.
    NotFollowed,
    /// Files whose receipts could not be opened, so that nobody can say whether a receipt names them.
    NotCompared(u64),
}

impl Cause {
    /// The verdict that follows.
    pub fn verdict(&self) -> Verdict {
        match self {
            Cause::Size { .. }
            | Cause::Digest(_)
            | Cause::Name
            | Cause::ManifestCopy
            | Cause::OtherRecord { .. }
            | Cause::OtherRevision { .. }
            | Cause::TwoReceipts
            | Cause::BrokenChain
            | Cause::ArrivalDiffers(_)
            | Cause::CodeDiffers
            | Cause::CodeTwice { .. }
            | Cause::BehindTombstone
            | Cause::MarkedDestroyed
            | Cause::NotSealed
            | Cause::LeafDiffers(_) => Verdict::Altered,
            Cause::Withheld(_) | Cause::KeyUnclear(_) | Cause::KeyringWithheld(_) | Cause::NoKeyring => Verdict::Withheld,
            Cause::KeyRevoked { .. } | Cause::KeyRetired(_) | Cause::KeyNotYet(_) => Verdict::VoidKey,
            Cause::NotLogged | Cause::NoProof | Cause::NoLog | Cause::NotWitnessedThen => Verdict::Unlogged,
            Cause::Stale { .. } => Verdict::Stale,
            Cause::SealedAfterLogged { .. } | Cause::KeptOutOfLog { .. } => Verdict::BadTime,
            Cause::NotYet { .. } => Verdict::NotYet,
            Cause::Superseded { .. } => Verdict::Superseded,
            Cause::LogFileMissing
            | Cause::LogTakenBack { .. }
            | Cause::LogForked { .. }
            | Cause::NothingToContinue
            | Cause::BadLog(_) => Verdict::BadLog,
            Cause::ObjectMissing
            | Cause::NotAFile
            | Cause::RevisionMissing
            | Cause::NoReceipt
            | Cause::OnlyReceipt
            | Cause::ArrivalMissing
            | Cause::CodeMissing => Verdict::Missing,
            Cause::BadSignature(_) | Cause::BadPdfSignature { .. } => Verdict::BadSignature,
            Cause::UnknownKey(_) => Verdict::UnknownKey,
            Cause::Malformed(_) | Cause::TooLarge { .. } | Cause::TooDeep => Verdict::Malformed,
            Cause::Unreadable(_) => Verdict::Unreadable,
            Cause::Destroyed { .. } => Verdict::Destroyed,
            Cause::Unsealed | Cause::EmptyFolder => Verdict::Unsealed,
            Cause::DestructionUnfinished(_) | Cause::Unreferenced | Cause::NotFollowed | Cause::NotCompared(_) => {
                Verdict::Unreferenced
            }
        }
    }

    fn vi(&self) -> String {
        match self {
            Cause::Size { sealed, found } => format!("bị sửa: niêm phong {sealed} byte, nay có {found} byte"),
            Cause::Digest(name) => format!("bị sửa: mã băm {name} không khớp với biên nhận đã ký"),
            Cause::Name => "bị sửa: nội dung không khớp với mã băm là tên tệp".into(),
            Cause::ManifestCopy => "bị sửa: khác với bản kê đã ký trong biên nhận".into(),
            Cause::OtherRecord { signed } => format!("biên nhận này là của hồ sơ lưu {signed}, không phải của thư mục này"),
            Cause::OtherRevision { signed, named } => {
                format!("biên nhận này là phiên bản {signed}, không phải {named} như tên tệp")
            }
            Cause::TwoReceipts => "có hai biên nhận khác nhau cho cùng một phiên bản".into(),
            Cause::BrokenChain => "không nối tiếp phiên bản ngay trước đang có ở đây: một trong hai đã bị thay".into(),
            Cause::ArrivalDiffers(member) => format!("bị sửa: '{member}' khác với bản kê đã ký"),
            Cause::CodeDiffers => "bị sửa: ghi mã kết quả số hóa này cho hồ sơ lưu khác".into(),
            Cause::CodeTwice { other } => format!("mã kết quả số hóa trùng với hồ sơ lưu {other}"),
            Cause::CodeMissing => "không còn ghi nhận cấp mã kết quả số hóa".into(),
            Cause::Withheld(leaf) => format!("bị giấu: nhật ký có ghi (dòng {leaf}) nhưng biên nhận không có ở đây"),
            Cause::LeafDiffers(leaf) => format!("bị thay: nhật ký (dòng {leaf}) ghi một bản kê khác cho phiên bản này"),
            Cause::KeyRevoked { from, by, reason } => {
                format!("ký bằng khóa đã bị thu hồi (dòng {by} của nhật ký; không còn giá trị từ dòng {from}): {reason}")
            }
            Cause::KeyRetired(leaf) => format!("ký bằng khóa đã ngừng dùng từ dòng {leaf} của nhật ký"),
            Cause::KeyNotYet(leaf) => format!("ký bằng khóa chỉ có giá trị từ dòng {leaf} của nhật ký"),
            Cause::KeyUnclear(leaf) => {
                format!("không biết khóa còn giá trị hay không: thiếu danh sách khóa mà dòng {leaf} của nhật ký nêu")
            }
            Cause::KeyringWithheld(leaf) => format!("bị giấu: thiếu danh sách khóa mà dòng {leaf} của nhật ký nêu"),
            Cause::NoKeyring => {
                "danh sách tin cậy nêu khóa gốc nhưng ở đây không có danh sách khóa nào: không biết khóa nào đã bị thu hồi".into()
            }
            Cause::NoProof => {
                "ở đây không có bằng chứng nhật ký (.tlog-proof) nên không rõ đã ghi vào nhật ký chưa: thêm tệp đó, hoặc nêu --log".into()
            }
            Cause::NotLogged => "không có trong nhật ký: chưa kịp ghi, hoặc niêm phong ngoài nhật ký".into(),
            Cause::NoLog => {
                "danh sách tin cậy nêu một nhật ký nhưng nhật ký ở đây chưa có dòng nào: chưa kịp ghi, hoặc đã bị lấy đi".into()
            }
            Cause::Stale { newest: Some(newest), days } => {
                format!(
                    "nhật ký đưa ra là bản cũ: nhân chứng thấy nó lần cuối lúc {newest}, quá {days} ngày; những gì ghi sau đó không có ở đây"
                )
            }
            Cause::Stale { newest: None, .. } => "không nhân chứng nào cho biết nhật ký đưa ra là của lúc nào".into(),
            Cause::NotWitnessedThen => "đến thời điểm được hỏi, chưa đủ nhân chứng thấy nó trong nhật ký".into(),
            Cause::SealedAfterLogged { claimed, by } => {
                format!("tự khai niêm phong lúc {claimed}, nhưng nhân chứng đã thấy nó trong nhật ký từ {by}")
            }
            Cause::KeptOutOfLog { claimed, after } => {
                format!(
                    "tự khai niêm phong lúc {claimed}, nhưng đến {after} nhân chứng vẫn chưa thấy nó trong nhật ký: có thể đã lùi ngày"
                )
            }
            Cause::Superseded { name, latest } => format!("là {name} của phiên bản cũ; phiên bản {latest} đã thay thế"),
            Cause::NotSealed => "không biên nhận nào ở đây ghi nhận đúng những byte này: đã bị sửa, hoặc là giấy tờ khác".into(),
            Cause::OnlyReceipt => "chỉ có biên nhận, không có tệp nào mà nó ghi nhận".into(),
            Cause::NotYet { sealed_at } => format!("niêm phong sau thời điểm được hỏi (tự khai {sealed_at})"),
            Cause::LogFileMissing => "nhật ký thiếu tệp này".into(),
            Cause::LogTakenBack { kept, found } => {
                format!("nhật ký bị lùi lại hoặc bị thay: bản kiểm đã giữ có {kept} dòng, nay có {found}")
            }
            Cause::LogForked { kept } => format!("nhật ký đã bị viết lại: không nối tiếp bản kiểm đã giữ ({kept} dòng)"),
            Cause::NothingToContinue => "không có nhật ký nào ở đây để đối chiếu với bản kiểm đã giữ".into(),
            Cause::BadLog(detail) => format!("nhật ký hoặc bằng chứng nhật ký không đúng ({detail})"),
            Cause::ObjectMissing => "không còn tệp này".into(),
            Cause::NotAFile => "không phải tệp thường (liên kết, thư mục hoặc thiết bị): không được đọc theo".into(),
            Cause::RevisionMissing => "không còn biên nhận của phiên bản này".into(),
            Cause::NoReceipt => "thư mục có tệp nhưng không còn biên nhận nào".into(),
            Cause::ArrivalMissing => "không còn ghi nhận tiếp nhận của tệp gốc".into(),
            Cause::BadPdfSignature { vi, .. } => format!("chữ ký số trên PDF không đạt: {vi}"),
            Cause::BadSignature(_) => "chữ ký không đúng với nội dung: nội dung hoặc chữ ký đã bị sửa".into(),
            Cause::UnknownKey(ids) => format!("ký bằng khóa không có trong danh sách tin cậy: {ids}"),
            Cause::Malformed(detail) => format!("không đúng định dạng ({detail})"),
            Cause::TooLarge { limit } => format!("không đúng định dạng: lớn hơn {limit} byte"),
            Cause::TooDeep => "thư mục lồng quá sâu: không xem tiếp".into(),
            Cause::Unreadable(detail) => format!("không đọc được, chưa kết luận ({detail})"),
            Cause::Destroyed { by, at, basis } => format!("{by} tiêu hủy lúc {at}, căn cứ: {basis}"),
            Cause::DestructionUnfinished(n) => {
                format!("việc tiêu hủy chưa xong: còn {n} biên nhận; cơ quan lưu trữ phải chạy lại lệnh tiêu hủy")
            }
            Cause::BehindTombstone => "nằm sau biên bản tiêu hủy của hồ sơ lưu này: không được có phiên bản nào nữa".into(),
            Cause::MarkedDestroyed => {
                "ghi nhận là tệp gốc đã tiêu hủy, nhưng không có biên bản tiêu hủy đã ký nào nói vậy".into()
            }
            Cause::Unsealed => "đã tiếp nhận nhưng không có biên nhận: đang chờ xử lý, hoặc biên nhận đã bị lấy đi".into(),
            Cause::EmptyFolder => "thư mục trống: đang chờ xử lý, hoặc biên nhận đã bị lấy đi".into(),
            Cause::Unreferenced => "không biên nhận nào nhắc đến: việc nhập bị ngắt, tệp lạ, hoặc biên nhận đã bị lấy đi".into(),
            Cause::NotFollowed => "liên kết hoặc tệp đặc biệt: không được đọc theo".into(),
            Cause::NotCompared(n) => format!("{n} tệp chưa đối chiếu được vì có biên nhận không mở được"),
        }
    }

    fn en(&self) -> String {
        match self {
            Cause::Size { sealed, found } => format!("altered: {sealed} bytes were sealed, {found} are here"),
            Cause::Digest(name) => format!("altered: its {name} is not the one in the signed receipt"),
            Cause::Name => "altered: its bytes are not those that its name, a digest, stands for".into(),
            Cause::ManifestCopy => "altered: it is not the manifest that the receipt signs".into(),
            Cause::OtherRecord { signed } => format!("this receipt belongs to record {signed}, not to this folder"),
            Cause::OtherRevision { signed, named } => {
                format!("this receipt is of revision {signed}, not {named} as its name says")
            }
            Cause::TwoReceipts => "there are two different receipts of one revision".into(),
            Cause::BrokenChain => "it does not continue the revision before it that is here: one of the two was replaced".into(),
            Cause::ArrivalDiffers(member) => format!("altered: '{member}' is not what the signed manifest says"),
            Cause::CodeDiffers => "altered: it gives the result code to another record".into(),
            Cause::CodeTwice { other } => format!("it has the same result code as record {other}"),
            Cause::CodeMissing => "the note of a result code is not there".into(),
            Cause::Withheld(leaf) => format!("withheld: leaf {leaf} of the log names its receipt, and it is not here"),
            Cause::LeafDiffers(leaf) => format!("replaced: leaf {leaf} of the log names another manifest for this revision"),
            Cause::KeyRevoked { from, by, reason } => {
                format!("signed by a revoked key (leaf {by} of the log; void from leaf {from} on): {reason}")
            }
            Cause::KeyRetired(leaf) => format!("signed by a key that leaf {leaf} of the log retired before"),
            Cause::KeyNotYet(leaf) => format!("signed by a key that the log introduces only with leaf {leaf}"),
            Cause::KeyUnclear(leaf) => {
                format!("whether its key still counted cannot be told: the keyring of leaf {leaf} of the log is not here")
            }
            Cause::KeyringWithheld(leaf) => format!("withheld: leaf {leaf} of the log names a keyring, and it is not here"),
            Cause::NoKeyring => {
                "the trust policy names a root, and no keyring is here: which keys were revoked cannot be told".into()
            }
            Cause::NoProof => {
                "no proof of the log (.tlog-proof) is here, which leaves open whether it is logged: add that file, or give --log"
                    .into()
            }
            Cause::NotLogged => "not in the log: not appended yet, or sealed beside the log".into(),
            Cause::NoLog => "the trust policy names a log, and the log here has no leaf: not appended yet, or taken away".into(),
            Cause::Stale { newest: Some(newest), days } => {
                format!(
                    "the log is shown as it was: witnesses saw it last at {newest}, more than {days} {} ago; what came into it since is not here",
                    if *days == 1 { "day" } else { "days" }
                )
            }
            Cause::Stale { newest: None, .. } => "no witness says of when the log is that is shown".into(),
            Cause::NotWitnessedThen => "as of the time asked for, no quorum of witnesses had seen it in the log".into(),
            Cause::SealedAfterLogged { claimed, by } => {
                format!("it says to be sealed at {claimed}, and witnesses had seen it in the log by {by}")
            }
            Cause::KeptOutOfLog { claimed, after } => {
                format!(
                    "it says to be sealed at {claimed}, and at {after} witnesses saw the log without it: it may be dated back"
                )
            }
            Cause::Superseded { name, latest } => format!("it is {name} of an older revision; revision {latest} took its place"),
            Cause::NotSealed => "no receipt that is here names these bytes: altered, or another paper".into(),
            Cause::OnlyReceipt => "there is a receipt, and none of the files that it names".into(),
            Cause::NotYet { sealed_at } => format!("sealed after the time asked for (as it says, {sealed_at})"),
            Cause::LogFileMissing => "this file of the log is not there".into(),
            Cause::LogTakenBack { kept, found } => {
                format!("the log was taken back or replaced: the kept checkpoint has {kept} leaves, this one {found}")
            }
            Cause::LogForked { kept } => {
                format!("the log was rewritten: it does not continue the kept checkpoint of {kept} leaves")
            }
            Cause::NothingToContinue => "there is no log here to hold the kept checkpoint against".into(),
            Cause::BadLog(detail) => format!("the log or a proof of it does not hold ({detail})"),
            Cause::ObjectMissing => "the file is not there".into(),
            Cause::NotAFile => "not a regular file (a link, folder or device), and not followed".into(),
            Cause::RevisionMissing => "the receipt of this revision is not there".into(),
            Cause::NoReceipt => "the folder holds files and no receipt".into(),
            Cause::ArrivalMissing => "the note of the source's arrival is not there".into(),
            Cause::BadPdfSignature { en, .. } => format!("the legal signature on the PDF does not hold: {en}"),
            Cause::BadSignature(detail) => format!("the contents or the signature were changed: {detail}"),
            Cause::UnknownKey(ids) => format!("signed by a key that the trust policy does not name: {ids}"),
            Cause::Malformed(detail) => format!("not in the format ({detail})"),
            Cause::TooLarge { limit } => format!("not in the format: larger than {limit} bytes"),
            Cause::TooDeep => "folders are nested too deep: not looked into".into(),
            Cause::Unreadable(detail) => format!("could not be read, so nothing is proved ({detail})"),
            Cause::Destroyed { by, at, basis } => format!("destroyed by {by} at {at}; basis: {basis}"),
            Cause::DestructionUnfinished(n) => {
                format!("the destruction is not finished: {n} of its receipts are still here; the archive must run it again")
            }
            Cause::BehindTombstone => "it lies behind the record's tombstone: there can be no further revision".into(),
            Cause::MarkedDestroyed => "its source is noted as destroyed, and no signed tombstone says so".into(),
            Cause::Unsealed => "arrived and has no receipt: it waits for processing, or its receipt was taken away".into(),
            Cause::EmptyFolder => "an empty folder: it waits for processing, or its receipt was taken away".into(),
            Cause::Unreferenced => {
                "no receipt names it: an interrupted ingest, a stray file, or its receipt was taken away".into()
            }
            Cause::NotFollowed => "a link or special file: not followed".into(),
            Cause::NotCompared(n) => format!("{n} files could not be compared, since some receipts could not be opened"),
        }
    }
}

impl Finding {
    /// A finding about `object`.
    pub fn about(object: impl Into<String>, revision: Option<u32>, cause: Cause) -> Self {
        Finding { cause, object: Some(object.into()), revision }
    }

    /// The sentence in Vietnamese.
    pub fn vi(&self) -> String {
        self.sentence(self.cause.vi(), "phiên bản")
    }

    /// The sentence in English.
    pub fn en(&self) -> String {
        self.sentence(self.cause.en(), "revision")
    }

    fn sentence(&self, what: String, word: &str) -> String {
        let place = match (&self.object, self.revision) {
            (Some(object), Some(revision)) => format!("{object} ({word} {revision}): "),
            (Some(object), None) => format!("{object}: "),
            (None, Some(revision)) => format!("{word} {revision}: "),
            (None, None) => String::new(),
        };
        printable(&(place + &what))
    }
}

impl From<OpenError> for Cause {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Malformed(detail) => Cause::Malformed(clipped(&detail)),
            OpenError::BadSignature(detail) => Cause::BadSignature(clipped(&detail)),
            OpenError::UnknownKey(ids) => Cause::UnknownKey(clipped(&ids)),
        }
    }
}

/// Text from files that are not believed, short enough for a line.
pub fn clipped(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// The text without anything that could steer a terminal or reorder a line: control characters and bidirectional marks.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_place_and_revision_in_both_languages() {
        let finding = Finding::about("source.pdf", Some(2), Cause::Size { sealed: 3, found: 4 });
        assert_eq!(finding.en(), "source.pdf (revision 2): altered: 3 bytes were sealed, 4 are here");
        assert_eq!(finding.vi(), "source.pdf (phiên bản 2): bị sửa: niêm phong 3 byte, nay có 4 byte");
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        let finding = Finding::about("\u{1b}[2Jx\n\u{202e}", None, Cause::ObjectMissing);
        assert_eq!(finding.en(), "\u{fffd}[2Jx\u{fffd}\u{fffd}: the file is not there");
        assert_eq!(clipped(&"é".repeat(500)).chars().count(), 201);
    }
}
