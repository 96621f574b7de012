//! The sources of the library, and their string literals: tests check the wording of messages in the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A string literal of a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its line, from 1.
    pub line: usize,
    /// Its text; escapes such as `\u{7}` stay as written.
    pub text: String,
    /// The code before it, without spaces, at most [`BEFORE`] characters; each string in it is a `"`.
    pub before: String,
}

/// Number of characters of code kept before a string.
pub const BEFORE: usize = 60;

/// Returns the source files of the library: of all crates except the command line and this one, without tests.
pub fn library() -> Vec<(PathBuf, String)> {
    let project = crate::project();
    let mut folders = vec![project.join("src")];
    for entry in fs::read_dir(project.join("crates")).expect("lists") {
        let path = entry.expect("an entry").path();
        if !(path.ends_with("cli") || path.ends_with("testing")) {
            folders.push(path.join("src"));
        }
    }
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            match path.is_dir() {
                _ if is_test => {}
                true => folders.push(path),
                false => found.extend(path.extension().is_some_and(|e| e == "rs").then_some(path)),
            }
        }
    }
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.strip_prefix(project).map(Path::to_owned).unwrap_or(path), text)
    };
    found.into_iter().map(read).collect()
}

/// Returns the string literals of Rust code, without comments and test-only code.
pub fn literals(source: &str) -> Vec<Literal> {
    let mut reader = Reader {
        rest: source,
        line: 1,
        code: String::new(),
        within_word: false,
        test: None,
        found: Vec::new(),
    };
    while reader.advance() {}
    reader.found
}

struct Reader<'s> {
    rest: &'s str,
    line: usize,
    code: String,
    /// True if the last character was part of a word.
    within_word: bool,
    /// Within a test-only item: number of open brackets.
    test: Option<usize>,
    found: Vec<Literal>,
}

impl Reader<'_> {
    /// Advances by this many bytes, and returns them.
    fn take(&mut self, bytes: usize) -> &str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Returns the length of `self.rest` up to and including the first `end` after `from`.
    fn until(&self, from: usize, end: &str) -> usize {
        self.rest
            .get(from..)
            .and_then(|rest| rest.find(end))
            .map_or(self.rest.len(), |at| from + at + end.len())
    }

    fn keep(&mut self, code: char) {
        self.code.push(code);
        if self.code.len() > 4 * BEFORE {
            let cut = self.code.char_indices().nth_back(BEFORE).map_or(0, |(at, _)| at);
            self.code.drain(..cut);
        }
        if self.code.ends_with("#[cfg(test)]") {
            self.test = Some(0);
            return;
        }
        let Some(open) = self.test else { return };
        self.test = match code {
            '{' | '(' | '[' => Some(open + 1),
            '}' if open <= 1 => None,
            '}' | ')' | ']' => Some(open.saturating_sub(1)),
            ';' if open == 0 => None,
            _ => Some(open),
        };
    }

    /// Reads one token; returns false at the end.
    fn advance(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let within_word = self.within_word;
        self.within_word = first.is_alphanumeric() || first == '_';
        let raw =
            self.rest.trim_start_matches('b').strip_prefix('r').map(|rest| rest.trim_start_matches('#'));
        match first {
            _ if self.rest.starts_with("//") => {
                self.take(self.until(0, "\n"));
            }
            _ if self.rest.starts_with("/*") => {
                self.take(self.until(2, "*/"));
            }
            'r' | 'b' if !within_word && raw.is_some_and(|rest| rest.starts_with('"')) => {
                let begin = self.until(0, "\"");
                let end = format!("\"{}", "#".repeat(self.rest[..begin].matches('#').count()));
                let whole = self.until(begin, &end);
                let (line, marks) = (self.line, end.len());
                let text = self.take(whole).get(begin..whole - marks).unwrap_or_default().to_string();
                self.string(line, text);
            }
            '"' => {
                let (mut end, mut escaped) = (1, false);
                for c in self.rest[1..].chars() {
                    end += c.len_utf8();
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                }
                let line = self.line;
                let text = plain(self.take(end));
                self.string(line, text);
            }
            // A character, or a lifetime.
            '\'' => {
                let mut chars = self.rest.char_indices().skip(1);
                let (second, third) = (chars.next(), chars.next());
                let end = match (second, third) {
                    (Some((_, '\\')), Some((at, c))) => self.until(at + c.len_utf8(), "'"),
                    (_, Some((at, '\''))) => at + 1,
                    _ => 1,
                };
                self.take(end);
            }
            c => {
                if !c.is_whitespace() {
                    self.keep(c);
                }
                self.take(c.len_utf8());
            }
        }
        true
    }

    fn string(&mut self, line: usize, text: String) {
        if self.test.is_none() {
            let from = self.code.char_indices().nth_back(BEFORE).map_or(0, |(at, _)| at);
            self.found.push(Literal { line, text, before: self.code[from..].to_string() });
        }
        self.keep('"');
    }
}

/// Returns the text of a quoted string.
fn plain(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let mut rest = inner.strip_suffix('"').unwrap_or(inner).chars().peekable();
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some('\n')) => while rest.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some('n')) => {
                rest.next();
                text.push('\n');
            }
            ('\\', Some(c @ ('"' | '\\' | '\''))) => {
                text.push(*c);
                rest.next();
            }
            (c, _) => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn strings_are_found_as_the_compiler_reads_them() {
        let source = "//! no \"comment\"\n/// `\"` no\nfn f<'a>(x: &'a str) -> char { g(\"a \\\"b\\\" \\\n        c\", '\"', '\\'', r#\"d\"e\"#) /* \"no\" */ }\n\
                      #[cfg(test)]\nfn t(a: [u8; 2]) { h(\"no\") }\n#[error(\"{x}\")]\nstruct S { name: \"f\" }\n#[cfg(test)]\nmod tests;\n\
                      const C: &str = br\"g\";\n#[cfg(test)]\nmod tests { fn a() { if b { \"no\" } } }\n";
        let found = literals(source);
        let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["a \"b\" c", "d\"e", "{x}", "f", "g"]);
        let lines: Vec<usize> = found.iter().map(|found| found.line).collect();
        assert_eq!(lines, [3, 4, 7, 8, 11]);
        assert!(
            found[0].before.ends_with("->char{g(") && found[3].before.ends_with("structS{name:"),
            "{found:?}"
        );
        assert!(found[1].before.ends_with("g(\",,,"), "{found:?}");
    }
}
