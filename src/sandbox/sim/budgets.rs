//! The disruption controller: keeps each budget's status true.

use super::audit::What;
use super::state::Sim;
use super::touched::Touch;
use crate::model::{Change, Name, PodKey, budget_status};

impl Sim {
    /// Computes the status of every budget in the namespaces where something changed. It does so in the instant of the
    /// change, so that two evictions can never count on the same spare pod.
    pub(super) fn update_budgets(&mut self) {
        while let Some(namespace) = self.dirty_namespaces.pop_first() {
            self.update_budgets_in(&namespace);
        }
    }

    fn update_budgets_in(&mut self, namespace: &Name) {
        let first = PodKey::new(namespace.clone(), "");
        let budgets: Vec<_> = (self.world.budgets.range(first..).map(|(_, budget)| budget))
            .take_while(|budget| budget.key.namespace == *namespace)
            .cloned()
            .collect();
        for budget in budgets {
            let status = budget_status(&self.world, &budget);
            if budget.status == Some(status) {
                continue;
            }
            self.log(What::Budget { budget: budget.key.clone(), status });
            self.touched.note(Touch::Budget(budget.key.clone()));
            let mut budget = (*budget).clone();
            budget.status = Some(status);
            self.world.apply(Change::Budget(budget));
        }
    }
}
