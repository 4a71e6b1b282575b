//! What parking and waking leave behind: images, and volumes that stay `reserved` (H27).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::api::{Api, Call, Service};
use crate::cloud::ProviderError;
use crate::model::{Server, ServerState};

/// Pages of images and volumes that are read at most.
const PAGES: usize = 100;

/// What was left behind, for `doctor` and `status`. Nothing of it is removed by us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Images called `NAME-shelved` that no shelved server needs: id, name, bytes.
    pub images: Vec<(String, String, i64)>,
    /// Volumes that are `reserved` for a server that is not shelved, or for none: id, and name where there is one.
    pub reserved: Vec<(String, String)>,
    /// Images of shelved servers: how many, and their bytes. They count against the image quota.
    pub kept: (u32, i64),
    /// The project's image quota where Glance tells it: by what it counts, used and allowed.
    pub image_quota: BTreeMap<String, (i64, i64)>,
    /// What could not be looked at, in words.
    pub gaps: Vec<String>,
}

#[derive(Deserialize)]
struct Images {
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Image {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    size: Option<i64>,
    /// Nova's own property of a snapshot.
    #[serde(default)]
    instance_uuid: Option<String>,
}

#[derive(Deserialize)]
struct Usages {
    #[serde(default)]
    usage: BTreeMap<String, Usage>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    usage: i64,
    #[serde(default)]
    limit: i64,
}

#[derive(Deserialize)]
struct Volumes {
    #[serde(default)]
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
struct Volume {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// Looks at Glance and Cinder.
pub async fn find(api: &Api, servers: &[Server]) -> Leftovers {
    let mut found = Leftovers::default();
    match snapshots(api).await {
        Ok(images) => images.into_iter().for_each(|image| sort(image, servers, &mut found)),
        Err(error) => found.gaps.push(format!("leftover images are not known: {error}")),
    }
    let usages = api.read::<Usages>(&Call::get(Service::Image, "/info/usage")).await;
    // Glance tells it since 2022, and only where it has limits.
    found.image_quota = usages.map_or_else(
        |_| BTreeMap::new(),
        |usages| usages.usage.into_iter().map(|(what, one)| (what, (one.usage, one.limit))).collect(),
    );
    let path = "/volumes/detail";
    let query = [("status", "reserved")];
    let call = Call { query: &query, ..Call::get(Service::Volume, path) };
    match api.read::<Volumes>(&call).await {
        Ok(volumes) => {
            let needed = |id: &str| servers.iter().any(|server| shelved(server) && server.volumes.contains(id));
            let left = volumes.volumes.into_iter().filter(|volume| !needed(&volume.id));
            found.reserved = left.map(|volume| (volume.id, volume.name.unwrap_or_default())).collect();
        }
        // A cloud without Cinder has no volumes.
        Err(ProviderError::Setup(_)) => {}
        Err(error) => found.gaps.push(format!("volumes that are stuck in `reserved` are not known: {error}")),
    }
    found
}

/// It is shelved, or on the way there or back, when the image is still needed.
fn shelved(server: &Server) -> bool {
    matches!(server.state, ServerState::Shelved | ServerState::ShelvedOffloaded)
        || server.task.as_deref().is_some_and(|task| task.starts_with("shelving"))
}

fn sort(image: Image, servers: &[Server], found: &mut Leftovers) {
    let name = image.name.unwrap_or_default();
    let Some(of) = name.strip_suffix("-shelved") else { return };
    let bytes = image.size.unwrap_or(0);
    let owner = servers.iter().find(|server| match &image.instance_uuid {
        Some(id) => *server.id == **id,
        None => *server.name == *of,
    });
    if owner.is_some_and(shelved) {
        let (count, sum) = found.kept;
        found.kept = (count.saturating_add(1), sum.saturating_add(bytes));
    } else {
        found.images.push((image.id, name, bytes));
    }
}

async fn snapshots(api: &Api) -> Result<Vec<Image>, ProviderError> {
    let mut all = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES {
        let mut query = vec![("image_type", "snapshot"), ("limit", "500")];
        query.extend(marker.as_deref().map(|marker| ("marker", marker)));
        let call = Call { query: &query, ..Call::get(Service::Image, "/images") };
        let page: Images = api.read(&call).await?;
        let last = page.images.last().map(|image| image.id.clone());
        all.extend(page.images);
        match (page.next, last) {
            (Some(_), Some(last)) if marker.as_ref() != Some(&last) => marker = Some(last),
            _ => break,
        }
    }
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(all)
}
