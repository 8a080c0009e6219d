//! The printable report: it tells what the lines tell, needs nothing from outside, and nothing in a file can become more than text.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use std::fs;
use std::path::Path;

fn report(root: &Path, trust: &Path, file: &Path) -> (Said, String) {
    let paths = [root, trust, file].map(|path| path.to_str().unwrap().to_owned());
    let said = run(&[&paths[0], "--trust", &paths[1], "--report", &paths[2], "--json"]);
    (said, fs::read_to_string(file).unwrap_or_default())
}

#[test]
fn it_tells_counts_verdicts_policy_checkpoint_and_limits() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("archive");
    let (a, b) = (store(&root, A, 2, &key()), store(&root, B, 1, &key()));
    let entries = entries(&[&a[0], &b[0], &a[1]]);
    write_log(&root.join("log"), &entries, &[2, 1]);
    let seen = cosigned(checkpoint(&entries), &[(0, "2026-11-22T10:40:00+07:00"), (1, "2026-11-22T10:41:00+07:00")]);
    write(root.join("log/checkpoint"), seen.to_string());
    let trust = trust_with_witnesses(dir.path(), "");
    fs::remove_file(object_path(&root, &b[0].objects[2].digests.sha256)).unwrap();
    let (said, html) = report(&root, &trust, &dir.path().join("report.html"));
    assert_eq!(said.code, 11, "{}", said.errors);
    let digest = Command::new("sha256sum").arg(&trust).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    for told in [
        "CÓ SAI LỆCH",
        "NOT ALL IS WELL",
        "THIẾU <i>MISSING</i></td><td class=\"number\">1<",
        "ĐÚNG <i>OK</i></td><td class=\"number\">1<",
        A,
        B,
        "text.json (phiên bản 1): không còn tệp này",
        "text.json (revision 1): the file is not there",
        digest.split(' ').next().unwrap(),
        "Khóa thử nghiệm",
        ORIGIN,
        "3 dòng",
        "2026-11-22T10:41:00+07:00",
        "vào nhật ký trước 2026-11-22 10:41:00 (2 nhân chứng)",
        "whether a scan is true to its paper",
        "86400 s",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    // an older report is not written over
    let (said, again) = report(&root, &trust, &dir.path().join("report.html"));
    assert!(said.code == 1 && again == html, "{}", said.errors);
}

use std::process::Command;

#[test]
fn nothing_in_a_file_becomes_markup_and_nothing_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("<img src=x onerror=alert(1)>");
    export(&root, A, 1, &key());
    let home = root.join(format!("data/{A}/r0001"));
    write(home.join("<script>alert(1)<&\"'.txt"), "");
    let trust = dir.path().join("trust.txt");
    write(&trust, sohoa_record::trust::policy_line(&key().verifying_key(), "<b>Sở</b> \u{202e}x"));
    let (_, html) = report(&root, &trust, &dir.path().join("report.html"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;&amp;&quot;&#39;.txt") && html.contains("&lt;b&gt;Sở"), "{html}");
    let body = html.split("<body>").nth(1).unwrap();
    for banned in ["<script", "<img", "<b>", "\u{202e}", "url(", "@import", "http", " src=x", "<link", "style="] {
        assert!(!body.contains(banned) || banned == " src=x", "{banned}: {body}");
    }
    let head = html.split("<body>").next().unwrap();
    assert!(head.contains("default-src 'none'") && !head.contains("url(") && !head.contains("@import"), "{head}");
    // every tag that is opened is one that the program writes
    let tags: std::collections::BTreeSet<&str> =
        body.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap().trim_start_matches('/')).collect();
    let own = ["b", "body", "br", "div", "h1", "h2", "html", "i", "p", "span", "table", "tbody", "td", "th", "thead", "tr"];
    assert!(tags.iter().all(|tag| own.contains(tag)), "{tags:?}");
}
