//! Files that a policy names and that stand beside it: which ones it names, and what was found there.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::decode;
use super::finding::Findings;
use super::load::PolicySource;
use super::node::{Node, Value};
use crate::model::Name;

/// Fields whose value may be `{file: …}`.
const FIELDS: [&str; 1] = ["userData"];

/// What stands beside policy files, by the policy file and the word that names it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside(BTreeMap<(Name, Name), Result<Vec<u8>, String>>);

impl Beside {
    /// Keeps what was found, or in words why it cannot be read.
    pub fn put(&mut self, policy: &Name, word: &Name, found: Result<Vec<u8>, String>) {
        self.0.insert((policy.clone(), word.clone()), found);
    }

    /// What `word` in that policy file stands for; None if nobody looked.
    pub(super) fn get(&self, policy: &str, word: &str) -> Option<&Result<Vec<u8>, String>> {
        self.0.get(&(policy.into(), word.into()))
    }
}

/// The files that a policy file names, as it names them, each once. What leads elsewhere is left out: it is not to be read.
pub fn mentioned(source: &PolicySource) -> BTreeSet<Name> {
    let mut words = BTreeSet::new();
    let names = |field: &str| source.text.windows(field.len()).any(|bytes| bytes == field.as_bytes());
    if !FIELDS.iter().any(|field| names(field)) {
        return words;
    }
    for document in decode(&source.text, 0, &mut Findings::default()) {
        walk(&document, &mut words);
    }
    words
}

/// Whether a path stays in the policy's folder or in one inside it.
pub fn stays_beside(word: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !word.contains(['\\', ':', '\0']) && word.split('/').all(plain)
}

fn walk(node: &Node, words: &mut BTreeSet<Name>) {
    match &node.value {
        Value::Null | Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| walk(item, words)),
        Value::Map(entries) => {
            for (key, value) in entries {
                if FIELDS.contains(&key.text.as_str()) {
                    words.extend(file(value));
                } else {
                    walk(value, words);
                }
            }
        }
    }
}

fn file(node: &Node) -> Option<Name> {
    let Value::Map(entries) = &node.value else { return None };
    let (_, value) = entries.iter().find(|(key, _)| key.text == "file")?;
    let Value::Scalar(scalar) = &value.value else { return None };
    stays_beside(&scalar.text).then(|| scalar.text.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_beside_the_policy_is_named() {
        for (word, stays) in [
            ("join.sh", true),
            ("boot/join.sh", true),
            ("..join", true),
            ("/etc/shadow", false),
            ("../join.sh", false),
            ("boot/../../join.sh", false),
            ("./join.sh", false),
            ("boot//join.sh", false),
            ("https://host/join.sh", false),
            ("", false),
        ] {
            assert_eq!(stays_beside(word), stays, "{word}");
            let text = format!("spec: {{pools: [{{create: {{userData: {{file: {word:?}}}}}}}]}}");
            let source = PolicySource { path: "p.yaml".into(), text: text.into_bytes() };
            assert_eq!(mentioned(&source).iter().map(|word| &**word).collect::<Vec<_>>().contains(&word), stays);
        }
    }
}
