//! Natural logarithms of small whole numbers in fixed point.

/// Bits behind the point.
pub const POINT: u32 = 48;

/// ln 2 with [`POINT`] bits behind the point.
const LN_2: u128 = 195_103_586_505_167;

/// ln of `number` with [`POINT`] bits behind the point; 0 for 0 and 1.
pub fn logarithm(number: u64) -> i128 {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    // The rest lies between 1 and 2; its logarithm to base 2 comes out bit by bit from squaring.
    let mut rest = (u128::from(number) << 62) >> whole;
    let mut power = u128::from(whole);
    for _ in 0..POINT {
        rest = (rest * rest) >> 62;
        power <<= 1;
        if rest >> 63 != 0 {
            rest >>= 1;
            power |= 1;
        }
    }
    i128::try_from((power * LN_2) >> POINT).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_real_one() {
        for number in (1..10_000).chain([1 << 20, 1 << 40, u64::MAX]) {
            let ours = logarithm(number) as f64 / (1_u64 << POINT) as f64;
            assert!((ours - (number as f64).ln()).abs() < 1e-12, "{number}: {ours}");
        }
    }
}
