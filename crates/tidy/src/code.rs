//! Rust source as the rules want to see it: without comments, strings and tests. A reader of tokens, not a parser.

/// The source with every comment, string and character literal made of spaces; lines stay where they are.
pub fn without_words(source: &str) -> String {
    let from: Vec<char> = source.chars().collect();
    let mut to = String::with_capacity(source.len());
    let mut at = 0;
    while at < from.len() {
        let end = word_end(&from, at);
        if end == at {
            to.push(from[at]);
            at += 1;
        } else {
            to.extend(from[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    to
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn word_end(from: &[char], at: usize) -> usize {
    let is = |offset: usize, c: char| from.get(at + offset) == Some(&c);
    let in_identifier = at > 0 && (from[at - 1].is_alphanumeric() || from[at - 1] == '_');
    match from[at] {
        '/' if is(1, '/') => (at..from.len()).find(|&i| from[i] == '\n').unwrap_or(from.len()),
        '/' if is(1, '*') => block_comment_end(from, at),
        '"' => string_end(from, at),
        'b' | 'c' if is(1, '"') && !in_identifier => string_end(from, at + 1),
        'r' if !in_identifier => raw_string_end(from, at + 1).unwrap_or(at),
        'b' | 'c' if is(1, 'r') && !in_identifier => raw_string_end(from, at + 2).unwrap_or(at),
        '\'' if is(1, '\\') => (at + 3..from.len()).find(|&i| from[i] == '\'').map_or(from.len(), |i| i + 1),
        '\'' if is(2, '\'') => at + 3, // else a lifetime
        _ => at,
    }
}

fn block_comment_end(from: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at + 1 < from.len() {
        match (from[at], from[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    from.len()
}

fn string_end(from: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < from.len() {
        match from[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    from.len()
}

/// `None` when it is not a raw string: `r#type`, a name that begins with r.
fn raw_string_end(from: &[char], start: usize) -> Option<usize> {
    let hashes = from[start..].iter().take_while(|&&c| c == '#').count();
    let quote = start + hashes;
    if from.get(quote) != Some(&'"') {
        return None;
    }
    let closes = |at: usize| from[at] == '"' && from[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
    Some((quote + 1..from.len()).find(|&at| closes(at)).map_or(from.len(), |at| at + 1 + hashes))
}

/// Code (as [`without_words`] gives it) without the items marked `#[cfg(test)]`; lines stay where they are.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut code = code.to_owned();
    while let Some(start) = code.find(MARK) {
        let end = item_end(&code, start + MARK.len());
        let blank: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blank);
    }
    code
}

/// The end of the item that begins at `start`: its semicolon, or the brace that closes its body.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (offset, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + offset + 1,
            _ => continue,
        }
        if depth <= 0 {
            return start + offset + 1;
        }
    }
    code.len()
}

/// Every path that begins with `root::`, with its line, groups opened: `std::{fs, io::Read}` gives `std::fs` and `std::io::Read`.
pub fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let begin = format!("{root}::");
    code.match_indices(&begin)
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
        .flat_map(|(at, _)| {
            let line = code[..at].matches('\n').count() + 1;
            let mut found = Vec::new();
            open_groups(root, &code[at + begin.len()..], &mut found);
            found.into_iter().map(move |path| (line, path))
        })
        .collect()
}

/// Adds the paths that `rest` continues `prefix` with; returns how much of `rest` was read.
fn open_groups(prefix: &str, rest: &str, found: &mut Vec<String>) -> usize {
    let name_end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '*')).unwrap_or(rest.len());
    let path = format!("{prefix}::{}", rest[..name_end].trim_end_matches(':'));
    if !(rest[name_end..].starts_with('{') && (name_end == 0 || rest[..name_end].ends_with("::"))) {
        found.push(path);
        return name_end;
    }
    let path = path.trim_end_matches(':').to_owned();
    let mut at = name_end + 1;
    loop {
        at += rest[at..].len() - rest[at..].trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
        match rest[at..].chars().next() {
            None => return at,
            Some('}') => return at + 1,
            Some(_) => at += open_groups(&path, &rest[at..], found).max(1),
        }
    }
}

/// The lines on which `word` stands as a whole word.
pub fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .filter(|(at, _)| !code[..*at].ends_with(in_word) && !code[at + word.len()..].starts_with(in_word))
        .map(|(at, _)| code[..at].matches('\n').count() + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces() {
        let source = "let a = \"unsafe \\\" {\"; // unsafe\nlet b = r#\"unsafe \" }\"#; /* unsafe /* } */ unsafe */ let c = '{'; let d: &'a str = b\"unsafe\";";
        let code = without_words(source);
        assert!(lines_with_word(&code, "unsafe").is_empty(), "{code}");
        assert!(!code.contains(['{', '}']), "{code}");
        assert!(code.contains("&'a str ="), "{code}");
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn a_name_that_begins_with_r_or_b_is_no_literal() {
        let source = "for r in bar { r#type(r) }";
        assert_eq!(without_words(source), source);
    }

    #[test]
    fn tests_are_cut_and_lines_kept() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n use std::fs;\n}\nfn b() {}\n#[cfg(test)]\nmod more;\nfn c() {}";
        let cut = without_tests(code);
        assert!(!cut.contains("fs") && !cut.contains("more"), "{cut}");
        assert!(cut.contains("fn b() {}") && cut.contains("fn c() {}"));
        assert_eq!(cut.lines().count(), code.lines().count());
    }

    #[test]
    fn grouped_imports_are_opened() {
        let code = "use x;\nuse std::{fs, io::{self, Read},\n time::{Duration}};\nfn f() { std::env::var(a); core_std::fs::x() }";
        let paths: Vec<_> = paths(code, "std").into_iter().map(|(line, path)| format!("{line} {path}")).collect();
        assert_eq!(paths, ["2 std::fs", "2 std::io::self", "2 std::io::Read", "2 std::time::Duration", "4 std::env::var"]);
    }

    #[test]
    fn only_whole_words_count() {
        assert_eq!(lines_with_word("#![forbid(unsafe_code)]\nunsafe { x }", "unsafe"), [2]);
    }
}
