//! The kinds that a snapshot knows, and where the API server has them.

use crate::model::Kind;

/// A list of the API server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// What it holds.
    pub kind: Kind,
    /// Group and version: `v1`, `policy/v1`.
    pub api_version: &'static str,
    /// The resource's name in requests and roles.
    pub resource: &'static str,
    /// The only namespace that is looked at, where it is not all of them.
    pub namespace: Option<&'static str>,
}

/// Nodes, for single reads.
pub(super) const NODES: Listed = Listed { kind: Kind::Node, api_version: "v1", resource: "nodes", namespace: None };
/// Pods, for single reads.
pub(super) const PODS: Listed = Listed { kind: Kind::Pod, api_version: "v1", resource: "pods", namespace: None };

/// Attached volumes, for single reads.
pub(super) const ATTACHMENTS: Listed = Listed {
    kind: Kind::VolumeAttachment,
    api_version: "storage.k8s.io/v1",
    resource: "volumeattachments",
    namespace: None,
};

/// Where kubelets renew their leases: nobody else's are looked at.
const NODE_LEASES: &str = "kube-node-lease";

/// Every kind that an API server has, a small list first: the first one says of which moment all the others are.
pub(super) fn kinds() -> Vec<Listed> {
    let listed = |kind: Kind| {
        let api = kind.api()?;
        let namespace = (kind == Kind::Lease).then_some(NODE_LEASES);
        Some(Listed { kind, api_version: api.version, resource: api.resource, namespace })
    };
    let mut kinds: Vec<Listed> = Kind::ALL.into_iter().filter_map(listed).collect();
    kinds.sort_by_key(|listed| listed.kind != Kind::Namespace);
    kinds
}

impl Listed {
    /// The group; empty is the core.
    pub fn group(&self) -> &'static str {
        self.kind.api().map_or("", |api| api.group())
    }

    /// The path of requests.
    pub fn path(&self) -> String {
        path(self.api_version, self.resource, self.namespace)
    }

    /// For messages: the resource as a role names it, with its group's version or its namespace.
    pub fn what(&self) -> String {
        what(self.api_version, self.resource, self.namespace)
    }

    /// Whether changes of it are followed: that there are priority classes is all that counts.
    pub fn followed(&self) -> bool {
        self.kind != Kind::PriorityClass
    }
}

/// The path of a list.
pub(super) fn path(api_version: &str, resource: &str, namespace: Option<&str>) -> String {
    let api = if api_version.contains('/') { "/apis" } else { "/api" };
    let namespace = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    format!("{api}/{api_version}{namespace}/{resource}")
}

/// A list in words.
pub(super) fn what(api_version: &str, resource: &str, namespace: Option<&str>) -> String {
    let group = if api_version.contains('/') { format!(" in {api_version}") } else { String::new() };
    let namespace = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
    format!("{resource}{group}{namespace}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_alone_is_listed_too_and_a_small_list_is_first() {
        let kinds = kinds();
        for alone in [NODES, PODS, ATTACHMENTS] {
            assert!(kinds.contains(&alone));
        }
        assert_eq!(kinds.first().map(|listed| listed.kind), Some(Kind::Namespace));
    }
}
