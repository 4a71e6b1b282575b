//! Prometheus' text format, version 0.0.4: a family's help and type, then its samples.

use std::fmt::{Display, Write};

use super::counters::{BUCKETS, Times};

/// A page of metrics that grows.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

/// The labels of a sample.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

fn labels(labels: Labels<'_>, more: Option<(&str, &str)>) -> String {
    let pairs: Vec<String> = (labels.iter().copied().chain(more))
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

/// Thousandths as a decimal number.
pub fn thousandths(value: i128) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    format!("{sign}{}.{:03}", value / 1000, value % 1000)
}

impl Exposition {
    /// Begins a family. Its samples follow.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample.
    pub fn sample(&mut self, name: &str, of: Labels<'_>, value: impl Display) {
        let _ = writeln!(self.text, "{name}{} {value}", labels(of, None));
    }

    /// A gauge of one sample.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// A counter of one sample.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }

    /// The samples of a histogram.
    pub fn times(&mut self, name: &str, of: Labels<'_>, times: &Times) {
        let mut sum = 0;
        for (end, count) in BUCKETS.iter().zip(times.within) {
            sum += count;
            let _ = writeln!(self.text, "{name}_bucket{} {sum}", labels(of, Some(("le", &end.to_string()))));
        }
        let _ = writeln!(self.text, "{name}_bucket{} {}", labels(of, Some(("le", "+Inf"))), times.count);
        self.sample(&format!("{name}_sum"), of, thousandths(times.sum_ms.into()));
        self.sample(&format!("{name}_count"), of, times.count);
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_holds_ends_no_line_and_no_label() {
        let mut page = Exposition::default();
        page.sample("a", &[("node", "x\"} 1\nb{c=\"\\")], 2);
        assert_eq!(page.finish(), "a{node=\"x\\\"} 1\\nb{c=\\\"\\\\\"} 2\n");
    }

    #[test]
    fn numbers_keep_their_sign_and_their_zeros() {
        for (value, text) in [(0, "0.000"), (5, "0.005"), (-5, "-0.005"), (-1_250, "-1.250"), (12_000, "12.000")] {
            assert_eq!(thousandths(value), text);
        }
    }
}
