//! Whether two node-name patterns can match the same name, and which.

use std::collections::{BTreeSet, VecDeque};

use super::pattern::{Glob, Piece};

/// A step of the automaton: these characters lead from one state to another.
#[derive(Clone, Copy, Debug)]
struct Edge {
    first: char,
    last: char,
    to: usize,
}

/// A pattern as an automaton over characters. The last state accepts.
#[derive(Debug, Default)]
struct Automaton {
    edges: Vec<Vec<Edge>>,
    /// States that can be left without a character.
    free: Vec<Vec<usize>>,
}

impl Automaton {
    fn state(&mut self) -> usize {
        self.edges.push(Vec::new());
        self.free.push(Vec::new());
        self.edges.len().saturating_sub(1)
    }

    fn edge(&mut self, from: usize, first: char, last: char, to: usize) {
        if let Some(edges) = self.edges.get_mut(from) {
            edges.push(Edge { first, last, to });
        }
    }

    fn skip(&mut self, from: usize, to: usize) {
        if let Some(free) = self.free.get_mut(from) {
            free.push(to);
        }
    }

    fn of(glob: &Glob) -> Self {
        let mut automaton = Self::default();
        let mut at = automaton.state();
        for piece in &glob.pieces {
            let from = at;
            match piece {
                Piece::Text(text) => {
                    for c in text.chars() {
                        let next = automaton.state();
                        automaton.edge(at, c, c, next);
                        at = next;
                    }
                }
                Piece::Star => {
                    at = automaton.state();
                    automaton.skip(from, at);
                    automaton.edge(at, '\0', char::MAX, at);
                }
                Piece::Range { first, last, width } => {
                    let mut runs = Vec::new();
                    number_runs(*first, *last, *width, &mut runs);
                    let mut ends = Vec::new();
                    for run in runs {
                        at = from;
                        for (low, high) in run {
                            let next = automaton.state();
                            automaton.edge(at, low, high, next);
                            at = next;
                        }
                        ends.push(at);
                    }
                    at = automaton.state();
                    ends.into_iter().for_each(|end| automaton.skip(end, at));
                }
            }
        }
        automaton
    }

    fn accepting(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }
}

/// The numbers of a range as runs of digit classes: 2..10 is `[2-9]` and `10`.
fn number_runs(first: u64, last: u64, width: usize, runs: &mut Vec<Vec<(char, char)>>) {
    let text = |number: u64| format!("{number:0>width$}");
    let mut low = first;
    while low <= last {
        // A block `low..=high` may be one run if its numbers are equally long and it ends where all last digits do.
        let fits = |high: u64| high <= last && text(high).len() == text(low).len();
        let mut scale = 1_u64;
        while low.is_multiple_of(scale * 10) && fits(low.saturating_add(scale * 10 - 1)) {
            scale *= 10;
        }
        let mut steps = 9 - low / scale % 10;
        while steps > 0 && !fits(low.saturating_add(steps * scale + (scale - 1))) {
            steps -= 1;
        }
        let high = low.saturating_add(steps * scale + (scale - 1));
        runs.push(text(low).chars().zip(text(high).chars()).collect());
        low = high.saturating_add(1);
    }
}

/// A name that both patterns match, if there is one: a short one, always the same.
pub(crate) fn shared_name(left: &Glob, right: &Glob) -> Option<String> {
    if !ends_agree(left, right) {
        return None;
    }
    let (one, two) = (Automaton::of(left), Automaton::of(right));
    let goal = (one.accepting(), two.accepting());
    let mut seen = BTreeSet::from([(0, 0)]);
    let mut queue = VecDeque::from([((0, 0), String::new())]);
    while let Some(((a, b), name)) = queue.pop_front() {
        if (a, b) == goal {
            return Some(name);
        }
        let mut visit = |state: (usize, usize), name: String| {
            if seen.insert(state) {
                queue.push_back((state, name));
            }
        };
        for next in one.free.get(a).into_iter().flatten() {
            visit((*next, b), name.clone());
        }
        for next in two.free.get(b).into_iter().flatten() {
            visit((a, *next), name.clone());
        }
        for x in one.edges.get(a).into_iter().flatten() {
            for y in two.edges.get(b).into_iter().flatten() {
                let (low, high) = (x.first.max(y.first), x.last.min(y.last));
                if low <= high {
                    let c = if low == '\0' { 'x' } else { low };
                    visit((x.to, y.to), format!("{name}{c}"));
                }
            }
        }
    }
    None
}

/// A quick look at the fixed beginnings and endings, which tells nearly all pairs apart.
fn ends_agree(left: &Glob, right: &Glob) -> bool {
    let text = |piece: Option<&Piece>| match piece {
        Some(Piece::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let (a, b) = (text(left.pieces.first()), text(right.pieces.first()));
    let (x, y) = (text(left.pieces.last()), text(right.pieces.last()));
    (a.starts_with(&b) || b.starts_with(&a)) && (x.ends_with(&y) || y.ends_with(&x))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(left: &str, right: &str) -> Option<String> {
        shared_name(&Glob::parse(left).unwrap(), &Glob::parse(right).unwrap())
    }

    #[test]
    fn finds_a_name_that_both_match() {
        for (left, right, expected) in [
            ("n-{1..5}", "n-{5..9}", Some("n-5")),
            ("n-{1..5}", "n-{6..9}", None),
            ("n-{1..12}", "n-1{0..4}", Some("n-10")),
            ("n-{01..09}", "n-{1..9}", None),
            ("a-*", "*-b", Some("a-b")),
            ("a-*-c", "a-*-d", None),
            ("node-1", "node-{1..9}", Some("node-1")),
            ("node-1", "node-2", None),
            ("*", "*", Some("")),
            ("gpu-*", "gpu-{3..4}", Some("gpu-3")),
        ] {
            assert_eq!(shared(left, right).as_deref(), expected, "{left} {right}");
            assert_eq!(shared(right, left).is_some(), expected.is_some(), "{right} {left}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_trying_every_name(
            a in 0_u64..130, b in 0_u64..130, c in 0_u64..130, d in 0_u64..130, padded in any::<bool>(), star in any::<bool>(),
        ) {
            let (a, b, c, d) = (a.min(b), a.max(b), c.min(d), c.max(d));
            let left = if padded { format!("n{{{a:03}..{b:03}}}") } else { format!("n{{{a}..{b}}}") };
            let right = if star { format!("*{{{c}..{d}}}") } else { format!("n1{{{c}..{d}}}") };
            let (one, two) = (Glob::parse(&left).unwrap(), Glob::parse(&right).unwrap());
            let expected = one.expand().unwrap().iter().any(|name| two.matches(name));
            let found = shared_name(&one, &two);
            prop_assert_eq!(found.is_some(), expected, "{} {}", left, right);
            if let Some(name) = found {
                prop_assert!(one.matches(&name) && two.matches(&name), "{} {} {}", left, right, name);
            }
        }
    }
}
