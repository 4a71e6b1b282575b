//! Money and shares as integers: what a policy calls a price (or service units) is kept in millionths.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Millionths of the policy's currency (service units, dollars). Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub i64);

/// A share in thousandths: 0 is free, 1000 is the full price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerMille(pub u32);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This much per hour, for so many seconds; rounded to the nearest millionth, halves away from zero.
    #[must_use]
    pub fn per_hour_for(self, seconds: i64) -> Self {
        Self::rounded(i128::from(self.0) * i128::from(seconds), 3600)
    }

    /// This share of it, rounded like [`Money::per_hour_for`].
    #[must_use]
    pub fn share(self, share: PerMille) -> Self {
        Self::rounded(i128::from(self.0) * i128::from(share.0), 1000)
    }

    /// The sum, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, saturating.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn rounded(numerator: i128, denominator: i128) -> Self {
        let half = if numerator < 0 { -denominator / 2 } else { denominator / 2 };
        let value = (numerator + half) / denominator;
        Self(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl fmt::Display for Money {
    /// At most two decimals, grouped by thousands: `13,440`, `0.05`, `-7.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (i128::from(self.0.unsigned_abs()) + 5_000) / 10_000;
        let (whole, fraction) = (hundredths / 100, hundredths % 100);
        if self.0 < 0 && hundredths > 0 {
            f.write_str("-")?;
        }
        let digits = whole.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        match fraction {
            0 => Ok(()),
            tenths if tenths % 10 == 0 => write!(f, ".{}", tenths / 10),
            _ => write!(f, ".{fraction:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_people_write_it() {
        for (micros, text) in [
            (13_440_000_000, "13,440"),
            (50_000, "0.05"),
            (-7_500_000, "-7.5"),
            (999_999, "1"),
            (-1, "0"),
            (1_000_000_000_000, "1,000,000"),
            (i64::MIN, "-9,223,372,036,854.78"),
        ] {
            assert_eq!(Money(micros).to_string(), text);
        }
    }

    #[test]
    fn a_week_of_ten_workers_is_13440() {
        assert_eq!(Money(80_000_000).per_hour_for(7 * 24 * 3600).to_string(), "13,440");
        assert_eq!(Money(i64::MAX).per_hour_for(i64::MAX), Money(i64::MAX));
    }
}
