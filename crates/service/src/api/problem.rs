//! What is answered when something is not done: RFC 9457 problem details, whose `code` is for machines and whose `title` (Vietnamese) and
//! `detail` (English) are for the people who see them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sohoa_record::identifier::RecordId;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    /// The record that the bytes have, and how it stands.
    twin: Option<(RecordId, &'static str)>,
    /// When it may be tried again.
    retry_after: Option<After>,
}

/// Seconds.
#[derive(Debug, Clone, Copy)]
enum After {
    /// Nobody knows it better.
    About(u32),
    /// Whoever comes sooner is refused again.
    Exactly(u32),
}

const fn problem(status: StatusCode, code: &'static str, vi: &'static str, en: &'static str) -> Problem {
    Problem { status, code, vi, en, twin: None, retry_after: None }
}

/// A refusal that passes.
const fn later(seconds: u32, status: StatusCode, code: &'static str, vi: &'static str, en: &'static str) -> Problem {
    Problem { status, code, vi, en, twin: None, retry_after: Some(After::About(seconds)) }
}

impl Problem {
    pub const NO_SUCH_PLACE: Problem = problem(
        StatusCode::NOT_FOUND,
        "no_such_place",
        "không có địa chỉ này",
        "there is no such address; documents are pushed to /v1/documents",
    );
    pub const NO_TOKEN: Problem = problem(
        StatusCode::UNAUTHORIZED,
        "no_token",
        "thiếu mã truy cập của trạm",
        "send the station's token: Authorization: Bearer sohoa_…; `sohoa station new` makes one",
    );
    pub const UNKNOWN_TOKEN: Problem = problem(
        StatusCode::UNAUTHORIZED,
        "unknown_token",
        "mã truy cập của trạm không đúng hoặc đã bị thu hồi",
        "no station has this token, or it was revoked; ask the administrator for a new one",
    );
    pub const NO_NAME: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "no_name",
        "thiếu tên tệp, hoặc tên không dùng được",
        "say the file's name: ?name=scan.pdf, at most 255 bytes of UTF-8, without '/', control characters or spaces at its ends",
    );
    pub const BAD_QUERY: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_query",
        "tham số trong địa chỉ không đúng",
        "the address may say name, dossier, priority and sha256, each once",
    );
    pub const MULTIPART: Problem = problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "multipart",
        "hãy gửi chính các byte của tệp, không gửi dạng biểu mẫu",
        "send the file's bytes themselves (curl --data-binary @scan.pdf), not a form (curl -F)",
    );
    pub const BAD_DOSSIER: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_dossier",
        "mã hồ sơ không đúng dạng",
        "?dossier= is not a dossier code such as H48.15-250117-0042",
    );
    pub const BAD_PRIORITY: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_priority",
        "mức ưu tiên không đúng",
        "?priority= is counter, station or backlog",
    );
    pub const BAD_DIGEST: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_digest",
        "giá trị băm SHA-256 không đúng dạng",
        "write ?sha256= with 64 hexadecimal digits, or Content-Digest: sha-256=:…: (RFC 9530)",
    );
    pub const DIGEST_DIFFERS: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "digest_differs",
        "tệp bị thay đổi trên đường truyền; hãy gửi lại",
        "the bytes that came do not have the digest that was sent; push them again",
    );
    pub const EMPTY: Problem =
        problem(StatusCode::UNPROCESSABLE_ENTITY, "empty", "tệp rỗng", "the file has no bytes; scan again");
    pub const KEY_USED: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "key_used",
        "khóa Idempotency-Key đã dùng cho tệp khác",
        "this Idempotency-Key was used for other bytes; every document has a key of its own",
    );
    pub const BAD_KEY: Problem = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_key",
        "khóa Idempotency-Key không đúng dạng",
        "an Idempotency-Key has 1 to 200 visible ASCII characters",
    );
    pub const TOO_LARGE: Problem = problem(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "tệp quá lớn",
        "the file is larger than this station may push (`sohoa station list`, [serve] most_mb, [decode] max_source_mb); split it, or ask the administrator",
    );
    pub const DESTROYED: Problem = problem(
        StatusCode::GONE,
        "destroyed",
        "giấy tờ này đã được hủy theo quyết định; không nhận lại",
        "the document was destroyed by a lawful decision and is not taken in again; ask who keeps the archive",
    );
    pub const NOT_A_SCAN: Problem = problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_a_scan",
        "không phải tệp PDF, TIFF, JPEG hoặc PNG",
        "the bytes are not those of a PDF, TIFF, JPEG or PNG",
    );
    pub const CUT_OFF: Problem = problem(
        StatusCode::BAD_REQUEST,
        "cut_off",
        "đường truyền bị ngắt giữa chừng; hãy gửi lại",
        "the bytes stopped coming; nothing was kept, push them again",
    );
    pub const TOO_MANY: Problem = later(
        30,
        StatusCode::TOO_MANY_REQUESTS,
        "too_many",
        "hệ thống đang bận, hãy gửi lại sau",
        "too many documents wait; push again later",
    );
    pub const STATION_BUSY: Problem = later(
        30,
        StatusCode::TOO_MANY_REQUESTS,
        "station_busy",
        "trạm này đang gửi quá nhiều tệp cùng lúc; hãy đợi các tệp đó gửi xong rồi gửi lại",
        "too many documents of this station are on their way at once; let them end, or stop them, and push again",
    );
    const TOO_FAST: Problem = later(
        1,
        StatusCode::TOO_MANY_REQUESTS,
        "too_fast",
        "trạm này gửi quá nhiều tệp trong một phút; hãy gửi lại sau",
        "this station begins more pushes a minute than it may (`sohoa station list`, [serve] station_per_minute); push again later",
    );
    pub const DISK_LOW: Problem = later(
        300,
        StatusCode::TOO_MANY_REQUESTS,
        "disk_low",
        "đĩa sắp đầy, hãy báo quản trị viên và gửi lại sau",
        "the disk is nearly full; tell the administrator and push again later",
    );
    pub const STORE_AWAY: Problem = later(
        60,
        StatusCode::SERVICE_UNAVAILABLE,
        "store_away",
        "kho lưu trữ đang mất kết nối, hãy báo quản trị viên và gửi lại sau",
        "the store is not there: its disk may not be mounted; tell the administrator and push again later",
    );
    pub const BROKEN: Problem = later(
        60,
        StatusCode::SERVICE_UNAVAILABLE,
        "broken",
        "hệ thống không lưu được, hãy báo quản trị viên và gửi lại sau",
        "the document could not be stored; the service's log says why; push it again",
    );
    pub const UNKNOWN_RECORD: Problem = problem(
        StatusCode::NOT_FOUND,
        "unknown_record",
        "không có bản ghi này của trạm",
        "this station pushed no document of this record",
    );
    pub const UNKNOWN_UPLOAD: Problem = problem(
        StatusCode::NOT_FOUND,
        "unknown_upload",
        "không có lượt tải lên này của trạm",
        "this station has no such upload, or it expired; begin again",
    );
    pub const NO_LENGTH: Problem =
        problem(StatusCode::BAD_REQUEST, "no_length", "thiếu độ dài tệp", "say Upload-Length, the file's bytes");
    pub const BAD_METADATA: Problem = problem(
        StatusCode::BAD_REQUEST,
        "bad_metadata",
        "Upload-Metadata không đúng dạng",
        "Upload-Metadata is a list of names, each with its value in Base64 (tus 1.0.0)",
    );
    pub const NOT_A_PIECE: Problem = problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_a_piece",
        "kiểu nội dung không đúng",
        "a piece has the Content-Type application/offset+octet-stream",
    );
    pub const OTHER_OFFSET: Problem = problem(
        StatusCode::CONFLICT,
        "other_offset",
        "vị trí tiếp tục không khớp",
        "Upload-Offset is not where the upload stands; ask with HEAD and go on from there",
    );
    pub const BUSY: Problem = problem(
        StatusCode::LOCKED,
        "busy",
        "lượt tải lên này đang được gửi ở kết nối khác",
        "another connection is sending a piece of this upload; ask with HEAD and go on",
    );
    pub const BAD_CHECKSUM: Problem = problem(
        StatusCode::BAD_REQUEST,
        "bad_checksum",
        "Upload-Checksum không đúng dạng",
        "Upload-Checksum is sha256 and the digest in Base64",
    );
    pub const TUS_VERSION: Problem = problem(
        StatusCode::PRECONDITION_FAILED,
        "tus_version",
        "phiên bản giao thức không được hỗ trợ",
        "say Tus-Resumable: 1.0.0",
    );

    const CHECKSUM: Problem = problem(
        StatusCode::BAD_REQUEST,
        "checksum",
        "phần tệp bị thay đổi trên đường truyền; hãy gửi lại",
        "the piece that came does not have the checksum that was sent; send it again",
    );
    const DUPLICATE: Problem = problem(
        StatusCode::CONFLICT,
        "duplicate",
        "tệp này đã có trong kho",
        "these bytes are in the archive already: `record` is what they became; the push was noted beside it, and `location` tells how it stands",
    );

    /// The piece that came is not the one that was sent (460 of tus).
    pub fn checksum() -> Problem {
        Problem { status: StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST), ..Problem::CHECKSUM }
    }

    /// A station begins too many pushes; it may go on after this time.
    pub fn too_fast(wait: Duration) -> Problem {
        Problem { retry_after: Some(After::Exactly(wait.as_secs() as u32 + 1)), ..Problem::TOO_FAST }
    }

    /// True when the same request may succeed later.
    pub fn passes(&self) -> bool {
        self.retry_after.is_some()
    }

    /// The bytes are known from elsewhere. That they are here is good news only where something became of them: `state` is how they stand.
    pub fn duplicate_of(record: RecordId, state: &'static str) -> Problem {
        let (vi, en) = match state {
            "failed" => (
                "tệp này đã được gửi trước đó và bị từ chối; hãy quét lại giấy tờ",
                "these bytes came before and were refused, and so they stay: scan the paper again; `location` tells why",
            ),
            "given_up" => (
                "tệp này đã được gửi trước đó nhưng xử lý bị bỏ dở; hãy báo quản trị viên, không cần gửi lại",
                "these bytes came before and were given up: tell the administrator, who takes them up again; `location` tells why",
            ),
            "queued" | "working" => (
                "tệp này đã được gửi trước đó và đang được xử lý",
                "these bytes came before and are not done yet: `location` tells how they stand; the push was noted beside them",
            ),
            _ => (Problem::DUPLICATE.vi, Problem::DUPLICATE.en),
        };
        Problem { vi, en, twin: Some((record, state)), ..Problem::DUPLICATE }
    }

    /// What the archive says, for whoever asks: a document that was destroyed is told, anything else is the service's matter.
    pub fn of(error: &sohoa_archive::Error) -> Problem {
        match error {
            sohoa_archive::Error::Destroyed { .. } => Problem::DESTROYED,
            other => Problem::broken(&crate::arrive::told(other)),
        }
    }

    /// What is behind it is for whoever runs the service, not for whoever asks.
    pub fn broken(why: &dyn std::fmt::Display) -> Problem {
        tracing::error!("a request could not be answered: {why}");
        Problem::BROKEN
    }
}

/// A time near this one, another for each: fifty stations that were put off together would all come back in one second.
fn spread(seconds: u32) -> u32 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Steps of the golden ratio: however many have been told, their times lie evenly between two thirds and four thirds.
    let part = ASKED.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9);
    let width = seconds * 2 / 3;
    seconds - width / 2 + ((u64::from(part) * u64::from(width + 1)) >> 32) as u32
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({"status": self.status.as_u16(), "code": self.code, "title": self.vi, "detail": self.en});
        if let Some((record, state)) = &self.twin {
            body["record"] = json!(record);
            body["state"] = json!(state);
            body["location"] = json!(format!("/v1/documents/{record}"));
        }
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], format!("{body}\n")).into_response();
        if let Some(after) = self.retry_after {
            let seconds = match after {
                After::About(seconds) => spread(seconds),
                After::Exactly(seconds) => seconds,
            };
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn those_who_are_put_off_together_come_back_one_after_the_other() {
        let mut times: Vec<u32> = (0..50).map(|_| super::spread(30)).collect();
        assert!(times.iter().all(|time| (20..=40).contains(time)), "{times:?}");
        times.sort_unstable();
        let most = times.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap();
        assert!(most <= 4, "{times:?}");
    }
}
