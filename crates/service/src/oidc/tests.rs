//! What a sign-in with a provider stands on before the provider is asked.

use super::*;

fn oidc() -> Arc<Oidc> {
    let mut config = Config::defaults();
    config.access.oidc = config::Oidc {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "sohoa".into(),
        redirect_uri: format!("http://127.0.0.1:2{CALLBACK}"),
        ..config::Oidc::default()
    };
    Arc::new(Oidc::open(&config).unwrap().unwrap())
}

/// The cookie of a sign-in that was begun then, and its state.
fn begun(oidc: &Oidc, at: u64) -> (String, String) {
    let id = URL_SAFE_NO_PAD.encode([&at.to_be_bytes()[..], &[7; 24]].concat());
    let state = oidc.derived("state", &id).to_string();
    (format!("sohoa-oidc={id}"), state)
}

#[tokio::test]
async fn a_sign_in_is_for_ten_minutes_one_browser_and_one_process() {
    let (oidc, now) = (oidc(), 1_790_000_000);
    let finish = async |oidc: &Arc<Oidc>, at: u64, state: Option<&str>| {
        let (cookie, own) = begun(oidc, at);
        let returned = Returned { code: "c".into(), state: state.unwrap_or(&own).into(), ..Returned::default() };
        oidc.finish(Some(&cookie), returned, now).await.unwrap_err()
    };
    // Nobody listens there: who gets so far was let through.
    for (at, passes) in [(now, true), (now - 600, true), (now - 601, false), (now + 1, false), (0, false), (u64::MAX, false)] {
        assert_eq!(matches!(finish(&oidc, at, None).await, OidcError::Away(_)), passes, "{at}");
    }
    let other = self::oidc();
    let (_, strange) = begun(&other, now);
    assert!(matches!(finish(&oidc, now, Some(&strange)).await, OidcError::NotBegun), "of another process");
    assert!(matches!(finish(&oidc, now, Some("")).await, OidcError::NotBegun));
    let (cookie, state) = begun(&oidc, now);
    let returned = || Returned { code: "c".into(), state: state.clone(), ..Returned::default() };
    assert!(matches!(oidc.finish(None, returned(), now).await, Err(OidcError::NotBegun)));
    assert!(matches!(oidc.finish(Some(&format!("{cookie}; {cookie}")), returned(), now).await, Err(OidcError::NotBegun)));
    let id = cookie.strip_prefix("sohoa-oidc=").unwrap();
    let made: std::collections::BTreeSet<String> =
        ["state", "nonce", "verifier"].iter().map(|purpose| oidc.derived(purpose, id).to_string()).collect();
    assert!(made.len() == 3 && made.iter().all(|text| text.len() == 43 && text != id));
}

#[test]
fn addresses_that_somebody_on_the_way_can_read_are_told() {
    for (address, safe) in [
        ("https://sso.example/realms/tinh", true),
        ("http://127.0.0.1:8081", true),
        ("http://localhost/x", true),
        ("http://[::1]:80/", true),
        ("http://sso.example", false),
        ("http://127.0.0.1.evil.example", false),
        ("http://127.0.0.1@evil.example", false),
        ("https://user@sso.example", false),
        ("ftp://127.0.0.1", false),
        ("/authorize", false),
        ("", false),
        ("https://", false),
    ] {
        assert_eq!(is_safe(address), safe, "{address}");
    }
}
