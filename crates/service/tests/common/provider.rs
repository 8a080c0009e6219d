//! A double of an OpenID provider on the loopback: discovery, keys, a place where people "sign in" (whoever comes there is Lan), the exchange of
//! codes for tokens. It holds clients to the rules as a real one does: a code is for its verifier, its address and one use.
#![allow(dead_code, clippy::unwrap_used)]

use super::jws::{Signer, encoded, signed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

pub const CLIENT: &str = "sohoa & cơ quan";
pub const SECRET: &str = "bí mật: của client+1";

/// What makes a token of the header and claims that a good provider would sign.
pub type Making = Box<dyn Fn(&Signer, Value, Value) -> String + Send>;

pub struct Provider {
    pub issuer: String,
    pub state: Arc<Mutex<State>>,
}

pub struct State {
    issuer: String,
    signer: Signer,
    /// The name under which the key is published, and that tokens name.
    pub kid: String,
    pub making: Making,
    /// Answers as a broken one.
    pub is_broken: bool,
    pub discovery: Value,
    codes: HashMap<String, BTreeMap<String, String>>,
    /// Every request: method and path.
    pub asked: Vec<String>,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// As a good provider makes it.
pub fn good() -> Making {
    Box::new(|signer, header, claims| signer.token(&header, &claims))
}

/// With one claim changed.
pub fn claim(name: &'static str, value: Value) -> Making {
    Box::new(move |signer, header, mut claims| {
        claims[name] = value.clone();
        signer.token(&header, &claims)
    })
}

/// Without a signature.
pub fn unsigned(alg: &'static str) -> Making {
    Box::new(move |_, mut header, claims| {
        header["alg"] = alg.into();
        format!("{}.", signed(&header, &claims))
    })
}

/// The fields of a form or query.
pub fn fields(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl Provider {
    pub fn start() -> Provider {
        Provider::start_as("127.0.0.1")
    }

    /// Under another name of this machine, which is another site to a browser.
    pub fn start_as(name: &str) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{name}:{}", listener.local_addr().unwrap().port());
        let discovery = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
        });
        let state = Arc::new(Mutex::new(State {
            issuer: issuer.clone(),
            signer: Signer::rsa(2048),
            kid: "k1".into(),
            making: good(),
            is_broken: false,
            discovery,
            codes: HashMap::new(),
            asked: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream.unwrap(), &shared));
            }
        });
        Provider { issuer, state }
    }

    pub fn set(&self, making: Making) {
        self.state.lock().unwrap().making = making;
    }

    pub fn asked(&self, what: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(what)).count()
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    for line in reader.by_ref().lines() {
        match line {
            Ok(line) if !line.is_empty() => head.push(line),
            _ => break,
        }
    }
    let Some(first) = head.first().cloned() else { return };
    let header = |name: &str| {
        head.iter().find_map(|line| {
            line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
        })
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let mut state = shared.lock().unwrap();
    let asked = first.rsplit_once(' ').unwrap().0.to_owned();
    let (path, query) = asked.split_once('?').unwrap_or((&asked, ""));
    state.asked.push(path.to_owned());
    let (status, extra, text) = match path {
        _ if state.is_broken => (503, String::new(), "{}".to_owned()),
        "GET /.well-known/openid-configuration" => (200, String::new(), state.discovery.to_string()),
        "GET /keys" => (200, String::new(), json!({"keys": [state.signer.named(&state.kid)]}).to_string()),
        "GET /authorize" => {
            let fields = fields(query);
            assert_eq!((fields["tenant"].as_str(), fields["response_type"].as_str()), ("1", "code"));
            assert_eq!((fields["client_id"].as_str(), fields["code_challenge_method"].as_str()), (CLIENT, "S256"));
            assert!(fields["scope"].split(' ').any(|scope| scope == "openid"));
            let code = format!("code-{}&{}", state.codes.len(), now());
            let back = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", &fields["state"])
                .append_pair("iss", &state.issuer)
                .finish();
            let location = format!("Location: {}?{back}\r\n", fields["redirect_uri"]);
            state.codes.insert(code, fields);
            (302, location, String::new())
        }
        "POST /token" => match state.redeem(&fields(&String::from_utf8(body).unwrap()), header("authorization")) {
            Ok(answer) => (200, String::new(), answer.to_string()),
            Err(error) => (400, String::new(), json!({"error": error}).to_string()),
        },
        _ => (404, String::new(), String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\n{extra}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}

impl State {
    fn redeem(&mut self, form: &BTreeMap<String, String>, authorization: Option<String>) -> Result<Value, &'static str> {
        use base64::Engine as _;
        let pair = format!("{}:{}", encoded_for_form(CLIENT), encoded_for_form(SECRET));
        let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        if authorization != Some(expected) {
            return Err("invalid_client");
        }
        let begun = self.codes.remove(&form["code"]).ok_or("invalid_grant")?;
        let challenge = encoded(Sha256::digest(form["code_verifier"].as_bytes()));
        let verifier = &form["code_verifier"];
        if challenge != begun["code_challenge"] || form["redirect_uri"] != begun["redirect_uri"] || verifier.len() < 43 {
            return Err("invalid_grant");
        }
        assert_eq!(form["grant_type"], "authorization_code");
        let claims = json!({
            "iss": self.issuer, "sub": "u-1", "aud": CLIENT, "iat": now(), "exp": now() + 300,
            "nonce": begun["nonce"], "preferred_username": "Lan", "name": "Nguyễn Thị Lan",
        });
        let token = (self.making)(&self.signer, json!({"alg": "RS256", "kid": self.kid}), claims);
        Ok(json!({"id_token": token, "access_token": "x", "token_type": "Bearer"}))
    }
}

fn encoded_for_form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
