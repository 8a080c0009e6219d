//! A browser of one person as the console meets it: its cookies, and the forms that it sends.
#![allow(dead_code, clippy::unwrap_used)]

use super::common::serving::{Answer, ask};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub struct Browser(pub BTreeMap<String, String>);

impl Browser {
    pub fn get(&mut self, address: &str, path: &str) -> Answer {
        self.ask(address, &format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// Sends a form.
    pub fn post(&mut self, address: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(address, &format!("POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"), &form)
    }

    fn ask(&mut self, address: &str, first: &str, body: &str) -> Answer {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (cookies, length) = (cookies.join("; "), body.len());
        let request =
            format!("{first}Host: x\r\nConnection: close\r\nCookie: {cookies}\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = ask(address, request.as_bytes()).unwrap();
        for line in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.0.remove(name),
                false => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    pub fn is_in(&mut self, address: &str) -> bool {
        self.get(address, "/account").status == 200
    }
}
