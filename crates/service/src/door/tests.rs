//! The front door as a page uses it, and as somebody does who should not be there.

use super::*;
use crate::access_log::Filter;
use crate::people::NewPerson;
use crate::people::role::{Right, Role};
use sohoa_record::identifier::RecordId;

const PASSWORD: &str = "mật khẩu của Lan";
const DESK: [u8; 4] = [10, 0, 0, 7];

struct Home {
    _dir: tempfile::TempDir,
    config: Config,
}

impl Home {
    fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { home: dir.path().to_owned(), ..Config::defaults() };
        Home { _dir: dir, config }
    }

    /// With Lan, a reviewer.
    fn with_lan() -> (Home, Door) {
        let home = Home::new();
        let door = home.door();
        add(&door, "lan", "Nguyễn Thị Lan", false);
        (home, door)
    }

    fn door(&self) -> Door {
        Door::open(&self.config).unwrap()
    }
}

fn add(door: &Door, login: &str, name: &str, temporary: bool) {
    let password = NewPassword::parse(PASSWORD).unwrap();
    let person = NewPerson { login, name, role: Role::Reviewer, unit: None, password: &password, temporary };
    door.people.add(&person).unwrap();
}

/// What a browser sends back.
fn cookie(signed_in: &SignedIn) -> String {
    signed_in.set_cookie.split(';').next().unwrap().to_owned()
}

async fn enter(door: &Door, login: &str, password: &str) -> Result<SignedIn, SignInError> {
    door.sign_in(login, password, None, DESK.into()).await
}

fn acts(door: &Door) -> Vec<(String, Act)> {
    let entries = door.access_log.newest(&Filter::default(), 100).unwrap().entries;
    entries.into_iter().rev().map(|entry| (entry.login, entry.act)).collect()
}

#[tokio::test]
async fn a_person_comes_in_looks_and_goes() {
    let (_home, door) = Home::with_lan();
    let lan = enter(&door, " Lan ", PASSWORD).await.unwrap();
    assert!(lan.set_cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{}", lan.set_cookie);
    let session = door.session(Some(&cookie(&lan))).unwrap();
    assert_eq!((session.name.as_str(), session.role), ("Nguyễn Thị Lan", Role::Reviewer));
    assert!(session.is_csrf_token(lan.session.csrf_token()) && door.glance(Some(&cookie(&lan))).is_some());
    assert!(!format!("{lan:?}").contains(&cookie(&lan)), "numbers do not get into logs");
    let record: RecordId = "0193a1b2-0000-7000-8000-000000000001".parse().unwrap();
    let page = Act::Page { record, revision: 1, page: 2 };
    door.note(&session, DESK.into(), page.clone()).await.unwrap();
    assert_eq!(door.sign_out(Some(&cookie(&lan)), DESK.into()).await, "sohoa=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    assert!(door.session(Some(&cookie(&lan))).is_none());
    door.sign_out(Some(&cookie(&lan)), DESK.into()).await;
    door.sign_out(None, DESK.into()).await;
    let lan = |act: Act| ("lan".to_owned(), act);
    assert_eq!(acts(&door), [lan(Act::SignIn), lan(page), lan(Act::SignOut)]);
}

#[tokio::test]
async fn whatever_is_wrong_the_words_are_the_same() {
    let (_home, door) = Home::with_lan();
    add(&door, "minh", "Trần Văn Minh", false);
    add(&door, "hoa", "Lê Thị Hoa", false);
    door.people.set_disabled("minh", true).unwrap();
    door.people.new_totp("hoa").unwrap();
    let mut told = std::collections::BTreeSet::new();
    for (login, password) in
        [("lan", "sai mật khẩu rồi"), ("nobody", PASSWORD), ("minh", PASSWORD), ("hoa", PASSWORD), ("", ""), (PASSWORD, "lan")]
    {
        let refused = enter(&door, login, password).await.unwrap_err();
        assert!(matches!(refused, SignInError::Wrong), "{login}: {refused}");
        told.insert((refused.vi(), refused.en()));
    }
    let endless = "x".repeat(10_000_000);
    assert!(matches!(enter(&door, "lan", &endless).await, Err(SignInError::Wrong)));
    assert_eq!(told.len(), 1);
    // a password that went into the wrong field is noted nowhere
    let noted: Vec<String> = acts(&door).into_iter().map(|(login, _)| login).collect();
    assert_eq!(noted, ["lan", "", "minh", "hoa", "", "", "lan"]);
    let log = std::fs::read_dir(_home.config.path(&_home.config.access.log)).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(!text.contains("nobody") && !text.contains("khẩu") && !text.contains("argon2"), "{text}");
}

#[tokio::test]
async fn a_code_is_asked_for_and_taken_once() {
    let (_home, door) = Home::with_lan();
    let (_, secret) = door.people.new_totp("lan").unwrap();
    let told = std::process::Command::new("oathtool").args(["--totp", "--base32", &secret.base32()]).output();
    let told = told.expect("oathtool is not installed; ./bootstrap test does it");
    let code = String::from_utf8(told.stdout).unwrap().trim().to_owned();
    let enter = async |password, code| door.sign_in("lan", password, code, DESK.into()).await;
    assert!(matches!(enter(PASSWORD, None).await, Err(SignInError::Wrong)));
    assert!(matches!(enter("sai mật khẩu rồi", Some(&*code)).await, Err(SignInError::Wrong)), "and the code is not used up");
    let lan = enter(PASSWORD, Some(&*code)).await.unwrap();
    assert!(matches!(enter(PASSWORD, Some(&*code)).await, Err(SignInError::Wrong)), "once");
    assert!(door.session(Some(&cookie(&lan))).is_some(), "a second try ends no session");
}

#[tokio::test]
async fn after_five_failures_even_the_right_password_waits() {
    let (home, door) = Home::with_lan();
    for _ in 0..5 {
        assert!(matches!(enter(&door, "lan", "sai mật khẩu rồi").await, Err(SignInError::Wrong)));
    }
    let waits = enter(&door, "lan", PASSWORD).await.unwrap_err();
    assert!(matches!(waits, SignInError::Wait(wait) if wait <= Duration::from_secs(5)), "{waits}");
    assert!(waits.vi().contains("giây") && waits.en().contains(" s"), "{} / {}", waits.vi(), waits.en());
    assert_eq!(acts(&door).len(), 5, "who is not let through fills no log");
    let elsewhere = door.sign_in("lan", PASSWORD, None, [10, 0, 0, 8].into()).await;
    assert!(elsewhere.is_ok());
    // strangers try from everywhere; after a restart her own desk is still known
    drop(door);
    let door = home.door();
    for n in 0..25_u8 {
        let _ = door.sign_in("lan", "x", None, [192, 0, 2, n].into()).await;
    }
    assert!(matches!(door.sign_in("lan", PASSWORD, None, [192, 0, 2, 99].into()).await, Err(SignInError::Wait(_))));
    assert!(door.sign_in("lan", PASSWORD, None, [10, 0, 0, 8].into()).await.is_ok());
}

#[tokio::test]
async fn a_session_that_a_stranger_planted_is_nobodys() {
    let (_home, door) = Home::with_lan();
    let planted = format!("sohoa={}", "A".repeat(43));
    assert!(door.session(Some(&planted)).is_none());
    let (one, two) = (enter(&door, "lan", PASSWORD).await.unwrap(), enter(&door, "lan", PASSWORD).await.unwrap());
    assert_ne!(cookie(&one), cookie(&two), "each sign-in has a number of its own");
    assert!(door.session(Some(&planted)).is_none(), "and takes none over");
    assert!(door.session(Some(&format!("{planted}; {}", cookie(&one)))).is_none());
    assert!(door.session(Some("")).is_none() && door.session(None).is_none());
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_begins_one() {
    let (_home, door) = Home::with_lan();
    add(&door, "minh", "Trần Văn Minh", true);
    let (first, second) = (enter(&door, "minh", PASSWORD).await.unwrap(), enter(&door, "minh", PASSWORD).await.unwrap());
    assert!(first.session.must_change_password && !first.session.may(Right::Review));
    let change = async |header: &str, present, new| door.change_password(Some(header), present, new, DESK.into()).await;
    let header = cookie(&first);
    assert!(matches!(change(&header, PASSWORD, "ngắn").await, Err(ChangePasswordError::Password(PasswordError::Short))));
    assert!(matches!(change(&header, PASSWORD, PASSWORD).await, Err(ChangePasswordError::Same)));
    assert!(matches!(change("sohoa=x", PASSWORD, "của riêng tôi đây").await, Err(ChangePasswordError::NoSession)));
    let wrong = change(&header, "sai mật khẩu rồi", "của riêng tôi đây").await.unwrap_err();
    assert!(matches!(wrong, ChangePasswordError::SignIn(SignInError::Wrong)) && wrong.vi().contains("hiện tại"));
    let changed = change(&header, PASSWORD, "của riêng tôi đây").await.unwrap();
    assert!(changed.session.may(Right::Review) && door.session(Some(&cookie(&changed))).is_some());
    for old in [first, second] {
        assert!(door.session(Some(&cookie(&old))).is_none());
    }
    assert!(enter(&door, "minh", PASSWORD).await.is_err() && enter(&door, "minh", "của riêng tôi đây").await.is_ok());
}

/// Guessing the present password from a session that was left open is slowed down like signing in.
#[tokio::test]
async fn the_present_password_is_not_guessed_either() {
    let (_home, door) = Home::with_lan();
    let lan = cookie(&enter(&door, "lan", PASSWORD).await.unwrap());
    let mut waits = 0;
    for _ in 0..8 {
        let guess = door.change_password(Some(&lan), "sai mật khẩu rồi", "của riêng tôi đây", DESK.into()).await;
        waits += usize::from(matches!(guess, Err(ChangePasswordError::SignIn(SignInError::Wait(_)))));
    }
    assert_eq!(waits, 3);
}

#[tokio::test]
async fn nobody_comes_in_who_cannot_be_noted() {
    let (home, door) = Home::with_lan();
    let lan = cookie(&enter(&door, "lan", PASSWORD).await.unwrap());
    let folder = home.config.path(&home.config.access.log);
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let refused = enter(&door, "lan", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, SignInError::Unavailable(_)) && refused.to_string().contains("access-log"), "{refused}");
    assert!(!refused.vi().contains("access-log"), "the machine's faults are not the page's");
    let session = door.session(Some(&lan)).unwrap();
    assert!(door.note(&session, DESK.into(), Act::List { results: 1 }).await.is_err());
    std::fs::write(home.config.path(&home.config.access.people), "nonsense\n").unwrap();
    for _ in 0..10 {
        assert!(matches!(enter(&door, "lan", PASSWORD).await, Err(SignInError::Unavailable(_))), "and no failure is counted");
    }
    assert!(door.session(Some(&lan)).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_sent_away_before_it_takes_the_memory() {
    let (_home, door) = Home::with_lan();
    let logins: Vec<String> = (0..MOST_WAITING + 26).map(|n| format!("p{n}")).collect();
    let tries = logins.iter().zip(0..).map(|(login, n)| door.sign_in(login, "x", None, [192, 0, 2, n].into()));
    let outcomes = futures::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(SignInError::Busy))).count(), 26);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(SignInError::Wrong))).count(), MOST_WAITING);
    enter(&door, "lan", PASSWORD).await.expect("and then it goes on");
}

/// Best of several, taken in turn: a busy machine slows both down.
#[tokio::test]
async fn an_unknown_login_takes_as_long_as_a_wrong_password() {
    let (_home, door) = Home::with_lan();
    add(&door, "minh", "Trần Văn Minh", false);
    door.people.set_disabled("minh", true).unwrap();
    let mut best = [Duration::MAX; 3];
    for n in 0..5_u8 {
        for (best, login) in best.iter_mut().zip(["lan", "nobody", "minh"]) {
            let begun = Instant::now();
            assert!(door.sign_in(login, PASSWORD.trim_start_matches('m'), None, [10, 1, 0, n].into()).await.is_err());
            *best = (*best).min(begun.elapsed());
        }
    }
    let [known, unknown, disabled] = best.map(|best| best.as_secs_f64());
    assert!(known > 0.005, "a hash was computed");
    for other in [unknown, disabled] {
        assert!((0.6..1.6).contains(&(other / known)), "{best:?}");
    }
}

#[test]
fn the_address_is_the_browsers_only_where_a_web_server_says_so() {
    let home = Home::new();
    let (plain, mut config) = (home.door(), home.config.clone());
    config.serve.tls_certificate = "tls.pem".into();
    let own_tls = Door::open(&config).unwrap();
    assert!(own_tls.cookie.secure && !plain.cookie.secure);
    config.serve.tls_certificate = "".into();
    config.access.behind_tls = true;
    let behind = Door::open(&config).unwrap();
    assert!(behind.cookie.secure);
    let peer: IpAddr = [127, 0, 0, 1].into();
    for (header, expected) in [
        (Some("10.0.0.7"), "10.0.0.7"),
        (Some("1.2.3.4, 10.0.0.7"), "10.0.0.7"),
        (Some("1.2.3.4,2001:db8::7 "), "2001:db8::7"),
        (Some("10.0.0.7, unknown"), "127.0.0.1"),
        (Some(""), "127.0.0.1"),
        (None, "127.0.0.1"),
    ] {
        assert_eq!(behind.address(peer, header).to_string(), expected, "{header:?}");
        for own in [&plain, &own_tls] {
            assert_eq!(own.address(peer, header), peer, "a browser may say what it likes");
        }
    }
}

#[test]
fn waits_are_told_in_whole_seconds_and_minutes() {
    let told = |millis| duration(Duration::from_millis(millis), "giây", "phút");
    assert_eq!(
        [told(1), told(5000), told(119_001), told(120_001), told(900_000)],
        ["1 giây", "5 giây", "120 giây", "3 phút", "15 phút"]
    );
}
