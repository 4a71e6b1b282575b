//! What is not asked, and why: one committed list.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    question_type: String,
    /// A feature or parameter that a case has; none takes the whole question type.
    feature: Option<String>,
    reason: String,
}

pub struct SetAside(Vec<Entry>);

impl SetAside {
    pub fn load() -> Self {
        let list: Vec<Entry> = serde_yaml::from_str(include_str!("set_aside.yaml")).unwrap();
        for entry in &list {
            assert!(entry.reason.len() > 20, "{}: a reason is missing", entry.question_type);
        }
        Self(list)
    }

    /// Why a case with these features is not asked; None if it is.
    pub fn reason(&self, question_type: &str, features: &[String]) -> Option<&str> {
        let entry = self.0.iter().find(|entry| {
            entry.question_type == question_type
                && entry.feature.as_ref().is_none_or(|feature| features.contains(feature))
        });
        entry.map(|entry| entry.reason.as_str())
    }
}
