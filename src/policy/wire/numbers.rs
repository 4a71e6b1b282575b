//! Counts, shares, percentages and decimal amounts, exactly as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Wire, expected, scalar};
use crate::model::{IntOrPercent, Money, PerMille};
use crate::policy::finding::Findings;
use crate::policy::node::{Node, Scalar};

fn whole<T: std::str::FromStr>(node: &Node, what: &str, out: &mut Findings) -> Option<T> {
    let scalar = scalar(node, what, out)?;
    let digits = scalar.text.strip_prefix('-').unwrap_or(&scalar.text);
    let canonical = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if !scalar.plain && canonical {
        out.error("wrong-type", node.span, format!("found {}, expected {what}", node.found()))
            .help("remove the quotes");
        return None;
    }
    let number = canonical.then(|| scalar.text.parse().ok()).flatten();
    if number.is_none() {
        expected(node, what, out);
    }
    number
}

impl Wire for u32 {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        whole::<u32>(node, "a whole number, 0 or more", out)
    }
}

impl Wire for i32 {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        whole::<i32>(node, "a whole number", out)
    }
}

/// Splits `12.345` into 12 and the fraction scaled to `places` digits. None for anything but plain decimals.
fn decimal(text: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let dot_without_digits = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || dot_without_digits || !digits(whole) || !digits(fraction) {
        return None;
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > places {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(places).ok()?)?;
    let padded = format!("{significant:0<places$}");
    let fraction = if padded.is_empty() { 0 } else { padded.parse::<i64>().ok()? };
    whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(fraction)
}

/// A whole number of things, or a share of all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountOrPercent(pub IntOrPercent);

impl Wire for CountOrPercent {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a whole number or a percentage such as `20%`";
        let text = scalar(node, WHAT, out)?;
        if text.text.ends_with('%') {
            let tenths = percent(text, node, out)?;
            if !tenths.is_multiple_of(10) {
                expected(node, WHAT, out);
                return None;
            }
            return Some(Self(IntOrPercent::Percent(tenths / 10)));
        }
        whole::<u32>(node, WHAT, out).map(|count| Self(IntOrPercent::Count(count)))
    }
}

impl JsonSchema for CountOrPercent {
    fn schema_name() -> Cow<'static, str> {
        "CountOrPercent".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A count, or a percentage such as `20%`",
            "x-kubernetes-int-or-string": true,
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"^(100|[0-9]{1,2})%$" }],
        })
    }
}

/// Thousandths from a text like `5%`, at most 100 %.
fn percent(text: &Scalar, node: &Node, out: &mut Findings) -> Option<u32> {
    let value = text.text.strip_suffix('%').and_then(|number| decimal(number.trim_end(), 1));
    match value.and_then(|tenths| u32::try_from(tenths).ok()) {
        Some(tenths) if tenths <= 1000 => Some(tenths),
        Some(_) => {
            out.error("out-of-range", node.span, format!("`{}` is more than `100%`", text.text))
                .help("write `100%` or less");
            None
        }
        None => {
            let number = if decimal(&text.text, 1).is_some() { &text.text } else { "5" };
            let message = format!("found {}, expected a percentage such as `5%`", node.found());
            out.error("wrong-type", node.span, message).help(format!("write it like `{number}%`"));
            None
        }
    }
}

/// A percentage, in thousandths. `0` may stand without its sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent(pub u32);

impl Wire for Percent {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let text = scalar(node, "a percentage such as `50%`", out)?;
        if text.text == "0" {
            return Some(Self(0));
        }
        percent(text, node, out).map(Self)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A percentage such as `50%`, at most one decimal; `0` may stand alone",
            "x-kubernetes-int-or-string": true,
            "anyOf": [{ "type": "integer", "const": 0 }, { "type": "string", "pattern": r"^(0|(100(\.0)?|[0-9]{1,2}(\.[0-9])?)%)$" }],
        })
    }
}

/// An amount of money or service units, with at most six decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal(pub Money);

impl Wire for Decimal {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "an amount such as `8` or `0.25`, with at most six decimals";
        let text = scalar(node, WHAT, out)?;
        let value = decimal(&text.text, 6);
        if value.is_none() {
            expected(node, WHAT, out);
        }
        value.map(|millionths| Self(Money(millionths)))
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount of the policy's unit, with at most six decimals",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,6})?$" }],
        })
    }
}

/// A share of the full price: `0`, `0.5`, `1` or `50%`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub PerMille);

impl Wire for Share {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a share of the price such as `0`, `0.5` or `50%`";
        let text = scalar(node, WHAT, out)?;
        if text.text.ends_with('%') {
            return percent(text, node, out).map(|tenths| Self(PerMille(tenths)));
        }
        match decimal(&text.text, 3).and_then(|thousandths| u32::try_from(thousandths).ok()) {
            Some(thousandths) if thousandths <= 1000 => Some(Self(PerMille(thousandths))),
            Some(_) => {
                out.error("out-of-range", node.span, format!("`{}` is more than the whole price", text.text))
                    .help("write a share between 0 and 1, or a percentage such as `50%`");
                None
            }
            None => {
                expected(node, WHAT, out);
                None
            }
        }
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share of the price: `0` is free, `1` the whole price, `50%` half of it",
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": r"^((0|1|0\.[0-9]{1,3})|(100|[0-9]{1,2}(\.[0-9])?)%)$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_exact() {
        for (text, places, expected) in [
            ("8", 6, Some(8_000_000)),
            ("0.1", 6, Some(100_000)),
            ("0.000001", 6, Some(1)),
            ("0.0000001", 6, None),
            ("1.50", 1, Some(15)),
            ("2.", 6, None),
            (".5", 6, None),
            ("-1", 6, None),
            ("1e3", 6, None),
            ("9223372036854.775807", 6, Some(i64::MAX)),
            ("9223372036854.775808", 6, None),
            ("", 6, None),
        ] {
            assert_eq!(decimal(text, places), expected, "{text}");
        }
    }
}
