//! How a server is bought: kept for us already, at the list price, or for less as long as nobody else wants it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, Server, keys};

/// How a server is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// Kept for us, and paid for whether it runs or not.
    Reserved,
    /// For less, as long as the provider has no other use for it.
    Spot,
    /// At the list price.
    OnDemand,
}

impl CapacityType {
    /// The label by which nodes, catalogs and pods name it, which is Karpenter's.
    pub const LABEL: &'static str = "karpenter.sh/capacity-type";

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }

    /// The type that a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Reserved, Self::Spot, Self::OnDemand].into_iter().find(|one| one.word() == word)
    }

    /// What a server's metadata say of it; nothing at the list price.
    pub fn metadata(self) -> Option<(Name, Name)> {
        (self != Self::OnDemand).then(|| (keys::CAPACITY_TYPE.into(), self.word().into()))
    }

    /// How a server was bought: at the list price where its metadata does not say otherwise.
    pub fn of(server: &Server) -> Self {
        server.metadata.get(keys::CAPACITY_TYPE).and_then(|word| Self::of_word(word)).unwrap_or(Self::OnDemand)
    }
}

impl fmt::Display for CapacityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is bought where, as people and the memory of refusals name it: `m3.small in nova (spot)`. At the list price and
/// in a zone of the provider's choice it is the flavor's name alone.
pub fn offering(flavor: &str, zone: Option<&str>, how: CapacityType) -> Name {
    let zone = zone.map(|zone| format!(" in {zone}")).unwrap_or_default();
    let how = if how == CapacityType::OnDemand { String::new() } else { format!(" ({how})") };
    format!("{flavor}{zone}{how}").into()
}
