//! Key files judged by openssl: what we write it opens, what it writes we open, and both make the same signature.

use ed25519_dalek::{Signer as _, SigningKey};
use sohoa_sign::keys::{from_encrypted_pem, from_public_pem, generate, to_encrypted_pem, to_public_pem};
use sohoa_sign::{KeyFileError, Salting};
use std::path::Path;
use std::process::{Command, Output};

const PASSWORD: &str = "mật khẩu thử nghiệm";

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl is installed (see bootstrap)")
}

fn must(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = openssl(folder, arguments);
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

fn salting() -> Salting {
    Salting { salt: random(), iv: random() }
}

fn new_key() -> SigningKey {
    generate(random())
}

#[test]
fn openssl_opens_our_key_file_and_signs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let key = new_key();
    let pem = to_encrypted_pem(&key, PASSWORD.as_bytes(), &salting()).unwrap();
    std::fs::write(folder.path().join("key.pem"), pem.as_bytes()).unwrap();
    std::fs::write(folder.path().join("key.pub.pem"), to_public_pem(&key.verifying_key()).unwrap()).unwrap();
    std::fs::write(folder.path().join("message"), "số hóa\n").unwrap();

    let password = format!("pass:{PASSWORD}");
    let public = must(folder.path(), &["pkey", "-in", "key.pem", "-passin", &password, "-pubout"]);
    assert_eq!(public, std::fs::read(folder.path().join("key.pub.pem")).unwrap());
    assert_eq!(from_public_pem(&String::from_utf8(public).unwrap()).unwrap(), key.verifying_key());

    let ours = key.sign("số hóa\n".as_bytes()).to_bytes();
    std::fs::write(folder.path().join("ours.sig"), ours).unwrap();
    must(
        folder.path(),
        &["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pub.pem", "-in", "message", "-sigfile", "ours.sig"],
    );
    let theirs =
        must(folder.path(), &["pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-passin", &password, "-in", "message"]);
    assert_eq!(theirs, ours);
    assert!(!openssl(folder.path(), &["pkey", "-in", "key.pem", "-passin", "pass:other", "-noout"]).status.success());
}

#[test]
fn we_open_what_openssl_encrypts() {
    let folder = tempfile::tempdir().unwrap();
    must(folder.path(), &["genpkey", "-algorithm", "ed25519", "-out", "plain.pem"]);
    let password = format!("pass:{PASSWORD}");
    for extra in [&["-scrypt"][..], &["-v2", "aes-256-cbc"]] {
        must(
            folder.path(),
            &[&["pkcs8", "-topk8", "-in", "plain.pem", "-out", "k.pem", "-passout", &password][..], extra].concat(),
        );
        let pem = std::fs::read_to_string(folder.path().join("k.pem")).unwrap();
        let key = from_encrypted_pem(&pem, PASSWORD.as_bytes()).unwrap();
        let public = must(folder.path(), &["pkey", "-in", "plain.pem", "-pubout"]);
        assert_eq!(to_public_pem(&key.verifying_key()).unwrap().as_bytes(), public);
    }
    let plain = std::fs::read_to_string(folder.path().join("plain.pem")).unwrap();
    assert!(matches!(from_encrypted_pem(&plain, b"x"), Err(KeyFileError::NotEncrypted)));
}

#[test]
fn a_key_of_another_kind_is_named() {
    let folder = tempfile::tempdir().unwrap();
    must(folder.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem"]);
    must(folder.path(), &["pkcs8", "-topk8", "-scrypt", "-in", "ec.pem", "-out", "k.pem", "-passout", "pass:x"]);
    let pem = std::fs::read_to_string(folder.path().join("k.pem")).unwrap();
    let error = from_encrypted_pem(&pem, b"x").unwrap_err();
    assert!(matches!(&error, KeyFileError::NotEd25519(oid) if oid == "1.2.840.10045.2.1"), "{error}");
}

#[test]
fn a_written_key_comes_back_and_a_wrong_password_is_said() {
    let key = new_key();
    let pem = to_encrypted_pem(&key, PASSWORD.as_bytes(), &salting()).unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(from_encrypted_pem(&pem, PASSWORD.as_bytes()).unwrap(), key);
    assert!(begin.elapsed().as_millis() >= 20, "the password would be quick to guess: {:?}", begin.elapsed());
    assert!(matches!(from_encrypted_pem(&pem, b"other"), Err(KeyFileError::WrongPassword)));
    assert!(matches!(to_encrypted_pem(&key, b"", &salting()), Err(KeyFileError::EmptyPassword)));
    // other salt, other file
    assert_ne!(*to_encrypted_pem(&key, PASSWORD.as_bytes(), &salting()).unwrap(), *pem);
}

#[test]
fn what_is_no_key_file_is_refused_with_a_remedy() {
    let public = to_public_pem(&new_key().verifying_key()).unwrap();
    let long = "x".repeat(1 << 20);
    for text in
        ["", "hello", &public, &long, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"]
    {
        let error = from_encrypted_pem(text, b"x").unwrap_err().to_string();
        assert!(error.contains('`') || error.contains("password"), "{error}");
    }
    assert!(from_public_pem("hello").is_err());
}

#[test]
fn a_file_that_asks_for_too_much_memory_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pem = to_encrypted_pem(&new_key(), b"x", &salting()).unwrap();
    std::fs::write(folder.path().join("k.pem"), pem.as_bytes()).unwrap();
    let mut der = must(folder.path(), &["asn1parse", "-in", "k.pem", "-noout", "-out", "/dev/stdout"]);
    // scrypt's N = 0x4000 as DER INTEGER becomes 0x7fff, together with r = 8 as 0x7f
    let n = der.windows(7).position(|w| w == [2, 2, 0x40, 0x00, 2, 1, 8]).unwrap();
    (der[n + 2], der[n + 3], der[n + 6]) = (0x7f, 0xff, 0x7f);
    std::fs::write(folder.path().join("k.der"), &der).unwrap();
    let text = must(folder.path(), &["base64", "-in", "k.der"]);
    let text = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}-----END ENCRYPTED PRIVATE KEY-----\n",
        String::from_utf8(text).unwrap()
    );
    let error = from_encrypted_pem(&text, b"x").unwrap_err();
    assert!(matches!(error, KeyFileError::Parameters), "{error}");
}
