//! Reads policy files into one policy, or says everything that is wrong with them.

use super::decode::decode;
use super::finding::Findings;
use super::lower::lower;
use super::node::Node;
use super::wire::{Document, Wire};
use super::{Policy, PolicyFile, Problem};
use crate::model::Name;

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
    /// All problems, by file and place.
    pub problems: Vec<Problem>,
}

/// Reads all files as one policy. Every problem of every file is in the result; never panics, whatever the bytes are.
pub fn load(sources: &[PolicySource]) -> Loaded {
    let mut out = Findings::default();
    let mut nodes: Vec<Node> = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        nodes.extend(decode(&source.text, u32::try_from(index).unwrap_or(u32::MAX), &mut out));
    }
    if sources.is_empty() {
        out.general("no-files", "there is no policy file").help("name a file or a folder with `-f`");
    }
    let documents: Vec<Document> = nodes.iter().filter_map(|node| Document::read(node, &mut out)).collect();
    let files: Vec<PolicyFile> = (sources.iter())
        .map(|source| PolicyFile { path: source.path.clone(), digest: super::lower::hex(&source.text) })
        .collect();
    let names: Vec<Name> = files.iter().map(|file| file.path.clone()).collect();
    let policy = lower(documents, files, &mut out);
    Loaded { policy, problems: out.into_problems(&names, &nodes) }
}
