//! What the project may use, and uses: Nova's `GET /limits`.

use serde::Deserialize;

use super::api::{Api, Call, Service};
use crate::cloud::ProviderError;
use crate::model::{Allowance, Quota};

#[derive(Deserialize)]
struct Limits {
    limits: Inner,
}

#[derive(Deserialize)]
struct Inner {
    absolute: Absolute,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Absolute {
    max_total_cores: Option<i64>,
    total_cores_used: Option<i64>,
    #[serde(rename = "maxTotalRAMSize")]
    max_total_ram: Option<i64>,
    #[serde(rename = "totalRAMUsed")]
    total_ram_used: Option<i64>,
    max_total_instances: Option<i64>,
    total_instances_used: Option<i64>,
}

/// The project's quota. Whether shelved servers are among what is used depends on how the cloud counts: by what it holds
/// itself they are, by Placement (`[quota]count_usage_from_placement`) offloaded ones are not.
///
/// # Errors
/// Nova does not tell.
pub async fn read(api: &Api) -> Result<Quota, ProviderError> {
    let limits: Limits = api.read(&Call::get(Service::Compute, "/limits")).await?;
    let absolute = limits.limits.absolute;
    // −1 is no limit.
    let allowance = |most: Option<i64>, used: Option<i64>, unit: i64| {
        let most = most.filter(|most| *most >= 0).map(|most| most.saturating_mul(unit));
        Allowance { most, used: used.unwrap_or(0).max(0).saturating_mul(unit) }
    };
    Ok(Quota {
        provider: api.config().provider.clone(),
        cpu: allowance(absolute.max_total_cores, absolute.total_cores_used, 1000),
        memory: allowance(absolute.max_total_ram, absolute.total_ram_used, 1 << 20),
        servers: allowance(absolute.max_total_instances, absolute.total_instances_used, 1),
    })
}
