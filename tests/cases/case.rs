//! One case, as its file has it.

use std::path::Path;

use serde_json::Value;
use tidegate::model::{Pod, PodKey, World};
use tidegate::observe;

pub struct Case {
    pub question_type: String,
    /// The whole file, for what only one question type has.
    pub value: Value,
}

impl Case {
    pub fn load(file: &Path) -> Self {
        let text = std::fs::read(file).unwrap();
        let value: Value =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{} is no case: {error}", file.display()));
        let question_type = value["question_type"].as_str();
        let question_type = question_type.unwrap_or_else(|| panic!("{} has no question_type", file.display()));
        Self { question_type: question_type.to_owned(), value }
    }

    pub fn params(&self) -> &Value {
        &self.value["params"]
    }

    pub fn expected(&self) -> &Value {
        &self.value["expected"]
    }

    /// `params.name` and, where the value is a scalar, `params.name=value`, of each parameter.
    pub fn parameters(&self) -> Vec<String> {
        let params = self.params().as_object().into_iter().flatten();
        params
            .flat_map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                [format!("params.{name}"), format!("params.{name}={text}")]
            })
            .collect()
    }

    /// Compares an answer with every key of `expected`; lists are compared as sets.
    pub fn compare(&self, answer: &Value) -> Result<(), String> {
        let sorted = |value: &Value| match value.as_array() {
            None => vec![value.to_string()],
            Some(list) => {
                let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
                list.sort();
                list
            }
        };
        let expected = self.expected().as_object().ok_or("`expected` is no object")?;
        let differs = expected.iter().find(|(key, value)| sorted(value) != sorted(&answer[key.as_str()]));
        differs.map_or(Ok(()), |(key, value)| Err(format!("{key}: expected {value}, got {}", answer[key.as_str()])))
    }

    /// The objects of the case as a world; one that cannot be read is the case's failure.
    pub fn world(&self) -> Result<World, String> {
        let lists = ["nodes", "pods", "pdbs", "workloads", "namespaces"].into_iter();
        let objects = lists.flat_map(|list| self.value[list].as_array().cloned().unwrap_or_default());
        let snapshot = observe::from_values(objects);
        match snapshot.gaps.first() {
            None => Ok(World::build(snapshot)),
            Some(gap) => Err(gap.clone()),
        }
    }
}

/// The pod called `namespace/name`.
pub fn pod<'a>(world: &'a World, key: &str) -> Result<&'a Pod, String> {
    let (namespace, name) = key.split_once('/').ok_or_else(|| format!("`{key}` is no namespace/name"))?;
    let found = world.pods.get(&PodKey::new(namespace, name));
    found.map(|pod| &**pod).ok_or_else(|| format!("there is no pod {key}"))
}
