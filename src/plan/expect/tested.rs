//! What came of tests: the public format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of all tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tested {
    /// The version of this format.
    pub format_version: String,
    /// The policy's name.
    pub policy: String,
    /// Tests that do not hold, or could not be run.
    pub failed: u32,
    /// All tests, by file and in the order in which they stand there.
    pub results: Vec<TestResult>,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestResult {
    /// Its file, as it was named.
    pub file: String,
    /// Its line there.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// What came of it.
    pub outcome: TestOutcome,
    /// What is not as expected, by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
    /// Why it could not be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What shows the plan that it looked at; absent where no command can give what was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// The plan is as expected.
    Ok,
    /// It is not.
    Failed,
    /// The test could not be run.
    Error,
}

/// What is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mismatch {
    /// The line of the expectation.
    pub line: u32,
    /// What it is about: `pool workers, desired`.
    pub what: String,
    /// Expected, and not there.
    pub missing: Vec<String>,
    /// There, and not expected.
    pub unexpected: Vec<String>,
    /// Why it is so, as the plan says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}
