//! What stands in the way of the work, in words for the people at the console: a code, what is the matter and what to do. The machine's own words go
//! beside it, for whoever keeps the machine. What is wrong with a paper is a [`sohoa_record::Reason`].

use crate::workbench::Halt;
use crate::worker::WorkError;
use sohoa_archive::Error;
use sohoa_archive::queue::EXPIRED;
use std::io::ErrorKind;

macro_rules! causes {
    ($($name:ident, $code:literal, $vi:literal, $en:literal;)*) => {
        /// A cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Cause { $(#[doc = $en] $name,)* }

        impl Cause {
            const ALL: &[Cause] = &[$(Cause::$name,)*];

            /// For programs, and for the queue.
            pub fn code(self) -> &'static str { match self { $(Cause::$name => $code,)* } }

            /// What is the matter and what to do, in Vietnamese.
            pub fn vi(self) -> &'static str { match self { $(Cause::$name => $vi,)* } }

            /// The same in English.
            pub fn en(self) -> &'static str { match self { $(Cause::$name => $en,)* } }
        }
    };
}

causes! {
    DiskFull, "disk_full", "đĩa đã đầy hoặc không ghi được: báo quản trị viên dọn thêm chỗ trống", "the disk is full or cannot be written: ask the administrator to free space";
    StoreAway, "store_away", "kho lưu trữ đang mất kết nối: báo quản trị viên kiểm tra ổ đĩa của kho đã được gắn chưa", "the store is not there: is its disk mounted? Ask the administrator";
    StoreFails, "store_fails", "kho lưu trữ không trả lời hoặc báo lỗi: báo quản trị viên kiểm tra ổ đĩa, quyền và mạng của kho", "the store does not answer or fails: ask the administrator to check its disk, permissions and network";
    StoreSilent, "store_silent", "kho lưu trữ không trả lời: báo quản trị viên kiểm tra ổ đĩa đã được gắn chưa", "the store does not answer: is its disk mounted? Ask the administrator";
    DatabaseBusy, "database_busy", "cơ sở dữ liệu đang bận: đợi vài phút, hệ thống tự thử lại", "the database is busy: wait some minutes, it is tried again";
    DatabaseFails, "database_fails", "cơ sở dữ liệu không dùng được: báo quản trị viên chạy sohoa doctor", "the database cannot be used: ask the administrator to run sohoa doctor";
    SpoolFails, "spool_fails", "không ghi được tệp tạm: báo quản trị viên kiểm tra chỗ trống và quyền của thư mục spool", "work in progress cannot be written: ask the administrator to check the spool's disk and permissions";
    SourceLost, "source_lost", "bản gốc đã nhận không còn trong kho: báo quản trị viên khôi phục từ bản sao lưu, rồi bấm Làm lại", "the scan that arrived is no longer in the store: ask the administrator to restore it from a backup, then press retry";
    SourceAltered, "source_altered", "bản gốc trong kho đã bị thay đổi: báo quản trị viên khôi phục từ bản sao lưu, rồi bấm Làm lại", "the scan in the store was altered: ask the administrator to restore it from a backup, then press retry";
    RecordWithheld, "record_withheld", "nhật ký minh bạch có bản ghi này mà kho không có: báo quản trị viên khôi phục kho từ bản sao lưu", "the log has this record and the store has not: ask the administrator to restore the store from a backup";
    Divided, "divided_otherwise", "tệp đã được tách theo cách khác ở lần trước: báo quản trị viên đặt lại [codes] và [divide] như cũ, rồi bấm Làm lại", "the file was divided otherwise before: ask the administrator to set [codes] and [divide] as they were, then press retry";
    Destroyed, "destroyed", "giấy tờ này đã được hủy theo quyết định: không nhận lại", "the paper was destroyed by a lawful decision: it is not taken again";
    KeyFails, "key_fails", "khóa niêm phong không dùng được hoặc đã hết hiệu lực: báo quản trị viên chạy sohoa keys list", "the sealing key cannot be used or has ended: ask the administrator to run sohoa keys list";
    LogFails, "log_fails", "nhật ký minh bạch không khớp với kho: báo quản trị viên chạy sohoa log status", "the transparency log does not fit the store: ask the administrator to run sohoa log status";
    ReaderFails, "reader_fails", "chương trình đọc trang không chạy được: báo quản trị viên chạy sohoa doctor", "the page reader cannot be started: ask the administrator to run sohoa doctor";
    RanOut, "ran_out", "xử lý bị ngắt giữa chừng nhiều lần: bấm Làm lại; nếu vẫn vậy, báo quản trị viên", "the work on it broke off too often: press retry; if it stays, ask the administrator";
    Other, "other", "lỗi của hệ thống, không mất gì: báo quản trị viên xem chi tiết kỹ thuật", "something is wrong with the system, and nothing is lost: ask the administrator to look at the technical details";
}

impl Cause {
    /// The cause of what ended the work.
    pub fn of(halt: &Halt) -> Cause {
        match halt {
            Halt::Archive(error) => Cause::of_archive(error),
            Halt::Work(WorkError::Sandbox(_)) => Cause::ReaderFails,
            Halt::Work(WorkError::Spool(_, error)) if is_full(error) => Cause::DiskFull,
            Halt::Work(WorkError::Spool(..)) => Cause::SpoolFails,
            Halt::Key(_) => Cause::KeyFails,
            Halt::Home(_) => Cause::Other,
        }
    }

    /// The cause of what the archive says.
    pub fn of_archive(error: &Error) -> Cause {
        match error {
            Error::Away => Cause::StoreAway,
            error if error.is_of_full_disk() => Cause::DiskFull,
            Error::Store { .. } | Error::Folder { .. } | Error::Unconditional => Cause::StoreFails,
            Error::Database(_) if error.remedy() == sohoa_archive::Remedy::Retry => Cause::DatabaseBusy,
            Error::Database(_) | Error::Schema { .. } | Error::NewerSchema { .. } | Error::DamagedIndex { .. } => {
                Cause::DatabaseFails
            }
            Error::Missing { .. } => Cause::SourceLost,
            Error::Altered { .. } => Cause::SourceAltered,
            Error::Withheld { .. } => Cause::RecordWithheld,
            Error::Divided { .. } => Cause::Divided,
            Error::Destroyed { .. } => Cause::Destroyed,
            Error::KeyEnded { .. } | Error::ForeignReceipt { .. } => Cause::KeyFails,
            Error::LogForks { .. } | Error::LogKey { .. } => Cause::LogFails,
            _ => Cause::Other,
        }
    }

    /// What the queue keeps of a failure: the code, then the machine's words.
    pub fn kept(self, words: &dyn std::fmt::Display) -> String {
        format!("{}: {words}", self.code())
    }

    /// The same read again. What was kept before there were codes is words alone.
    pub fn read(kept: &str) -> (Cause, &str) {
        if kept == EXPIRED {
            return (Cause::RanOut, kept);
        }
        let known = |(code, words)| Some((Cause::ALL.iter().copied().find(|cause| cause.code() == code)?, words));
        kept.split_once(": ").and_then(known).unwrap_or((Cause::Other, kept))
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_says_what_to_do_and_comes_back_from_the_queue() {
        for cause in Cause::ALL {
            assert!(cause.vi().contains(':') && cause.en().contains([':', '?']), "{cause:?} has no remedy");
            assert!(!cause.vi().is_ascii(), "{cause:?}");
            assert_eq!(Cause::read(&cause.kept(&"object 12: it is gone")), (*cause, "object 12: it is gone"));
        }
        assert_eq!(Cause::read("object store, objects/ab: not there"), (Cause::Other, "object store, objects/ab: not there"));
        assert_eq!(Cause::read(EXPIRED).0, Cause::RanOut);
    }

    #[test]
    fn a_full_disk_is_told_from_a_store_that_fails() {
        let spool = |kind: ErrorKind| Halt::Work(WorkError::Spool("spool".into(), kind.into()));
        assert_eq!(Cause::of(&spool(ErrorKind::StorageFull)), Cause::DiskFull);
        assert_eq!(Cause::of(&spool(ErrorKind::PermissionDenied)), Cause::SpoolFails);
        assert_eq!(Cause::of(&Halt::Archive(Error::Away)), Cause::StoreAway);
    }
}
