//! The canonical form against the vectors that RFC 8785 publishes.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

fn canonical(value: &Value) -> String {
    String::from_utf8(serde_json_canonicalizer::to_vec(value).unwrap()).unwrap()
}

#[test]
fn strings_and_literals_as_in_section_3_2_2() {
    let value: Value =
        serde_json::from_str(r#"{ "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#)
            .unwrap();
    assert_eq!(canonical(&value), "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

#[test]
fn members_are_sorted_by_utf_16_as_in_section_3_2_3() {
    let value: Value =
        serde_json::from_str(r#"{ "\u20ac": 5, "\r": 1, "\ufb33": 7, "1": 2, "\ud83d\ude00": 6, "\u0080": 3, "\u00f6": 4 }"#)
            .unwrap();
    assert_eq!(canonical(&value), "{\"\\r\":1,\"1\":2,\"\u{80}\":3,\"ö\":4,\"€\":5,\"😀\":6,\"\u{fb33}\":7}");
}

#[test]
fn whole_numbers_stay_as_they_are_up_to_2_to_the_53() {
    assert_eq!(
        canonical(&json!([0, -1, 850, 9_007_199_254_740_991u64, -9_007_199_254_740_991i64])),
        "[0,-1,850,9007199254740991,-9007199254740991]"
    );
}

#[test]
fn controls_are_escaped_and_other_text_is_not() {
    // §3.2.2.2: the two-character escapes, then \u00xx in lower case; everything else as it is
    assert_eq!(
        canonical(&json!("\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}/ươ\u{2028}")),
        "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}/ươ\u{2028}\""
    );
}
