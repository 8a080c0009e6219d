//! How many drawn papers of each kind need no person, and how many of the fields that sohoa vouches for are wrong: `sohoa ingest` over
//! a series of `sohoa-fixtures`, whose truth lies beside each paper.

use crate::figures::Figure;
use crate::pages::{file_error, write};
use crate::tools::{self, Archive};
use crate::{Asked, BenchError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Of documents that need no person, at least this share.
const STRAIGHT: f64 = 0.90;
/// Of fields that are vouched for, at most one in so many may be wrong.
const WRONG_ONE_IN: usize = 1000;
/// By design these need the register or a person: they have a line of their own and are in no sum.
const BY_HAND: &str = "-viet-tay";

/// What became of the papers of one kind or setting.
#[derive(Default)]
struct Count {
    papers: usize,
    straight: usize,
    vouched: usize,
    wrong: usize,
    /// Field and reason, by how many papers had it.
    doubts: BTreeMap<String, usize>,
}

impl Count {
    fn add(&mut self, paper: &Paper) {
        self.papers += 1;
        self.straight += usize::from(paper.straight);
        self.vouched += paper.vouched;
        self.wrong += paper.wrong.len();
        for (field, doubt) in &paper.doubts {
            *self.doubts.entry(format!("{field} {doubt}")).or_default() += 1;
        }
    }

    fn row(&self, name: &str) -> String {
        let mut doubts: Vec<(&String, &usize)> = self.doubts.iter().collect();
        doubts.sort_by_key(|(name, times)| (std::cmp::Reverse(**times), name.as_str()));
        let doubts: Vec<String> = doubts.iter().take(3).map(|(name, times)| format!("{name} ({times})")).collect();
        let share = 100.0 * self.straight as f64 / self.papers.max(1) as f64;
        format!(
            "| {name} | {} | {} | {share:.0} | {} | {} | {} |\n",
            self.papers,
            self.straight,
            self.vouched,
            self.wrong,
            doubts.join(", ")
        )
    }
}

/// What sohoa made of one paper.
struct Paper {
    kind: String,
    /// `colour-300` …
    setting: String,
    straight: bool,
    vouched: usize,
    /// Field, what is vouched for, what was drawn.
    wrong: Vec<(String, String, String)>,
    /// Field and reason.
    doubts: Vec<(String, String)>,
}

impl Paper {
    /// Compares a line of `ingest --json` with the truth.
    fn judge(source: &str, line: &Value, truth: &Value) -> Paper {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let stem = source.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(stem, _)| stem);
        let mut paper = Paper {
            kind: text(&truth["kind"]),
            // series, number, setting
            setting: stem.splitn(3, '-').nth(2).unwrap_or_default().to_owned(),
            straight: line["state"] == "sealed",
            vouched: 0,
            wrong: Vec::new(),
            doubts: Vec::new(),
        };
        for field in line["fields"].as_array().into_iter().flatten() {
            let name = text(&field["name"]);
            if let Some(doubt) = field["doubt"].as_str() {
                paper.doubts.push((name, doubt.to_owned()));
                continue;
            }
            paper.vouched += 1;
            let drawn = &truth["fields"][&name];
            // a field that the paper does not have is wrong whatever it says
            if field["value"] != *drawn {
                paper.wrong.push((name, text(&field["value"]), text(drawn)));
            }
        }
        paper
    }
}

/// Takes the papers of `drawn` in: tables, figures, and whether both bounds hold. What is in doubt or wrong is listed in
/// `straight-through.tsv` there.
pub fn run(asked: &Asked, drawn: &Path, work: &Path) -> Result<(String, Vec<Figure>, bool), BenchError> {
    let archive = Archive::init(asked, work)?;
    let (stdout, stderr) = tools::ingest(asked, &archive, drawn)?;
    let mut papers = Vec::new();
    let mut listed = String::from("source\tfield\tdoubt or wrong\tread\tdrawn\n");
    for line in stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(source) = line["source"].as_str() else { continue };
        let truth = PathBuf::from(format!("{source}.expected.json"));
        let bytes = std::fs::read(&truth).map_err(file_error(&truth))?;
        let truth: Value = serde_json::from_slice(&bytes)
            .map_err(|error| BenchError::Page { path: truth.clone(), what: format!("its truth is no JSON: {error}") })?;
        let paper = Paper::judge(source, &line, &truth);
        for (field, doubt) in &paper.doubts {
            let read = line["fields"].as_array().into_iter().flatten().find(|read| read["name"] == **field);
            let printed = read.map_or("", |read| read["printed"].as_str().unwrap_or_default());
            listed.push_str(&format!("{source}\t{field}\t{doubt}\t{printed}\t{}\n", truth["fields"][field]));
        }
        for (field, said, drawn) in &paper.wrong {
            listed.push_str(&format!("{source}\t{field}\tWRONG\t{said}\t{drawn}\n"));
        }
        papers.push((source.to_owned(), paper));
    }
    if papers.is_empty() {
        return Err(BenchError::NotDone { command: "sohoa ingest".into(), what: format!("no paper was read:\n{stderr}") });
    }
    write(&drawn.join("straight-through.tsv"), listed.as_bytes())?;
    Ok(tables(&papers))
}

fn tables(papers: &[(String, Paper)]) -> (String, Vec<Figure>, bool) {
    let (mut kinds, mut settings) = (BTreeMap::<&str, Count>::new(), BTreeMap::<&str, Count>::new());
    let mut all = Count::default();
    let mut wrong = String::new();
    for (source, paper) in papers {
        kinds.entry(&paper.kind).or_default().add(paper);
        if !paper.kind.ends_with(BY_HAND) {
            settings.entry(&paper.setting).or_default().add(paper);
            all.add(paper);
        }
        let name = source.rsplit('/').take(2).collect::<Vec<_>>();
        for (field, said, drawn) in &paper.wrong {
            wrong.push_str(&format!(
                "| {} | {field} | {said} | {drawn} |\n",
                name.iter().rev().copied().collect::<Vec<_>>().join("/")
            ));
        }
    }
    let heading = |name: &str| {
        format!(
            "| {name} | papers | need no person | % | fields vouched for | wrong among them | most frequent doubts |\n|---|---:|---:|---:|---:|---:|---|\n"
        )
    };
    let mut text = heading("kind");
    kinds.iter().for_each(|(name, count)| text.push_str(&count.row(name)));
    text.push_str(&all.row("all but those by hand"));
    text.push_str(&format!("\n{}", heading("setting")));
    settings.iter().for_each(|(name, count)| text.push_str(&count.row(name)));
    if !wrong.is_empty() {
        text.push_str(&format!("\n| paper | field | vouched for | drawn |\n|---|---|---|---|\n{wrong}"));
    }
    let wrong_by_hand: usize = kinds.iter().filter(|(name, _)| name.ends_with(BY_HAND)).map(|(_, count)| count.wrong).sum();
    let share = all.straight as f64 / all.papers.max(1) as f64;
    let held = share >= STRAIGHT && all.wrong * WRONG_ONE_IN <= all.vouched && wrong_by_hand == 0;
    let figure = |name, value, unit| Figure {
        input: "drawn papers".into(),
        pages: all.papers,
        subject: "sohoa ingest".into(),
        name,
        value,
        unit,
    };
    let figures = vec![
        figure("documents that need no person", 100.0 * share, "%"),
        figure("fields vouched for", all.vouched as f64, ""),
        figure("wrong among them", all.wrong as f64, ""),
    ];
    (text, figures, held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_vouched_for_is_wrong_unless_it_was_drawn_so() {
        let line = json!({ "state": "sealed", "fields": [
            { "name": "sex", "value": "Nam", "doubt": null },
            { "name": "owner_name", "value": "TRẦN VĂN B", "doubt": null },
            { "name": "email", "value": "x", "doubt": null },
            { "name": "birth_date", "value": "1990-01-02", "doubt": "low_confidence" },
        ]});
        let truth = json!({ "kind": "giay-khai-sinh", "fields": { "sex": "Nam", "owner_name": "TRẦN VĂN A", "birth_date": "1990-01-02" } });
        let paper = Paper::judge("/a/giay-khai-sinh/dev-03-colour-300.jpg", &line, &truth);
        assert_eq!((paper.vouched, paper.straight, paper.setting.as_str()), (3, true, "colour-300"));
        let wrong: Vec<&str> = paper.wrong.iter().map(|(field, ..)| field.as_str()).collect();
        assert_eq!(wrong, ["owner_name", "email"]);
        assert_eq!(paper.doubts, [("birth_date".to_owned(), "low_confidence".to_owned())]);
    }

    #[test]
    fn both_bounds_must_hold_and_papers_by_hand_are_in_no_sum() {
        let paper = |kind: &str, straight, wrong: usize| {
            let wrong = (0..wrong).map(|_| ("a".to_owned(), "b".to_owned(), "c".to_owned())).collect();
            let (kind, setting, doubts) = (kind.to_owned(), "grey-200".to_owned(), Vec::new());
            (String::from("kind/x.jpg"), Paper { kind, setting, straight, vouched: 500, wrong, doubts })
        };
        let mut papers: Vec<(String, Paper)> = (0..10).map(|nth| paper("a", nth > 0, 0)).collect();
        papers.push(paper("b-viet-tay", false, 0));
        assert!(tables(&papers).2);
        papers.push(paper("a", false, 0));
        assert!(!tables(&papers).2, "nine of eleven");
        let mut papers: Vec<(String, Paper)> = (0..10).map(|_| paper("a", true, 0)).collect();
        papers.push(paper("a", true, 6));
        assert!(!tables(&papers).2, "six of 5,500 are wrong");
    }
}
