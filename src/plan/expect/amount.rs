//! How much of something is expected: `10`, `"<= 12"`, `"3..5"`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// One of anything, in millionths: what money is counted in.
const ONE: i64 = 1_000_000;

/// An amount or a range of amounts. An amount is compared as precisely as it is written: `"1577.6"` to one decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    text: String,
    low: Option<i64>,
    high: Option<i64>,
    /// The last decimal that was written, in millionths.
    unit: i64,
}

impl Amount {
    /// Reads one.
    ///
    /// # Errors
    /// It is neither an amount nor a range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not an amount: write `10`, `\"<= 12\"`, `\">= 3\"` or `\"3..5\"`");
        let plain = text.trim();
        let (low, high) = match (plain.strip_prefix("<="), plain.strip_prefix(">="), plain.split_once("..")) {
            (Some(most), ..) => (None, Some(most)),
            (_, Some(least), _) => (Some(least), None),
            (_, _, Some((least, most))) => (Some(least), Some(most)),
            _ => (Some(plain), Some(plain)),
        };
        let read = |side: Option<&str>| side.map(|side| amount(side.trim()).ok_or_else(bad)).transpose();
        let (low, high) = (read(low)?, read(high)?);
        let unit = low.iter().chain(&high).map(|(_, unit)| *unit).min().unwrap_or(ONE);
        let (low, high) = (low.map(|(low, _)| low), high.map(|(high, _)| high));
        if low.zip(high).is_some_and(|(low, high)| low > high) {
            return Err(format!("`{text}` holds for nothing: write the smaller amount first"));
        }
        Ok(Self { text: plain.to_owned(), low, high, unit })
    }

    /// Whether so many are as expected.
    pub fn holds(&self, count: u32) -> bool {
        self.holds_micros(i64::from(count).saturating_mul(ONE))
    }

    /// Whether so many millionths are.
    pub fn holds_micros(&self, micros: i64) -> bool {
        let (unit, exact) = (i128::from(self.unit), i128::from(micros));
        let half = if exact < 0 { -unit / 2 } else { unit / 2 };
        let near = (exact + half) / unit * unit;
        self.low.is_none_or(|low| i128::from(low) <= near) && self.high.is_none_or(|high| near <= i128::from(high))
    }
}

/// Millionths, and the last decimal that was written.
fn amount(text: &str) -> Option<(i64, i64)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > 6 || digits.ends_with('.') {
        return None;
    }
    let unit = (0..part.len()).fold(ONE, |unit, _| unit / 10);
    let part = if part.is_empty() { 0 } else { part.parse::<i64>().ok()?.checked_mul(unit)? };
    let micros = whole.parse::<i64>().ok()?.checked_mul(ONE)?.checked_add(part)?;
    Some((sign * micros, unit))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// What stands in the file.
pub(super) struct Written;

impl Visitor<'_> for Written {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount such as `10`, `\"<= 12\"` or `\"3..5\"`; a fraction stands in quotes")
    }
    fn visit_u64<E: de::Error>(self, amount: u64) -> Result<Amount, E> {
        self.visit_str(&amount.to_string())
    }
    fn visit_i64<E: de::Error>(self, amount: i64) -> Result<Amount, E> {
        self.visit_str(&amount.to_string())
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Amount::parse(text).map_err(E::custom)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount, or a range of amounts: `10`, `\"<= 12\"`, `\">= 3\"`, `\"3..5\"`. A fraction stands in quotes, and is compared as precisely as it is written.",
            "anyOf": [
                {"type": "integer"},
                {"type": "string", "pattern": "^ *((<=|>=) *)?-?[0-9]+([.][0-9]{1,6})?( *[.][.] *-?[0-9]+([.][0-9]{1,6})?)? *$"}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_compared_as_precisely_as_it_is_written() {
        for (text, holds, not) in [
            ("10", vec![10_000_000, 9_500_000, 10_499_999], vec![9_499_999, 10_500_000, 0]),
            ("1577.6", vec![1_577_600_000, 1_577_649_999], vec![1_577_650_000, 1_577_500_000]),
            ("<= 12", vec![0, 12_000_000, i64::MIN], vec![13_000_000, i64::MAX]),
            (">=3", vec![3_000_000, i64::MAX], vec![2_000_000]),
            ("3..5", vec![3_000_000, 5_000_000], vec![2_000_000, 6_000_000]),
            ("-7.5", vec![-7_500_000], vec![7_500_000, -7_600_000]),
        ] {
            let bound = Amount::parse(text).unwrap();
            for micros in holds {
                assert!(bound.holds_micros(micros), "{text} {micros}");
            }
            for micros in not {
                assert!(!bound.holds_micros(micros), "{text} {micros}");
            }
        }
        for text in ["", "ten", "1.", ".5", "5..3", "<", "<= ", "1.1234567", "99999999999999", "1e3", "--1"] {
            assert!(Amount::parse(text).is_err(), "{text}");
        }
    }
}
