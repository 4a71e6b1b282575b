//! Services.

use super::Converter;
use crate::model::Service;
use crate::observe::raw;

impl Converter {
    /// A Service. One without a type is a ClusterIP, which sends nothing from outside to nodes.
    pub(in crate::observe) fn service(&mut self, raw: raw::Service) -> Result<Service, String> {
        let key = self.key(&raw.metadata.unwrap_or_default())?;
        let spec = raw.spec.unwrap_or_default();
        let on_nodes = matches!(spec.kind.as_deref(), Some("LoadBalancer" | "NodePort"));
        Ok(Service { key, on_nodes, selector: spec.selector.map(|labels| self.equal_to(labels)) })
    }
}
