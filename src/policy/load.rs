//! Reads policy files into one policy, or says everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::beside::Beside;
use super::catalog::{Catalog, catalogs_named, read as read_catalog};
use super::decode::decode;
use super::finding::Findings;
use super::lower::lower;
use super::node::{Node, Scalar, Value};
use super::wire::{Document, Wire};
use super::{Policy, PolicyFile, Problem};
use crate::model::Name;

/// The catalogs that were given, by where they stand; None is one that has an error.
pub(crate) type Catalogs = BTreeMap<Name, Option<Arc<Catalog>>>;

/// Kinds of documents that may stand in a folder of policies and are none.
const BESIDE: [&str; 3] = ["Catalog", "PlanRules", "PolicyTests"];

/// A policy file: its name and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// As it was named on the command line, or its path inside the folder that was.
    pub path: Name,
    /// What is in it.
    pub text: Vec<u8>,
}

/// What came of reading a policy.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policy; None if and only if a problem is an error.
    pub policy: Option<Policy>,
    /// Where there are errors, the policy without what they are about: to compare with a cluster, never to act on.
    pub sketch: Option<Policy>,
    /// All problems, by file and place.
    pub problems: Vec<Problem>,
    /// Warnings of what is well-formed and may not be meant, by file and place: for those who ask for a close look.
    pub doubts: Vec<Problem>,
}

/// [`load_with`], of policies that name no other file beside them than catalogs.
pub fn load(sources: &[PolicySource]) -> Loaded {
    load_with(sources, &Beside::default())
}

/// Reads all files as one policy, with the files that stand beside them. Lists are joined by the names of the files, in whichever order these are given. Every
/// problem of every file is in the result; never panics, whatever the bytes are.
pub fn load_with(sources: &[PolicySource], beside: &Beside) -> Loaded {
    let mut sources: Vec<&PolicySource> = sources.iter().collect();
    sources.sort_by(|a, b| (&a.path, &a.text).cmp(&(&b.path, &b.text)));
    let mut out = Findings::default();
    let mut nodes: Vec<Node> = Vec::new();
    let mut catalogs = Catalogs::new();
    let named = catalogs_named(sources.iter().copied());
    for (index, source) in sources.iter().enumerate() {
        let file = u32::try_from(index).unwrap_or(u32::MAX);
        if named.contains(&source.path) {
            catalogs.insert(source.path.clone(), read_catalog(&source.text, file, &mut out).map(Arc::new));
        } else {
            nodes.extend(decode(&source.text, file, &mut out));
        }
    }
    if sources.is_empty() {
        out.general("no-files", "there is no policy file").help("name a file or a folder with `-f`");
    }
    let mut documents: Vec<Document> = Vec::new();
    let mut others: BTreeSet<u32> = BTreeSet::new();
    for node in &nodes {
        if another_kind(node) {
            others.insert(node.span.file);
        } else if !foreign(node, &mut out) {
            documents.extend(Document::read(node, &mut out));
        }
    }
    let files: Vec<PolicyFile> = (sources.iter())
        .map(|source| PolicyFile { path: source.path.clone(), digest: super::lower::hex(&source.text) })
        .collect();
    let names: Vec<Name> = files.iter().map(|file| file.path.clone()).collect();
    others.retain(|file| !nodes.iter().any(|node| node.span.file == *file && !another_kind(node)));
    let mut lowered = lower(documents, files, (beside, &catalogs), &mut out);
    let mut index = 0..;
    lowered.files.retain(|_| index.next().is_none_or(|index| !others.contains(&index)));
    let (policy, sketch) = if out.has_errors() { (None, Some(lowered)) } else { (Some(lowered), None) };
    let (problems, doubts) = out.finish(&names, &nodes);
    Loaded { policy, sketch, problems, doubts }
}

/// What a document says it is: `apiVersion` and `kind`.
fn says(node: &Node) -> Option<(&Scalar, &Scalar)> {
    let Value::Map(entries) = &node.value else { return None };
    let field = |name: &str| {
        entries.iter().find_map(|(key, value)| match &value.value {
            Value::Scalar(scalar) if key.text == name => Some(scalar),
            _ => None,
        })
    };
    Some((field("apiVersion")?, field("kind")?))
}

/// Whether a document of ours stands beside the policy: its tests, or rules on its plans.
fn another_kind(node: &Node) -> bool {
    says(node).is_some_and(|(version, kind)| {
        version.text.starts_with("tidegate.dev/") && BESIDE.contains(&kind.text.as_str())
    })
}

/// Whether a document says of itself that it is something else than a policy.
fn foreign(node: &Node, out: &mut Findings) -> bool {
    let Value::Map(entries) = &node.value else { return false };
    let Some((version, kind)) = says(node) else { return false };
    let ours = version.text.starts_with("tidegate.dev/") || kind.text == "CapacityPolicy";
    if !ours {
        let (what, help) = if kind.text == "List" || entries.iter().any(|(key, _)| key.text == "items") {
            (
                "what `kubectl get` wrote".to_owned(),
                "give it with `--snapshot` instead of `-f`, and keep it in another folder",
            )
        } else {
            (format!("a `{}`", kind.text), "take it out of the folder, or name only the policy's files with `-f`")
        };
        out.error("not-a-policy", kind.span, format!("this is {what}, not a policy")).help(help);
    }
    !ours
}
