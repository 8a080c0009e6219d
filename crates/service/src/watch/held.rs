//! Files in a watched folder that are not taken: which, since when, why, and what a person does about it. Nothing that lies there for long is passed
//! over in silence, however it got stuck.

use crate::config::Config;
use crate::walk::Refused;
use crate::{time, whole};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Of one folder so many of each unit are named, the longest there first; the others are counted.
const MOST_NAMED: usize = 50;
/// What nobody has noted anew for so long is not how it is now: nothing serves.
const STALE_MS: i64 = 5 * 60 * 1000;

macro_rules! whys {
    ($($name:ident, $code:literal, $vi:literal, $en:literal;)*) => {
        /// Why a file is not taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Why { $(#[doc = $en] #[serde(rename = $code)] $name,)* }

        impl Why {
            /// What is the matter and what to do, in Vietnamese.
            pub fn vi(self) -> &'static str { match self { $(Why::$name => $vi,)* } }

            /// The same in English.
            pub fn en(self) -> &'static str { match self { $(Why::$name => $en,)* } }

            #[cfg(test)]
            const ALL: &[Why] = &[$(Why::$name,)*];
        }
    };
}

whys! {
    Grows, "grows", "tệp vẫn đang thay đổi: kiểm tra máy quét hoặc việc sao chép có bị treo không, rồi chép lại tệp", "it still changes: check whether the scanner or the copy hangs, then copy the file again";
    Quiet, "quiet", "tệp chưa đứng yên đủ lâu ([[watch]] quiet_seconds): đợi thêm, hoặc đặt bên cạnh một tệp cùng tên thêm đuôi .ready để nhận ngay", "it has not stood still for [[watch]] quiet_seconds: wait, or put a file of its name and .ready beside it";
    NoEnd, "no_end", "tệp thiếu phần cuối, như khi sao chép bị ngắt: chép lại tệp; nếu cứ để vậy, tệp sẽ được nhận như hiện có", "it lacks its end, as a copy does that broke off: copy it again; left alone, it is taken as it is";
    Partial, "partial_name", "tên tệp là của bản sao chưa xong (.part, .tmp): chép lại tệp, hoặc đổi tên nếu tệp đã đủ", "its name is that of a copy that is not finished (.part, .tmp): copy it again, or rename it when it is whole";
    Unreadable, "unreadable", "hệ thống không đọc được tệp hoặc thư mục này: nhờ quản trị viên kiểm tra quyền đọc và ổ đĩa", "it cannot be read: ask the administrator to check its permissions and its disk";
    NotAFile, "not_a_file", "là liên kết hoặc không phải tệp thường: chép chính tệp bản quét vào thư mục", "it is a link, or no ordinary file: copy the scan itself into the folder";
    BadName, "bad_name", "tên tệp không phải Unicode: đổi tên tệp", "its name is not Unicode: rename it";
    OtherKind, "other_kind", "theo tên thì không phải PDF, TIFF, JPEG hay PNG: chuyển sang một trong các dạng đó, hoặc lấy tệp ra khỏi thư mục", "by its name it is no PDF, TIFF, JPEG or PNG: convert it to one of them, or take it out of the folder";
    NoUnit, "no_unit", "tên thư mục con không phải mã đơn vị như H48.15: đổi tên thư mục", "the subfolder's name is no agency code such as H48.15: rename the folder";
    ReadyAlone, "ready_alone", "có tệp .ready mà không có bản quét cùng tên: chép bản quét vào, hoặc xóa tệp .ready", "a .ready file lies there without its scan: copy the scan beside it, or delete it";
    Destroyed, "destroyed", "giấy tờ này đã được hủy theo quyết định, không nhận lại: lấy tệp ra khỏi thư mục", "the paper was destroyed by a lawful decision and is not taken again: take the file out of the folder";
    Stays, "record_damaged", "giấy tờ đã nhận, nhưng bản ghi trong kho bị hỏng: nhờ quản trị viên chạy sohoa fsck", "it came before, and its record in the archive is damaged: ask the administrator to run sohoa fsck";
    GivenUp, "given_up", "đã nhận, nhưng xử lý nhiều lần không xong: xem trang Lô quét, sửa nguyên nhân rồi bấm Làm lại", "it was taken, and was given up after some attempts: see the page of batches, mend the cause, then press retry";
    NotMoved, "not_moved", "đã lưu kho, nhưng không chuyển tệp đi được: nhờ quản trị viên kiểm tra quyền ghi của thư mục done và failed", "it is in the archive, and cannot be moved away: ask the administrator to check done and failed in the folder";
    Failed, "failed", "chưa nhận được: nhờ quản trị viên xem nhật ký của dịch vụ", "it could not be taken: ask the administrator to look into the service's log";
}

impl Why {
    /// Of what a walk refused; none of what is no longer there.
    pub fn of(refused: &Refused) -> Option<Why> {
        match refused {
            Refused::Absent => None,
            Refused::Symlink | Refused::Special => Some(Why::NotAFile),
            Refused::Unreadable(_) => Some(Why::Unreadable),
            Refused::Name => Some(Why::BadName),
        }
    }

    /// True where a file was in this state the moment it came: it has waited since then, whoever looked.
    fn is_from_the_start(self) -> bool {
        matches!(self, Why::Partial | Why::NotAFile | Why::BadName | Why::OtherKind | Why::NoUnit | Why::ReadyAlone)
    }
}

/// A file that one look did not take.
pub struct Left {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
    /// The unit that it would be of.
    pub unit: Option<String>,
    /// When it came or was changed last, by its folder's clock: milliseconds since 1970.
    pub changed: Option<i64>,
}

/// A file that waits for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its place in the folder. It may name a person.
    pub place: String,
    /// The unit that it would be of.
    pub unit: Option<String>,
    /// Since when: milliseconds since 1970.
    pub since: i64,
    /// Why.
    pub why: Why,
}

/// Those of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFiles {
    /// All of them.
    pub many: u64,
    /// The longest there first, as many as are named.
    pub oldest: Vec<Held>,
}

/// Since when each file of a folder is left there.
#[derive(Default)]
pub struct Since(HashMap<PathBuf, i64>);

impl Since {
    /// What has waited for `limit` milliseconds of what this look left; what it did not leave begins anew.
    pub fn held(&mut self, folder: &Path, left: Vec<Left>, limit: i64, now: i64) -> HeldFiles {
        let mut before = std::mem::take(&mut self.0);
        let mut held = Vec::new();
        for Left { path, why, unit, changed } in left {
            let came = changed.filter(|_| why.is_from_the_start()).unwrap_or(now).min(now);
            let since = before.remove(&path).unwrap_or(came);
            if now - since >= limit {
                let place = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                held.push(Held { place, unit, since, why });
            }
            self.0.insert(path, since);
        }
        held.sort_by(|a, b| (a.since, &a.place).cmp(&(b.since, &b.place)));
        let many = held.len() as u64;
        let mut named = HashMap::<Option<String>, usize>::new();
        held.retain(|held| {
            let of_unit = named.entry(held.unit.clone()).or_default();
            *of_unit += 1;
            *of_unit <= MOST_NAMED
        });
        HeldFiles { many, oldest: held }
    }
}

/// What a running service noted of its folders, for commands beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Noted {
    /// When: milliseconds since 1970.
    at: i64,
    /// By folder.
    pub folders: BTreeMap<PathBuf, HeldFiles>,
}

impl Noted {
    /// Notes it. A note that cannot be written is missed by commands alone.
    pub fn write(config: &Config, folders: BTreeMap<PathBuf, HeldFiles>) {
        let noted = serde_json::to_vec(&Noted { at: time::now_ms(), folders }).map_err(std::io::Error::other);
        if let Err(error) = noted.and_then(|bytes| whole::write(&file(config), &bytes)) {
            tracing::warn!("{}: {error}; `sohoa status` does not show what waits in watched folders", file(config).display());
        }
    }

    /// As it is now; none when nothing serves.
    pub fn read(config: &Config) -> Option<Noted> {
        let noted: Noted = serde_json::from_slice(&std::fs::read(file(config)).ok()?).ok()?;
        (time::now_ms() - noted.at < STALE_MS).then_some(noted)
    }

    /// Nothing serves any more.
    pub fn remove(config: &Config) {
        let _ = std::fs::remove_file(file(config));
    }
}

/// In the spool: it holds names of scans, as the spool does.
fn file(config: &Config) -> PathBuf {
    config.path(&config.archive.spool).join("held.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_explanation_says_what_to_do() {
        for why in Why::ALL {
            assert!(why.vi().contains(':') && why.en().contains(':'), "{why:?} has no remedy");
        }
    }

    #[test]
    fn what_waits_long_is_named_since_when_and_what_was_taken_begins_anew() {
        let (folder, mut since) = (Path::new("/in"), Since::default());
        let left = |place: &str, why, changed| Left { path: folder.join(place), why, unit: None, changed: Some(changed) };
        let many = |since: &mut Since, left: Vec<Left>, now| since.held(folder, left, 1000, now).many;
        assert_eq!(many(&mut since, vec![left("a.pdf", Why::Grows, 0)], 5000), 0, "a file that was there before the start");
        assert_eq!(many(&mut since, vec![left("a.pdf", Why::Grows, 5900)], 5999), 0);
        let held = since.held(folder, vec![left("a.pdf", Why::NoEnd, 5900), left("b.part", Why::Partial, 100)], 1000, 6000);
        let told: Vec<_> = held.oldest.iter().map(|held| (held.place.as_str(), held.since, held.why)).collect();
        assert_eq!(told, [("b.part", 100, Why::Partial), ("a.pdf", 5000, Why::NoEnd)], "the longest there first");
        assert_eq!(many(&mut since, Vec::new(), 6100), 0);
        assert_eq!(many(&mut since, vec![left("a.pdf", Why::Grows, 5900)], 6200), 0, "another file has come under the name");
        let future = since.held(folder, vec![left("c.part", Why::Partial, 99_000)], 1000, 7200);
        assert_eq!(future.many, 0, "a share whose clock is ahead");
        let thousand = (0..1000).map(|n| left(&format!("{n}.part"), Why::Partial, n)).collect();
        let held = since.held(folder, thousand, 1000, 9000);
        assert_eq!((held.many, held.oldest.len(), held.oldest[0].since), (1000, MOST_NAMED, 0));
        let of_units = (0..1000)
            .map(|n| Left { unit: (n % 100 == 99).then(|| "H48.16".into()), ..left(&format!("{n}.part"), Why::Partial, n) });
        let held = since.held(folder, of_units.collect(), 1000, 9000);
        assert_eq!(held.oldest.len(), MOST_NAMED + 10, "a unit's few are not lost behind another's many");
    }
}
