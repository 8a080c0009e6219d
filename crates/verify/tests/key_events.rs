//! Keys by their place in the log: what a stolen key can still do after its revocation, and what whoever hides it must show.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use ed25519_dalek::SigningKey;
use sohoa_record::keyring::{Event, FORMAT, History, Holder, Keyring, RootKeys, SealingKey, Standing, State};
use sohoa_record::log::{Kind, Leaf};
use sohoa_record::trust::{key_id, policy_line, public_key_base64, root_line};
use sohoa_record::{Envelope, Manifest, Receipt, Sha256Hex, TrustPolicy};
use std::fs;
use std::path::PathBuf;

fn holder(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn other_key() -> SigningKey {
    SigningKey::from_bytes(&OTHER_KEY)
}

fn sealing(key: &SigningKey, from: Option<u64>) -> SealingKey {
    let name = if from.is_some() { "khóa một" } else { "khóa hai" };
    let key = public_key_base64(&key.verifying_key());
    SealingKey { from, key, name: name.into(), reason: None, state: State::Valid, until: None }
}

/// Version 1: two of three holders speak; the test key seals from the first leaf on.
fn first() -> Keyring {
    let holder = |n| Holder { key: public_key_base64(&holder(n).verifying_key()), name: format!("người {n}") };
    Keyring {
        format: FORMAT.into(),
        issued_at: "2026-11-27T09:00:00+07:00".into(),
        keys: vec![sealing(&key(), Some(0))],
        previous: None,
        root: RootKeys { keys: [1, 2, 3].map(holder).into(), threshold: 2 },
        salt: "07".repeat(32),
        version: 1,
    }
}

/// The next version: the other key comes in, and the test key ends.
fn ended(before: &Keyring, state: State, until: Option<u64>) -> Keyring {
    let mut next = before.clone();
    (next.version, next.previous) = (before.version + 1, Some(Sha256Hex::of(&before.to_bytes())));
    let reason = (state == State::Revoked).then(|| "máy chủ bị xâm nhập".to_owned());
    (next.keys[0].state, next.keys[0].reason, next.keys[0].until) = (state, reason, until);
    next.keys.push(sealing(&other_key(), None));
    next
}

fn signed(keyring: &Keyring, by: &[u8]) -> Envelope {
    let mut envelope = keyring.envelope();
    by.iter().for_each(|n| envelope.sign(&keyring.to_bytes(), &holder(*n)));
    envelope
}

fn event(envelope: &Envelope) -> Vec<u8> {
    let (_, payload) = Keyring::of(envelope).unwrap();
    envelope.leaf(Kind::KeyEvent, &payload).unwrap().to_bytes()
}

/// The leaf of a manifest that `key` sealed.
fn leaf(manifest: &Manifest, key: &SigningKey) -> Vec<u8> {
    let mut policy = TrustPolicy::default();
    policy.add(key.verifying_key(), "test").unwrap();
    Leaf::of_revision(&Receipt::seal(manifest, key).open(&policy).unwrap()).to_bytes()
}

/// The auditor's policy: log and root, no sealing key.
fn trust_in_root(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("trust.txt");
    let roots = [1, 2, 3].map(|n| root_line(&holder(n).verifying_key(), "người giữ khóa gốc")).join("\n");
    write(&path, format!("{roots}\nroot-threshold 2\nlog {}\nquorum none\n", signer().public()));
    path
}

/// An archive of record A by the test key, record B by `b`, and a log of these events around them:
/// keyring 1, A, second keyring, B.
struct Case {
    dir: tempfile::TempDir,
    second: Envelope,
    leaves: Vec<Vec<u8>>,
}

impl Case {
    fn new(second: &Envelope, b: &SigningKey) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let (a, b_manifest) = (store(dir.path(), A, 1, &key()), store(dir.path(), B, 1, b));
        let one = signed(&first(), &[1, 2]);
        let leaves = vec![event(&one), leaf(&a[0], &key()), event(second), leaf(&b_manifest[0], b)];
        let case = Case { dir, second: second.clone(), leaves };
        write(case.keyring(1), one.to_bytes());
        write(case.keyring(2), second.to_bytes());
        case.log(&[0, 1, 2, 3]);
        case
    }

    /// Logs those of its leaves, in that order.
    fn log(&self, order: &[usize]) {
        let leaves: Vec<_> = order.iter().map(|n| self.leaves[*n].clone()).collect();
        write_log(&self.dir.path().join("log"), &leaves, &vec![1; leaves.len()]);
    }

    fn keyring(&self, version: u32) -> PathBuf {
        self.dir.path().join(format!("keyring/v{version:04}.json"))
    }

    fn verify(&self) -> Said {
        let own = tempfile::tempdir().unwrap();
        verify(self.dir.path(), &trust_in_root(own.path()))
    }
}

fn reason(said: &Said, record: &str) -> String {
    said.about(record)["reason"].as_str().unwrap().to_owned()
}

#[test]
fn keys_of_a_root_are_believed_where_they_count() {
    let case = Case::new(&signed(&ended(&first(), State::Retired, None), &[2, 3]), &other_key());
    let said = case.verify();
    assert_eq!((said.code, said.verdicts()), (0, vec!["ok", "ok"]), "{}", said.text);
    assert_eq!((&said.about(B)["key_name"], &said.about(B)["log_index"]), (&"khóa hai".into(), &3.into()));
    // An auditor who was given the key itself, and no root, is none the wiser.
    let own = tempfile::tempdir().unwrap();
    let said = verify(case.dir.path(), &trust_with_log(own.path()));
    assert_eq!((said.about(A)["verdict"].as_str(), said.about(B)["verdict"].as_str()), (Some("ok"), Some("unknown_key")));
}

#[test]
fn attack_signing_key_stolen_what_it_seals_after_its_revocation_is_void() {
    let case = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    let said = case.verify();
    said.expect(22, B, "void_key", "r0001.dsse.json");
    assert_eq!(said.about(A)["verdict"], "ok", "what was logged before stays good: {}", said.text);
    assert!(reason(&said, B).contains("signed by a revoked key (leaf 2 of the log; void from leaf 2 on): máy chủ bị xâm nhập"));
    assert!(said.about(B)["reason_vi"].as_str().unwrap().contains("khóa đã bị thu hồi"), "{}", said.text);
    // The theft was before A: that is void too.
    let case = Case::new(&signed(&ended(&first(), State::Revoked, Some(1)), &[1, 2]), &key());
    let said = case.verify();
    said.expect(22, A, "void_key", "r0001.dsse.json");
    // Whoever also lists the key in the policy believes the root all the same.
    let own = tempfile::tempdir().unwrap();
    let trust = trust_in_root(own.path());
    let listed = fs::read_to_string(&trust).unwrap() + &policy_line(&key().verifying_key(), "listed") + "\n";
    write(&trust, listed);
    verify(case.dir.path(), &trust).expect(22, A, "void_key", "r0001.dsse.json");
}

#[test]
fn attack_signing_key_stolen_a_receipt_is_dated_back_and_kept_out_of_the_log() {
    // A receipt with an old date under the revoked key, which nobody logged: it has no place before the revocation.
    let case = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    case.log(&[0, 1, 2]);
    let said = case.verify();
    said.expect(22, B, "void_key", "r0001.dsse.json");
    assert!(said.text.contains("\"unlogged\""), "{}", said.text);
}

#[test]
fn a_receipt_of_a_retired_key_or_of_one_that_is_not_introduced_yet_is_told() {
    let case = Case::new(&signed(&ended(&first(), State::Retired, None), &[1, 2]), &key());
    let said = case.verify();
    said.expect(22, B, "void_key", "r0001.dsse.json");
    assert!(reason(&said, B).contains("a key that leaf 2 of the log retired"), "{}", said.text);
    let case = Case::new(&signed(&ended(&first(), State::Retired, None), &[1, 2]), &other_key());
    case.log(&[0, 1, 3, 2]);
    let said = case.verify();
    said.expect(22, B, "void_key", "r0001.dsse.json");
    assert!(reason(&said, B).contains("introduces only with leaf 3"), "{}", said.text);
}

#[test]
fn attack_too_few_of_the_root_signed_a_keyring() {
    let second = signed(&ended(&first(), State::Retired, None), &[2]);
    let case = Case::new(&second, &other_key());
    let said = case.verify();
    assert_eq!(said.verdict_at("keyring/v0002.json"), Some("bad_signature"), "{}", said.text);
    assert_eq!((said.about(A)["verdict"].as_str(), said.about(B)["verdict"].as_str()), (Some("ok"), Some("unknown_key")));
    assert_eq!(said.code, 12);
}

#[test]
fn attack_freeze_the_keyring_of_a_revocation_is_taken_away() {
    let case = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    fs::remove_file(case.keyring(2)).unwrap();
    let said = case.verify();
    assert_eq!((said.code, said.verdict_at("keyring")), (16, Some("withheld")), "{}", said.text);
    assert_eq!((said.about(A)["verdict"].as_str(), said.about(B)["verdict"].as_str()), (Some("ok"), Some("withheld")));
    assert!(reason(&said, B).contains("the keyring of leaf 2 of the log is not here"), "{}", said.text);
    // Another one in its place is none of the log's.
    write(case.keyring(2), signed(&ended(&first(), State::Retired, None), &[1, 2]).to_bytes());
    let said = case.verify();
    assert_eq!((said.verdict_at("keyring"), said.verdict_at("keyring/v0002.json")), (Some("withheld"), Some("unlogged")));
}

#[test]
fn attack_rollback_an_old_keyring_is_logged_again() {
    let mut case = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    // other signers of version 1 make another leaf
    let again = signed(&first(), &[3, 1]);
    case.leaves.push(event(&again));
    write(case.keyring(3), again.to_bytes());
    case.log(&[0, 1, 2, 4, 3]);
    let said = case.verify();
    assert_eq!(said.verdict_at("keyring/v0003.json"), Some("malformed"), "{}", said.text);
    assert_eq!(said.about(B)["verdict"], "void_key");
}

#[test]
fn an_export_brings_its_keyrings_with_their_proofs() {
    let case = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    let bag = tempfile::tempdir().unwrap();
    export(bag.path(), B, 1, &key());
    let data = bag.path().join("data");
    write(data.join(format!("{B}/r0001/r0001.tlog-proof")), proof(&case.leaves, 3).to_string());
    let own = tempfile::tempdir().unwrap();
    let trust = trust_in_root(own.path());
    // without keyrings nobody can tell, and that is told
    let said = verify(bag.path(), &trust);
    assert_eq!((said.code, said.verdict_at("keyring")), (13, Some("withheld")), "{}", said.text);
    let put = |version: u32, index: usize, bytes: Vec<u8>| {
        write(data.join(format!("keyring/v{version:04}.json")), bytes);
        write(data.join(format!("keyring/v{version:04}.tlog-proof")), proof(&case.leaves, index).to_string());
    };
    put(1, 0, signed(&first(), &[1, 2]).to_bytes());
    assert_eq!(verify(bag.path(), &trust).code, 0, "an export of before the revocation");
    put(2, 2, case.second.to_bytes());
    verify(bag.path(), &trust).expect(22, B, "void_key", "r0001/r0001.dsse.json");
    verify(&data.join(B), &trust).expect(22, B, "void_key", "r0001/r0001.dsse.json");
    // a proof of another leaf
    put(2, 1, case.second.to_bytes());
    let said = verify(bag.path(), &trust);
    assert_eq!(said.verdict_at("keyring/v0002.tlog-proof"), Some("bad_log"), "{}", said.text);
    // Only a copy of the log betrays that the last keyring was left out of the export.
    fs::remove_file(data.join("keyring/v0002.json")).unwrap();
    fs::remove_file(data.join("keyring/v0002.tlog-proof")).unwrap();
    let log = case.dir.path().join("log");
    let arguments = [bag.path(), std::path::Path::new("--trust"), &trust, std::path::Path::new("--log"), &log];
    let mut arguments: Vec<&str> = arguments.iter().map(|path| path.to_str().unwrap()).collect();
    arguments.push("--json");
    let said = run(&arguments);
    assert_eq!(
        (said.code, said.verdict_at("keyring"), said.about(B)["verdict"].as_str()),
        (16, Some("withheld"), Some("withheld"))
    );
}

/// `SOHOA_WRITE_FIXTURES=1` writes what is not there yet, and never over it.
#[test]
fn the_frozen_keyrings_are_written_alike_and_verify_for_ever() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keyring/v1");
    let one = signed(&first(), &[1, 2]);
    let two = signed(&ended(&first(), State::Revoked, Some(9)), &[2, 3]);
    let leaves = format!("{}\n{}\n", String::from_utf8(event(&one)).unwrap(), String::from_utf8(event(&two)).unwrap());
    for (name, bytes) in [("v0001.json", one.to_bytes()), ("v0002.json", two.to_bytes()), ("leaves.jsonl", leaves.into_bytes())] {
        let file = folder.join(name);
        if std::env::var_os("SOHOA_WRITE_FIXTURES").is_some() && !file.exists() {
            write(&file, &bytes);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), String::from_utf8(bytes).unwrap(), "{name}");
    }
    let page = fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/format.md")).unwrap();
    let (_, page) = page.split_once("| member of a keyring |").unwrap();
    let table = page.split("\n\n").next().unwrap();
    let (keyring, _) = Keyring::of(&two).unwrap();
    let value = serde_json::to_value(&keyring).unwrap();
    let members = [&value, &value["root"], &value["root"]["keys"][0], &value["keys"][0]];
    for member in members.into_iter().flat_map(|object| object.as_object().unwrap().keys()) {
        assert!(table.contains(&format!("`{member}`")), "the page names `{member}`");
    }
    let own = tempfile::tempdir().unwrap();
    let policy = TrustPolicy::parse(&fs::read_to_string(trust_in_root(own.path())).unwrap()).unwrap();
    let frozen = |name: &str| Some(Envelope::parse(&fs::read(folder.join(name)).unwrap()).unwrap());
    let events = [(0, frozen("v0001.json")), (20, frozen("v0002.json"))].map(|(index, envelope)| Event { index, envelope });
    let history = History::read(policy.root().unwrap(), events.into());
    let standing = |index| history.standing(&key_id(&key().verifying_key()), Some(index));
    assert!(history.refused().is_empty() && standing(8) == Standing::Valid);
    assert!(matches!(standing(9), Standing::Revoked { from: 9, by: 20, .. }));
}

#[test]
fn openssl_verifies_each_signature_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let envelope: serde_json::Value = serde_json::from_slice(&signed(&first(), &[1, 3]).to_bytes()).unwrap();
    let decode = |name: &str, base64: &str| {
        write(dir.path().join("base64"), base64);
        let file = fs::File::create(dir.path().join(name)).unwrap();
        let done = std::process::Command::new("base64").arg("-d").arg(dir.path().join("base64")).stdout(file).status();
        assert!(done.unwrap().success());
    };
    decode("payload", envelope["payload"].as_str().unwrap());
    let (payload, kind) = (fs::read(dir.path().join("payload")).unwrap(), envelope["payloadType"].as_str().unwrap());
    assert_eq!(kind, "application/vnd.sohoa.keyring+json");
    let signed_bytes = [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), &payload].concat();
    let keys = serde_json::from_slice::<serde_json::Value>(&payload).unwrap()["root"]["keys"].clone();
    let judge = |key: &str, bytes: &[u8]| {
        write(dir.path().join("signed"), bytes);
        write(dir.path().join("key.pem"), format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"));
        let output = std::process::Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed", "-sigfile", "signature"])
            .current_dir(dir.path())
            .output();
        output.unwrap().status.success()
    };
    for (n, place) in [(0, 0), (1, 2)] {
        decode("signature", envelope["signatures"][n]["sig"].as_str().unwrap());
        let key = |place: usize| keys[place]["key"].as_str().unwrap();
        assert!(judge(key(place), &signed_bytes));
        assert!(!judge(key(1), &signed_bytes) && !judge(key(place), &payload), "openssl refuses another key and other bytes");
    }
}

/// B's PDF, receipt and proof, as somebody was handed them, with those of the two keyrings.
fn hand(case: &Case, folder: &std::path::Path, keyrings: &[u32]) {
    let _ = fs::remove_dir_all(folder);
    write(folder.join("QĐ 51.pdf"), &objects(B, 1)[1].1);
    fs::copy(receipt_path(case.dir.path(), B, 1), folder.join("r0001.dsse.json")).unwrap();
    write(folder.join("r0001.tlog-proof"), proof(&case.leaves, 3).to_string());
    for version in keyrings {
        // under names of their own: what a file is, its bytes say
        fs::copy(case.keyring(*version), folder.join(format!("khóa {version}.json"))).unwrap();
        write(
            folder.join(format!("bằng chứng {version}.tlog-proof")),
            proof(&case.leaves, 2 * *version as usize - 2).to_string(),
        );
    }
}

#[test]
fn loose_files_are_judged_by_the_keyrings_among_them() {
    let own = tempfile::tempdir().unwrap();
    let (trust, folder) = (trust_in_root(own.path()), own.path().join("hand"));
    let both = |check: &dyn Fn(&Said)| {
        check(&verify(&folder, &trust));
        let files: Vec<String> = files(&folder).iter().map(|file| file.to_str().unwrap().to_owned()).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        check(&run(&[&files[..], &["--trust", trust.to_str().unwrap(), "--json"]].concat()));
    };
    // sealed by the key that the second keyring brings in
    let case = Case::new(&signed(&ended(&first(), State::Retired, None), &[2, 3]), &other_key());
    hand(&case, &folder, &[1, 2]);
    both(&|said| {
        said.expect(0, B, "ok", "");
        assert_eq!((said.lines.len(), &said.about(B)["key_name"]), (1, &"khóa hai".into()), "{}", said.text);
    });
    // As an export has them, in a folder beside the record's.
    hand(&case, &folder, &[]);
    for version in [1, 2] {
        fs::create_dir_all(folder.join("keyring")).unwrap();
        fs::copy(case.keyring(version), folder.join(format!("keyring/v{version:04}.json"))).unwrap();
        let proof = proof(&case.leaves, 2 * version as usize - 2).to_string();
        write(folder.join(format!("keyring/v{version:04}.tlog-proof")), proof);
    }
    both(&|said| said.expect(0, B, "ok", ""));
    // Without the keyrings nobody knows the key, and it is said what is wanted.
    hand(&case, &folder, &[]);
    both(&|said| {
        assert_eq!((said.code, said.verdict_at("keyring")), (13, Some("withheld")), "{}", said.text);
        assert!(said.text.contains("no keyring is here"), "{}", said.text);
    });
    // A keyring whose leaf nothing shows brings no key.
    hand(&case, &folder, &[1, 2]);
    fs::remove_file(folder.join("bằng chứng 2.tlog-proof")).unwrap();
    both(&|said| assert_eq!(said.code, 13, "{}", said.text));
    // Nor does one that too few of the root have signed.
    let forged = Case::new(&signed(&ended(&first(), State::Retired, None), &[2]), &other_key());
    hand(&forged, &folder, &[1, 2]);
    both(&|said| assert!(said.text.contains("\"bad_signature\"") && said.code == 12, "{}", said.text));
    // Sealed after its revocation, with the policy naming the key besides.
    let stolen = Case::new(&signed(&ended(&first(), State::Revoked, None), &[1, 2]), &key());
    hand(&stolen, &folder, &[1, 2]);
    both(&|said| said.expect(22, B, "void_key", said.about(B)["object"].as_str().unwrap()));
    // Loose files alone cannot show that the newest keyring is left out; a copy of the log does.
    hand(&stolen, &folder, &[1]);
    both(&|said| said.expect(0, B, "ok", ""));
    let log = stolen.dir.path().join("log");
    let arguments = [folder.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--json", "--log", log.to_str().unwrap()];
    let said = run(&arguments);
    assert_eq!((said.code, said.about(B)["verdict"].as_str()), (16, Some("withheld")), "{}", said.text);
}
