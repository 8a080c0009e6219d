//! `sohoa user` as an administrator meets it: what is shown once and kept nowhere, what is refused, and two commands at once. Debian's own
//! `argon2` judges the hashes.
#![allow(clippy::unwrap_used)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use common::{Home, files_below, write_private};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

fn new(home: &Home, login: &str, name: &str, role: &str) -> String {
    let told = home.expect(0, &["user", "new", login, "--name", name, "--role", role]);
    told.lines().find_map(|line| line.strip_prefix("password ")).expect("a password is shown").to_owned()
}

fn people(home: &Home) -> Vec<Value> {
    home.lines(&[0], &["user", "list", "--json"])
}

/// The Argon2id hash of a person, as it stands in the file.
fn hash(home: &Home, login: &str) -> String {
    let text = std::fs::read_to_string(home.path("keys/people")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| serde_json::from_str::<Value>(line).unwrap());
    let person = lines.into_iter().find(|person| person["login"] == login).unwrap();
    person["password"].as_str().unwrap().to_owned()
}

/// What the reference implementation makes of a password with the salt of that hash; None when the salt has a NUL, which no argument can
/// have.
fn reference(password: &str, hash: &str) -> Option<String> {
    let salt = STANDARD_NO_PAD.decode(hash.split('$').nth(4).unwrap()).unwrap();
    if salt.contains(&0) {
        return None;
    }
    let mut judge = Command::new("argon2")
        .arg(OsString::from_vec(salt))
        .args(["-id", "-v", "13", "-m", "16", "-t", "3", "-p", "4", "-l", "32", "-e"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("argon2 is not installed; ./bootstrap test does it");
    judge.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    Some(String::from_utf8(judge.wait_with_output().unwrap().stdout).unwrap().trim().to_owned())
}

#[test]
fn a_person_is_added_once_and_the_password_is_kept_nowhere() {
    let home = Home::new();
    let password = new(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let listed = people(&home);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["login"], &listed[0]["role"]), (&Value::from("lan"), &Value::from("reviewer")));
    assert_eq!(listed[0]["name"], "Nguyễn Thị Lan");
    assert_eq!((&listed[0]["unit"], &listed[0]["must_change_password"]), (&Value::Null, &Value::from(true)));
    assert!(!listed[0].to_string().contains("argon2"), "{}", listed[0]);
    let mode = std::fs::metadata(home.path("keys/people")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for file in files_below(&home.path("")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()), "{}", file.display());
    }
    let shown = home.expect(0, &["user", "list"]);
    assert!(shown.contains("lan") && shown.contains("must choose a password") && shown.contains("Nguyễn Thị Lan"), "{shown}");

    home.expect(2, &["user", "new", "LAN", "--name", "Trần Thị Lan", "--role", "auditor"]);
    home.expect(2, &["user", "new", "lan2", "--name", "nguyễn thị lan", "--role", "auditor"]);
    home.expect(2, &["user", "new", "minh", "--name", "Minh", "--role", "root"]);
    home.expect(2, &["user", "new", "minh", "--name", "Minh", "--role", "auditor", "--unit", "xã"]);
    home.expect(2, &["user", "new", "m minh", "--name", "Minh", "--role", "auditor"]);
    home.expect(7, &["user", "password", "nobody"]);
    home.expect(7, &["user", "totp", "nobody"]);
    home.expect(2, &["user", "totp", "lan", "--off"]);
    assert_eq!(people(&home).len(), 1);
}

#[test]
fn hashes_are_those_of_the_reference_implementation() {
    let home = Home::new();
    let file = home.path("password");
    new(&home, "lan", "Nguyễn Thị Lan", "operator");
    for password in ["mật khẩu của Lan", "correct horse battery staple", "            "] {
        write_private(&file, &format!("{password}\nnot this line\n"));
        let judged = (0..10).find_map(|_| {
            let told = home.expect(0, &["user", "password", "lan", "--password-file", file.to_str().unwrap()]);
            assert!(!told.contains(password), "{told}");
            let hash = hash(&home, "lan");
            assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{hash}");
            reference(password, &hash).map(|reference| assert_eq!(reference, hash))
        });
        assert!(judged.is_some(), "ten salts with a NUL are not drawn");
    }
    assert!(people(&home).iter().all(|person| person["must_change_password"] == false), "who writes a file knows what they do");
}

#[test]
fn passwords_that_are_none_are_refused_with_what_to_do() {
    let home = Home::new();
    new(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let (file, before) = (home.path("password"), hash(&home, "lan"));
    let refused = |code: i32, extra: &[&str]| {
        let output = home.sohoa(&[&["user", "password", "lan"], extra].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let path = file.to_str().unwrap();
    write_private(&file, "mười một ch\n");
    assert!(refused(2, &["--password-file", path]).contains("at least 12"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(4, &["--password-file", path]).contains("chmod 600"));
    assert!(refused(2, &["--ask"]).contains("terminal"));
    assert!(refused(2, &["--ask", "--password-file", path]).contains("one of them"));
    assert_eq!(hash(&home, "lan"), before);
    home.expect(0, &["user", "password", "lan"]);
    assert_ne!(hash(&home, "lan"), before);
}

/// At a terminal that `script` makes (Debian has it always): what is typed is not shown, and must be typed twice.
#[test]
fn a_password_is_asked_for_without_being_shown() {
    let home = Home::new();
    let typed = |lines: &'static str| {
        let command = home.command(&["user", "new", "lan", "--name", "Lan", "--role", "auditor", "--ask"]);
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_str().unwrap());
        let line = words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, mut shown) = (script.stdin.take().unwrap(), BufReader::new(script.stdout.take().unwrap()));
        let mut seen = String::new();
        for line in lines.lines() {
            // Typed when it is asked for: what comes before would be shown by the terminal itself.
            let mut asked = Vec::new();
            shown.read_until(b':', &mut asked).unwrap();
            seen.push_str(&String::from_utf8(asked).unwrap());
            std::thread::sleep(Duration::from_millis(300));
            writeln!(stdin, "{line}").unwrap();
        }
        shown.read_to_string(&mut seen).unwrap();
        (script.wait().unwrap().code(), seen)
    };
    let (code, seen) = typed("mật khẩu của Lan\nmật khẩu của lan");
    assert_eq!((code, home.path("keys/people").exists()), (Some(2), false), "{seen}");
    assert!(seen.contains("the two differ"), "{seen}");
    let (code, seen) = typed("mật khẩu của Lan\nmật khẩu của Lan");
    assert!(code == Some(0) && !seen.contains("khẩu") && !seen.contains("password "), "{seen}");
    assert_eq!(people(&home)[0]["must_change_password"], false);
}

#[test]
fn a_secret_is_one_that_an_app_takes() {
    let home = Home::new();
    new(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let told = home.expect(0, &["user", "totp", "lan"]);
    let line = |what: &str| told.lines().find_map(|line| line.strip_prefix(what)).unwrap().trim().to_owned();
    let (secret, uri) = (line("secret"), line("uri"));
    assert!(uri.starts_with("otpauth://totp/sohoa:lan?secret=") && uri.contains(&secret), "{uri}");
    let judge = Command::new("oathtool").args(["--totp", "--base32", "--verbose", &secret]).output();
    let judged = String::from_utf8(judge.expect("oathtool is not installed; ./bootstrap test does it").stdout).unwrap();
    // what the app must know beside the secret, as the judge takes it by default: the codes themselves are compared beside the code
    assert!(judged.contains("Digits: 6") && judged.contains("Step size (seconds): 30"), "{judged}");
    assert!(uri.ends_with("&issuer=sohoa&algorithm=SHA1&digits=6&period=30"), "{uri}");
    assert_eq!(people(&home)[0]["totp"], true);
    home.expect(0, &["user", "totp", "lan", "--off"]);
    assert_eq!(people(&home)[0]["totp"], false);
}

#[test]
fn roles_change_and_each_change_is_noted() {
    let home = Home::new();
    new(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let told = home.expect(0, &["user", "role", "lan", "second_reviewer", "--unit", "H48.15"]);
    assert!(told.contains("Người kiểm tra lần hai / second reviewer"), "{told}");
    assert_eq!((&people(&home)[0]["role"], &people(&home)[0]["unit"]), (&"second_reviewer".into(), &"H48.15".into()));
    home.expect(0, &["user", "role", "lan", "auditor"]);
    assert_eq!(people(&home)[0]["unit"], "H48.15", "the unit stays when it is not named");
    home.expect(0, &["user", "role", "lan", "auditor", "--all-units"]);
    assert_eq!(people(&home)[0]["unit"], Value::Null);
    home.expect(2, &["user", "role", "lan", "auditor", "--all-units", "--unit", "H48.15"]);
    home.expect(0, &["user", "disable", "lan"]);
    assert_eq!(people(&home)[0]["disabled"], true);
    home.expect(0, &["user", "enable", "lan"]);
    assert_eq!(people(&home)[0]["disabled"], false);

    let files = files_below(&home.path("access-log"));
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let noted: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changes: Vec<&str> = noted.iter().map(|line| line["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["new_person", "role", "role", "role", "disable", "enable"]);
    assert!(noted.iter().all(|line| line["on"] == "lan" && line["from"] == "terminal" && line["what"] == "administer"));
}

#[test]
fn two_commands_at_once_are_both_done() {
    let home = Home::new();
    let running: Vec<_> = (0..8)
        .map(|n| {
            let (login, name) = (format!("p{n}"), format!("Người số {n}"));
            let args = ["user", "new", &login, "--name", &name, "--role", "operator"];
            home.command(&args).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(people(&home).len(), 8);
    // and of two that want the same login, one gets it
    let twins: Vec<_> = ["Nguyễn Thị Lan", "Trần Thị Lan"]
        .into_iter()
        .map(|name| {
            let args = ["user", "new", "lan", "--name", name, "--role", "operator"];
            home.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let codes: std::collections::BTreeSet<_> = twins.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    assert_eq!(codes, [Some(0), Some(2)].into());
    assert_eq!(people(&home).len(), 9);
}

#[test]
fn a_damaged_file_is_told_by_its_line_and_left_as_it_is() {
    let home = Home::new();
    new(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let file = home.path("keys/people");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("{\"login\":\"minh\"\n");
    std::fs::write(&file, &text).unwrap();
    for args in
        [&["user", "list"][..], &["user", "disable", "lan"], &["user", "new", "hoa", "--name", "Hoa", "--role", "auditor"]]
    {
        let output = home.sohoa(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{error}");
        assert!(error.contains("line 3") && !error.contains("argon2"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let told = home.lines(&[3], &["doctor", "--json"]);
    let of_people = told.iter().find(|line| line["check"] == "people").unwrap();
    assert!(of_people["state"] == "problem" && of_people["detail"].as_str().unwrap().contains("line 3"), "{of_people}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = home.sohoa(&["user", "list"]);
    assert!(open.status.code() == Some(4) && String::from_utf8(open.stderr).unwrap().contains("chmod 600"));
}
