//! The cookie of the console, which carries a session's number: made and read (RFC 6265bis). It lasts as long as the browser runs; how long
//! the session lasts is not the browser's to say. And one that is there for minutes only, while somebody signs in with a provider.

use crate::oidc::BEGUN_SECONDS;

/// Longer headers are not looked at; browsers send some hundred bytes.
const LONGEST_HEADER: usize = 8192;
/// 256 bits as base64url.
const ID_LETTERS: usize = 43;

/// How the cookie is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// True when browsers reach the console over TLS. Then the name begins with `__Host-`, which browsers take only with `Secure`, `Path=/`
    /// and no `Domain`: no other host or plain page can plant one.
    pub secure: bool,
}

impl Cookie {
    /// The value of `Set-Cookie` that gives a session to a browser. `SameSite=Strict`: it is not sent with what another site asks for.
    pub fn give(self, id: &str) -> String {
        self.line(id, "")
    }

    /// The value of `Set-Cookie` that takes it away.
    pub fn take_away(self) -> String {
        self.line("", "; Max-Age=0")
    }

    /// The value of `Set-Cookie` while somebody signs in with a provider. `SameSite=Lax`: it comes along when the provider sends the browser
    /// back, and not with what other sites fetch or post.
    pub fn give_begun(self, id: &str) -> String {
        self.begun_line(id, BEGUN_SECONDS)
    }

    /// The value of `Set-Cookie` that takes that one away.
    pub fn take_begun_away(self) -> String {
        self.begun_line("", 0)
    }

    /// The number in that one, as [`Cookie::read`] reads the other.
    pub fn read_begun(self, header: &str) -> Option<&str> {
        read(header, self.begun_name())
    }

    /// The number in a `Cookie` header. None when there is none, when it has not the form of one, and when there are two: one of them was
    /// planted, and which one cannot be told.
    pub fn read(self, header: &str) -> Option<&str> {
        read(header, self.name())
    }

    fn name(self) -> &'static str {
        if self.secure { "__Host-sohoa" } else { "sohoa" }
    }

    fn line(self, id: &str, age: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name())
    }

    fn begun_name(self) -> &'static str {
        if self.secure { "__Host-sohoa-oidc" } else { "sohoa-oidc" }
    }

    fn begun_line(self, id: &str, seconds: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={id}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}", self.begun_name())
    }
}

fn read<'a>(header: &'a str, wanted: &str) -> Option<&'a str> {
    if header.len() > LONGEST_HEADER {
        return None;
    }
    let mut values = header.split(';').filter_map(|pair| {
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        (name == wanted).then_some(value)
    });
    let (Some(id), None) = (values.next(), values.next()) else { return None };
    let is_id = id.len() == ID_LETTERS && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Cookie = Cookie { secure: false };
    const SECURE: Cookie = Cookie { secure: true };
    const ID: &str = "AbcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_9";

    #[test]
    fn the_cookie_is_for_this_host_and_its_pages_alone() {
        assert_eq!(SECURE.give("x"), "__Host-sohoa=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(PLAIN.give("x"), "sohoa=x; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(SECURE.take_away(), "__Host-sohoa=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
    }

    #[test]
    fn the_one_of_a_sign_in_with_a_provider_is_another() {
        assert_eq!(SECURE.give_begun("x"), "__Host-sohoa-oidc=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600");
        assert_eq!(PLAIN.take_begun_away(), "sohoa-oidc=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        let header = format!("sohoa-oidc={ID}");
        assert_eq!((PLAIN.read_begun(&header), PLAIN.read(&header), SECURE.read_begun(&header)), (Some(ID), None, None));
    }

    #[test]
    fn it_is_found_among_others() {
        for header in [
            format!("sohoa={ID}"),
            format!("a=b; sohoa={ID}; c=d"),
            format!("a=b;sohoa={ID};"),
            format!("sohoas=1; xsohoa=2; SOHOA=3; sohoa={ID}; sohoa2=x; __Host-sohoa=4"),
            format!(";;= ;\u{e9}=ü; sohoa={ID}\t"),
        ] {
            assert_eq!(PLAIN.read(&header), Some(ID), "{header}");
        }
        assert_eq!(SECURE.read(&format!("__Host-sohoa={ID}")), Some(ID));
    }

    #[test]
    fn hostile_headers_give_nothing() {
        for header in [
            String::new(),
            "sohoa".into(),
            "sohoa=".into(),
            format!("sohoa={}", &ID[1..]),
            format!("sohoa={ID}A"),
            format!("sohoa=\"{ID}\""),
            format!("sohoa={ID}; sohoa={ID}"),
            format!("sohoa=planted; sohoa={ID}"),
            format!("sohoa={ID}; sohoa="),
            format!("sohoa ={ID}"),
            format!("sohoa= {ID}"),
            format!("Sohoa={ID}"),
            format!("sohoa={ID}%00"),
            format!("sohoa={}é", &ID[2..]),
            format!("x={}; sohoa={ID}", "y".repeat(LONGEST_HEADER)),
        ] {
            assert_eq!(PLAIN.read(&header), None, "{header:.80}");
        }
        // a plain cookie is none over TLS: any page of a network in between could have planted it
        assert_eq!(SECURE.read(&format!("sohoa={ID}; __host-sohoa={ID}")), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_not(header in "\\PC{0,200}") {
            prop_assert!(PLAIN.read(&header).is_none_or(|id| id.len() == ID_LETTERS && header.contains(id)));
        }

        #[test]
        fn what_was_given_is_read_again(id in "[A-Za-z0-9_-]{43}", before in "[a-z]{1,5}=[a-z]{0,5}", secure in any::<bool>()) {
            let cookie = Cookie { secure };
            let given = cookie.give(&id);
            let pair = given.split(';').next().unwrap();
            let header = format!("{before}; {pair}");
            prop_assert_eq!(cookie.read(&header), Some(id.as_str()));
        }
    }
}
