//! What the QR code says that a one-stop system prints on its papers.
//!
//! TT 01/2023/TT-VPCP asks for the dossier's code, the procedure's, the owner's identifier, the names of paper and system, and the
//! time. In which form is not laid down, so the parts are looked for by their own shapes; a code without exactly one dossier in it
//! is somebody else's, and then nothing is taken from it.

use sohoa_record::DossierCode;

/// Between the parts of a payload, when nothing else is configured.
pub const SEPARATORS: &str = "|;,?&=#\n\r\t";

/// What was found in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The dossier.
    pub dossier: DossierCode,
    /// The procedure's base code, such as `1.001612`; none when there is none, or more than one.
    pub procedure: Option<String>,
    /// The owner's personal number, 12 digits; none when there is none, or more than one.
    pub owner: Option<String>,
}

/// Reads a payload; none when it is not one of a dossier's paper.
pub fn read(text: &str, separators: &str) -> Option<Payload> {
    let parts: Vec<&str> = text
        .split(|c| separators.contains(c))
        .flat_map(|part| [Some(part), part.split_once(':').map(|(_, value)| value)])
        .flatten()
        .map(str::trim)
        .collect();
    let dossier = only(parts.iter().filter_map(|part| DossierCode::find_in(part)).map(|(code, _)| code))?;
    Some(Payload {
        dossier,
        procedure: only(parts.iter().filter_map(|part| procedure(part))),
        owner: only(parts.iter().filter(|part| is_personal_number(part)).map(|part| (*part).to_owned())),
    })
}

/// The one value that all agree on.
fn only<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// The base part of `1.001612` or `1.001612.000.00.00.H48`.
fn procedure(part: &str) -> Option<String> {
    let base = part.get(..8)?;
    let digit = |range: std::ops::Range<usize>| base[range].bytes().all(|b| b.is_ascii_digit());
    let rest = &part[8..];
    (digit(0..1) && &base[1..2] == "." && digit(2..8) && (rest.is_empty() || rest.starts_with('.'))).then(|| base.to_owned())
}

/// Twelve digits whose province, century and sex there can be (NĐ 137/2015/NĐ-CP art. 13).
fn is_personal_number(part: &str) -> bool {
    part.len() == 12
        && part.bytes().all(|b| b.is_ascii_digit())
        && part.starts_with('0')
        && matches!(&part[3..4], "0" | "1" | "2" | "3")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Option<(String, Option<String>, Option<String>)> {
        read(text, SEPARATORS).map(|p| (p.dossier.to_string(), p.procedure, p.owner))
    }

    #[test]
    fn the_parts_are_found_whatever_stands_between_them() {
        let all = Some(("H15.50.05.13-261008-0975".into(), Some("1.001612".into()), Some("040190008784".into())));
        for text in [
            "H15.50.05.13-261008-0975|1.001612|040190008784|Giấy tiếp nhận|Hệ thống một cửa|20261008101500",
            "Mã hồ sơ: H15.50.05.13-261008-0975; Mã TTHC: 1.001612.000.00.00.H15; Số định danh: 040190008784",
            "https://dvc.example.vn/tra-cuu?mhs=H15.50.05.13-261008-0975&tthc=1.001612&id=040190008784",
        ] {
            assert_eq!(found(text), all, "{text}");
        }
    }

    #[test]
    fn foreign_and_double_codes_are_nobodys() {
        assert_eq!(found("001190012345|012345678|Nguyễn Văn A|01011990|Nam|Hà Nội|25052021"), None, "an identity card");
        assert_eq!(found("H15.50.05.13-261008-0975|H15.50.05.13-261008-0976"), None, "two dossiers");
        assert_eq!(found("https://example.vn"), None);
        let two_owners = found("H15.50.05.13-261008-0975|040190008784|040190008785").unwrap();
        assert_eq!(two_owners.2, None);
    }

    proptest! {
        #[test]
        fn any_payload_is_safe_to_look_at(text in "\\PC{0,80}") {
            let _ = read(&text, SEPARATORS);
        }
    }
}
