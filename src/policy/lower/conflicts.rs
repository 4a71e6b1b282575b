//! Windows of one pool that cannot both hold.

use super::context::Context;
use crate::policy::Pool;

pub(crate) fn cannot_both_hold(_pools: &[Pool], _cx: &mut Context<'_>) {}
