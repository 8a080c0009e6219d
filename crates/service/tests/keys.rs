//! Keys as a user meets them: a root of three people, a new sealing key, a stolen one, and what auditors see who were given the trust
//! policy once.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, serving, small_scan, verify, write_private};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A data folder whose root is An, Bình and Chung, of whom two must sign.
struct Office {
    home: Home,
    safe: tempfile::TempDir,
}

impl Office {
    fn new() -> Office {
        let office = Office { home: Home::new(), safe: tempfile::tempdir().unwrap() };
        for name in ["an", "binh", "chung"] {
            // on a computer without a data folder
            let args =
                ["keys", "root", "new", office.safe(&format!("{name}.pem")).to_str().unwrap(), "--name", name].map(str::to_owned);
            let made = std::process::Command::new(env!("CARGO_BIN_EXE_sohoa"))
                .args(args)
                .current_dir(office.safe.path())
                .env("SOHOA_KEY_PASSWORD", common::KEY_PASSWORD)
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        office
    }

    fn safe(&self, name: &str) -> PathBuf {
        self.safe.path().join(name)
    }

    fn draft(&self) -> PathBuf {
        self.home.path("keys/keyring-next.json")
    }

    fn root(&self, code: i32, threshold: &str) -> String {
        let [an, binh, chung] = ["an.root", "binh.root", "chung.root"].map(|name| self.safe(name).to_str().unwrap().to_owned());
        self.home.expect(code, &["keys", "root", "set", &an, &binh, &chung, "--threshold", threshold])
    }

    fn sign(&self, name: &str) -> String {
        let (draft, key) = (self.draft(), self.safe(&format!("{name}.pem")));
        self.home.expect(0, &["keys", "root", "sign", draft.to_str().unwrap(), "--key", key.to_str().unwrap()])
    }

    /// Two of the root sign what was drawn up, and it is published.
    fn publish(&self) -> String {
        self.sign("an");
        assert!(self.sign("chung").contains("enough of this root have signed"));
        self.home.expect(0, &["keys", "publish"])
    }

    fn ingest(&self, number: u64) {
        let folder = self.home.path("in");
        std::fs::create_dir_all(&folder).unwrap();
        small_scan(&folder.join(format!("{number}.png")), number);
        self.home.expect(0, &["ingest", folder.to_str().unwrap()]);
    }

    fn trust(&self, name: &str) -> PathBuf {
        let out = self.safe(name);
        self.home.expect(0, &["keys", "trust", "--out", out.to_str().unwrap()]);
        out
    }

    fn sealing_rows(&self) -> Vec<Value> {
        let rows = self.home.lines(&[0], &["keys", "list", "--json"]);
        rows.into_iter().filter(|row| row["role"] == "manifest").collect()
    }

    fn states(&self) -> Vec<(String, Value, Value, bool)> {
        let text = |row: &Value| row["state"].as_str().unwrap().to_owned();
        self.sealing_rows()
            .iter()
            .map(|row| (text(row), row["from"].clone(), row["until"].clone(), row["seals"] == true))
            .collect()
    }

    fn refused(&self, args: &[&str], code: i32, words: &str) {
        let said = self.home.sohoa(args);
        let errors = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.code() == Some(code) && errors.contains(words), "{args:?}: {:?} {errors}", said.status);
    }
}

fn verdicts(folder: &Path, trust: &Path) -> Vec<String> {
    verify(folder, trust).into_iter().map(|(verdict, _)| verdict).collect()
}

#[test]
fn a_root_a_rotation_and_a_stolen_key_and_auditors_who_were_given_the_policy_once() {
    let office = Office::new();
    let (home, archive) = (&office.home, office.home.path("archive"));
    office.ingest(0);
    // The root: leaf 1, behind one record.
    assert!(office.root(0, "2").contains("root     2 of 3: an, binh, chung"));
    office.refused(&["keys", "publish"], 2, "0 of the root's 3 keys have signed it, 2 must");
    assert!(office.sign("binh").contains("1 of the root's 3 keys have signed it, 2 must"));
    office.refused(&["keys", "publish"], 2, "1 of the root's 3 keys");
    assert!(office.publish().contains("keyring version 1 is leaf 1 of the log"));
    assert!(!office.draft().exists());
    let once = office.trust("once");
    let text = std::fs::read_to_string(&once).unwrap();
    assert!(text.matches("root-key ").count() == 3 && !text.contains("manifest-key"), "{text}");
    assert_eq!(verdicts(&archive, &once), ["ok"]);
    office.refused(&["keys", "new", "--out", "x.pem"], 2, "sohoa keys rotate");

    // A new sealing key: leaf 2.
    home.expect(0, &["keys", "rotate", "--name", "khóa thứ hai"]);
    assert!(office.publish().contains("seals "));
    office.ingest(1);
    assert_eq!(verdicts(&archive, &once), ["ok"; 2], "who believes the root believes the new key");
    // So does a machine that has no more than the auditors' policy.
    let own = std::fs::read(home.path("trust")).unwrap();
    std::fs::copy(&once, home.path("trust")).unwrap();
    home.expect(0, &["fsck"]);
    std::fs::write(home.path("trust"), own).unwrap();
    assert_eq!(office.states(), [("retired".into(), 0.into(), 2.into(), false), ("valid".into(), 2.into(), Value::Null, true)]);
    let listed = home.expect(0, &["keys", "list"]);
    assert!(
        listed.contains("khóa thứ hai")
            && listed.contains("checkpoint")
            && listed.contains("2 of 3 must sign; keyring version 2")
    );
    // The old key's file is still there, encrypted, for its owner alone; put back it seals nothing.
    let old = std::fs::read_dir(home.path("keys")).unwrap().map(|entry| entry.unwrap().path());
    let is_old = |path: &PathBuf| path.to_str().unwrap().ends_with(".pem") && path.to_str().unwrap().contains("manifest-");
    let old = old.filter(|path| is_old(path) && !path.to_str().unwrap().ends_with(".pub.pem")).collect::<Vec<_>>();
    let [old] = &old[..] else { panic!("{old:?}") };
    assert_eq!(std::fs::metadata(old).unwrap().permissions().mode() & 0o777, 0o600);
    let seal = home.path("keys/manifest.pem");
    let new = std::fs::read_to_string(&seal).unwrap();
    write_private(&seal, &std::fs::read_to_string(old).unwrap());
    small_scan(&home.path("in/9.png"), 9);
    office.refused(&["ingest", home.path("in").to_str().unwrap()], 4, "leaf 2 of the log retired it");
    write_private(&seal, &new);
    std::fs::remove_file(home.path("in/9.png")).unwrap();

    // What it sealed is finished by a person: leaf 4.
    let finished =
        home.lines(&[0], &["search", "", "--json"]).iter().map(|line| line["record"].as_str().unwrap().to_owned()).max().unwrap();
    let shown = home.lines(&[0], &["show", &finished, "--json"]).remove(0);
    let doubtful = |field: &&Value| !field["doubt"].is_null();
    let names = shown["fields"].as_array().unwrap().iter().filter(doubtful).map(|field| field["name"].as_str().unwrap());
    let values: Vec<String> =
        names.map(|name| if name == "type_name" { format!("{name}=Giấy mời") } else { format!("{name}=") }).collect();
    let correct = ["review", "correct", &finished].into_iter().chain(values.iter().map(String::as_str)).collect::<Vec<_>>();
    home.expect(0, &correct);
    office.refused(&["review", "accept", &finished], 2, "nothing was signed");

    // The second key is stolen: one ceremony revokes it and brings the third, leaf 5.
    let stolen = office.sealing_rows()[1]["key_id"].as_str().unwrap()[..12].to_owned();
    let said = home.expect(0, &["keys", "revoke", &stolen, "--reason", "máy chủ bị xâm nhập"]);
    assert!(said.contains("this key seals here"), "{said}");
    home.expect(0, &["keys", "rotate"]);
    office.publish();
    office.ingest(2);
    assert_eq!(verdicts(&archive, &once), ["ok"; 3], "what was logged before the theft was known stays good");
    assert_eq!(office.states()[1], ("revoked".into(), 2.into(), 5.into(), false));
    home.expect(0, &["fsck"]);
    // An export brings the keyrings.
    let record = home.lines(&[0], &["search", "", "--json"])[0]["record"].as_str().unwrap().to_owned();
    home.expect(0, &["export", &record, "--to", home.path("bag").to_str().unwrap()]);
    assert_eq!(verdicts(&home.path("bag"), &once), ["ok"]);
    // So do its loose files, after two changes of keys, with a policy that names the root alone; without the keyrings nobody knows the key.
    let policy = sohoa_record::TrustPolicy::parse(&std::fs::read_to_string(&once).unwrap()).unwrap();
    let loose = |files: &[PathBuf]| {
        let mut verdicts = Vec::new();
        let mut write = |line: sohoa_verify::Line| {
            verdicts.push(serde_json::to_value(&line).unwrap()["verdict"].as_str().unwrap().to_owned());
            Ok(())
        };
        sohoa_verify::audit_loose(files, &policy, sohoa_verify::Brought::default(), &mut write).unwrap();
        verdicts
    };
    let of_record = common::files_below(&home.path(&format!("bag/data/{record}")));
    let keyrings = common::files_below(&home.path("bag/data/keyring"));
    assert_eq!(keyrings.len(), 6, "three keyrings, each with its proof");
    assert_eq!(loose(&[&of_record[..], &keyrings].concat()), ["ok"]);
    let alone = loose(&of_record);
    assert!(
        alone.contains(&"withheld".into()) && alone.contains(&"unknown_key".into()) && !alone.contains(&"ok".into()),
        "{alone:?}"
    );

    // The theft turns out to be older: what the key sealed at leaves 3 and 4 is void too.
    home.expect(0, &["keys", "revoke", &stolen, "--reason", "bị lấy cắp từ trước", "--from", "3"]);
    office.publish();
    let told = verify(&archive, &once);
    assert_eq!(told.iter().filter(|(verdict, _)| verdict == "void_key").count(), 1, "{told:?}");
    assert!(told.iter().any(|(_, line)| line["reason"].as_str().unwrap().contains("void from leaf 3 on): bị lấy cắp từ trước")));
    // That is what the office has to look at; sealed anew it is only told.
    let found = home.lines(&[3], &["fsck", "--json"]);
    let void: Vec<&Value> = found.iter().filter(|line| line["kind"] == "void_key").collect();
    assert!(void.len() == 2 && void.iter().all(|line| line["place"].as_str().unwrap().contains(&finished)), "{found:?}");
    home.expect(0, &["review", "accept", &finished]);
    office.refused(&["review", "accept", &finished], 2, "nothing was signed");
    let kinds = |lines: Vec<Value>| lines.iter().filter_map(|line| line["kind"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(kinds(home.lines(&[3, 0], &["fsck", "--json"])), ["void_key_before"; 2]);
    // Taken back it cannot be: the draft says the earlier of the two.
    assert!(home.expect(0, &["keys", "revoke", &stolen, "--reason", "thử", "--from", "9"]).contains("void from leaf 3 on"));
}

/// A key that is revoked while a service runs seals nothing from then on; what came meanwhile is done after the next start, with the new key.
#[test]
fn a_service_notices_that_its_key_was_revoked() {
    let office = Office::new();
    let home = &office.home;
    home.set("127.0.0.1:8080", "127.0.0.1:0");
    office.root(0, "2");
    office.publish();
    let token = serving::token(home, "tram-1");
    let mut service = serving::serve(home);
    let push = |service: &serving::Serving, number| {
        let pushed = service.push(&token, &format!("name={number}.png"), "", &serving::scan(home, number));
        assert_eq!(pushed.status, 202, "{}", pushed.body);
        pushed.json()["record"].as_str().unwrap().to_owned()
    };
    let first = push(&service, 1);
    service.outcome(&token, &first);
    home.expect(0, &["log", "append"]);
    let own = office.sealing_rows()[0]["key_id"].as_str().unwrap().to_owned();
    home.expect(0, &["keys", "revoke", &own, "--reason", "máy chủ bị xâm nhập"]);
    home.expect(0, &["keys", "rotate"]);
    // Here it is not published while papers are taken in; another machine of the same archive may do it.
    office.sign("an");
    office.sign("binh");
    office.refused(&["keys", "publish"], 2, "papers are being taken in");
    std::fs::copy(office.draft(), home.path("archive/keyring/v0002.json")).unwrap();
    home.expect(0, &["log", "append"]);
    let second = push(&service, 2);
    serving::wait_for("the service says why it stands still", || service.not_ready().contains("of the log revoked it"));
    assert_eq!(service.get(&token, &format!("/v1/documents/{second}")).json()["state"], "queued");
    assert!(!home.path(&format!("archive/records/{second}")).exists(), "nothing was sealed with it");
    assert!(service.signal(rustix::process::Signal::TERM).success());
    home.expect(0, &["keys", "publish"]);
    let service = serving::serve(home);
    service.outcome(&token, &second);
    drop(service);
    home.expect(0, &["log", "append"]);
    assert_eq!(verdicts(&home.path("archive"), &office.trust("auditor")), ["ok"; 2]);
}

#[test]
fn a_publication_that_was_stopped_is_finished_and_nothing_is_sealed_in_between() {
    let office = Office::new();
    let home = &office.home;
    office.root(0, "2");
    office.publish();
    home.expect(0, &["keys", "rotate"]);
    office.sign("an");
    office.sign("binh");
    // Killed after the keyring was stored: whoever appends next logs it.
    std::fs::copy(office.draft(), home.path("archive/keyring/v0002.json")).unwrap();
    home.expect(0, &["log", "append"]);
    small_scan(&home.path("1.png"), 1);
    office.refused(&["ingest", home.path("1.png").to_str().unwrap()], 4, "`sohoa keys publish` puts the new one in its place");
    home.expect(0, &["keys", "publish"]);
    office.ingest(1);
    let trust = office.trust("auditor");
    assert_eq!(verdicts(&home.path("archive"), &trust), ["ok"]);
    // Killed between the two halves of the key's change of place.
    home.expect(0, &["keys", "rotate"]);
    office.sign("an");
    office.sign("binh");
    let signed = std::fs::read(office.draft()).unwrap();
    let next = std::fs::read_to_string(home.path("keys/manifest-next.pub.pem")).unwrap();
    home.expect(0, &["keys", "publish"]);
    std::fs::write(office.draft(), signed).unwrap();
    std::fs::write(home.path("keys/manifest-next.pub.pem"), next).unwrap();
    home.expect(0, &["keys", "publish"]);
    office.ingest(2);
    assert_eq!(verdicts(&home.path("archive"), &trust), ["ok"; 2]);
}

#[test]
fn a_machine_without_the_log_gets_its_key_from_the_one_that_keeps_it() {
    let office = Office::new();
    let home = &office.home;
    office.root(0, "2");
    office.publish();
    home.expect(0, &["keys", "rotate"]);
    office.sign("an");
    office.sign("binh");
    let (draft, waits) = (office.draft(), home.path("keys/manifest-next.pem"));
    let pipeline = std::fs::read_to_string(home.path("pipeline.toml")).unwrap();
    home.set("key = \"keys/log.pem\"", "key = \"\"");
    office.refused(&["keys", "publish"], 2, "publish it there first");
    assert!(waits.exists() && draft.exists());
    // the machine that keeps the log has no such key waiting
    let (elsewhere, public) = (office.safe("draft.json"), home.path("keys/manifest-next.pub.pem"));
    std::fs::copy(&draft, &elsewhere).unwrap();
    let away = [waits.clone(), public.clone()].map(|file| (file.clone(), file.with_extension("away")));
    away.iter().for_each(|(file, away)| std::fs::rename(file, away).unwrap());
    let without_log = std::fs::read_to_string(home.path("pipeline.toml")).unwrap();
    std::fs::write(home.path("pipeline.toml"), &pipeline).unwrap();
    assert!(!home.expect(0, &["keys", "publish", elsewhere.to_str().unwrap()]).contains("seals "));
    std::fs::write(home.path("pipeline.toml"), without_log).unwrap();
    away.iter().for_each(|(file, away)| std::fs::rename(away, file).unwrap());
    assert!(home.expect(0, &["keys", "publish"]).contains("seals "));
    assert!(!waits.exists() && !draft.exists());
    assert_eq!(office.states().iter().map(|row| row.3).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_new_root_takes_over_and_old_policies_follow() {
    let office = Office::new();
    let home = &office.home;
    office.root(0, "2");
    office.publish();
    let before = office.trust("before");
    let [an, binh] = ["an.root", "binh.root"].map(|name| office.safe(name).to_str().unwrap().to_owned());
    home.expect(0, &["keys", "root", "set", &an, &binh, "--threshold", "1"]);
    // Chung goes, and one is to be enough: the new root alone may not say so.
    office.sign("binh");
    office.refused(&["keys", "publish"], 2, "1 of the root's 3 keys have signed it, 2 must");
    assert!(office.sign("chung").contains("it is not among the keys of this one"));
    home.expect(0, &["keys", "publish"]);
    office.ingest(0);
    let after = office.trust("after");
    let text = std::fs::read_to_string(&after).unwrap();
    assert!(text.contains("root-threshold 1") && text.matches("root-key").count() == 2, "{text}");
    for trust in [before, after] {
        assert_eq!(verdicts(&home.path("archive"), &trust), ["ok"]);
    }
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let office = Office::new();
    let home = &office.home;
    // A data folder from before there were roots: as ever, and told what is missing.
    office.refused(&["keys", "rotate"], 2, "sohoa keys root set");
    office.refused(&["keys", "revoke", "abcd", "--reason", "x"], 2, "sohoa keys root set");
    office.refused(&["keys", "publish"], 2, "keyring-next.json");
    let rows = office.sealing_rows();
    assert_eq!(
        (rows.len(), &rows[0]["state"], &rows[0]["seals"], &rows[0]["name"]),
        (1, &"valid".into(), &true.into(), &"thử nghiệm".into())
    );
    let same = std::fs::read_to_string(office.trust("auditor")).unwrap();
    assert!(same.contains("manifest-key ") && same.contains("\nquorum none\n"), "{same}");
    office.root(0, "2");
    office.refused(&["keys", "revoke", "0123456789", "--reason", "x"], 2, "of 0 sealing keys");
    office.sign("an");
    office.refused(&["keys", "rotate"], 2, "is being signed");
    let stranger = office.safe("stranger.pem");
    home.expect(0, &["keys", "root", "new", stranger.to_str().unwrap(), "--name", "người lạ"]);
    let draft = office.draft();
    let args = ["keys", "root", "sign", draft.to_str().unwrap(), "--key", stranger.to_str().unwrap()];
    office.refused(&args, 2, "not among the keys of this root");
    // No password and no terminal: told at once, nobody waits.
    let said = home.command(&["keys", "root", "new", "y.pem", "--name", "y"]).env_remove("SOHOA_KEY_PASSWORD").output().unwrap();
    assert!(said.status.code() == Some(4) && String::from_utf8_lossy(&said.stderr).contains("SOHOA_KEY_PASSWORD"), "{said:?}");
}

#[test]
fn files_of_secrets_that_others_may_read_are_refused() {
    let office = Office::new();
    let home = &office.home;
    let open = |file: &Path, mode| std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    small_scan(&home.path("1.png"), 1);
    let scan = home.path("1.png");
    let ingest = ["ingest", scan.to_str().unwrap()];
    for name in ["keys/manifest.pem", "keys/log.pem"] {
        for mode in [0o640, 0o604, 0o620] {
            open(&home.path(name), mode);
            office.refused(&ingest, 4, "chmod 600");
        }
        open(&home.path(name), 0o600);
    }
    let password = home.path("password");
    write_private(&password, &format!("{}\n", common::KEY_PASSWORD));
    let args = ["--password-file", password.to_str().unwrap(), "ingest", scan.to_str().unwrap()];
    open(&password, 0o644);
    office.refused(&args, 4, "mode 644");
    open(&password, 0o600);
    home.expect(0, &args);
}
