//! The `drain` block of a starter: one block, in which each line can be uncommented by itself.
//!
//! The lists are written in brackets, one entry a line, so that they are valid with any of their lines, and with none.

use std::fmt::Write;

/// A line that would lift something that blocks nodes of this cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    /// What it lifts, and what that would free.
    pub why: String,
    /// What it costs, or asks for.
    pub price: String,
    /// The line, without its indentation.
    pub line: String,
    /// Where it goes.
    pub place: Place,
}

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Into `drain.disposable`.
    Disposable,
    /// Into `drain.pods`.
    Pods,
    /// Into `drain` itself.
    Drain,
    /// Into the pools that have these nodes.
    Pool(Vec<String>),
}

impl Lift {
    /// From the lines that a plan prints for a blocker (a heading with entries below it, or a field) and its hint, of
    /// which the place is left out.
    pub fn of(why: &str, hint: &str, lines: &[String], nodes: &[String]) -> Vec<Self> {
        let Some((heading, below)) = lines.split_first() else { return Vec::new() };
        let entries =
            || below.iter().filter_map(|line| line.trim().strip_prefix("- ")).map(|entry| format!("{entry},"));
        let (place, lines): (Place, Vec<String>) = match heading.as_str() {
            "disposable:" => (Place::Disposable, entries().collect()),
            "pods:" => (Place::Pods, entries().collect()),
            field if field.starts_with("longestGrace:") => (Place::Drain, vec![field.to_owned()]),
            field => (Place::Pool(nodes.to_vec()), vec![field.to_owned()]),
        };
        let price = hint.split_once(", ").map_or(hint, |(_, price)| price);
        let several = lines.len();
        let lift = |line: String| Self {
            why: if several == 1 { why.to_owned() } else { format!("one of {several} lines for: {why}") },
            price: price.to_owned(),
            line,
            place: place.clone(),
        };
        lines.into_iter().map(lift).collect()
    }

    /// As comments: what it lifts, what it costs, the line.
    pub fn write(&self, out: &mut String, indent: &str) {
        let _ = writeln!(out, "{indent}# {}", self.why);
        if !self.price.is_empty() {
            let _ = writeln!(out, "{indent}#   {}", self.price);
        }
        let _ = writeln!(out, "{indent}# {}", self.line);
    }
}

/// Lifts of which each can be uncommented beside all others: what two of them say in the same words is one line, and of
/// several grace periods the longest stays.
pub fn merged(lifts: Vec<Lift>) -> Vec<Lift> {
    let mut all: Vec<Lift> = Vec::new();
    for lift in lifts {
        let field = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        let same = |known: &&mut Lift| match (&known.place, &lift.place) {
            (Place::Pool(_), Place::Pool(_)) => known.line == lift.line,
            (Place::Drain, Place::Drain) => field(&known.line) == field(&lift.line),
            (one, other) => one == other && known.line == lift.line,
        };
        let Some(known) = all.iter_mut().find(same) else {
            all.push(lift);
            continue;
        };
        known.why = format!("{}; {}", known.why, lift.why);
        if known.price != lift.price {
            known.price = format!("{}; {}", known.price, lift.price);
        }
        if let (Place::Pool(nodes), Place::Pool(more)) = (&mut known.place, lift.place) {
            nodes.extend(more);
        }
        if seconds(&lift.line) > seconds(&known.line) {
            known.line = lift.line;
        }
    }
    all
}

/// The number in `longestGrace: 600s`.
fn seconds(line: &str) -> Option<u64> {
    line.split_once(": ")?.1.strip_suffix('s')?.parse().ok()
}

/// What stands in one of the two lists beside the lifts.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The entries of a building block, with their remarks.
    pub lines: Vec<String>,
    /// Which of them are in force; the others are examples.
    pub live: Vec<bool>,
}

/// The block.
pub fn drain(out: &mut String, disposable: &Known, pods: &Known, lifts: &[Lift]) {
    out.push_str("\n  drain:\n");
    if !lifts.is_empty() {
        out.push_str(
            "    # What blocks nodes of this cluster now stands here in comments: uncomment what is true of it.\n",
        );
    }
    for lift in lifts.iter().filter(|lift| lift.place == Place::Drain) {
        lift.write(out, "    ");
    }
    for (heading, known, place, what) in [
        ("disposable", disposable, Place::Disposable, "local volumes that may be lost"),
        (
            "pods",
            pods,
            Place::Pods,
            "rules by pod: `evict`, `wait` (with `atMost`), `block`; the first that matches decides",
        ),
    ] {
        let _ = writeln!(out, "    {heading}: [   # {what}");
        let mut live = known.live.iter();
        for line in entries(&known.lines) {
            let plain = line.starts_with('#') || live.next() == Some(&true);
            let _ = writeln!(out, "      {}{line}", if plain { "" } else { "# " });
        }
        for lift in lifts.iter().filter(|lift| lift.place == place) {
            lift.write(out, "      ");
        }
        out.push_str("    ]\n");
    }
}

/// The entries of a list in block style as lines for a list in brackets; remarks stay lines.
fn entries(lines: &[String]) -> Vec<String> {
    let mut found: Vec<(bool, String)> = Vec::new();
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("- "), found.last_mut()) {
            (Some(entry), _) => found.push((false, entry.to_owned())),
            (None, Some((false, entry))) if !line.starts_with('#') => {
                entry.push_str(", ");
                entry.push_str(line);
            }
            _ => found.push((true, line.to_owned())),
        }
    }
    let flow = |(remark, text): (bool, String)| match (remark, text.starts_with('{')) {
        (true, _) => text,
        (false, true) => format!("{text},"),
        (false, false) => format!("{{{text}}},"),
    };
    found.into_iter().map(flow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_several_lines_become_one() {
        let lines = ["# who", "- match: {a: b}", "  action: wait", "- {c: d}"].map(str::to_owned);
        assert_eq!(entries(&lines), ["# who", "{match: {a: b}, action: wait},", "{c: d},"]);
    }

    #[test]
    fn lifts_that_say_the_same_are_one() {
        let lift = |why: &str, lines: &[&str], node: &str| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            Lift::of(why, "in the pool, if so", &lines, &[node.to_owned()]).remove(0)
        };
        let all = merged(vec![
            lift("a", &["pods:", "  - {x: y}", "  # or"], "n"),
            lift("b", &["pods:", "  - {x: y}"], "n"),
            lift("c", &["longestGrace: 900s"], "n"),
            lift("d", &["longestGrace: 3600s"], "n"),
            lift("e", &["longestGrace: 1000s"], "n"),
            lift("f", &["adopt: true"], "n"),
            lift("g", &["adopt: true"], "m"),
        ]);
        let lines: Vec<&str> = all.iter().map(|lift| lift.line.as_str()).collect();
        assert_eq!(lines, ["{x: y},", "longestGrace: 3600s", "adopt: true"]);
        assert_eq!(all[0].why, "a; b");
        assert_eq!(all[2].place, Place::Pool(vec!["n".to_owned(), "m".to_owned()]));
    }
}
