//! The checksum of a saved plan: an edit that nothing else shows is noticed by it. It is no signature.

use sha2::{Digest, Sha256};

use super::Plan;

impl Plan {
    /// The plan with the checksum of all that it says.
    pub fn sealed(mut self) -> Self {
        self.checksum = Some(self.sum());
        self
    }

    /// Whether it says what it said when it was sealed; None if it never was.
    pub fn intact(&self) -> Option<bool> {
        self.checksum.as_ref().map(|sum| *sum == self.sum())
    }

    /// What is wrong with one that was edited after it was sealed.
    pub fn edited(&self) -> Option<&'static str> {
        (self.intact() == Some(false)).then_some("the plan was edited after it was made: its checksum is another one")
    }

    fn sum(&self) -> String {
        let bare = Self { checksum: None, ..self.clone() };
        let sum = Sha256::digest(serde_json::to_vec(&bare).unwrap_or_default());
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
