//! Writes the starter policy.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::blocks::{FREEZES, InForce, JETSTREAM2, JUPYTERHUB, KUBESPRAY, below, of_hub};
use super::drain::{Known, Lift, Place, drain};
use super::guess::Guess;
use crate::model::World;
use crate::report::plural;

/// What a cluster tells a starter.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// UID of kube-system.
    pub cluster: Option<String>,
    /// Pools that might be.
    pub pools: Vec<Guess>,
    /// Where it has JupyterHub's user pods or placeholders.
    pub jupyterhub: Option<String>,
    /// It has pods that keep in local volumes what `policies/kubespray.yaml` names.
    pub kubespray: bool,
    /// Its flavors are Jetstream2's.
    pub jetstream2: bool,
    /// Which entries of the building blocks are in force.
    pub in_force: InForce,
    /// Limits, where its pools pass those that hold by default.
    pub limits: Option<String>,
    /// Nodes that no pool was guessed of.
    pub control_plane: Vec<String>,
    /// Lines that would lift what blocks its nodes.
    pub lifts: Vec<Lift>,
}

impl Found {
    /// What the objects of a cluster tell.
    pub fn of(world: &World) -> Self {
        let jhub = |key: &str, value: &str| {
            world.pods.values().find(|pod| pod.labels.get(key).is_some_and(|found| &**found == value))
        };
        let jupyterhub = (jhub("component", "singleuser-server").or_else(|| jhub("component", "hub")))
            .map(|pod| pod.key.namespace.to_string());
        Self {
            in_force: InForce::of(world, jupyterhub.as_deref().unwrap_or("jhub")),
            cluster: world.cluster.as_ref().map(ToString::to_string),
            limits: limits(world),
            pools: super::guess(world),
            jupyterhub,
            kubespray: jhub("app", "csi-cinder-controllerplugin").is_some(),
            jetstream2: world.servers.values().any(|server| server.flavor.starts_with("m3.")),
            control_plane: (world.nodes.values().filter(|node| node.control_plane()))
                .map(|node| node.name.to_string())
                .collect(),
            lifts: Vec::new(),
        }
    }
}

/// What the workers have, rounded up, where that is more than a policy without limits lets run.
fn limits(world: &World) -> Option<String> {
    const DEFAULT: (i64, i64) = (1000, 4000);
    let workers = world.nodes.values().filter(|node| !node.control_plane());
    let (cpu, memory) = workers.fold((0_i64, 0_i64), |(cpu, memory), node| {
        (cpu.saturating_add(node.capacity.cpu.max(0)), memory.saturating_add(node.capacity.memory.max(0)))
    });
    let up = |amount: i64, unit: i64| amount / unit + i64::from(amount % unit > 0);
    let (cores, gibibytes) = (up(cpu, 1000), up(memory, 1 << 30));
    (cores > DEFAULT.0 || gibibytes > DEFAULT.1)
        .then(|| format!("{{cpu: {}, memory: {}Gi}}", cores.max(DEFAULT.0), gibibytes.max(DEFAULT.1)))
}

const HEAD: &str = "\
# yaml-language-server: $schema=./policy.schema.json
# (`tidegate schema policy > policy.schema.json` writes that file; editors then complete and check this one.)
#
# What node capacity the cluster should have. `tidegate validate -f FILE` checks it, `tidegate plan -f FILE --snapshot
# DUMP` shows what it would do. Nothing happens before `tidegate apply`.
apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata:
  name: starter
spec:
";

/// The text of the policy. Without a cluster it names a pool that has to be filled in.
pub fn starter(found: Option<&Found>) -> String {
    let mut out = HEAD.to_owned();
    match found.and_then(|found| found.cluster.as_ref()) {
        Some(uid) => {
            let _ = writeln!(out, "  cluster: \"{uid}\"   # the UID of its kube-system: for no other cluster");
        }
        None => out.push_str(
            "  # cluster: \"…\"   # kubectl get namespace kube-system -o jsonpath={.metadata.uid}: for no other cluster\n",
        ),
    }
    out.push_str(
        "  timeZone: UTC   # yours, such as America/Denver: crontab lines, dates and `--now` are read in it\n\n",
    );
    out.push_str("  # providers:                                 # whose servers the nodes are\n");
    out.push_str("  #   - {name: cloud, openstack: {cloud: mycloud}}   # an entry of clouds.yaml\n\n");
    if let Some(limits) = found.and_then(|found| found.limits.as_ref()) {
        let _ = writeln!(out, "  limits: {limits}   # what its pools have now; by default 1000 cores and 4000Gi\n");
    }
    schedules(&mut out, &found.map(sizes).unwrap_or_default());
    match found {
        Some(found) if found.pools.is_empty() => no_workers(&mut out, found),
        Some(found) => {
            out.push_str("  pools:\n");
            let sizes = sizes(found);
            found.pools.iter().for_each(|pool| guessed(&mut out, pool, &sizes, &found.lifts));
        }
        None => out.push_str(EXAMPLE_POOL),
    }
    drains(&mut out, found);
    rates(&mut out, found.is_some_and(|found| found.jetstream2));
    out
}

/// The sizes of the guessed pools, each once.
fn sizes(found: &Found) -> BTreeSet<usize> {
    found.pools.iter().map(|pool| pool.size).collect()
}

/// `working-hours`, with the size where pools of several sizes need windows of their own.
fn hours(size: usize, sizes: &BTreeSet<usize>) -> String {
    if sizes.len() > 1 { format!("working-hours-{size}") } else { "working-hours".to_owned() }
}

/// A window is stronger than its pool: one that asks for less than the pool's `min` would take nodes away while it is open.
fn schedules(out: &mut String, sizes: &BTreeSet<usize>) {
    out.push_str(
        "  # When more is wanted than `min`. A schedule works in the pools that name it; while a window is open its\n",
    );
    out.push_str("  # numbers take the place of the pool's, also where they are lower.\n  # schedules:\n");
    let some = BTreeSet::from([EXAMPLE_SIZE]);
    let sizes = if sizes.is_empty() { &some } else { sizes };
    for size in sizes {
        let _ = writeln!(out, "  #   - name: {}\n  #     windows:", hours(*size, sizes));
        let _ = writeln!(
            out,
            "  #       - {{name: day, start: \"0 8 * * MON-FRI\", duration: 10h, lead: 15m, min: {size}}}"
        );
        out.push_str(
            "  #     exceptions:\n  #       - {name: holidays, dates: [2026-12-24..2027-01-03], skip: [day]}\n",
        );
    }
    for line in below(FREEZES, "  schedules:") {
        let _ = writeln!(out, "  # {}", line.get(2..).unwrap_or_default());
    }
    out.push('\n');
}

/// Nodes of the pool that is to be filled in.
const EXAMPLE_SIZE: usize = 3;

/// A pool to be filled in.
const EXAMPLE_POOL: &str = "  pools:
    - name: workers
      nodes: {names: \"node-{1..3}\"}            # fill in: names, or `labels: {…}`
      min: 1
      idle: shelve                             # shelve | stop | suspend
      # schedules: [working-hours]
";

fn no_workers(out: &mut String, found: &Found) {
    let nodes = match found.control_plane.as_slice() {
        [only] => format!("Its only node, {only}, is the control plane"),
        all => format!("All its {} nodes are control plane", all.len()),
    };
    let _ = writeln!(out, "  # No pool was guessed. {nodes}, which is never parked, so there is nothing to scale yet.");
    out.push_str("  pools: []\n  # An example, to put in the place of the line above when there are workers:\n");
    for line in EXAMPLE_POOL.lines() {
        let _ = writeln!(out, "  # {}", line.get(2..).unwrap_or_default());
    }
}

fn guessed(out: &mut String, pool: &Guess, sizes: &BTreeSet<usize>, lifts: &[Lift]) {
    let by = match (&pool.label, &pool.flavor) {
        (Some((key, _)), _) => format!("with the label `{key}`"),
        (None, Some(flavor)) => format!("of flavor {flavor}"),
        (None, None) => "outside of the control plane".to_owned(),
    };
    let _ = writeln!(out, "    # A guess: {} {by}. Check that they are interchangeable.", plural(pool.size, "node"));
    let _ = writeln!(out, "    - name: {}", pool.name);
    match &pool.label {
        Some((key, value)) => {
            let _ = writeln!(out, "      nodes: {{labels: {{\"{key}\": \"{value}\"}}}}");
        }
        None => {
            let names: Vec<String> = pool.names.iter().map(|name| format!("\"{name}\"")).collect();
            let _ = writeln!(out, "      nodes: {{names: [{}]}}", names.join(", "));
        }
    }
    if let Some(flavor) = &pool.flavor {
        let _ = writeln!(out, "      flavor: \"{flavor}\"");
    }
    if !pool.keep.is_empty() {
        out.push_str("      keep:                                    # guessed too: never parked\n");
        for (node, why) in &pool.keep {
            let _ = writeln!(out, "        - \"{node}\"   # {why}");
        }
    }
    let all = match pool.size.saturating_sub(pool.ready) {
        0 => "all of them".to_owned(),
        not => format!("all but {not} that {} not Ready", if not == 1 { "is" } else { "are" }),
    };
    let _ = writeln!(
        out,
        "      min: {}                                   # {all}: lower it when you trust the plan",
        pool.ready
    );
    let _ = writeln!(out, "      max: {}", pool.size);
    out.push_str("      idle: shelve                             # shelve | stop | suspend\n");
    let _ = writeln!(out, "      # schedules: [{}]", hours(pool.size, sizes));
    for lift in lifts {
        if matches!(&lift.place, Place::Pool(nodes) if nodes.iter().any(|node| pool.nodes.contains(node.as_str()))) {
            lift.write(out, "      ");
        }
    }
}

/// The building blocks as examples where nothing is known, and in force where the cluster has what they are for.
fn drains(out: &mut String, found: Option<&Found>) {
    let known = |lines: Vec<&str>, has: Option<bool>, namespace: &str, live: &[bool]| Known {
        lines: match has {
            Some(false) => Vec::new(),
            _ => lines.iter().map(|line| of_hub(line, namespace)).collect(),
        },
        live: if has == Some(true) { live.to_vec() } else { Vec::new() },
    };
    let none = InForce::default();
    let live = found.map_or(&none, |found| &found.in_force);
    let has = found.map(|found| found.kubespray);
    let kubespray = known(below(KUBESPRAY, "    disposable:"), has, "jhub", &live.disposable);
    let hub = found.and_then(|found| found.jupyterhub.as_deref());
    let users = known(below(JUPYTERHUB, "    pods:"), found.map(|_| hub.is_some()), hub.unwrap_or("jhub"), &live.pods);
    drain(out, &kubespray, &users, found.map(|found| found.lifts.as_slice()).unwrap_or_default());
}

fn rates(out: &mut String, jetstream2: bool) {
    out.push('\n');
    part(out, jetstream2, "  rates:", &below(JETSTREAM2, "  rates:"));
}

/// A part of a building block, as it is or commented out.
fn part(out: &mut String, live: bool, heading: &str, lines: &[&str]) {
    for line in std::iter::once(&heading).chain(lines) {
        let _ = match (live, line.get(2..)) {
            (true, _) => writeln!(out, "{line}"),
            (false, rest) => writeln!(out, "  # {}", rest.unwrap_or_default()),
        };
    }
}
