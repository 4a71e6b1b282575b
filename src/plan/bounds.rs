//! What may be woken at all, by the providers' quotas and by the policy's limits.

use super::Reason;
use super::limits::Limits;
use super::members::Member;
use super::quota::QuotaLeft;
use crate::model::World;
use crate::policy::Pool;

/// Both, with what was already brought taken off.
#[derive(Clone)]
pub struct Bounds<'a> {
    /// The policy's.
    pub limits: Limits<'a>,
    /// The providers'.
    pub quota: QuotaLeft,
    /// Where flavors are looked up.
    pub world: &'a World,
}

impl Bounds<'_> {
    /// Why a parked member cannot be woken; None if it can, and then it counts.
    pub fn wake(&mut self, pool: &Pool, member: &Member) -> Option<Reason> {
        let refused = self.limits.refuses(pool, member).or_else(|| self.quota.wake(member, self.world));
        if refused.is_none() {
            self.limits.take(pool, member);
        }
        refused
    }

    /// Why a server like that of `member` cannot be made; None if it can, and then it counts.
    pub fn make(&mut self, pool: &Pool, member: &Member) -> Option<Reason> {
        let refused = self.limits.refuses(pool, member).or_else(|| self.quota.make(member, self.world));
        if refused.is_none() {
            self.limits.take(pool, member);
        }
        refused
    }
}
