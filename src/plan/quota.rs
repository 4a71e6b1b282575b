//! What the providers still allow: a wake that a quota will refuse is not planned.

use std::collections::BTreeMap;

use super::members::Member;
use super::{Code, Evidence, Reason};
use crate::model::{Flavor, Name, Quota, Server, ServerState, World};

/// What may still be woken, by provider. What is planned is taken off.
#[derive(Clone, Debug, Default)]
pub struct QuotaLeft {
    left: BTreeMap<Name, Left>,
}

/// None is without limit.
#[derive(Clone, Debug)]
struct Left {
    cpu: Option<i64>,
    memory: Option<i64>,
}

impl QuotaLeft {
    /// What is left of the quotas that count servers only while they hold a host. Where a quota counts parked servers too
    /// (Nova by itself does, with Placement it does not), waking them takes nothing of it.
    pub fn of(world: &World) -> Self {
        let counting = world.quotas.values().filter(|quota| !counts_parked(quota, world));
        let left = |quota: &Quota| Left { cpu: quota.cpu.left(), memory: quota.memory.left() };
        Self { left: counting.map(|quota| (quota.provider.clone(), left(quota))).collect() }
    }

    /// Why the member cannot be woken; None if it can, and then that much less is left. What is not known hinders nothing:
    /// the provider says itself what it does not allow.
    pub fn wake(&mut self, member: &Member, world: &World) -> Option<Reason> {
        let server = member.server.as_deref().filter(|server| server.state == ServerState::ShelvedOffloaded)?;
        self.take(server, world)
    }

    /// The same of a server that is made.
    pub fn make(&mut self, member: &Member, world: &World) -> Option<Reason> {
        self.take(member.server.as_deref()?, world)
    }

    fn take(&mut self, server: &Server, world: &World) -> Option<Reason> {
        let (left, flavor) = (self.left.get_mut(&server.provider)?, flavor(server, world)?);
        let (needs, provider) = (&flavor.capacity, &server.provider);
        let says = |has: String, needs: String| Reason {
            code: Code::Quota,
            text: format!("the quota of provider {provider} leaves {has}, and its server needs {needs}"),
            evidence: Evidence::default(),
            origin: None,
        };
        if let Some(cpu) = left.cpu.filter(|left| *left < needs.cpu) {
            return Some(says(format!("{} cores", cpu / 1000), format!("{}", needs.cpu / 1000)));
        }
        if let Some(memory) = left.memory.filter(|left| *left < needs.memory) {
            return Some(says(format!("{} MiB of memory", memory >> 20), format!("{} MiB", needs.memory >> 20)));
        }
        left.cpu = left.cpu.map(|left| left.saturating_sub(needs.cpu));
        left.memory = left.memory.map(|left| left.saturating_sub(needs.memory));
        None
    }
}

fn flavor<'a>(server: &Server, world: &'a World) -> Option<&'a Flavor> {
    world.flavors.get(&(server.provider.clone(), server.flavor.clone()))
}

/// Whether as many cores are used as all servers have together, parked ones too; or that cannot be told.
fn counts_parked(quota: &Quota, world: &World) -> bool {
    let mut all: i64 = 0;
    for server in world.servers.values().filter(|server| server.provider == quota.provider) {
        let Some(flavor) = flavor(server, world) else { return true };
        all = all.saturating_add(flavor.capacity.cpu);
    }
    quota.cpu.used >= all
}
