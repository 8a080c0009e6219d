//! The file of people: what is refused, what two writers do to it, and what strange lines in it do.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;

fn password() -> NewPassword {
    NewPassword::parse("mật khẩu của Lan").unwrap()
}

fn new<'a>(login: &'a str, name: &'a str, password: &'a NewPassword) -> NewPerson<'a> {
    NewPerson { login, name, role: Role::Reviewer, unit: Some("H48.15"), password, temporary: false }
}

fn people() -> (tempfile::TempDir, People) {
    let dir = tempfile::tempdir().unwrap();
    let people = People::at(dir.path().join("keys/people"));
    (dir, people)
}

#[test]
fn people_are_kept_for_their_owner_alone_and_found_again() {
    let (dir, people) = people();
    assert!(people.all().unwrap().is_empty() && people.find("lan").unwrap().is_none());
    people.add(&new("Lan", "Nguyễn Thị Lan", &password())).unwrap();
    let lan = people.find(" LAN ").unwrap().unwrap();
    assert_eq!((lan.login.as_str(), lan.name.as_str(), lan.role), ("lan", "Nguyễn Thị Lan", Role::Reviewer));
    assert!(lan.has_password("mật khẩu của Lan") && !lan.has_password("mật khẩu của lan") && !lan.disabled);
    let file = dir.path().join("keys/people");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("mật khẩu"), "{text}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(People::at(file).all(), Err(PeopleError::Keyring(KeyringError::Open(..)))));
}

#[test]
fn a_change_by_another_process_is_seen_at_once() {
    let (dir, people) = people();
    people.add(&new("lan", "Nguyễn Thị Lan", &password())).unwrap();
    let other = People::at(dir.path().join("keys/people"));
    let before = people.find("lan").unwrap().unwrap();
    for disabled in [true, false] {
        other.set_disabled("lan", disabled).unwrap();
        assert_eq!(people.find("lan").unwrap().unwrap().disabled, disabled);
    }
    assert_eq!(people.find("lan").unwrap().unwrap().standing(), before.standing(), "as it was");
    let standing = |person: Person| person.standing();
    let other_role = standing(other.set_role("lan", Role::Auditor, Some(None)).unwrap());
    let other_password = standing(other.set_password("lan", &NewPassword::generate().unwrap(), true).unwrap());
    let with_totp = standing(other.new_totp("lan").unwrap().0);
    let all = [before.standing(), other_role, other_password, with_totp];
    assert_eq!(std::collections::BTreeSet::from(all.clone()).len(), all.len(), "sessions stand on each of these");
    let now = people.find("lan").unwrap().unwrap();
    assert_eq!((now.role, now.unit.as_deref(), now.must_change_password, now.has_totp()), (Role::Auditor, None, true, true));
    std::fs::remove_file(dir.path().join("keys/people")).unwrap();
    assert!(people.find("lan").unwrap().is_none(), "a file that is gone lets nobody in");
}

#[test]
fn two_people_are_told_apart_by_login_and_by_name() {
    let (_dir, people) = people();
    let password = password();
    people.add(&new("lan", "Nguyễn Thị Lan", &password)).unwrap();
    assert!(matches!(people.add(&new("LAN", "Trần Thị Lan", &password)), Err(PeopleError::TakenLogin(_))));
    let same = "nguyễn thị LAN ";
    assert!(matches!(people.add(&new("lan2", same, &password)), Err(PeopleError::TakenName(_, login)) if login == "lan"));
    people.add(&new("lan2", "Nguyễn Thị Lan (1988)", &password)).unwrap();
    for login in ["", "l", "1lan", "lan nguyen", "lán", "lan\n", "a\u{0}b", "-lan", &"l".repeat(41), "lan:x", "../lan"] {
        let added = people.add(&new(login, "Trần Văn Minh", &password));
        // white space around a login is a slip of the hand
        assert!(login.trim() == "lan" || matches!(added, Err(PeopleError::Login(_))), "{login:?}");
    }
    for name in ["", "  ", "Lan\nMinh", "Lan\u{202e}hniM", "\u{1b}[31mLan", &"l".repeat(101)] {
        assert!(matches!(people.add(&new("minh", name, &password)), Err(PeopleError::Name(_))), "{name:?}");
    }
    assert!(matches!(people.add(&NewPerson { unit: Some("xã"), ..new("minh", "Minh", &password) }), Err(PeopleError::Unit(_))));
    for changed in [people.set_disabled("minh", true), people.drop_totp("minh"), people.set_role("minh", Role::Auditor, None)] {
        assert!(matches!(changed, Err(PeopleError::Unknown(_))));
    }
    assert!(matches!(people.drop_totp("lan"), Err(PeopleError::NoTotp(_))));
    assert_eq!(people.all().unwrap().len(), 2);
}

#[test]
fn a_code_that_was_used_is_used_for_every_process() {
    let (dir, people) = people();
    people.add(&new("lan", "Nguyễn Thị Lan", &password())).unwrap();
    assert!(!people.use_code("lan", "000000", 59).unwrap(), "no codes are asked of her");
    let (before, secret) = people.new_totp("lan").unwrap();
    let told = std::process::Command::new("oathtool")
        .args(["--totp", "--base32", &secret.base32(), "--now", "@1764000000"])
        .output()
        .expect("oathtool is not installed; ./bootstrap test does it");
    let code = String::from_utf8(told.stdout).unwrap().trim().to_owned();
    assert!(!people.use_code("lan", "", 1_764_000_000).unwrap() && !people.use_code("minh", &code, 1_764_000_000).unwrap());
    assert!(people.use_code("lan", &code, 1_764_000_000).unwrap());
    assert!(!people.use_code("lan", &code, 1_764_000_000).unwrap());
    assert!(!People::at(dir.path().join("keys/people")).use_code("lan", &code, 1_764_000_010).unwrap());
    // eight at the same moment, as if from eight browsers
    let later = std::process::Command::new("oathtool")
        .args(["--totp", "--base32", &secret.base32(), "--now", "@1764000300"])
        .output()
        .expect("oathtool is not installed; ./bootstrap test does it");
    let later = String::from_utf8(later.stdout).unwrap().trim().to_owned();
    let taken: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| People::at(dir.path().join("keys/people")).use_code("lan", &later, 1_764_000_300).unwrap()))
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(taken, 1);
    let after = people.find("lan").unwrap().unwrap();
    assert_eq!(before.standing(), after.standing(), "a code that was used ends no session");
}

#[test]
fn twenty_changes_at_once_are_all_made() {
    let (dir, people) = people();
    let file = dir.path().join("keys/people");
    people.add(&new("lan", "Nguyễn Thị Lan", &password())).unwrap();
    let template = people.find("lan").unwrap().unwrap();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let (file, template) = (&file, &template);
            scope.spawn(move || {
                let people = People::at(file.clone());
                let _lock = people.lock().unwrap();
                let mut all = people.load().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(2));
                all.push(Person { login: format!("p{n}"), name: format!("Người số {n}"), ..template.clone() });
                people.write(&all).unwrap();
            });
            let reader = People::at(file.clone());
            scope.spawn(move || assert!(!reader.all().unwrap().is_empty(), "readers see a whole file"));
        }
    });
    assert_eq!(people.all().unwrap().len(), 21);
}

#[test]
fn what_root_writes_is_the_services_to_read() {
    let (dir, people) = people();
    let (keys, us) = (dir.path().join("keys"), std::fs::metadata(dir.path()).unwrap().uid());
    std::fs::create_dir(&keys).unwrap();
    // only root can give a folder away; anybody else makes files of their own in it
    let service = if us == 0 { 65_534 } else { us };
    std::os::unix::fs::chown(&keys, Some(service), None).unwrap();
    people.add(&new("lan", "Nguyễn Thị Lan", &password())).unwrap();
    people.set_disabled("lan", true).unwrap();
    for file in ["people", "people.lock"] {
        assert_eq!(std::fs::metadata(keys.join(file)).unwrap().uid(), service, "{file}");
    }
}

#[test]
fn strange_lines_are_refused_by_number_and_never_shown() {
    let (dir, people) = people();
    people.add(&new("lan", "Nguyễn Thị Lan", &password())).unwrap();
    let file = dir.path().join("keys/people");
    let good = std::fs::read_to_string(&file).unwrap();
    let line = good.lines().last().unwrap().to_owned();
    let hash = line.split("\"password\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for bad in [
        "lan",
        "{}",
        "\u{feff}",
        &line.replace("\"reviewer\"", "\"root\""),
        &line.replace("\"since\"", "\"admin\":true,\"since\""),
        &line.replace("H48.15", "../H48"),
        &line.replace("\"lan\"", "\"Lan\""),
        &line.replace("\"lan\"", "\"minh\""),             // a name that is on the line above
        &line.replace("Nguyễn Thị Lan", "Trần Văn Minh"), // a login that is
        &line.replace("m=65536", "m=4294967295").replace("lan", "minh").replace("Lan", "Minh"),
        &line[..line.len() / 2],
        &format!("{line}{line}"),
        &"[".repeat(10_000),
    ] {
        let (number, why) = parse(&format!("{good}\n{bad}\n")).unwrap_err();
        assert_eq!(number, 4, "{bad}");
        assert!(!why.contains(&hash) && !why.contains("argon2"), "{why}");
    }
    // Windows line ends, empty lines and remarks are no harm
    assert_eq!(parse(&good.replace('\n', "\r\n")).unwrap().len(), 1);
    assert_eq!(parse(&format!("\n# a remark\n{good}\n\n")).unwrap().len(), 1);
    std::fs::write(&file, format!("{good}lan\n")).unwrap();
    assert!(matches!(people.all(), Err(PeopleError::Line(_, 3, _))));
    assert!(people.set_disabled("lan", true).is_err(), "a file that cannot be read is not written over");
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("lan\n"));
}

#[test]
fn papers_are_those_of_the_own_unit() {
    let (_dir, people) = people();
    let of_unit = people.add(&new("lan", "Lan Anh", &password())).unwrap();
    let of_all = Person { unit: None, ..of_unit.clone() };
    assert!(of_unit.sees_unit(Some("H48.15")) && of_all.sees_unit(Some("H48.15")) && of_all.sees_unit(None));
    assert!(![Some("H48"), Some("H48.15.1"), Some("h48.15"), Some(""), None].into_iter().any(|unit| of_unit.sees_unit(unit)));
}

proptest! {
    #[test]
    fn any_name_that_is_taken_comes_back_as_it_was(typed_name in "\\PC{0,40}", spoilt in any::<u8>()) {
        let (_dir, people) = people();
        let person = Person {
            login: "lan".into(), name: "x".into(), role: Role::Operator, unit: None, password: fixed_hash(), totp: None,
            disabled: spoilt & 1 == 1, must_change_password: spoilt & 2 == 2, since: String::new(),
        };
        if let Ok(name) = name(&typed_name) {
            let person = Person { name, ..person };
            prop_assert_eq!(parse(&person.line()).unwrap(), vec![person]);
        }
        drop(people);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(.{0,60}\n){0,4}") {
        let _ = parse(&text);
    }
}

fn fixed_hash() -> PasswordHash {
    let text = "$argon2id$v=19$m=65536,t=3,p=4$bXVvaS1jdWEtbGFuLTE2$5NgmRYGnVskthipuGAVNrAe3xNAragFxmyXCHZRNzqY";
    PasswordHash::try_from(text.to_owned()).unwrap()
}
