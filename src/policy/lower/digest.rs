//! The digest of what a policy means: files, places and comments do not count.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::Name;
use crate::policy::{Members, Origin, Policy};

/// SHA-256 in hex over the effective policy as JSON, without its places.
pub(crate) fn digest(policy: &Policy) -> Name {
    let mut bare = policy.clone();
    forget_places(&mut bare);
    let json = serde_json::to_vec(&bare).unwrap_or_default();
    hex(&json)
}

/// SHA-256 in hex.
pub(crate) fn hex(bytes: &[u8]) -> Name {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn forget_places(policy: &mut Policy) {
    let nowhere = Origin { file: "".into(), line: 0, column: 0 };
    policy.files.clear();
    policy.revisions.clear();
    policy.digest = "".into();
    policy.cluster_origin = None;
    policy.limits.origin = None;
    policy.limits.defaulted.clear();
    policy.drain.origin = None;
    policy.brakes.origin = None;
    policy.wake.origin = None;
    let drain = &mut policy.drain;
    let mut places: Vec<&mut Origin> = Vec::new();
    places.extend(drain.disposable.iter_mut().map(|entry| &mut entry.origin));
    places.extend(drain.pods.iter_mut().map(|entry| &mut entry.origin));
    places.extend(drain.when_no_home.iter_mut().map(|entry| &mut entry.origin));
    places.extend(policy.wake.require.iter_mut().map(|entry| &mut entry.origin));
    places.extend(policy.hooks.iter_mut().map(|hook| &mut hook.origin));
    places.extend(policy.providers.values_mut().map(|provider| &mut provider.origin));
    places.extend(policy.overrides.iter_mut().map(|entry| &mut entry.origin));
    places.extend(policy.schedulers.iter_mut().map(|scheduler| &mut scheduler.origin));
    places.extend(policy.rates.iter_mut().map(|rate| &mut rate.origin));
    places.extend(policy.allocation.iter_mut().map(|allocation| &mut allocation.origin));
    for pool in &mut policy.pools {
        pool.origins.clear();
        if let Some(create) = &mut pool.create {
            create.user_data_file = None;
            if let Some(catalog) = create.catalog.as_mut().map(Arc::make_mut) {
                (catalog.named, catalog.file) = ("".into(), "".into());
            }
            places.push(&mut create.origin);
        }
        places.push(&mut pool.origin);
        if let Members::Names(patterns) = &mut pool.members {
            places.extend(patterns.iter_mut().map(|pattern| &mut pattern.origin));
        }
        places.extend(pool.keep.iter_mut().map(|pattern| &mut pattern.origin));
        places.extend(pool.windows.iter_mut().map(|window| &mut window.origin));
        places.extend(pool.exceptions.iter_mut().map(|exception| &mut exception.origin));
    }
    places.into_iter().for_each(|place| *place = nowhere.clone());
}
