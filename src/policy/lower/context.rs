//! What every part of the lowering needs: the files' names, the list of problems, and what is not acted on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::Name;
use crate::policy::finding::Findings;
use crate::policy::located::{Located, Span};
use crate::policy::nearest::suggestion;
use crate::policy::wire::Text;
use crate::policy::{Beside, Origin};

/// Longest name of anything in a policy.
const LONGEST_NAME: usize = 63;

/// The lowering's state.
pub(crate) struct Context<'a> {
    /// The files' names, by their number.
    pub files: &'a [Name],
    /// What stands beside them.
    pub beside: &'a Beside,
    /// The problems.
    pub out: &'a mut Findings,
    /// Where windows, exceptions and overrides stand, by their origin, for problems that show only when all are known.
    pub windows: BTreeMap<Origin, Span>,
    /// Windows that say nothing of a lead.
    pub without_lead: BTreeSet<Origin>,
}

impl Context<'_> {
    /// What stands beside the policy file that names it; None if nobody looked there.
    pub(crate) fn beside(&self, word: &Located<Text>) -> Option<&'_ Result<Vec<u8>, String>> {
        self.beside.get(self.files.get(word.span.file as usize)?, word.as_str())
    }

    /// The place that reasons name.
    pub(crate) fn origin(&self, span: Span) -> Origin {
        let file = self.files.get(span.file as usize).cloned().unwrap_or_else(|| "policy".into());
        Origin { file, line: span.line, column: span.column }
    }

    /// Checks that a name can stand in paths, commands and reports: the rule that Kubernetes has for values of labels.
    pub(crate) fn well_formed(&mut self, what: &str, name: &Located<Text>) {
        let text = name.as_str();
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if text.len() <= LONGEST_NAME
            && text.chars().all(inside)
            && end(text.chars().next())
            && end(text.chars().last())
        {
            return;
        }
        let plain: String = text.chars().map(|c| if inside(c) { c } else { '-' }).take(LONGEST_NAME).collect();
        let plain = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let rule = format!(
            "names have ASCII letters, digits, `-`, `_` and `.`, a letter or digit at both ends, and at most {LONGEST_NAME} characters"
        );
        self.out
            .error("bad-name", name.span, format!("`{text}` cannot be the name of {what}", what = with_article(what)))
            .help(if plain.is_empty() || text.chars().any(char::is_alphabetic) && !text.is_ascii() {
                rule
            } else {
                format!("write `{plain}`: {rule}")
            });
    }

    /// Checks that each name is one, and occurs once; `what` is `pool` or `schedule`.
    pub(crate) fn unique<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n Located<Text>>) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            self.well_formed(what, name);
            match seen.get(name.as_str()) {
                Some(first) => {
                    let message = format!("there are two {what}s called `{}`", name.as_str());
                    self.out
                        .error("duplicate-name", name.span, message)
                        .help("give one of them another name")
                        .see(*first, "the first one");
                }
                None => drop(seen.insert(name.as_str(), name.span)),
            }
        }
    }

    /// Checks that a name that is referred to exists.
    pub(crate) fn known(&mut self, what: &str, name: &Located<Text>, known: &[&str]) -> bool {
        if known.contains(&name.as_str()) {
            return true;
        }
        let message = format!("there is no {what} `{}`", name.as_str());
        let help = match known.is_empty() {
            true => format!("add it under `{what}s`"),
            false => suggestion(name.as_str(), known.iter().copied()),
        };
        self.out.error("unknown-reference", name.span, message).help(help);
        false
    }

    /// A moment that a zone has; complains of one that it has not.
    pub(crate) fn counted(&mut self, at: Option<Timestamp>, span: Span) -> Option<Timestamp> {
        if at.is_none() {
            self.out
                .error("out-of-range", span, "this time is outside of what can be counted")
                .help("write a year up to 9998");
        }
        at
    }

    /// Complains of fields that have no effect where they stand.
    pub(crate) fn out_of_place(&mut self, span: Span, field: &str, only: &str) {
        self.out
            .error("out-of-place", span, format!("`{field}` has no meaning here"))
            .help(format!("it is for {only}; remove it"));
    }
}

/// `a pool`, `an exception`.
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
