//! Node names folded into patterns: `node-2`, `node-3`, `node-4` is `node-{2..4}`.

use std::collections::BTreeMap;

/// The shortest list of patterns that matches these names and no others, in the order of the names.
pub fn fold<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (numbered, plain) = runs(names);
    let mut patterns: Vec<String> = Vec::new();
    for ((prefix, width), runs) in numbered {
        patterns.extend(runs.iter().map(|run| match run {
            (first, last) if first == last => format!("{prefix}{first:0width$}"),
            (first, last) => format!("{prefix}{{{first:0width$}..{last:0width$}}}"),
        }));
    }
    patterns.extend(plain);
    patterns
}

/// The same for a sentence, the gaps of one prefix in one pair of braces: `node-{2,3,6..8}, gateway`. At most `most` names
/// and ranges; what is left is counted.
pub fn braced<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let (numbered, plain) = runs(names);
    let (mut parts, mut room, mut rest) = (Vec::new(), most, 0);
    for ((prefix, width), runs) in numbered {
        let shown = runs.get(..room.min(runs.len())).unwrap_or_default();
        rest += runs.iter().skip(shown.len()).fold(0, |sum: u64, (first, last)| sum.saturating_add(last - first + 1));
        room -= shown.len();
        let inner: Vec<String> = shown
            .iter()
            .map(|(first, last)| match last - first {
                0 => format!("{first:0width$}"),
                1 => format!("{first:0width$},{last:0width$}"),
                _ => format!("{first:0width$}..{last:0width$}"),
            })
            .collect();
        match (shown, inner.join(",")) {
            ([], _) => {}
            ([(first, last)], only) if first == last => parts.push(format!("{prefix}{only}")),
            (_, inner) => parts.push(format!("{prefix}{{{inner}}}")),
        }
    }
    rest = rest.saturating_add(u64::try_from(plain.len().saturating_sub(room)).unwrap_or(u64::MAX));
    parts.extend(plain.into_iter().take(room));
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    parts.join(", ") + &more
}

/// By prefix, and where zeros lead by width: ranges of numbers, first and last.
type Numbered = BTreeMap<(String, usize), Vec<(u64, u64)>>;

/// The names that end in numbers as ranges, and those that stand for themselves.
fn runs<'a>(names: impl Iterator<Item = &'a str>) -> (Numbered, Vec<String>) {
    let mut numbered: BTreeMap<(&str, usize), Vec<u64>> = BTreeMap::new();
    let mut plain = Vec::new();
    for name in names {
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = name.get(prefix.len()..).unwrap_or_default();
        let literal = name.contains(['{', '}', '*']);
        match digits.parse::<u64>() {
            Ok(number) if !literal && digits.len() < 19 => {
                let width = if digits.starts_with('0') { digits.len() } else { 0 };
                numbered.entry((prefix, width)).or_default().push(number);
            }
            _ => plain.push(name.to_owned()),
        }
    }
    let padded: Vec<(String, usize)> = (numbered.keys())
        .filter(|(_, width)| *width > 0)
        .map(|(prefix, width)| ((*prefix).to_owned(), *width))
        .collect();
    let mut together: BTreeMap<(String, usize), Vec<u64>> = BTreeMap::new();
    for ((prefix, width), numbers) in numbered {
        for number in numbers {
            // `lab-10` belongs to `lab-01`: it is as wide without a zero in front.
            let wide = padded.iter().find(|(other, wide)| other == prefix && *wide == number.to_string().len());
            let width = if width > 0 { width } else { wide.map_or(0, |(_, wide)| *wide) };
            together.entry((prefix.to_owned(), width)).or_default().push(number);
        }
    }
    let ranges = together.into_iter().map(|(key, mut numbers)| {
        numbers.sort_unstable();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in numbers {
            match runs.last_mut() {
                Some((_, last)) if number <= last.saturating_add(1) => *last = number,
                _ => runs.push((number, number)),
            }
        }
        (key, runs)
    });
    (ranges.collect(), plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_into_ranges() {
        for (names, patterns) in [
            (vec!["a-1", "b-2", "b-3", "b-10", "b-4"], vec!["a-1", "b-{2..4}", "b-10"]),
            (vec!["lab-08", "lab-09", "lab-10", "lab-11"], vec!["lab-{08..11}"]),
            (vec!["gateway", "w1", "w2"], vec!["w{1..2}", "gateway"]),
            (vec!["ip-10-0-0-99999999999999999999"], vec!["ip-10-0-0-99999999999999999999"]),
            (vec![], vec![]),
        ] {
            assert_eq!(fold(names.iter().copied()), patterns, "{names:?}");
        }
    }

    #[test]
    fn gaps_are_named_and_what_is_too_much_is_counted() {
        for (names, most, expected) in [
            (vec!["n-2", "n-3", "n-10", "n-6", "n-8", "n-7"], 8, "n-{2,3,6..8,10}"),
            (vec!["n-1", "n-2", "n-3", "n-4"], 8, "n-{1..4}"),
            (vec!["n-1", "n-1", "m-09", "m-10", "gateway"], 8, "m-{09,10}, n-1, gateway"),
            (vec!["n-1", "n-3", "n-5", "n-6", "n-7", "gateway"], 2, "n-{1,3} and 4 more"),
            (vec!["a", "b", "c"], 2, "a, b and 1 more"),
        ] {
            assert_eq!(braced(names.iter().copied(), most), expected, "{names:?}");
        }
    }
}
