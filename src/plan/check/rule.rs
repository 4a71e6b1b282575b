//! What such a rule says.

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Verb;

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRules {
    /// The version of this format.
    pub api_version: RulesVersion,
    /// That these are rules.
    pub kind: RulesKind,
    /// All of them are asked, in this order.
    pub rules: Vec<CheckRule>,
}

/// The version of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RulesVersion {
    /// The only one.
    #[serde(rename = "tidegate.dev/v1alpha1")]
    V1Alpha1,
}

/// That a file has rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RulesKind {
    /// It does.
    PlanRules,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRule {
    /// Names it in findings.
    pub name: String,
    /// What it means when it speaks.
    pub level: CheckLevel,
    /// When it speaks: all that is written here holds.
    pub when: Condition,
    /// What to do then, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
}

/// What a rule means when it speaks, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckLevel {
    /// Good to know.
    Advise,
    /// Somebody should look; denies with `--deny-warnings`.
    Warn,
    /// The plan is not to be carried out.
    Deny,
}

/// When a rule speaks. All that is written holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// Steps are taken on more nodes than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes_above: Option<u32>,
    /// Only steps of these verbs count for `nodesAbove`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verbs: BTreeSet<Verb>,
    /// Only nodes of these pools count for `nodesAbove`, and only these pools for `removesHeadroom`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pools: BTreeSet<String>,
    /// Less headroom is kept than the policy wants.
    #[serde(default, skip_serializing_if = "is_false")]
    pub removes_headroom: bool,
    /// It is made on one of these days, or what it waits for may last into one; in the policy's zone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ends_on: BTreeSet<WeekDay>,
    /// The pools cost more than this in the coming week, in whole units of the rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week_costs_above: Option<u32>,
    /// The pools cost more than this per hour when it is done, in whole units of the rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour_costs_above: Option<u32>,
    /// Pods are lost that nothing makes again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub loses_pods: bool,
    /// A workload has no Ready pod for a while.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupts: bool,
    /// It rests on less than the whole cluster.
    #[serde(default, skip_serializing_if = "is_false")]
    pub incomplete: bool,
}

/// A day of the week, as in crontab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum WeekDay {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl From<Weekday> for WeekDay {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What such a file looks like.
const EXAMPLE: &str = "\
apiVersion: tidegate.dev/v1alpha1
kind: PlanRules
rules:
  - {name: few-at-once, level: deny, when: {nodesAbove: 5, verbs: [park]}, say: ask the platform team}
  - {name: no-weekends, level: warn, when: {endsOn: [SAT, SUN]}}
  - {name: budget, level: deny, when: {weekCostsAbove: 10000}}";

impl PlanRules {
    /// Reads YAML or JSON.
    ///
    /// # Errors
    /// The text is not such a document, two rules have one name, or a rule never or always speaks; in words, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rules: Self = serde_yaml::from_str(text).map_err(|error| match other_kind(text) {
            Some(kind) => format!("it is a `{kind}`, and rules are a `PlanRules`; such a file is\n{EXAMPLE}"),
            None => format!("{error}; such a file is\n{EXAMPLE}"),
        })?;
        if rules.rules.is_empty() {
            return Err(format!("it has no rule; such a file is\n{EXAMPLE}"));
        }
        let mut names = BTreeSet::new();
        for rule in &rules.rules {
            let name = &rule.name;
            if name.trim().is_empty() {
                return Err("a rule has no name".to_owned());
            }
            if !names.insert(name) {
                return Err(format!("two rules are named `{name}`"));
            }
            rule.when.check().map_err(|why| format!("rule `{name}` {why}"))?;
        }
        Ok(rules)
    }
}

/// The kind of a document that is not for rules.
fn other_kind(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        kind: String,
    }
    let head: Head = serde_yaml::from_str(text).ok()?;
    (head.kind != "PlanRules").then_some(head.kind)
}

impl Condition {
    fn check(&self) -> Result<(), &'static str> {
        let Self { nodes_above, verbs, pools, removes_headroom, ends_on, week_costs_above, hour_costs_above, .. } =
            self;
        let money = week_costs_above.is_some() || hour_costs_above.is_some();
        let facts = self.loses_pods || self.interrupts || self.incomplete || *removes_headroom;
        match () {
            () if !verbs.is_empty() && nodes_above.is_none() => Err("has `verbs` without `nodesAbove`"),
            () if !pools.is_empty() && nodes_above.is_none() && !removes_headroom => {
                Err("has `pools` without `nodesAbove` or `removesHeadroom`")
            }
            () if nodes_above.is_none() && ends_on.is_empty() && !money && !facts => {
                Err("does not say when it speaks: `when` needs one of `nodesAbove`, `removesHeadroom`, `endsOn`, \
                     `weekCostsAbove`, `hourCostsAbove`, `losesPods`, `interrupts`, `incomplete`")
            }
            () => Ok(()),
        }
    }
}
