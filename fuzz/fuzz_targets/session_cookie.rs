//! The `Cookie` header of a browser: out of whatever it says comes at most one number of the right form, and two are as good as none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_service::sessions::cookie::Cookie;

fuzz_target!(|data: &[u8]| {
    let Ok(header) = std::str::from_utf8(data) else { return };
    for cookie in [Cookie { secure: false }, Cookie { secure: true }] {
        let Some(id) = cookie.read(header) else { continue };
        assert!(id.len() == 43 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let given = cookie.give(id);
        let (pair, _) = given.split_once(';').expect("attributes follow");
        assert_eq!(cookie.read(pair), Some(id));
        assert!(header.contains(pair));
        assert_eq!(cookie.read(&format!("{header}; {pair}")), None, "one of two was planted");
    }
});
