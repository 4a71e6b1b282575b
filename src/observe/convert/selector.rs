//! Label selectors and terms of node affinity.

use super::Converter;
use crate::model::{FieldRequirement, NodeTerm, Operator, Requirement, Selector};
use crate::observe::raw::{LabelSelector, Map, NodeSelectorTerm, SelectorExpression};

impl Converter {
    /// A selector; an operator that does not exist is an error, as it is to the API server.
    pub(super) fn selector(&mut self, raw: LabelSelector) -> Result<Selector, String> {
        let mut selector = self.equal_to(raw.match_labels.unwrap_or_default());
        for expression in raw.match_expressions.unwrap_or_default() {
            let requirement = self.requirement(expression)?;
            if matches!(requirement.operator, Operator::Gt | Operator::Lt) {
                return Err(format!("a label selector knows no operator `{:?}`", requirement.operator));
            }
            selector.requirements.insert(requirement);
        }
        Ok(selector)
    }

    /// The selector that asks for each label of a map.
    pub(super) fn equal_to(&mut self, labels: Map) -> Selector {
        let requirements = labels.into_iter().map(|(key, value)| Requirement {
            key: self.intern.name(&key),
            operator: Operator::In,
            values: [self.intern.name(&value.0)].into(),
        });
        Selector { requirements: requirements.collect() }
    }

    /// A term of node affinity.
    pub(super) fn node_term(&mut self, raw: NodeSelectorTerm) -> Result<NodeTerm, String> {
        let labels = raw.match_expressions.unwrap_or_default().into_iter().map(|one| self.requirement(one));
        let labels = labels.collect::<Result<_, _>>()?;
        let fields = raw.match_fields.unwrap_or_default().into_iter();
        let fields = fields.map(|one| self.requirement(one).map(FieldRequirement)).collect::<Result<_, _>>()?;
        Ok(NodeTerm { labels, fields })
    }

    fn requirement(&mut self, raw: SelectorExpression) -> Result<Requirement, String> {
        let operator = match raw.operator.as_deref().unwrap_or("") {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Gt,
            "Lt" => Operator::Lt,
            other => return Err(format!("there is no operator `{other}`")),
        };
        let values = raw.values.unwrap_or_default().into_iter().map(|value| self.intern.name(&value.0)).collect();
        Ok(Requirement { key: self.intern.name(&raw.key.unwrap_or_default()), operator, values })
    }
}
