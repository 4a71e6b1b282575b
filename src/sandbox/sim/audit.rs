//! What happened, for tests and for people: enough to tell whether a budget was ever broken or a pod lost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{BudgetStatus, Name, PodKey, ServerState};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the event of that name")]
pub enum What {
    Created { pod: PodKey, uid: Name, owner: Option<Name> },
    Bound { pod: PodKey, uid: Name, node: Name },
    Ready { pod: PodKey, uid: Name },
    Unready { pod: PodKey, uid: Name },
    Evicted { pod: PodKey, uid: Name, healthy: bool },
    Deleted { pod: PodKey, uid: Name },
    Finished { pod: PodKey, uid: Name },
    Gone { pod: PodKey, uid: Name },
    Budget { budget: PodKey, status: BudgetStatus },
    NodeReady { node: Name },
    NodeLost { node: Name },
    Cordoned { node: Name, cordoned: bool },
    Server { server: Name, state: ServerState, task: Option<Name> },
}

/// What happened when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in virtual time.
    pub at: Timestamp,
    /// What.
    pub what: What,
}
