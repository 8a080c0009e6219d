//! Scans whose very bytes are in the archive already: they are put away like all others, and the clerk is told which record they are. What stays
//! of that is a note beside them; a running service remembers the last ones for those who look at the console.

use super::put_away::append;
use crate::time;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::Manifest;
use std::os::fd::OwnedFd;

/// What the folder of committed scans says of those that were there already.
const TWIN_FILE: &str = "DA-CO.txt";

/// A scan that was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Its place in the watched folder. It may name a person.
    pub place: String,
    /// The unit that it would be of.
    pub unit: Option<String>,
    /// The record that its bytes have.
    pub record: RecordId,
    /// When it was put away: RFC 3339 at +07:00.
    pub at: String,
}

/// Notes beside a scan what it equals. Whose the other one is, and what it is called, is not told: it may be another unit's.
pub fn write_twin(folder: &OwnedFd, name: &str, manifest: &Manifest) -> std::io::Result<()> {
    let (now, record, first) = (time::rfc3339(&time::now()), &manifest.record, &manifest.source.arrived_at);
    let text = format!(
        "Tệp: {name}\nLúc: {now}\nĐã có trong kho từ {first}, mã bản ghi: {record}\nkhông nhận lần nữa: nếu là giấy tờ khác, hãy quét lại giấy tờ đó\n\
         these very bytes are in the archive already: if it is another paper, scan that paper again\n\n"
    );
    append(folder, TWIN_FILE, &text)
}
