//! `pipeline.toml`: what is taken makes sense, whatever was typed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_service::config::Config;
use std::path::{Path, PathBuf};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parse = |text: &str| Config::parse(text, Path::new("pipeline.toml"), PathBuf::from("/data"));
    let config = match parse(text) {
        Ok(config) => config,
        Err(error) => {
            assert!(error.to_string().contains("pipeline.toml"), "every mistake names its file: {error}");
            return;
        }
    };
    assert!(config.profile().is_some());
    assert!(config.decode.open_seconds > 0 && config.decode.page_seconds > 0 && config.decode.child_memory_mb >= 300);
    assert!(config.ingest.max_attempts > 0 && (1..=1024).contains(&config.workers()));
    let limits = config.limits();
    assert_eq!(limits.max_source_bytes >> 20, config.decode.max_source_mb, "no bit is lost");
    assert_eq!(limits.max_page_pixels / 1_000_000, config.decode.max_page_megapixels);
    assert!(limits.max_pages > 0);
    // a comment says nothing; a byte order mark stays first
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert_eq!(format!("{config:?}"), format!("{:?}", parse(&format!("# x\n{text}\n# y")).unwrap()));
});
