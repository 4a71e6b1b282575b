//! Markdown for a comment on a pull request, which has a longest length: lines that are cut, with a count of what was.

use std::fmt::Write as _;

/// Bytes of the lines of one part; GitHub takes 65,536 characters in a comment, and all parts together stay below that.
pub const SHORT: usize = 3_000;
/// The same for a part that may be longer.
pub const MIDDLE: usize = 6_000;
/// The same for the longest.
pub const LONG: usize = 11_000;
/// Bytes of one line of running text.
const LINE: usize = 1_500;

/// By which a bot finds the comment that this one replaces: the same for every document of this kind about one policy and
/// one cluster.
pub fn marker(of: &str, policy: &str, context: Option<&str>) -> String {
    const LONGEST: usize = 120;
    let cluster = context.map(|cluster| format!(" on {cluster}")).unwrap_or_default();
    let mut name = String::new();
    for c in format!("{policy}{cluster}").chars().take(LONGEST) {
        // Two dashes could end it.
        let twice = c == '-' && name.ends_with('-');
        if !twice && (c.is_alphanumeric() || " ._-".contains(c)) {
            name.push(c);
        }
    }
    format!("<!-- tidegate {of} of {name} -->")
}

/// Lines under a head, as many as `room` bytes hold, and how many more there are.
pub fn listed(out: &mut String, head: &str, lines: Vec<String>, room: usize) {
    if lines.is_empty() {
        return;
    }
    out.push_str(head);
    let (mut left, mut cut) = (room, 0_usize);
    for line in lines {
        match left.checked_sub(line.len()) {
            Some(less) if cut == 0 => {
                left = less;
                out.push_str(&line);
            }
            _ => cut += 1,
        }
    }
    if cut > 0 {
        let _ = writeln!(out, "\n{cut} more, for which a comment has no room: `--format text` has them");
    }
}

/// The same, folded.
pub fn folded(out: &mut String, title: &str, head: &str, lines: Vec<String>, room: usize) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>{title}</summary>\n");
    listed(out, head, lines, room);
    let _ = writeln!(out, "\n</details>");
}

/// At most as long as a line of running text may be.
pub fn shortened(text: &str) -> String {
    if text.len() <= LINE {
        return text.to_owned();
    }
    let end = (0..=LINE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// So that nothing in it is markup, nor ends a cell of a table.
pub fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
