//! From bytes to trees: the only place that knows the YAML reader, its options and its limits.

use serde_yaml::budget::{Budget, BudgetBreach};
use serde_yaml::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy};
use serde_yaml::{Error, Location};

use super::finding::Findings;
use super::located::Span;
use super::node::{Node, Raw, Scalar, Value};

/// Largest policy file, in bytes. A thousand pools with their windows are a tenth of it.
pub const MOST_BYTES: usize = 4 << 20;
/// Deepest nesting. The language itself needs nine levels; the reader goes down by recursion, and a thread's stack is
/// not for the file to spend.
const MOST_DEPTH: usize = 24;

/// Reads the documents of one file. What cannot be read is in `out`; empty documents are left out.
pub(crate) fn decode(bytes: &[u8], file: u32, out: &mut Findings) -> Vec<Node> {
    let start = Span { file, line: 1, column: 1, ..Span::default() };
    if bytes.len() > MOST_BYTES {
        out.error("file-too-large", start, format!("the file has more than {} MiB", MOST_BYTES >> 20))
            .help("split the policy into several files, or check that this is a policy");
        return Vec::new();
    }
    if let Some(help) = no_text(bytes) {
        out.error("not-text", start, "this is not a text file").help(help);
        return Vec::new();
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok());
            let span = point(good.unwrap_or_default(), good.map_or(0, str::len), file);
            out.error("not-utf8", span, "the file is not UTF-8 text").help("save it as UTF-8");
            return Vec::new();
        }
    };
    if let Some(at) = lone_return(text) {
        // YAML ends a line there, an editor does not: no line number would be right for both.
        out.error("carriage-return", point(text, at, file), "a carriage return stands here without a line feed")
            .help("save the file with line feeds at the ends of its lines");
        return Vec::new();
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        out.error("empty-file", start, "the file is empty")
            .help("write a policy, `tidegate init` makes one, or remove the file");
        return Vec::new();
    }
    match serde_yaml::from_multiple_with_options::<Raw>(text, options()) {
        Ok(documents) => {
            let nodes: Vec<Node> = (documents.into_iter().map(|document| document.into_node(text, file)))
                .filter(|node| !matches!(node.value, Value::Null))
                .collect();
            if nodes.is_empty() {
                out.error("empty-file", start, "the file holds nothing but comments")
                    .help("write a policy, `tidegate init` makes one, or remove the file");
            }
            for node in &nodes {
                duplicates(node, out);
            }
            nodes
        }
        Err(error) => {
            explain(error.without_snippet(), text, file, out);
            Vec::new()
        }
    }
}

/// What to do about bytes that are clearly no text in UTF-8.
fn no_text(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..1000).unwrap_or(bytes);
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it is UTF-16: save it as UTF-8"),
        [0x1f, 0x8b, ..] => Some("it is compressed: unpack it with `gunzip`"),
        _ if zeros * 3 > head.len() => Some("if it is UTF-16, save it as UTF-8"),
        _ => None,
    }
}

fn lone_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().position(|(at, byte)| *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

fn options() -> serde_yaml::Options {
    let budget: Option<Budget> = serde_yaml::budget! {
        max_events: 2_000_000,
        max_nodes: 1_000_000,
        max_depth: MOST_DEPTH,
        flow_nesting_limit: MOST_DEPTH,
        max_aliases: 1_000,
        max_anchors: 1_000,
        max_documents: 1_000,
    };
    let aliases: AliasLimits = serde_yaml::alias_limits! {
        max_total_replayed_events: 50_000,
        max_replay_stack_depth: 8,
    };
    serde_yaml::options! {
        budget: budget,
        alias_limits: aliases,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Each key that a mapping has twice.
fn duplicates(node: &Node, out: &mut Findings) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| duplicates(item, out)),
        Value::Map(entries) => {
            let mut seen: std::collections::BTreeMap<&str, &Scalar> = std::collections::BTreeMap::new();
            for (key, value) in entries {
                match seen.get(key.text.as_str()) {
                    Some(first) => {
                        out.error("duplicate-key", key.span, format!("`{}` is given twice", key.text))
                            .help("keep one of the two")
                            .see(first.span, "first given here");
                    }
                    None => drop(seen.insert(&key.text, key)),
                }
                duplicates(value, out);
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

fn explain(error: &Error, text: &str, file: u32, out: &mut Findings) {
    let span = match error.location() {
        Some(location) if location != Location::UNKNOWN => at(location, text, file),
        _ => Span { file, line: 1, column: 1, ..Span::default() },
    };
    if let Some(tab) = tab_indentation(text, span.line, file) {
        out.error("tab-indentation", tab, "a tab is used for indentation")
            .help("indent with spaces: YAML allows no tabs there");
        return;
    }
    match error {
        Error::Budget { breach, .. } => {
            let what = match breach {
                BudgetBreach::Depth { .. } => "values are nested too deep",
                BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } | BudgetBreach::AliasAnchorRatio { .. } => {
                    "too many anchors and aliases"
                }
                _ => "the file has too many values",
            };
            let help = format!("a policy is at most {MOST_DEPTH} levels deep; check that this is one");
            out.error("too-complex", span, what).help(help);
        }
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasError { .. } => {
            out.error("too-complex", span, "aliases expand to too many values").help("write the values out");
        }
        Error::UnknownAnchor { .. } => {
            out.error("unknown-anchor", span, "this alias has no anchor").help("write the value out");
        }
        Error::MergeKeyNotAllowed { .. } => {
            out.error("merge-key", span, "merge keys (`<<`) are not allowed in a policy")
                .help("write the values out, so that each has one place");
        }
        Error::UnsupportedTag { tag, .. } => {
            out.error("yaml-tag", span, format!("the tag `{tag}` is not known")).help("remove the tag");
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            out.error("too-complex", span, "an alias contains itself").help("write the values out");
        }
        Error::Eof { .. } => {
            out.error("yaml-syntax", span, "the file ends in the middle of a value").help("complete it, or remove it");
        }
        other => {
            if other.to_string().contains("nesting") || other.to_string().contains("recursion") {
                out.error("too-complex", span, "values are nested too deep")
                    .help(format!("a policy is at most {MOST_DEPTH} levels deep; check that this is one"));
                return;
            }
            out.error("yaml-syntax", span, format!("this is not valid YAML: {}", sentence(other))).help(
                "fields of one mapping begin in one column, two spaces deeper than what they belong to; every bracket and \
                 quote that opens is closed; look at the lines above too",
            );
        }
    }
}

/// The reader's own message, without its position and in our style.
fn sentence(error: &Error) -> String {
    let message = error.to_string();
    let first = message.lines().next().unwrap_or_default();
    let cut = first.find(" at line ").or_else(|| first.find(" at byte ")).unwrap_or(first.len());
    first.get(..cut).unwrap_or(first).trim_end_matches('.').to_owned()
}

/// The first tab in the indentation at or just before `line`.
fn tab_indentation(text: &str, line: u32, file: u32) -> Option<Span> {
    let mut start = 0;
    for (index, content) in text.split('\n').enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        if number > line.saturating_add(1) {
            break;
        }
        let indent = content.find(|c: char| c != ' ' && c != '\t').unwrap_or(0);
        let tab = content.get(..indent).and_then(|indent| indent.find('\t'));
        if let Some(tab) = tab
            && number.saturating_add(2) > line
        {
            let mut span = point(text, start + tab, file);
            span.end = span.start.saturating_add(1);
            return Some(span);
        }
        start += content.len() + 1;
    }
    None
}

fn at(location: Location, text: &str, file: u32) -> Span {
    let byte = location.span().byte_offset().and_then(|byte| usize::try_from(byte).ok());
    let byte = byte.unwrap_or_else(|| {
        let line = usize::try_from(location.line()).unwrap_or(1).saturating_sub(1);
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let column = usize::try_from(location.column()).unwrap_or(1).saturating_sub(1);
        let rest = text.get(before..).unwrap_or_default();
        before + rest.char_indices().nth(column).map_or(rest.len(), |(offset, _)| offset)
    });
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    point(text, byte, file)
}

/// The place of one byte of the text.
fn point(text: &str, byte: usize, file: u32) -> Span {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().trim_start_matches('\u{feff}').chars().count() + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, start: number(byte), end: number(byte), line: number(line), column: number(column) }
}
