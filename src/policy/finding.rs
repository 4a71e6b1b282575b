//! Problems while they are being collected: with spans instead of file names, and without their paths.

use super::located::Span;
use super::node::{Node, Value};
use super::problem::{Place, Problem, Related, Severity};
use super::shown::shown;
use crate::model::Name;

/// More than this many problems help nobody.
const MOST: usize = 1000;

/// A problem whose place is still a span.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    severity: Severity,
    code: &'static str,
    message: String,
    span: Option<Span>,
    help: Option<String>,
    related: Vec<(Span, String)>,
}

impl Finding {
    fn new(severity: Severity, code: &'static str, span: Option<Span>, message: String) -> Self {
        Self { severity, code, message, span, help: None, related: Vec::new() }
    }

    /// What to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn see(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.related.push((span, message.into()));
        self
    }
}

/// All that was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    /// What is well-formed and may not be meant.
    doubts: Vec<Finding>,
    /// Those that were too many to keep.
    more: usize,
    /// Whether an error is among those.
    more_errors: bool,
    /// The last of those, for its finder to add to.
    nowhere: Option<Finding>,
}

impl Findings {
    /// Adds an error.
    pub(crate) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, code, Some(span), message.into())
    }

    /// Adds a warning.
    pub(crate) fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, code, Some(span), message.into())
    }

    /// Adds a warning of what is well-formed and may not be meant, for those who ask for a close look.
    pub(crate) fn doubt(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Finding {
        let finding = Finding::new(Severity::Warning, code, Some(span), message.into());
        if self.doubts.len() >= MOST {
            return self.nowhere.insert(finding);
        }
        self.doubts.push_mut(finding)
    }

    /// Adds an error that no place in a file is to blame for.
    pub(crate) fn general(&mut self, code: &'static str, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, code, None, message.into())
    }

    fn add(&mut self, severity: Severity, code: &'static str, span: Option<Span>, message: String) -> &mut Finding {
        let finding = Finding::new(severity, code, span, message);
        if self.list.len() >= MOST {
            self.more += 1;
            self.more_errors |= severity == Severity::Error;
            return self.nowhere.insert(finding);
        }
        self.list.push_mut(finding)
    }

    /// Adds all that another list has.
    pub(crate) fn append(&mut self, other: Self) {
        for finding in other.list {
            let (severity, code, span) = (finding.severity, finding.code, finding.span);
            *self.add(severity, code, span, String::new()) = finding;
        }
        let room = MOST.saturating_sub(self.doubts.len());
        self.doubts.extend(other.doubts.into_iter().take(room));
        self.more += other.more;
        self.more_errors |= other.more_errors;
    }

    /// Whether an error is among them.
    pub(crate) fn has_errors(&self) -> bool {
        self.more_errors || self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The finished problems and the doubts, each by file and place.
    pub(crate) fn finish(mut self, files: &[Name], documents: &[Node]) -> (Vec<Problem>, Vec<Problem>) {
        let by_place = |finding: &Finding| finding.span.map(|span| (span.file, span.start));
        self.list.sort_by_key(by_place);
        self.doubts.sort_by_key(by_place);
        let place = |span: &Span| {
            let file = files.get(span.file as usize).cloned().unwrap_or_else(|| "policy".into());
            Place { file, line: span.line, column: span.column, bytes: Some(span.start..span.end) }
        };
        let problem = |finding: Finding| Problem {
            severity: finding.severity,
            code: finding.code.into(),
            message: shown(&finding.message),
            place: finding.span.as_ref().map(place),
            path: finding.span.and_then(|span| path_of(documents, &span)).map(|path| shown(&path)),
            help: finding.help.as_deref().map(shown),
            related: (finding.related.iter())
                .map(|(span, message)| Related { message: shown(message), place: place(span) })
                .collect(),
        };
        let mut problems: Vec<Problem> = self.list.into_iter().map(problem).collect();
        let doubts = self.doubts.into_iter().map(problem).collect();
        if self.more > 0 {
            problems.push(Problem {
                severity: if self.more_errors { Severity::Error } else { Severity::Warning },
                code: "too-many-problems".into(),
                message: format!("… and {} more problems that are not listed", grouped(self.more)),
                place: None,
                path: None,
                help: Some("mend these first; the others are then said".into()),
                related: Vec::new(),
            });
        }
        (problems, doubts)
    }
}

/// `4,312`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let comma = |(index, digit): (usize, char)| {
        let first = index == 0 || !(digits.len() - index).is_multiple_of(3);
        (!first).then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

/// The path of the innermost value that holds `span`, without the leading `spec`.
fn path_of(documents: &[Node], span: &Span) -> Option<String> {
    let mut node = documents.iter().find(|document| document.span.contains(span))?;
    let mut path = String::new();
    loop {
        let child = match &node.value {
            _ if node.span == *span => None,
            Value::Map(entries) => entries.iter().find_map(|(key, value)| {
                let entry = Span { end: value.span.end.max(key.span.end), ..key.span };
                entry.contains(span).then(|| {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&key.text);
                    value
                })
            }),
            Value::List(items) => {
                items.iter().enumerate().find(|(_, item)| item.span.contains(span)).map(|(index, item)| {
                    path.push_str(&format!("[{index}]"));
                    item
                })
            }
            Value::Null | Value::Scalar(_) => None,
        };
        match child {
            Some(child) => node = child,
            None => break,
        }
    }
    let path = path.strip_prefix("spec.").map_or(path.clone(), str::to_owned);
    (!path.is_empty()).then_some(path)
}
