//! The scheduler's fractions, bit by bit: it computes some scores in IEEE doubles and cuts the result to an integer, so
//! that the last bit of a fraction can decide a point. This reckons the same in integers.

/// Bits of a double's mantissa.
const BITS: u32 = 53;

/// `mantissa` times two to the power of `exponent`, with at most 53 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Double {
    mantissa: i128,
    exponent: i32,
}

impl Double {
    /// One.
    pub const ONE: Self = Self { mantissa: 1, exponent: 0 };

    /// `part / whole`, for a part of at least 0 and at most the whole, both below 2^64. 0 of 0 is 0.
    pub fn ratio(part: i128, whole: i128) -> Self {
        if part <= 0 || whole <= 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        let shift = 62 + width(whole) - width(part).min(62 + width(whole));
        let (dividend, shift) = (part.checked_shl(shift).unwrap_or(i128::MAX), i32::try_from(shift).unwrap_or(0));
        // A last bit says whether anything was cut off: all that rounding needs to know.
        let quotient = (dividend / whole) << 1 | i128::from(dividend % whole != 0);
        Self::rounded(quotient, -shift - 1)
    }

    /// The distance between two.
    pub fn distance(self, other: Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let aligned = |one: Self| one.mantissa << u32::try_from(one.exponent - exponent).unwrap_or(0).min(70);
        Self::rounded((aligned(self) - aligned(other)).abs(), exponent)
    }

    /// Half of it.
    pub fn half(self) -> Self {
        Self { exponent: self.exponent - 1, ..self }
    }

    /// A hundred times it, cut to an integer.
    pub fn percent(self) -> i64 {
        let Self { mantissa, exponent } = Self::rounded(self.mantissa * 100, self.exponent);
        let cut = match u32::try_from(exponent) {
            Ok(up) => mantissa << up.min(60),
            Err(_) => mantissa >> exponent.unsigned_abs().min(126),
        };
        i64::try_from(cut).unwrap_or(i64::MAX)
    }

    /// Half to even, as IEEE has it.
    fn rounded(mantissa: i128, exponent: i32) -> Self {
        let drop = width(mantissa).saturating_sub(BITS);
        if drop == 0 {
            return Self { mantissa, exponent };
        }
        let (kept, cut) = (mantissa >> drop, mantissa & ((1 << drop) - 1));
        let half = 1_i128 << (drop - 1);
        let up = cut > half || (cut == half && kept & 1 == 1);
        Self { mantissa: kept + i128::from(up), exponent: exponent + i32::try_from(drop).unwrap_or(0) }
    }
}

/// Bits of a number that is not negative.
fn width(number: i128) -> u32 {
    i128::BITS - number.leading_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reckons_as_doubles_do(a in 0..1_u64 << 45, b in 1..1_u64 << 45, c in 0..5000_u64, d in 1..5000_u64) {
            let (part, whole) = (a.min(b), b);
            let (other_part, other_whole) = (c.min(d), d);
            let (one, other) = (part as f64 / whole as f64, other_part as f64 / other_whole as f64);
            let ours = Double::ratio(part.into(), whole.into());
            let also = Double::ratio(other_part.into(), other_whole.into());
            prop_assert_eq!(ours.percent(), (one * 100.0) as i64);
            prop_assert_eq!(also.percent(), (other * 100.0) as i64);
            let std = ((one - other) / 2.0).abs();
            let percent = Double::ONE.distance(ours.distance(also).half()).percent();
            prop_assert_eq!(percent, ((1.0 - std) * 100.0) as i64);
        }
    }

    #[test]
    fn a_point_hangs_on_the_last_bit() {
        assert_eq!((57.0_f64 / 100.0 * 100.0) as i64, 56);
        assert_eq!(Double::ratio(57, 100).percent(), 56);
    }
}
