//! What `doctor` asks of a cloud: the login, Nova, what parking and waking left behind in Glance and Cinder, and ports
//! that do not outlive a park.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::cloud::{Config, Leftovers, Openstack, Pace, Programs, ProviderError, Surroundings};
use crate::doctor::{Finding, Level};
use crate::model::{Flavor, Quota, Server};
use crate::policy::{Provider, ProviderKind};
use crate::report::plural;

const CHECK: &str = "cloud";
const LEFT: &str = "leftovers";
const QUOTA: &str = "image-quota";
const PORTS: &str = "ports";
/// A quota of which so many percent are used is told before it is hit.
const NEARLY: i64 = 90;

/// Whether this provider lets us in, and what is to be seen to there.
pub fn of(provider: &Provider, runtime: &Runtime) -> Vec<Finding> {
    let name = &provider.name;
    let (cloud, region) = match &provider.kind {
        ProviderKind::Openstack { cloud, region, .. } => (cloud, region),
        ProviderKind::Command { run, deadline, parks } => {
            let deadline = Duration::try_from(*deadline).unwrap_or(Duration::MAX);
            let programs = Programs::new(name.clone(), run.clone(), deadline, parks.clone());
            return vec![program(name, run.first().map_or("", |program| program), &runtime.block_on(programs.list()))];
        }
    };
    let wrong = |text: String| {
        let advice = format!("`openstack --os-cloud {cloud} server list` tries the same by other means");
        vec![Finding::new(CHECK, Level::Error, format!("provider {name}: {text}"), advice)]
    };
    let config = match Config::read(name, Some(cloud), region.as_deref(), &Surroundings::of_process()) {
        Ok(config) => config,
        Err(error) => return wrong(error.to_string()),
    };
    let warned = config.warnings();
    let openstack = match Openstack::new(config, Pace::default()) {
        Ok(openstack) => openstack,
        Err(error) => return wrong(error.to_string()),
    };
    let (greeted, leftovers) = runtime.block_on(async { (openstack.greet().await, openstack.leftovers().await) });
    let version = match greeted {
        Ok(version) => version.map(|version| format!(", microversion {version}")).unwrap_or_default(),
        Err(error) => return wrong(error.to_string()),
    };
    let mut found =
        vec![Finding::ok(CHECK, format!("provider {name}: cloud {cloud} lets us in, Nova is there{version}"))];
    let advice = "mend the entry in clouds.yaml";
    found.extend(
        warned.into_iter().map(|text| Finding::new(CHECK, Level::Warning, format!("provider {name}: {text}"), advice)),
    );
    match leftovers {
        Err(error) => found.extend(wrong(error.to_string())),
        Ok(leftovers) => {
            found.extend(left(name, &leftovers));
            found.extend(room(name, &leftovers));
        }
    }
    found.extend(runtime.block_on(openstack.devices()).map_or_else(
        |error| {
            let text = format!("provider {name}: whether servers have devices of their hosts is not known: {error}");
            Some(Finding::new(PORTS, Level::Unknown, text, "ask as somebody who may list the project's ports"))
        },
        |devices| devices.map(|devices| devices_of_hosts(name, &devices)),
    ));
    found
}

type Listed = Result<(Vec<Server>, Vec<Flavor>, Option<Quota>), ProviderError>;

/// Whether a program of the operator's answers.
fn program(name: &str, program: &str, listed: &Listed) -> Finding {
    match listed {
        Ok((servers, flavors, _)) => {
            let (servers, flavors) = (plural(servers.len(), "server"), plural(flavors.len(), "flavor"));
            Finding::ok(CHECK, format!("provider {name}: `{program}` answers with {servers} and {flavors}"))
        }
        Err(error) => {
            let advice = format!(
                "`echo '{{\"version\":1,\"provider\":\"{name}\",\"verb\":\"list\"}}' | TIDEGATE_VERB=list {program}` asks the same"
            );
            Finding::new(CHECK, Level::Error, format!("provider {name}: {error}"), advice)
        }
    }
}

/// SR-IOV and accelerators: what becomes of such a port is the cloud's to say.
fn devices_of_hosts(name: &str, devices: &[(String, String)]) -> Finding {
    if devices.is_empty() {
        return Finding::ok(PORTS, format!("provider {name}: no server has a port that is a device of its host"));
    }
    let named: Vec<String> = devices.iter().map(|(server, kind)| format!("{server} ({kind})")).collect();
    let text = format!("provider {name}: ports that are a device of their host (SR-IOV): {}", named.join(", "));
    let advice = "Nova shelves no server with an `accelerator-*` port; any other lets its device go, and needs a host on which \
                  one is free to come back: park and wake one of them by hand first, or `keep` them";
    Finding::new(PORTS, Level::Warning, text, advice)
}

/// Images and volumes that nobody needs (H27), and what could not be looked at.
fn left(name: &str, leftovers: &Leftovers) -> Vec<Finding> {
    let mut found = Vec::new();
    let images: Vec<String> = leftovers.images.iter().map(|(id, image, _)| format!("{image} ({id})")).collect();
    if !images.is_empty() {
        let bytes = leftovers.images.iter().fold(0_i64, |sum, (_, _, bytes)| sum.saturating_add(*bytes));
        let text =
            format!("provider {name}: images that no shelved server needs, {}: {}", size(bytes), images.join(", "));
        let advice = "look at each, then `openstack image delete ID`: they cost storage (H27)";
        found.push(Finding::new(LEFT, Level::Warning, text, advice));
    }
    let named = |(id, name): &(String, String)| if name.is_empty() { id.clone() } else { format!("{name} ({id})") };
    let reserved: Vec<String> = leftovers.reserved.iter().map(named).collect();
    if !reserved.is_empty() {
        let text = format!("provider {name}: volumes stuck in `reserved`: {}", reserved.join(", "));
        let advice = "no server can have them: once nothing uses it, `openstack volume set --state available ID` as an \
                      administrator (H27)";
        found.push(Finding::new(LEFT, Level::Warning, text, advice));
    }
    let advice = "ask as somebody who may list them; nothing depends on it but this report";
    found.extend(
        (leftovers.gaps.iter())
            .map(|gap| Finding::new(LEFT, Level::Unknown, format!("provider {name}: {gap}"), advice)),
    );
    if found.is_empty() {
        found.push(Finding::ok(LEFT, format!("provider {name}: no image and no volume was left behind")));
    }
    found
}

/// Whether there is room for the image of one more server: without it a shelve comes to nothing.
fn room(name: &str, leftovers: &Leftovers) -> Vec<Finding> {
    let (count, bytes) = leftovers.kept;
    let kept =
        format!("{} kept for shelved servers, {}", plural(usize::try_from(count).unwrap_or(0), "image"), size(bytes));
    let full = |(_, (used, most)): &(&String, &(i64, i64))| {
        *most >= 0 && used.saturating_mul(100) >= most.saturating_mul(NEARLY)
    };
    let found: Vec<Finding> = (leftovers.image_quota.iter())
        .filter(full)
        .map(|(what, (used, most))| {
            let (level, so) = if used >= most {
                (Level::Error, "no server can be shelved that does not boot from a volume")
            } else {
                (Level::Warning, "soon no server can be shelved that does not boot from a volume")
            };
            // Glance counts bytes in MiB.
            let unit = if what.contains("size") || what.contains("stag") { " MiB" } else { "" };
            let text = format!("provider {name}: {used} of {most}{unit} of the quota {what} are used: {so}; {kept}");
            Finding::new(
                QUOTA,
                level,
                text,
                "remove images that nobody needs, or ask for more quota before the next park",
            )
        })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let quota = if leftovers.image_quota.is_empty() { "Glance tells no quota" } else { "the image quota has room" };
    vec![Finding::ok(QUOTA, format!("provider {name}: {kept}; {quota}"))]
}

/// In the unit that people read.
fn size(bytes: i64) -> String {
    let mib = bytes / (1 << 20);
    if mib >= 1024 { format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024) } else { format!("{mib} MiB") }
}
