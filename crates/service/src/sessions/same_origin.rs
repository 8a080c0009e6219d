//! Where a request comes from, for the one form that has no session and so no token: the form to sign in. Another site that signs a person in
//! under a login of its own would see what they do there (login CSRF).

/// True when a request that changes something may have come from a page of ours: `Sec-Fetch-Site`, which browsers send over TLS and to the
/// loopback (W3C Fetch Metadata), else `Origin` against `Host`. True too when there is neither: every browser sends `Origin` with a form of
/// another site, so that is no browser.
pub fn is_same_origin(sec_fetch_site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> bool {
    match (sec_fetch_site, origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
        (None, Some(origin)) => {
            let of_origin = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            of_origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_same_origin;

    #[test]
    fn forms_of_other_sites_are_told_from_ours() {
        let host = Some("sohoa.example:8443");
        for (site, origin, ours) in [
            (Some("same-origin"), Some("https://sohoa.example:8443"), true),
            (Some("none"), None, true),
            (Some("same-site"), Some("https://other.example"), false),
            (Some("cross-site"), Some("https://sohoa.example:8443"), false),
            (Some(""), None, false),
            (None, Some("https://sohoa.example:8443"), true),
            (None, Some("http://SOHOA.example:8443"), true),
            (None, Some("https://sohoa.example"), false),
            (None, Some("https://sohoa.example:8443.evil.example"), false),
            (None, Some("https://evil.example/sohoa.example:8443"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
            (None, None, true),
        ] {
            assert_eq!(is_same_origin(site, origin, host), ours, "{site:?} {origin:?}");
        }
        assert!(!is_same_origin(None, Some("https://sohoa.example"), None));
    }
}
