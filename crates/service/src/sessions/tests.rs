//! When sessions begin and end, with times that are given.

use super::*;
use crate::people::NewPerson;
use crate::people::password::NewPassword;

const RULES: Rules = Rules { idle: Duration::from_secs(1800), longest: Duration::from_secs(12 * 3600) };

fn lan() -> (tempfile::TempDir, People, Person) {
    let dir = tempfile::tempdir().unwrap();
    let people = People::at(dir.path().join("people"));
    let password = NewPassword::parse("mật khẩu của Lan").unwrap();
    let new = NewPerson {
        login: "lan",
        name: "Nguyễn Thị Lan",
        role: Role::Reviewer,
        unit: Some("H48.15"),
        password: &password,
        temporary: false,
    };
    let person = people.add(&new).unwrap();
    (dir, people, person)
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[test]
fn a_session_is_found_by_its_number_alone() {
    let (_dir, people, person) = lan();
    let (mut sessions, now) = (Sessions::new(RULES), Instant::now());
    let (one, of_one) = sessions.begin(&person, now).unwrap();
    let (two, of_two) = sessions.begin(&person, now).unwrap();
    assert!(*one != *two && one.len() == 43 && of_one.csrf_token() != of_two.csrf_token() && of_one.csrf_token() != one.as_str());
    let found = sessions.find(&one, &people, now, true).unwrap();
    assert_eq!((found.login.as_str(), found.name.as_str(), found.role), ("lan", "Nguyễn Thị Lan", Role::Reviewer));
    assert!(found.is_csrf_token(of_one.csrf_token()) && !found.is_csrf_token(of_two.csrf_token()));
    assert!(!found.is_csrf_token("") && !found.is_csrf_token(&of_one.csrf_token()[..42]));
    for wrong in ["", "x", &one[..42], of_one.csrf_token()] {
        assert!(sessions.find(wrong, &people, now, true).is_none());
    }
    assert!(!sessions.held.keys().any(|kept| kept.as_slice() == one.as_bytes()), "the number is kept nowhere");
    assert!(!format!("{found:?}").contains(found.csrf_token()), "tokens do not get into logs");
    assert_eq!(sessions.end(&one), Some("lan".to_owned()));
    assert!(sessions.find(&one, &people, now, true).is_none() && sessions.find(&two, &people, now, true).is_some());
}

#[test]
fn it_ends_when_nobody_comes_and_at_the_end_of_the_day() {
    let (_dir, people, person) = lan();
    let (mut sessions, now) = (Sessions::new(RULES), Instant::now());
    let (id, _) = sessions.begin(&person, now).unwrap();
    for n in 0..24 {
        assert!(sessions.find(&id, &people, now + minutes(29) * n, true).is_some(), "{n}");
    }
    let (idle, _) = sessions.begin(&person, now).unwrap();
    assert!(sessions.find(&idle, &people, now + minutes(30), true).is_none());
    assert!(sessions.find(&idle, &people, now, true).is_none(), "it does not come back");
    for n in 24..26 {
        let found = sessions.find(&id, &people, now + minutes(29) * n, true).is_some();
        assert_eq!(found, n < 25, "{n}: 12 hours are 24.8 times 29 minutes");
    }
}

#[test]
fn a_page_that_asks_by_itself_does_not_keep_it() {
    let (_dir, people, person) = lan();
    let (mut sessions, now) = (Sessions::new(RULES), Instant::now());
    let (id, _) = sessions.begin(&person, now).unwrap();
    for n in 0..30 {
        assert!(sessions.find(&id, &people, now + minutes(n), false).is_some());
    }
    assert!(sessions.find(&id, &people, now + minutes(30), false).is_none());
}

#[test]
fn it_ends_with_what_it_stands_on() {
    let (dir, people, person) = lan();
    let (mut sessions, now) = (Sessions::new(RULES), Instant::now());
    let elsewhere = People::at(dir.path().join("people"));
    let mut ends = |change: &dyn Fn() -> Person| {
        let person = people.find("lan").unwrap().unwrap_or(person.clone());
        let (id, _) = sessions.begin(&person, now).unwrap();
        assert!(sessions.find(&id, &people, now, true).is_some());
        change();
        assert!(sessions.find(&id, &people, now, true).is_none());
    };
    ends(&|| elsewhere.set_role("lan", Role::Administrator, None).unwrap());
    ends(&|| elsewhere.set_role("lan", Role::Administrator, Some(None)).unwrap());
    ends(&|| elsewhere.set_password("lan", &NewPassword::generate().unwrap(), false).unwrap());
    ends(&|| elsewhere.new_totp("lan").unwrap().0);
    ends(&|| elsewhere.drop_totp("lan").unwrap());
    ends(&|| elsewhere.set_disabled("lan", true).unwrap());
    elsewhere.set_disabled("lan", false).unwrap();
    let (id, _) = sessions.begin(&people.find("lan").unwrap().unwrap(), now).unwrap();
    std::fs::write(dir.path().join("people"), "nonsense\n").unwrap();
    assert!(sessions.find(&id, &people, now, true).is_none(), "nobody is let in by a file that cannot be read");
}

#[test]
fn one_person_has_few_sessions_and_those_that_ended_take_no_room() {
    let (_dir, people, person) = lan();
    let (mut sessions, now) = (Sessions::new(RULES), Instant::now());
    let ids: Vec<_> = (0..20).map(|n| sessions.begin(&person, now + minutes(n)).unwrap().0).collect();
    assert_eq!(sessions.count(), MOST_OF_ONE);
    assert!(sessions.find(&ids[19], &people, now + minutes(20), true).is_some());
    assert!(sessions.find(&ids[11], &people, now + minutes(20), true).is_none(), "the oldest ended");
    sessions.begin(&person, now + minutes(1000)).unwrap();
    assert_eq!(sessions.count(), 1);
}

#[test]
fn until_a_password_is_chosen_nothing_may_be_done() {
    let (_dir, people, _) = lan();
    let person = people.set_password("lan", &NewPassword::generate().unwrap(), true).unwrap();
    let (_, session) = Sessions::new(RULES).begin(&person, Instant::now()).unwrap();
    assert!(session.must_change_password && !Right::ALL.into_iter().any(|right| session.may(right)));
    let person = people.set_password("lan", &NewPassword::generate().unwrap(), false).unwrap();
    let (_, session) = Sessions::new(RULES).begin(&person, Instant::now()).unwrap();
    assert!(session.may(Right::Review) && !session.may(Right::Administer));
}
