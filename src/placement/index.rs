//! Small numbers that stand for nodes, classes, counters and so on: each of its own type, so that none passes for another.

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The number of the entry at `place`. Memory ends long before the numbers do.
            pub fn new(place: usize) -> Self {
                Self(u32::try_from(place).unwrap_or(u32::MAX))
            }

            /// Where the entry stands.
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A node.
    NodeIx;
    /// Nodes that look the same to every pod: labels that somebody asks about, and taints.
    KindIx;
    /// Pods that may go to the same places.
    ClassIx;
    /// A count of pods per domain.
    CounterIx;
    /// A label that makes domains.
    KeyIx;
    /// One value of such a label.
    DomainIx;
    /// A set of nodes that count for a spread.
    ScopeIx;
}
