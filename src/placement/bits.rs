//! One row of a bit matrix.

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// The places at which `each` says yes.
    pub fn collect(each: impl Iterator<Item = bool>) -> Self {
        let mut words = Vec::new();
        for (place, yes) in each.enumerate() {
            if place % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(yes) << (place % 64);
            }
        }
        Self(words)
    }

    /// Whether `place` is in it.
    pub fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_collected() {
        let bits = Bits::collect((0..200).map(|place| place % 3 == 0));
        assert!((0..200).all(|place| bits.has(place) == (place % 3 == 0)));
        assert!(!bits.has(200) && !bits.has(100_000));
    }
}
