//! Where in the policy a value stands, for reasons and diagnostics.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in a policy file. Lines and columns count from 1; in 0 stands what no file says, but a person by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origin {
    /// The file as it was named on the command line, or its path inside the folder that was; one in git by an address of
    /// this very file at this very commit, `https://HOST/policies.git//pools/a.yaml?ref=COMMIT`.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&super::file_name(&self.file)),
            line => write!(f, "{}:{line}", super::file_name(&self.file)),
        }
    }
}
