//! Node names folded into patterns: `node-2`, `node-3`, `node-4` is `node-{2..4}`.

use std::collections::BTreeMap;

/// The shortest list of patterns that matches these names and no others, in the order of the names.
pub fn fold<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    // By prefix and, where zeros lead, by width; names without a number stand for themselves.
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
    let mut runs: BTreeMap<(String, usize), Vec<u64>> = BTreeMap::new();
    for ((prefix, width), numbers) in numbered {
        for number in numbers {
            // `lab-10` belongs to `lab-01`: it is as wide without a zero in front.
            let wide = padded.iter().find(|(other, wide)| other == prefix && *wide == number.to_string().len());
            let width = if width > 0 { width } else { wide.map_or(0, |(_, wide)| *wide) };
            runs.entry((prefix.to_owned(), width)).or_default().push(number);
        }
    }
    let mut patterns: Vec<String> = Vec::new();
    for ((prefix, width), mut numbers) in runs {
        numbers.sort_unstable();
        numbers.dedup();
        let mut rest = numbers.as_slice();
        while let Some(first) = rest.first() {
            let length = rest.iter().zip(*first..).take_while(|(have, want)| **have == *want).count();
            let last = first + u64::try_from(length.saturating_sub(1)).unwrap_or(0);
            patterns.push(match length {
                1 => format!("{prefix}{first:0width$}"),
                _ => format!("{prefix}{{{first:0width$}..{last:0width$}}}"),
            });
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    patterns.extend(plain);
    patterns
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
}
