//! Node-name patterns: `worker-{2..10}` and `gpu-*`, what they match and what they stand for.

use std::ops::Range;

use super::pool::NamePattern;

/// Most names that the ranges of one pattern may stand for.
pub const MOST_NAMES: u64 = 10_000;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This text.
    Text(String),
    /// Any run of characters, none included.
    Star,
    /// A number from `first` to `last`, with leading zeros up to `width` digits (0 for none).
    Range { first: u64, last: u64, width: usize },
}

/// A pattern taken to pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    pub pieces: Vec<Piece>,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GlobError {
    pub message: String,
    pub help: String,
    /// The bytes that are wrong.
    pub range: Range<usize>,
}

impl Glob {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, GlobError> {
        let wrong =
            |range: Range<usize>, message: String, help: &str| Err(GlobError { message, help: help.to_owned(), range });
        let (mut pieces, mut names, mut at) = (Vec::new(), 1_u64, 0);
        while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
            match next {
                '*' => {
                    if pieces.last() != Some(&Piece::Star) {
                        pieces.push(Piece::Star);
                    }
                    at += 1;
                }
                '{' => {
                    let Some(length) = text.get(at..).and_then(|rest| rest.find('}')) else {
                        return wrong(at..text.len(), "the range is not closed".into(), "add `}`");
                    };
                    let whole = at..at + length + 1;
                    let inner = text.get(at + 1..at + length).unwrap_or_default();
                    let Some(range) = read_range(inner) else {
                        let message = format!("`{{{inner}}}` is not a range of numbers");
                        return wrong(whole, message, "write it like `{2..10}`, the smaller number first");
                    };
                    if let Piece::Range { first, last, .. } = range {
                        names = names.saturating_mul((last - first).saturating_add(1));
                    }
                    if names > MOST_NAMES {
                        let message = format!("the pattern stands for more than {MOST_NAMES} names");
                        return wrong(whole, message, "write `*` instead, or a smaller range");
                    }
                    pieces.push(range);
                    at += length + 1;
                }
                'a'..='z' | '0'..='9' | '-' | '.' => {
                    match pieces.last_mut() {
                        Some(Piece::Text(run)) => run.push(next),
                        _ => pieces.push(Piece::Text(next.into())),
                    }
                    at += 1;
                }
                other => {
                    let message = format!("a node name cannot contain `{other}`");
                    let help = if other.is_ascii_uppercase() {
                        "names of nodes are in lower case"
                    } else {
                        "names are made of a–z, 0–9, `-` and `.`; patterns also of `{2..10}` and `*`"
                    };
                    return wrong(at..at + other.len_utf8(), message, help);
                }
            }
        }
        if text.len() > 500 {
            return wrong(0..text.len(), "the pattern is longer than any name of a node".into(), "shorten it");
        }
        Ok(Self { pieces })
    }

    /// Whether `name` is one of those that the pattern stands for.
    pub(crate) fn matches(&self, name: &str) -> bool {
        // `reached` holds every length of a prefix of `name` that the pieces so far can match.
        let mut reached = vec![0_usize];
        for piece in &self.pieces {
            let mut next = std::collections::BTreeSet::new();
            match piece {
                Piece::Text(text) => {
                    let fits = |at: &usize| name.get(*at..).is_some_and(|rest| rest.starts_with(text.as_str()));
                    next.extend(reached.iter().copied().filter(fits).map(|at| at + text.len()));
                }
                Piece::Star => {
                    if let Some(first) = reached.first() {
                        next.extend((*first..=name.len()).filter(|at| name.is_char_boundary(*at)));
                    }
                }
                Piece::Range { first, last, width } => {
                    for at in reached {
                        let rest = name.get(at..).unwrap_or_default();
                        let digits = rest.bytes().take(20).take_while(u8::is_ascii_digit).count();
                        for length in 1..=digits {
                            let number = rest.get(..length).unwrap_or_default();
                            let padded = if *width > 0 {
                                length >= *width && (length == *width || !number.starts_with('0'))
                            } else {
                                length == 1 || !number.starts_with('0')
                            };
                            let in_range = number.parse::<u64>().is_ok_and(|number| (*first..=*last).contains(&number));
                            if padded && in_range {
                                next.insert(at + length);
                            }
                        }
                    }
                }
            }
            reached = next.into_iter().collect();
        }
        reached.last() == Some(&name.len())
    }

    /// Every name that it stands for, numbers ascending. None if it has a `*`.
    pub(crate) fn expand(&self) -> Option<Vec<String>> {
        let mut names = vec![String::new()];
        for piece in &self.pieces {
            match piece {
                Piece::Star => return None,
                Piece::Text(text) => names.iter_mut().for_each(|name| name.push_str(text)),
                Piece::Range { first, last, width } => {
                    let numbers = || (*first..=*last).map(|number| format!("{number:0>width$}"));
                    names =
                        names.iter().flat_map(|name| numbers().map(move |number| format!("{name}{number}"))).collect();
                }
            }
        }
        Some(names)
    }
}

fn read_range(inner: &str) -> Option<Piece> {
    let (first, last) = inner.split_once("..")?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let padded = |text: &str| text.len() > 1 && text.starts_with('0');
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(Piece::Range { first, last, width })
}

impl NamePattern {
    /// Whether `name` is one of those that the pattern stands for.
    pub fn matches(&self, name: &str) -> bool {
        let literal = self.text.find(['{', '*']).unwrap_or(self.text.len());
        let prefix = self.text.get(..literal).unwrap_or_default();
        name.starts_with(prefix)
            && (literal == self.text.len() && name.len() == literal
                || literal < self.text.len() && Glob::parse(&self.text).is_ok_and(|glob| glob.matches(name)))
    }

    /// Every name that the pattern stands for, at most [`MOST_NAMES`], numbers ascending. None if it has a `*`.
    pub fn expand(&self) -> Option<Vec<String>> {
        Glob::parse(&self.text).ok()?.expand()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap()
    }

    #[test]
    fn matches_what_is_meant() {
        for (pattern, yes, no) in [
            ("a", vec!["a"], vec!["", "aa", "b"]),
            ("n-{2..10}", vec!["n-2", "n-9", "n-10"], vec!["n-1", "n-02", "n-11", "n-", "n-1x", "n-100"]),
            ("n-{01..10}", vec!["n-01", "n-10"], vec!["n-1", "n-001", "n-11", "n-00"]),
            ("*", vec!["", "x", "n-1"], vec![]),
            ("gpu-*-b", vec!["gpu--b", "gpu-a-b-b"], vec!["gpu-b", "gpu-a"]),
            ("r{1..2}-n{8..11}", vec!["r1-n8", "r2-n11"], vec!["r3-n8", "r1-n12"]),
            ("{1..20}{1..9}", vec!["11", "205", "19"], vec!["1", "210"]),
            ("*{1..3}", vec!["a1", "13", "x-3"], vec!["x-4", ""]),
        ] {
            for name in yes {
                assert!(glob(pattern).matches(name), "{pattern} {name}");
            }
            for name in no {
                assert!(!glob(pattern).matches(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn expands_in_order_and_only_to_what_it_matches() {
        for pattern in ["n-{2..10}", "n-{08..11}", "r{1..3}-n{9..11}", "plain"] {
            let glob = glob(pattern);
            let names = glob.expand().unwrap();
            assert!(names.iter().all(|name| glob.matches(name)), "{names:?}");
        }
        assert_eq!(glob("n-{08..11}").expand().unwrap(), ["n-08", "n-09", "n-10", "n-11"]);
        assert_eq!(glob("n-{9..10}").expand().unwrap(), ["n-9", "n-10"]);
        assert_eq!(glob("n-*").expand(), None);
    }

    #[test]
    fn refuses_with_the_place() {
        for (pattern, range) in [
            ("n-{2..1}", 2..8),
            ("n-{a..b}", 2..8),
            ("n-{1..", 2..6),
            ("N-1", 0..1),
            ("n_1", 1..2),
            ("{1..10001}", 0..10),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap_err().range, range, "{pattern}");
        }
        assert!(Glob::parse("{0..999999999999999999}{0..999999999999999999}").is_err());
    }
}
