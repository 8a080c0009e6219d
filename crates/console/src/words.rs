//! Every word that people read, once a language. Vietnamese words are those that clerks use (NĐ 30/2020, NĐ 118/2025); reasons and doubts
//! bring their own ([`sohoa_record::Reason`]).

use sohoa_record::Reason;
use sohoa_record::manifest::{State, action};

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

impl Language {
    /// Its code (BCP 47).
    pub fn code(self) -> &'static str {
        match self {
            Language::Vi => "vi",
            Language::En => "en",
        }
    }

    /// The language of that code; Vietnamese for any other.
    pub fn of_code(code: &str) -> Language {
        if code == "en" { Language::En } else { Language::Vi }
    }

    /// The other one.
    pub fn other(self) -> Language {
        match self {
            Language::Vi => Language::En,
            Language::En => Language::Vi,
        }
    }

    /// Its words.
    pub fn words(self) -> &'static Words {
        match self {
            Language::Vi => &VI,
            Language::En => &EN,
        }
    }

    /// Chooses.
    pub fn pick<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Language::Vi => vi,
            Language::En => en,
        }
    }

    /// What is the matter and what to do.
    pub fn reason(self, reason: Reason) -> &'static str {
        self.pick(reason.vi(), reason.en())
    }

    /// A document's outcome, as people say it.
    pub fn state(self, state: State) -> &'static str {
        match state {
            State::Sealed => self.pick("đã hoàn tất", "done"),
            State::Review => self.pick("cần xem", "to be looked at"),
            State::Skipped => self.pick("không phải số hóa", "need not be digitized"),
            State::Failed => self.pick("không nhận được", "refused"),
        }
    }

    /// What somebody did to a record.
    pub fn action(self, code: &str) -> &str {
        match code {
            action::CAPTURE => self.pick("thu nhận", "captured"),
            action::ACCEPT => self.pick("xác nhận", "accepted"),
            action::CORRECT => self.pick("sửa", "corrected"),
            action::SET => self.pick("đặt giá trị", "set"),
            action::REGISTER => self.pick("đối chiếu sổ theo dõi", "matched with the register"),
            action::SKIP => self.pick("không phải số hóa", "skipped"),
            action::SIGN => self.pick("ký số", "signed"),
            action::REJECT => self.pick("trả lại để quét lại", "sent back to be scanned again"),
            action::SECOND_ROUND_ACCEPT => self.pick("kiểm tra lần hai: đúng", "second round: right"),
            action::SECOND_ROUND_CORRECT => self.pick("kiểm tra lần hai: sửa", "second round: corrected"),
            other => other,
        }
    }

    /// What somebody did at the console, by its name in the access log.
    pub fn act(self, name: &str) -> &str {
        match name {
            "sign_in" => self.pick("đăng nhập", "signed in"),
            "sign_in_refused" => self.pick("đăng nhập không được", "was not let in"),
            "oidc_sign_in" => self.pick("đăng nhập bằng tài khoản cơ quan", "signed in with the organization's account"),
            "oidc_sign_in_refused" => {
                self.pick("đăng nhập bằng tài khoản cơ quan không được", "was not let in with the organization's account")
            }
            "sign_out" => self.pick("đăng xuất", "signed out"),
            "password_changed" => self.pick("đổi mật khẩu", "changed the password"),
            "totp_on" => self.pick("bật mã một lần", "turned one-time codes on"),
            "totp_off" => self.pick("tắt mã một lần", "turned one-time codes off"),
            "record" => self.pick("xem giấy tờ", "looked at a record"),
            "page" => self.pick("xem ảnh trang", "looked at a page"),
            "pdf" => self.pick("mở PDF", "opened the PDF"),
            "proof" => self.pick("tải bằng chứng", "took the proof away"),
            "export" => self.pick("tải bản gốc", "took the original away"),
            "list" => self.pick("xem danh sách", "looked at a list"),
            "search" => self.pick("tìm kiếm", "searched"),
            "decision" => self.pick("quyết định", "decided"),
            "batch" => self.pick("điều khiển lô quét", "steered the work"),
            "administer" => self.pick("quản trị người dùng, trạm", "changed people or stations"),
            "access_log" => self.pick("xem nhật ký truy cập", "read the access log"),
            "new_person" => self.pick("thêm người dùng", "added the person"),
            "password" => self.pick("đặt lại mật khẩu của", "reset the password of"),
            "totp" => self.pick("đổi mã một lần của", "changed the one-time codes of"),
            "role" => self.pick("đổi vai trò của", "changed the role of"),
            "disable" => self.pick("khóa", "disabled"),
            "enable" => self.pick("mở lại", "enabled"),
            "new_station" => self.pick("thêm trạm", "added the station"),
            "limit_station" => self.pick("đổi giới hạn của trạm", "changed the limits of the station"),
            "revoke_station" => self.pick("thu hồi trạm", "revoked the station"),
            other => other,
        }
    }

    /// What a field is called. A field of a section (`mother_birth_date`) is told with it; one that nobody named keeps its own name.
    pub fn field(self, name: &str) -> String {
        if let Some(known) = self.known_field(name) {
            return known.to_owned();
        }
        let sections = [
            ("father_", "cha", "father"),
            ("mother_", "mẹ", "mother"),
            ("husband_", "chồng", "husband"),
            ("wife_", "vợ", "wife"),
            ("child_", "con", "child"),
            ("owner_", "chủ giấy tờ", "owner"),
            ("deceased_", "người chết", "deceased"),
            ("second_owner_", "chủ thứ hai", "second owner"),
            ("requester_", "người yêu cầu", "requester"),
            ("registration_", "đăng ký", "registration"),
        ];
        for (prefix, vi, en) in sections {
            if let Some(rest) = name.strip_prefix(prefix) {
                let rest = self.known_field(rest).map_or_else(|| rest.replace('_', " "), str::to_owned);
                return format!("{rest} ({})", self.pick(vi, en));
            }
        }
        name.replace('_', " ")
    }

    fn known_field(self, name: &str) -> Option<&'static str> {
        FIELDS.iter().find(|(known, ..)| *known == name).map(|(_, vi, en)| self.pick(vi, en))
    }
}

/// Fields of NĐ 30/2020 Phụ lục VI, of TT 01/2023 art. 9, and of our templates.
const FIELDS: &[(&str, &str, &str)] = &[
    ("type_name", "Loại giấy tờ", "Kind of paper"),
    ("code_number", "Số", "Number"),
    ("code_notation", "Ký hiệu", "Notation"),
    ("issued_date", "Ngày ban hành", "Date of issue"),
    ("organ_name", "Cơ quan ban hành", "Issuer"),
    ("subject", "Trích yếu", "Subject"),
    ("signer_name", "Người ký", "Signer"),
    ("signer_position", "Chức vụ người ký", "Signer's position"),
    ("page_amount", "Số trang", "Pages"),
    ("language", "Ngôn ngữ", "Language"),
    ("paper_kind_code", "Mã loại giấy tờ", "Code of the kind"),
    ("owner_id", "Số định danh của chủ giấy tờ", "Owner's number"),
    ("owner_name", "Chủ giấy tờ", "Owner"),
    ("owner_address", "Địa chỉ chủ giấy tờ", "Owner's address"),
    ("valid_until", "Có giá trị đến", "Valid until"),
    ("valid_scope", "Phạm vi giá trị", "Scope"),
    ("dossier_code", "Mã hồ sơ", "Dossier code"),
    ("procedure_code", "Mã thủ tục", "Procedure code"),
    ("name", "Họ tên", "Name"),
    ("birth_date", "Ngày sinh", "Date of birth"),
    ("birth_year", "Năm sinh", "Year of birth"),
    ("birth_place", "Nơi sinh", "Place of birth"),
    ("home_place", "Quê quán", "Home town"),
    ("sex", "Giới tính", "Sex"),
    ("ethnicity", "Dân tộc", "Ethnicity"),
    ("nationality", "Quốc tịch", "Nationality"),
    ("residence", "Nơi cư trú", "Residence"),
    ("personal_number", "Số định danh cá nhân", "Personal number"),
    ("identity_paper", "Giấy tờ tùy thân", "Identity paper"),
    ("identity_kind", "Loại giấy tờ tùy thân", "Kind of identity paper"),
    ("identity_issuer", "Nơi cấp giấy tờ tùy thân", "Issuer of the identity paper"),
    ("identity_date", "Ngày cấp giấy tờ tùy thân", "Date of the identity paper"),
    ("registration_date", "Ngày đăng ký", "Date of registration"),
    ("registration_place", "Nơi đăng ký", "Place of registration"),
    ("marital_status", "Tình trạng hôn nhân", "Marital status"),
    ("death_date", "Ngày chết", "Date of death"),
    ("death_place", "Nơi chết", "Place of death"),
    ("death_cause", "Nguyên nhân chết", "Cause of death"),
    ("book", "Quyển số", "Book"),
    ("book_number", "Số vào sổ", "Number in the book"),
    ("serial", "Số phát hành", "Serial number"),
    ("parcel", "Thửa đất số", "Parcel"),
    ("map_sheet", "Tờ bản đồ số", "Map sheet"),
    ("land_area", "Diện tích", "Area"),
    ("land_address", "Địa chỉ thửa đất", "Address of the parcel"),
    ("use_purpose", "Mục đích sử dụng", "Use"),
    ("use_term", "Thời hạn sử dụng", "Term of use"),
    ("use_form", "Hình thức sử dụng", "Form of use"),
    ("use_origin", "Nguồn gốc sử dụng", "Origin of use"),
    ("business_name", "Tên hộ kinh doanh", "Business"),
    ("business_address", "Địa điểm kinh doanh", "Business address"),
    ("business_lines", "Ngành nghề", "Lines of business"),
    ("business_capital", "Vốn kinh doanh", "Capital"),
    ("founder", "Chủ thể thành lập", "Founder"),
    ("contact_address", "Địa chỉ liên lạc", "Contact address"),
    ("phone", "Điện thoại", "Telephone"),
    ("email", "Thư điện tử", "E-mail"),
    ("building", "Công trình", "Building"),
    ("building_place", "Địa điểm xây dựng", "Place of building"),
    ("floor_area", "Diện tích xây dựng", "Built area"),
    ("total_floor_area", "Tổng diện tích sàn", "Total floor area"),
    ("storeys", "Số tầng", "Storeys"),
    ("received_at", "Nhận lúc", "Received at"),
    ("due_at", "Hẹn trả", "Due"),
    ("received_dossier", "Hồ sơ nhận", "Dossier received"),
    ("procedure", "Thủ tục", "Procedure"),
];

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident: $vi:literal, $en:literal;)*) => {
        /// The words of a language; their English is their description.
        #[derive(Debug)]
        pub struct Words { $(#[doc = $en] pub $name: &'static str,)* }

        static VI: Words = Words { $($name: $vi,)* };
        static EN: Words = Words { $($name: $en,)* };
    };
}

words! {
    // --- the frame
    today: "Hôm nay", "Today";
    review: "Kiểm tra", "Review";
    second_round: "Lần hai", "Second round";
    search: "Tìm kiếm", "Search";
    batches: "Lô quét", "Batches";
    targets: "Chỉ tiêu", "Targets";
    system: "Hệ thống", "System";
    sign_out: "Đăng xuất", "Sign out";
    account: "Tài khoản", "Account";
    other_language: "English", "Tiếng Việt";
    skip_to_content: "Đến nội dung", "To the content";
    // --- signing in
    sign_in: "Đăng nhập", "Sign in";
    sign_in_oidc: "Đăng nhập bằng tài khoản cơ quan", "Sign in with your organization's account";
    login: "Tên đăng nhập", "Login";
    password: "Mật khẩu", "Password";
    one_time_code: "Mã một lần (nếu có)", "One-time code (if you have one)";
    old_password: "Mật khẩu hiện tại", "Present password";
    new_password: "Mật khẩu mới (ít nhất 12 ký tự)", "New password (at least 12 characters)";
    new_password_again: "Nhập lại mật khẩu mới", "New password again";
    change_password: "Đổi mật khẩu", "Change the password";
    must_change: "Đây là lần đăng nhập đầu hoặc mật khẩu đã được đặt lại: hãy đổi mật khẩu trước khi làm việc.", "This is your first time here, or your password was reset: change it before you go on.";
    totp: "Mã một lần", "One-time codes";
    totp_missing: "Vai trò của bạn cần mã một lần: hãy bật trước khi làm việc.", "Your role wants one-time codes: turn them on before you go on.";
    totp_is_on: "Đang bật: mỗi lần đăng nhập cần một mã từ ứng dụng trên điện thoại.", "On: each sign-in wants a code of the app on your phone.";
    totp_is_off: "Đang tắt. Khi bật, mỗi lần đăng nhập cần thêm một mã từ ứng dụng xác thực trên điện thoại.", "Off. Once on, each sign-in also wants a code of an authenticator app on your phone.";
    totp_on: "Bật mã một lần", "Turn codes on";
    totp_off: "Tắt mã một lần", "Turn codes off";
    totp_other: "Đổi sang điện thoại khác", "Use another phone";
    totp_scan: "Quét hình này bằng ứng dụng xác thực trên điện thoại, rồi nhập mã mà ứng dụng hiện: sau đó mới có hiệu lực.", "Scan this picture with the authenticator app on your phone, then type the code that it shows. Only then it counts.";
    totp_picture: "Mã QR cho ứng dụng xác thực", "QR code for the authenticator app";
    totp_by_hand: "Hoặc nhập bằng tay:", "Or type it in by hand:";
    totp_code: "Mã trên điện thoại", "Code on the phone";
    totp_confirm: "Xác nhận", "Confirm";
    cancel: "Hủy", "Cancel";
    // --- today
    arrived_today: "Nhận hôm nay", "Arrived today";
    done_today: "Hoàn tất", "Done";
    needs_me: "Cần người xem", "Needs a person";
    refused_today: "Không nhận được", "Refused";
    in_work: "Đang xử lý", "In work";
    newest: "Mới nhất", "Newest";
    stations: "Trạm quét", "Stations";
    station: "Trạm", "Station";
    last_scan: "Lần quét cuối", "Last scan";
    held: "Tệp nằm lâu trong thư mục, chưa nhận được", "Files that lie in a folder and are not taken";
    twins: "Đã có trong kho, không nhận lần nữa", "In the archive already, not taken again";
    put_away: "Lúc", "At";
    equals: "Là bản ghi", "Is the record";
    given_up_waits: "Bỏ dở: phải có người xử lý", "Given up: somebody must do something";
    folder: "Thư mục", "Folder";
    file: "Tệp", "File";
    nothing_today: "Hôm nay chưa có bản quét nào.", "No scan has arrived today.";
    arrived: "Nhận", "Arrived";
    paper: "Giấy tờ", "Paper";
    from: "Từ", "From";
    state: "Trạng thái", "State";
    why: "Lý do", "Why";
    dossier: "Hồ sơ", "Dossier";
    // --- review
    right_next: "Đúng, tiếp theo", "Right, next";
    send_back: "Trả lại để quét lại", "Send back to be scanned again";
    need_not: "Không phải số hóa", "Need not be digitized";
    note: "Ghi chú", "Note";
    send: "Gửi", "Send";
    later: "Để sau", "Later";
    left: "còn", "left";
    page: "Trang", "Page";
    of: "trên", "of";
    zoom: "phóng to", "zoom";
    turn_page: "đổi trang", "turn the page";
    register_rows: "Trong sổ theo dõi", "In the register";
    take: "dùng", "take";
    agrees: "khớp", "agrees";
    all_done: "Xong hết. Không còn giấy tờ nào cần xem.", "All done. Nothing is left to be looked at.";
    somebody_else: "Người khác đang xem giấy tờ này; quyết định sau sẽ không được nhận nếu người đó xong trước.", "Somebody else has this paper open; who decides second is asked to look again.";
    no_value_typed: "gõ dấu - nếu giấy không ghi", "type a dash (-) if the paper has none";
    decided_first: "đã được quyết định ở lần một: đối chiếu với ảnh", "decided in the first round: compare it with the image";
    second_round_why: "Được chọn để kiểm tra lần hai. Người quyết định lần một:", "Drawn for the second round. Decided first by:";
    // --- a record
    fields: "Các trường", "Fields";
    history: "Lịch sử", "History";
    proof: "Bằng chứng", "Proof";
    pages: "Các trang", "Pages";
    text: "Nội dung", "Text";
    files: "Tệp", "Files";
    before: "trước", "before";
    sealed_at: "Niêm phong", "Sealed";
    revision: "bản", "revision";
    in_log_at: "Trong nhật ký ở", "In the log at";
    not_in_log: "chưa vào nhật ký; sẽ vào trong vài giây", "not in the log yet; it will be in seconds";
    no_log: "không có nhật ký minh bạch", "no transparency log is kept";
    witnesses: "cơ quan làm chứng", "witnesses";
    signed_by: "Ký số", "Signed";
    incoming: "Chữ ký có sẵn trong tệp", "Signatures that came with the file";
    searchable: "PDF tìm kiếm được", "Searchable PDF";
    source: "Bản gốc như đã nhận", "The original as it came";
    proof_bundle: "PDF và bằng chứng (ZIP)", "PDF and proof (ZIP)";
    look_alike: "Có thể cùng một giấy tờ", "May be the same paper";
    decide: "Kiểm tra giấy tờ này", "Review this paper";
    confidence: "độ tin cậy", "confidence";
    empty: "không có", "none";
    unknown: "chưa biết", "unknown";
    // --- search
    search_hint: "từ, số hiệu, mã hồ sơ, tên; có dấu hoặc không", "words, numbers, dossier codes, names; with accents or without";
    unit: "Đơn vị", "Unit";
    kind: "Loại", "Kind";
    from_day: "Đến nơi từ ngày", "Arrived from";
    to_day: "đến hết ngày", "to";
    numbers_left_out: "Số định danh cá nhân không được tìm với vai trò này, nên đã bỏ qua.", "With this role personal numbers are not searched for: they were left out.";
    no_such_day: "Không có ngày này; hãy nhập năm-tháng-ngày, ví dụ 2025-08-19:", "There is no such day; write year-month-day, such as 2025-08-19:";
    any: "tất cả", "all";
    nothing_found: "Không tìm thấy. Hãy nhập ít từ hơn, hoặc bỏ dấu.", "Nothing found. Type fewer words, or leave the accents out.";
    more: "Trang sau", "More";
    first_page: "Trang đầu", "First page";
    other_spelling: "chính tả khác", "another spelling";
    // --- batches
    queued: "Chờ", "Waiting";
    working: "Đang làm", "In work";
    given_up: "Bỏ dở", "Given up";
    oldest: "Chờ lâu nhất", "Waiting longest";
    pages_a_minute: "Trang mỗi phút", "Pages a minute";
    time_left: "Còn khoảng", "About";
    disk_left: "Đĩa còn", "Disk left";
    disk_until: "đủ cho khoảng", "enough for about";
    for_how_long: "Đã", "For";
    documents: "giấy tờ", "documents";
    pause: "Tạm dừng", "Pause";
    go_on: "Tiếp tục", "Go on";
    retry: "Làm lại", "Retry";
    retry_all: "Làm lại tất cả", "Retry all";
    paused_by: "Tạm dừng bởi", "Paused by";
    since: "từ", "since";
    attempts: "Số lần thử", "Attempts";
    cause: "Nguyên nhân", "Cause";
    technical_details: "Chi tiết kỹ thuật", "Technical details";
    by_reason: "Vì sao cần xem hoặc bị từ chối", "Why papers wait or were refused";
    batch: "Lô (nơi nhận)", "Batch (where it came from)";
    nothing_given_up: "Không có giấy tờ nào bị bỏ dở.", "No document was given up.";
    // --- targets
    digitized: "Đã số hóa", "Digitized";
    signed: "Đã ký số", "Signed";
    archived: "Đã lưu", "Archived";
    target: "Chỉ tiêu", "Target";
    no_target: "không có chỉ tiêu", "no target";
    missing_to_target: "Còn thiếu để đạt", "Missing to the target";
    reached: "đạt", "reached";
    behind: "chậm", "behind";
    no_register: "Chưa nhập sổ theo dõi, nên chưa biết có bao nhiêu kết quả trên giấy: sohoa register import TỆP.csv", "No register was imported, so nobody knows what exists on paper: sohoa register import FILE.csv";
    as_of: "Tính đến", "As of";
    year: "Năm", "Year";
    help_first: "Đơn vị cần giúp trước", "Units to help first";
    road: "Đường đến 100 %", "The way to 100 %";
    over_years: "Qua các năm", "Over the years";
    all_units: "Tất cả đơn vị", "All units";
    holds_back: "Điều đang giữ lại", "What holds it back";
    papers_in_review: "chờ kiểm tra", "wait for review";
    results: "Kết quả", "Results";
    basis: "Căn cứ", "Basis";
    part_done: "Kết quả được tính", "Results that count";
    part_all: "Tất cả kết quả", "All results";
    part_missing: "Kết quả chưa đạt", "Results that do not count yet";
    paper_number: "Số, ký hiệu", "Number";
    issued: "Ngày ban hành", "Issued";
    counted: "Được tính", "Counts";
    yes: "có", "yes";
    no: "chưa", "not yet";
    no_document: "chưa có bản số hóa", "no digital copy yet";
    // --- system
    oldest_job: "Chờ lâu nhất", "Oldest that waits";
    sealing_key: "Khóa niêm phong", "Sealing key";
    last_check: "Kiểm tra kho gần nhất", "Last check of the store";
    never_checked: "chưa lần nào: sohoa fsck", "never: sohoa fsck";
    errors_found: "lỗi", "errors";
    stage: "Bước", "Stage";
    stages: "Các bước xử lý (từ khi khởi động)", "Stages of the work (since the start)";
    stage_runs: "Đã xong", "Done";
    stage_mean: "Trung bình", "Mean";
    stage_failures: "Lỗi", "Failures";
    stage_now: "Đang làm", "Under way";
    error_rates: "Tỷ lệ sai khi soát lại", "How often a second look found errors";
    no_rates: "Chưa ai soát lại quyết định nào, nên chưa biết.", "Nobody looked at a decision a second time yet, so it is not known.";
    looked_at: "Đã soát lại", "Looked at again";
    found_wrong: "Sai", "Wrong";
    error_rate: "Tỷ lệ", "Rate";
    people: "Người dùng", "People";
    role: "Vai trò", "Role";
    access_log: "Nhật ký truy cập", "Access log";
    since_day: "Từ ngày", "From";
    until_day: "Đến hết ngày", "To the end of";
    record_id: "Mã bản ghi", "Record";
    not_understood: "Không hiểu:", "Not understood:";
    only_newest: "Chỉ hiện các dòng mới nhất:", "Only the newest are shown:";
    with_code: "mã một lần", "one-time codes";
    drop_code: "Tắt mã một lần", "Turn one-time codes off";
    change_role: "Đổi vai trò, đơn vị", "Change role, unit";
    signature: "Chữ ký số", "Signature";
    signature_fails: "không dùng được: báo quản trị viên chạy sohoa doctor", "it cannot be used: sohoa doctor says why";
    ends_soon: "sắp hết hạn", "ends soon";
    log_stamps: "Dấu thời gian của nhật ký", "Time stamps of the log";
    first_ends: "cái đầu tiên hết hạn", "the first ends";
    within_year: "sắp hết hạn trong 12 tháng, cần chạy sohoa renew:", "end within 12 months, run sohoa renew:";
    when: "Lúc", "When";
    who: "Ai", "Who";
    what: "Việc", "What";
    from_where: "Từ máy", "From";
    version: "Phiên bản", "Version";
    keys: "Khóa", "Keys";
    log_size: "Nhật ký minh bạch", "Transparency log";
    leaves: "mục", "leaves";
    disk: "Đĩa", "Disk";
    troubles: "Trục trặc", "Troubles";
    all_well: "Mọi thứ hoạt động.", "All is well.";
    since_when: "Từ khi", "Since";
    per_minute: "Tệp mỗi phút", "Pushes a minute";
    most_mb: "MB mỗi tệp", "MB a document";
    for_all: "theo cấu hình", "as configured";
    change_limits: "Đổi giới hạn", "Change the limits";
    new_station: "Thêm trạm", "New station";
    new_person: "Thêm người dùng", "New person";
    name: "Tên", "Name";
    revoke: "Thu hồi", "Revoke";
    revoked: "đã thu hồi", "revoked";
    disable: "Khóa", "Disable";
    enable: "Mở lại", "Enable";
    disabled: "đã khóa", "disabled";
    reset_password: "Đặt lại mật khẩu", "Reset the password";
    token_once: "Mã của trạm, chỉ hiện một lần; chép vào cấu hình của máy quét ngay", "The station's token, shown this once; copy it to the scanner's settings now";
    password_once: "Mật khẩu tạm, chỉ hiện một lần; người dùng phải đổi khi đăng nhập", "A temporary password, shown this once; it must be changed at the first sign-in";
    // --- when something is not there
    not_found: "Không có trang này", "There is no such page";
    destroyed: "Giấy tờ này đã được hủy", "This paper was destroyed";
    not_allowed: "Vai trò của bạn không xem được trang này", "Your role does not see this page";
    back: "Về trang đầu", "Back to the first page";
    expired: "Phiên làm việc đã hết hoặc biểu mẫu đã cũ: mở lại trang và làm lại", "The session ended or the form was old: open the page anew and try again";
    busy: "Nhiều lượt tìm kiếm cùng lúc; đợi vài giây rồi tìm lại", "Many searches at once; wait some seconds, then search again";
    broken: "Có lỗi ở máy chủ; không mất gì, hãy thử lại", "Something went wrong here; nothing is lost, try again";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_section_is_told_with_it() {
        assert_eq!(Language::Vi.field("mother_birth_date"), "Ngày sinh (mẹ)");
        assert_eq!(Language::En.field("owner_name"), "Owner");
        assert_eq!(Language::Vi.field("due_at"), "Hẹn trả");
        assert_eq!(Language::En.field("something_new"), "something new");
    }

    #[test]
    fn every_action_of_a_history_has_words() {
        for code in
            [action::CAPTURE, action::ACCEPT, action::CORRECT, action::SIGN, action::SKIP, action::REJECT, action::REGISTER]
        {
            assert!(!Language::Vi.action(code).is_ascii(), "{code}");
        }
    }
}
