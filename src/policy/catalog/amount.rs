//! Numbers of catalogs that others write: decimals of any length, exactly, and with an exponent where JSON has one.

use crate::model::{Money, Name, Resources};

/// Digits after the point that a number may have, and the largest exponent.
const MOST_DIGITS: usize = 40;

/// The resource that a GPU is where a list counts them without saying which.
pub(super) const GPU: &str = "nvidia.com/gpu";

/// `text` times `scale`, rounded to the nearest whole number, halves up. None for anything but a decimal that is not
/// negative, and for what is too large.
fn scaled(text: &str, scale: i128) -> Option<i64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok().filter(|power| power.abs() <= 30)?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || whole.len() + fraction.len() > MOST_DIGITS {
        return None;
    }
    // Seven digits more than are kept decide how the last is rounded; the rest cannot.
    let kept: String = fraction.chars().take(18).collect();
    let mantissa: i128 = format!("{whole}{kept}").parse().ok()?;
    let power = exponent.saturating_sub(i32::try_from(kept.len()).ok()?);
    let ten = 10_i128.checked_pow(power.unsigned_abs())?;
    let value = mantissa.checked_mul(scale)?;
    let value = if power >= 0 { value.checked_mul(ten)? } else { value.checked_add(ten / 2)? / ten };
    i64::try_from(value).ok()
}

/// Money, to the nearest millionth.
pub(super) fn money(text: &str) -> Option<Money> {
    scaled(text, 1_000_000).map(Money)
}

/// Cores as millicores.
pub(super) fn cores(text: &str) -> Option<i64> {
    scaled(text, 1000)
}

/// GiB or MiB as bytes: `unit` is how many bytes one has.
pub(super) fn bytes(text: &str, unit: i64) -> Option<i64> {
    scaled(text, i128::from(unit))
}

/// A count. A fraction, as of a card that several share, is one device more.
pub(super) fn count(text: &str) -> Option<i64> {
    Some(scaled(text, 1000)?.saturating_add(999) / 1000)
}

/// Adds a resource by its name, as kubelets name them.
pub(super) fn put(resources: &mut Resources, name: &str, amount: i64) {
    match name {
        "cpu" => resources.cpu = amount,
        "memory" => resources.memory = amount,
        "ephemeral-storage" => resources.ephemeral_storage = amount,
        "pods" => resources.pods = amount,
        other if amount > 0 => drop(resources.extended.insert(Name::from(other), amount)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_decimals_are_rounded_once_and_nothing_overflows() {
        for (text, expected) in [
            ("0.019003238553599998", Some(19_003)),
            ("0.027147483648", Some(27_147)),
            ("0.0000005", Some(1)),
            ("0.00000049999999999999999999", Some(0)),
            ("8.599023255552", Some(8_599_023)),
            ("1e-5", Some(10)),
            ("2.5E3", Some(2_500_000_000)),
            ("0", Some(0)),
            ("-1", None),
            ("", None),
            (".5", None),
            ("1e99", None),
            ("99999999999999999999", None),
            ("NaN", None),
        ] {
            assert_eq!(money(text).map(|money| money.0), expected, "{text}");
        }
        assert_eq!((cores("0.5"), cores("8.0")), (Some(500), Some(8000)));
        assert_eq!((bytes("60.5", 1 << 30), bytes("1392", 1 << 20)), (Some(121 << 29), Some(1392 << 20)));
        assert_eq!((count("0"), count("0.125"), count("1"), count("8")), (Some(0), Some(1), Some(1), Some(8)));
    }
}
