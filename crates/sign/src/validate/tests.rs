//! Times as PDF writes them. The verdicts themselves are tested with files: `tests/incoming_*.rs`.

use super::*;

#[test]
fn dates_of_pdf_are_read() {
    assert_eq!(pdf_time("D:19700101070000+07'00'"), Some(0));
    assert_eq!(pdf_time("D:19700101"), Some(0));
    assert_eq!(pdf_time("D:20201332"), None);
    assert_eq!(pdf_time("hôm qua"), None);
}
