//! Quantities as Kubernetes writes them (`500m`, `8Gi`, `1e3`), read into whole numbers and printed back for people.

use std::fmt::Write as _;

/// Reads a CPU quantity in millicores, as `Quantity.MilliValue()` does: fractions of a millicore count as a whole one.
///
/// What does not fit 64 bits saturates; where Kubernetes itself would wrap around or fall to 0, the extreme is the
/// harmless reading (a hostile request fits nowhere).
///
/// # Errors
/// The text is not a quantity; the message says why.
pub fn parse_cpu_milli(text: &str) -> Result<i64, String> {
    scaled(text, 3)
}

/// Reads memory or storage in bytes, as `Quantity.Value()` does: fractions of a byte count as a whole one. Saturates
/// like [`parse_cpu_milli`].
///
/// # Errors
/// The text is not a quantity; the message says why.
pub fn parse_bytes(text: &str) -> Result<i64, String> {
    scaled(text, 0)
}

/// Reads a count (pods, devices) in units, as `Quantity.Value()` does. Saturates like [`parse_cpu_milli`].
///
/// # Errors
/// The text is not a quantity; the message says why.
pub fn parse_units(text: &str) -> Result<i64, String> {
    scaled(text, 0)
}

/// Millicores for people: `2`, `500m`, `-1500m`.
pub fn print_cpu(milli: i64) -> String {
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

/// Bytes for people, exactly: the largest binary suffix without a fraction, else the largest decimal one, else digits
/// (`8Gi`, `5G`, `1234567`). Reads back to the same number.
pub fn print_bytes(bytes: i64) -> String {
    const BINARY: [(&str, i64); 6] =
        [("Ei", 1 << 60), ("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    const DECIMAL: [(&str, i64); 6] = [
        ("E", 1_000_000_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("T", 1_000_000_000_000),
        ("G", 1_000_000_000),
        ("M", 1_000_000),
        ("k", 1_000),
    ];
    let exact = BINARY.iter().chain(&DECIMAL).find(|(_, unit)| bytes != 0 && bytes % unit == 0);
    exact.map_or_else(|| bytes.to_string(), |(suffix, unit)| format!("{}{suffix}", bytes / unit))
}

/// Bytes for people who compare sizes: rounded down to one decimal of the largest binary unit (`7.6Gi`). Does not read
/// back to the same number.
pub fn print_bytes_short(bytes: i64) -> String {
    const UNITS: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let size = bytes.unsigned_abs();
    let mut text = String::from(if bytes < 0 { "-" } else { "" });
    let unit = UNITS.iter().find(|(_, shift)| size >= 1 << shift);
    let written = match unit {
        None => write!(text, "{size}"),
        Some((suffix, shift)) => {
            let tenths = (u128::from(size) * 10) >> shift;
            match tenths % 10 {
                0 => write!(text, "{}{suffix}", tenths / 10),
                tenth => write!(text, "{}.{tenth}{suffix}", tenths / 10),
            }
        }
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    text
}

/// What a suffix multiplies by: 10 to the power of `tens`, 2 to the power of `twos`.
struct Suffix {
    tens: i64,
    twos: u32,
}

/// The value times 10^`scale`, rounded away from zero, saturating.
fn scaled(text: &str, scale: i64) -> Result<i64, String> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err("an empty text is not a quantity".into());
    }
    let (negative, unsigned) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let (whole, rest) = split_digits(unsigned);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest),
        _ => (&[][..], rest),
    };
    let suffix = suffix(rest).ok_or_else(|| {
        format!("`{text}` is not a quantity: write a number with one of the suffixes n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent")
    })?;
    let point = (whole.len() as i64).saturating_add(suffix.tens).saturating_add(scale);
    let magnitude = ceiling(whole.iter().chain(fraction), point, suffix.twos);
    Ok(match (i64::try_from(magnitude), negative) {
        (Ok(value), false) => value,
        (Ok(value), true) => -value,
        (Err(_), false) => i64::MAX,
        (Err(_), true) => i64::MIN,
    })
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at(count)
}

fn suffix(bytes: &[u8]) -> Option<Suffix> {
    let tens = |tens| Some(Suffix { tens, twos: 0 });
    let twos = |twos| Some(Suffix { tens: 0, twos });
    match bytes {
        b"" => tens(0),
        b"n" => tens(-9),
        b"u" => tens(-6),
        b"m" => tens(-3),
        b"k" => tens(3),
        b"M" => tens(6),
        b"G" => tens(9),
        b"T" => tens(12),
        b"P" => tens(15),
        b"E" => tens(18),
        b"Ki" => twos(10),
        b"Mi" => twos(20),
        b"Gi" => twos(30),
        b"Ti" => twos(40),
        b"Pi" => twos(50),
        b"Ei" => twos(60),
        [b'e' | b'E', exponent @ ..] => tens(std::str::from_utf8(exponent).ok()?.parse().ok()?),
        _ => None,
    }
}

/// The decimal `digits` with the point after the first `point` of them (before them, or far behind, as well), times
/// 2^`twos`, rounded up; `u64::MAX` if it is more.
fn ceiling<'a>(digits: impl DoubleEndedIterator<Item = &'a u8> + Clone, point: i64, twos: u32) -> u64 {
    let mut whole: u128 = 0;
    let mut seen: i64 = 0;
    for digit in digits.clone() {
        if seen >= point {
            break;
        }
        whole = whole.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
        seen += 1;
    }
    while seen < point && whole != 0 && whole <= u128::from(u64::MAX) {
        whole = whole.saturating_mul(10);
        seen += 1;
    }
    // The fraction's digits, last first: the carry out of the first is its integer part after the multiplication.
    let (mut carry, mut rounds_up) = (0_u128, false);
    let behind = digits.clone().count() as i64 - point.max(0);
    let fraction = digits.rev().take(usize::try_from(behind).unwrap_or(0));
    for digit in fraction {
        carry += u128::from(digit - b'0') << twos;
        rounds_up |= carry % 10 != 0;
        carry /= 10;
    }
    let mut leading_zeros = point.min(0);
    while leading_zeros < 0 && carry != 0 {
        rounds_up |= carry % 10 != 0;
        carry /= 10;
        leading_zeros += 1;
    }
    let whole = if whole > u128::from(u64::MAX) { u128::MAX } else { whole << twos };
    let sum = whole.saturating_add(carry).saturating_add(u128::from(rounds_up));
    u64::try_from(sum).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_kubernetes_reads() {
        for (text, milli, value) in [
            ("0", 0, 0),
            ("1", 1000, 1),
            ("500m", 500, 1),
            ("0.1", 100, 1),
            (".5", 500, 1),
            ("5.", 5000, 5),
            ("+2", 2000, 2),
            ("-1500m", -1500, -2),
            ("1n", 1, 1),
            ("100u", 1, 1),
            ("1001u", 2, 1),
            ("8Gi", 8_589_934_592_000, 8_589_934_592),
            ("0.5Gi", 536_870_912_000, 536_870_912),
            ("1.1Ki", 1_126_400, 1127),
            ("2M", 2_000_000_000, 2_000_000),
            ("1e3", 1_000_000, 1000),
            ("1E3", 1_000_000, 1000),
            ("1E", i64::MAX, 1_000_000_000_000_000_000),
            ("12e-3", 12, 1),
            ("1e+3", 1_000_000, 1000),
            ("7Ei", i64::MAX, 8_070_450_532_247_928_832),
            ("8Ei", i64::MAX, i64::MAX),
            ("-8Ei", i64::MIN, i64::MIN),
            ("1e999999999999", i64::MAX, i64::MAX),
            ("0e999999999999", 0, 0),
            ("1e-999999999999", 1, 1),
            ("00012", 12_000, 12),
            ("3.0001", 3001, 4),
            ("9223372036854775807", i64::MAX, i64::MAX),
            ("9223372036854775808", i64::MAX, i64::MAX),
            ("m", 0, 0),
        ] {
            assert_eq!(parse_cpu_milli(text), Ok(milli), "{text} in millis");
            assert_eq!(parse_bytes(text), Ok(value), "{text}");
            assert_eq!(parse_units(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn refuses_what_kubernetes_refuses() {
        for text in [
            "",
            " 1",
            "1 ",
            "1K",
            "1ki",
            "1Ei3",
            "e",
            "1e",
            "1e3m",
            "1.2.3",
            "--1",
            "1mi",
            "0x10",
            "1,5",
            "１",
            "1e99999999999999999999",
        ] {
            assert!(parse_bytes(text).is_err(), "{text:?} is not a quantity");
        }
    }

    /// Digits of a whole number, least first: as plain as it gets, and slow.
    #[derive(Clone)]
    struct Big(Vec<u8>);

    impl Big {
        fn times(&mut self, factor: u8) {
            let mut carry = 0;
            for digit in &mut self.0 {
                let product = *digit * factor + carry;
                (*digit, carry) = (product % 10, product / 10);
            }
            self.0.push(carry);
        }

        fn tenth(&mut self) -> bool {
            !self.0.is_empty() && self.0.remove(0) != 0
        }

        fn value(&self, plus_one: bool) -> i128 {
            let significant = self.0.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
            if significant > 30 {
                return i128::MAX;
            }
            let number = self.0.iter().take(significant).rev().fold(0_i128, |sum, digit| sum * 10 + i128::from(*digit));
            number + i128::from(plus_one)
        }
    }

    fn reference(negative: bool, whole: &str, fraction: &str, tens: i32, twos: u32, scale: i32) -> i64 {
        let mut big = Big(format!("{whole}{fraction}").bytes().rev().map(|digit| digit - b'0').collect());
        (0..twos).for_each(|_| big.times(2));
        let tens = tens + scale - fraction.len() as i32;
        let mut inexact = false;
        for _ in 0..tens.unsigned_abs() {
            if tens > 0 {
                big.times(10);
            } else {
                inexact |= big.tenth();
            }
        }
        let size = big.value(inexact);
        if size > i128::from(i64::MAX) {
            return if negative { i64::MIN } else { i64::MAX };
        }
        if negative { -(size as i64) } else { size as i64 }
    }

    fn suffixes() -> impl Strategy<Value = (String, i32, u32)> {
        let decimal =
            [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
        let binary = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
        prop_oneof![
            prop::sample::select(decimal.to_vec()).prop_map(|(s, tens)| (s.to_owned(), tens, 0)),
            prop::sample::select(binary.to_vec()).prop_map(|(s, twos)| (s.to_owned(), 0, twos)),
            (-40..40_i32, any::<bool>()).prop_map(|(n, big)| (format!("{}{n}", if big { 'E' } else { 'e' }), n, 0)),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_arithmetic_on_unbounded_integers(
            negative: bool, whole in "[0-9]{1,24}", fraction in "[0-9]{0,30}", (suffix, tens, twos) in suffixes()
        ) {
            let sign = if negative { "-" } else { "" };
            let point = if fraction.is_empty() { "" } else { "." };
            let text = format!("{sign}{whole}{point}{fraction}{suffix}");
            prop_assert_eq!(parse_bytes(&text), Ok(reference(negative, &whole, &fraction, tens, twos, 0)));
            prop_assert_eq!(parse_cpu_milli(&text), Ok(reference(negative, &whole, &fraction, tens, twos, 3)));
        }

        #[test]
        fn never_panics(text in "[-+0-9.eEinumkKMGTP]{0,12}|.{0,8}") {
            let _ = (parse_bytes(&text), parse_cpu_milli(&text));
        }

        #[test]
        fn printed_quantities_read_back(value: i64, shift in 0..40_u32) {
            let value = value >> shift;
            prop_assert_eq!(parse_bytes(&print_bytes(value)), Ok(value));
            prop_assert_eq!(parse_cpu_milli(&print_cpu(value)), Ok(value));
        }
    }

    #[test]
    fn prints_for_people() {
        for (bytes, exact, short) in [
            (0, "0", "0"),
            (8 << 30, "8Gi", "8Gi"),
            (1536, "1536", "1.5Ki"),
            (5_000_000_000, "5G", "4.6Gi"),
            (16_420_000 * 1024, "16420000Ki", "15.6Gi"),
            (-(3 << 20), "-3Mi", "-3Mi"),
            (1023, "1023", "1023"),
        ] {
            assert_eq!(print_bytes(bytes), exact);
            assert_eq!(print_bytes_short(bytes), short);
        }
        assert_eq!((print_cpu(2000), print_cpu(500), print_cpu(-1)), ("2".into(), "500m".into(), "-1m".into()));
    }
}
