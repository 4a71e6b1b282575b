//! What such a file says.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::amount::Written;
use super::{Amount, At};
use crate::plan::{Code, Verb, Verdict};

/// A document of tests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTests {
    /// The version of this format.
    pub api_version: TestsVersion,
    /// That these are tests.
    pub kind: TestsKind,
    /// What is given in each of them, unless it says otherwise.
    #[serde(default)]
    pub given: Given,
    /// The tests, in the order in which they are run.
    pub tests: Vec<PolicyTest>,
}

/// The version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TestsVersion {
    /// The only one.
    #[serde(rename = "tidegate.dev/v1alpha1")]
    V1Alpha1,
}

/// That a document has tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TestsKind {
    /// It does.
    PolicyTests,
}

/// One test.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTest {
    /// Names it in reports.
    pub name: At<String>,
    /// What is given, beside what the whole document gives.
    #[serde(default)]
    pub given: Given,
    /// What the plan is to be. Only what is written is looked at.
    pub expect: At<Expected>,
}

/// What a plan is made of, beside the policy that `-f` names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// The cluster: files that `--snapshot` takes, relative to this one.
    pub snapshot: Option<At<GivenFiles>>,
    /// The moment: an instant, or a time in the policy's zone such as `2026-11-24T12:45`.
    pub now: Option<At<String>>,
    /// Overrides that the policy has beside its own, as `spec.overrides` takes them.
    #[serde(default)]
    pub overrides: Vec<serde_json::Value>,
    /// What is remembered of earlier; without it nothing.
    pub memory: Option<GivenMemory>,
}

/// What is remembered of earlier plans and applies.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenMemory {
    /// Of nodes, by name or by a pattern such as `worker-{2..10}`.
    #[serde(default)]
    pub nodes: BTreeMap<String, GivenNode>,
    /// Of pools, by name.
    #[serde(default)]
    pub pools: BTreeMap<String, GivenPool>,
}

/// What is remembered of a node. Times are written as `now` is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenNode {
    /// Since when nothing has needed it.
    pub unneeded_since: Option<At<String>>,
    /// Since when it is parked.
    pub parked_since: Option<At<String>>,
    /// A drain of it failed, and is not tried again before this.
    pub drain_failed_until: Option<At<String>>,
    /// A wake of it failed, and is not tried again before this.
    pub wake_failed_until: Option<At<String>>,
}

/// What is remembered of a pool.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenPool {
    /// How long its last wakes took, such as `6m`, the newest last.
    #[serde(default)]
    pub wake_times: Vec<At<String>>,
}

/// What a plan is to be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// The plan in one word.
    pub verdict: Option<At<Verdict>>,
    /// Everything it rests on is known.
    pub complete: Option<At<bool>>,
    /// What is wanted of pools and what is there, by name.
    #[serde(default)]
    pub pools: BTreeMap<String, At<ExpectPool>>,
    /// Which steps there are, by verb: so many, or these nodes and no others. `{}` is none at all; a verb that is not
    /// written is not looked at.
    pub steps: Option<At<BTreeMap<Verb, At<ExpectSteps>>>>,
    /// What becomes of pods.
    pub pods: Option<ExpectPods>,
    /// Of nodes, by name or by a pattern such as `worker-{2..10}`, of which each is to be so.
    #[serde(default)]
    pub nodes: BTreeMap<String, At<ExpectNode>>,
    /// Codes of what holds nodes back: each of these is there; `[]` is none at all.
    pub blockers: Option<At<Vec<At<Code>>>>,
    /// Brakes that refuse it: each of these does; `[]` is none at all.
    pub refusals: Option<At<Vec<At<String>>>>,
    /// Workloads without a Ready pod for a while, `Deployment namespace/name`: these and no others.
    pub outages: Option<At<Vec<At<String>>>>,
    /// What the pools cost, in the rates' unit.
    pub cost: Option<ExpectCost>,
}

/// What is wanted of a pool and what is there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectPool {
    /// The least active nodes.
    pub floor: Option<At<Amount>>,
    /// The most active nodes.
    pub ceiling: Option<At<Amount>>,
    /// Active now.
    pub active: Option<At<Amount>>,
    /// Cordoned now.
    pub cordoned: Option<At<Amount>>,
    /// Parked now.
    pub parked: Option<At<Amount>>,
    /// Up when the plan is done.
    pub desired: Option<At<Amount>>,
    /// Units of headroom that are kept when it is done.
    pub headroom: Option<At<Amount>>,
    /// The next change.
    pub next: Option<ExpectNext>,
}

/// The next change of what is wanted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectNext {
    /// When, written as `now` is.
    pub at: Option<At<String>>,
    /// The floor from then on.
    pub floor: Option<At<Amount>>,
}

/// Steps of one verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectSteps {
    /// So many.
    Count(Amount),
    /// On these nodes and no others, by name or by a pattern.
    Nodes(Vec<String>),
}

/// What becomes of pods.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectPods {
    /// Evicted.
    pub evictions: Option<At<Amount>>,
    /// Waited for.
    pub waits: Option<At<Amount>>,
    /// Of those that are evicted, pods that nothing makes again.
    pub lost: Option<At<Amount>>,
    /// Pending pods that have room on nodes that come.
    pub served: Option<At<Amount>>,
    /// Pending pods for which nothing can be brought.
    pub unserved: Option<At<Amount>>,
}

/// What becomes of a node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectNode {
    /// Its steps, all of them in their order.
    pub steps: Option<At<Vec<Verb>>>,
    /// The codes of why they are taken: each of these is there.
    pub because: Option<At<Vec<At<Code>>>>,
    /// The codes of why it stays, or is not woken: each of these is there; `[]` is none at all.
    pub stays: Option<At<Vec<At<Code>>>>,
}

/// Money, over all pools.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectCost {
    /// Per hour now.
    pub hour_now: Option<At<Amount>>,
    /// Per hour when the plan is done.
    pub hour_after: Option<At<Amount>>,
    /// For the next seven days.
    pub week: Option<At<Amount>>,
}

/// A file, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFiles(pub Vec<String>);

impl<'de> Deserialize<'de> for GivenFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Files;
        impl<'de> Visitor<'de> for Files {
            type Value = GivenFiles;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file, or a list of files")
            }
            fn visit_str<E: de::Error>(self, file: &str) -> Result<GivenFiles, E> {
                Ok(GivenFiles(vec![file.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<GivenFiles, A::Error> {
                listed(items).map(GivenFiles)
            }
        }
        deserializer.deserialize_any(Files)
    }
}

impl<'de> Deserialize<'de> for ExpectSteps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Steps;
        impl<'de> Visitor<'de> for Steps {
            type Value = ExpectSteps;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of nodes, or a list of their names")
            }
            fn visit_u64<E: de::Error>(self, amount: u64) -> Result<ExpectSteps, E> {
                Written.visit_u64(amount).map(ExpectSteps::Count)
            }
            fn visit_i64<E: de::Error>(self, amount: i64) -> Result<ExpectSteps, E> {
                Written.visit_i64(amount).map(ExpectSteps::Count)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ExpectSteps, E> {
                Written.visit_str(text).map(ExpectSteps::Count)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ExpectSteps, A::Error> {
                listed(items).map(ExpectSteps::Nodes)
            }
        }
        deserializer.deserialize_any(Steps)
    }
}

fn listed<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<String>, A::Error> {
    let mut list = Vec::new();
    while let Some(item) = items.next_element()? {
        list.push(item);
    }
    Ok(list)
}

impl JsonSchema for GivenFiles {
    fn schema_name() -> Cow<'static, str> {
        "GivenFiles".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A file, or several.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
        })
    }
}

impl JsonSchema for ExpectSteps {
    fn schema_name() -> Cow<'static, str> {
        "ExpectSteps".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let count = generator.subschema_for::<Amount>();
        json_schema!({
            "description": "So many steps, or the nodes on which they are taken, by name or by a pattern such as `worker-{2..10}`.",
            "anyOf": [count, {"type": "array", "items": {"type": "string"}}]
        })
    }
}

/// What such a file looks like.
const EXAMPLE: &str = "\
apiVersion: tidegate.dev/v1alpha1
kind: PolicyTests
given: {snapshot: cluster.yaml}
tests:
  - name: ten nodes for the workshop
    given: {now: 2026-11-24T12:45}
    expect:
      pools: {workers: {floor: 10}}
      steps: {wake: 9}";

impl PolicyTests {
    /// Whether a text holds nothing but such documents. None where it is no YAML, or holds none of them.
    ///
    /// # Errors
    /// It holds other documents too.
    pub fn in_text(text: &str) -> Option<Result<(), String>> {
        #[derive(Deserialize)]
        struct Named {
            kind: Option<String>,
        }
        let kinds: Vec<Named> = serde_yaml::from_multiple(text).ok()?;
        let tests = kinds.iter().filter(|named| named.kind.as_deref() == Some("PolicyTests")).count();
        match tests {
            0 => None,
            _ if tests == kinds.len() => Some(Ok(())),
            _ => Some(Err("it holds tests and other documents: give the tests a file of their own".to_owned())),
        }
    }

    /// Reads the documents of a file.
    ///
    /// # Errors
    /// The text is not such a document, two tests have one name, or a test expects nothing; in words, with the line.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let documents: Vec<Self> =
            serde_yaml::from_multiple(text).map_err(|error| format!("{error}; such a file is\n{EXAMPLE}"))?;
        let mut names: BTreeMap<&str, u32> = BTreeMap::new();
        for test in documents.iter().flat_map(|document| &document.tests) {
            let At { value: name, line } = &test.name;
            if name.trim().is_empty() {
                return Err(format!("the test in line {line} has no name"));
            }
            if let Some(first) = names.insert(name, *line) {
                return Err(format!("two tests are named `{name}`, in line {first} and in line {line}"));
            }
            if test.expect.is_empty() {
                return Err(format!("test `{name}` in line {line} expects nothing: it could not fail"));
            }
        }
        if names.is_empty() {
            return Err(format!("it has no test; such a file is\n{EXAMPLE}"));
        }
        Ok(documents)
    }
}

impl Expected {
    fn is_empty(&self) -> bool {
        let Self { verdict, complete, pools, steps, pods, nodes, blockers, refusals, outages, cost } = self;
        let one = verdict.is_some() || complete.is_some() || steps.is_some() || pods.is_some() || cost.is_some();
        let lists = blockers.is_some() || refusals.is_some() || outages.is_some();
        !one && !lists && pools.is_empty() && nodes.is_empty()
    }
}
