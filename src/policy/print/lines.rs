//! Lines of YAML with a remark at the end of each.

use jiff::SignedDuration;

use crate::model::{Money, Name, PerMille, Requirement, Selector, print_bytes, print_cpu};
use crate::policy::Origin;

/// The remark beside values that nobody wrote.
pub(super) const DEFAULT: &str = "default";
/// The column at which remarks begin, where the line is not longer.
const REMARKS: usize = 64;

/// Lines that belong together.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<(String, String)>);

impl Lines {
    /// A line with its remark; an empty remark is none.
    pub(super) fn add(&mut self, line: impl Into<String>, remark: impl Into<String>) {
        self.0.push((line.into(), remark.into()));
    }

    /// `key: value`, with the place of the value or `default`.
    pub(super) fn field(&mut self, key: &str, value: impl std::fmt::Display, origin: Option<&Origin>) {
        self.add(format!("{key}: {value}"), origin.map_or_else(|| DEFAULT.to_owned(), ToString::to_string));
    }

    /// `key: value` without a remark, for values that stand beside one that has it.
    pub(super) fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        self.add(format!("{key}: {value}"), "");
    }

    /// `key:` with lines below it; nothing if there are none.
    pub(super) fn block(&mut self, key: &str, remark: &str, inner: Self) {
        if !inner.0.is_empty() {
            self.add(format!("{key}:"), remark);
            self.0.extend(inner.0.into_iter().map(|(line, remark)| (format!("  {line}"), remark)));
        }
    }

    /// One entry of a list.
    pub(super) fn item(&mut self, inner: Self) {
        for (index, (line, remark)) in inner.0.into_iter().enumerate() {
            let lead = if index == 0 { "- " } else { "  " };
            self.0.push((format!("{lead}{line}"), remark));
        }
    }

    /// The text.
    pub(super) fn text(self) -> String {
        let mut text = String::new();
        for (line, remark) in self.0 {
            if remark.is_empty() {
                text.push_str(&line);
            } else {
                let remark: String = remark.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
                text.push_str(&format!("{line:REMARKS$} # {remark}"));
            }
            text.push('\n');
        }
        text
    }
}

/// A text in quotes, always: nobody has to know which words YAML takes for something else.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// `["a", "b"]`.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

/// `1h30m`.
pub(super) fn length(length: SignedDuration) -> String {
    let mut left = length.as_secs();
    let mut text = String::new();
    for (unit, seconds) in [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if left >= seconds {
            text.push_str(&format!("{}{unit}", left / seconds));
            left %= seconds;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// `2`, or `"500m"`.
pub(super) fn cpu(milli: i64) -> String {
    quantity(print_cpu(milli))
}

/// `8Gi`.
pub(super) fn bytes(bytes: i64) -> String {
    quantity(print_bytes(bytes))
}

fn quantity(text: String) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text } else { quoted(&text) }
}

/// `5%`, `2.5%` from thousandths.
pub(super) fn percent(tenths: u32) -> String {
    let fraction = if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
    quoted(&format!("{}{fraction}%", tenths / 10))
}

/// A share like a percentage.
pub(super) fn share(share: PerMille) -> String {
    percent(share.0)
}

/// An amount to the millionth.
pub(super) fn amount(money: Money) -> String {
    let (whole, fraction) = (money.0 / 1_000_000, money.0 % 1_000_000);
    if fraction == 0 {
        return whole.to_string();
    }
    quoted(format!("{whole}.{fraction:06}").trim_end_matches('0'))
}

/// A selector in full.
pub(super) fn selector(selector: &Selector) -> String {
    let expression = |requirement: &Requirement| {
        let (key, operator) = (quoted(&requirement.key), format!("{:?}", requirement.operator));
        if requirement.values.is_empty() {
            format!("{{key: {key}, operator: {operator}}}")
        } else {
            format!("{{key: {key}, operator: {operator}, values: {}}}", list(&requirement.values))
        }
    };
    let all: Vec<String> = selector.requirements.iter().map(expression).collect();
    format!("{{matchExpressions: [{}]}}", all.join(", "))
}

/// The labels of a selector that was written as labels.
pub(super) fn labels(selector: &Selector) -> String {
    let label = |requirement: &Requirement| {
        let value = requirement.values.first().map(|value| quoted(value)).unwrap_or_default();
        format!("{}: {value}", quoted(&requirement.key))
    };
    let all: Vec<String> = selector.requirements.iter().map(label).collect();
    format!("{{{}}}", all.join(", "))
}
