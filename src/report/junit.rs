//! JUnit's XML, in which pipelines collect what came of tests.

use std::fmt::Write as _;

use super::tested_text::mismatch_lines;
use crate::plan::{TestOutcome, TestResult, Tested};

/// One suite per file of tests.
pub fn junit(tested: &Tested) -> String {
    let count = |results: &[&TestResult], outcome| results.iter().filter(|one| one.outcome == outcome).count();
    let sums = |results: &[&TestResult]| {
        let (failed, errors) = (count(results, TestOutcome::Failed), count(results, TestOutcome::Error));
        format!("tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\"", results.len())
    };
    let all: Vec<&TestResult> = tested.results.iter().collect();
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(out, "<testsuites name=\"{}\" {}>", escaped(&tested.policy), sums(&all));
    for suite in all.chunk_by(|a, b| a.file == b.file) {
        let file = suite.first().map(|first| escaped(&first.file)).unwrap_or_default();
        let _ = writeln!(out, "  <testsuite name=\"{file}\" {}>", sums(suite));
        for result in suite {
            let name = escaped(&result.name);
            let _ = write!(
                out,
                "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"",
                result.line
            );
            let _ = match (result.outcome, &result.error) {
                (TestOutcome::Ok, _) => writeln!(out, "/>"),
                (TestOutcome::Error, error) => {
                    let why = escaped(error.as_deref().unwrap_or_default());
                    writeln!(out, ">\n      <error message=\"{why}\"/>\n    </testcase>")
                }
                (TestOutcome::Failed, _) => {
                    let what: Vec<&str> = result.mismatches.iter().map(|one| one.what.as_str()).collect();
                    let text = escaped(&told(result));
                    let message = escaped(&what.join("; "));
                    writeln!(out, ">\n      <failure message=\"{message}\">{text}</failure>\n    </testcase>")
                }
            };
        }
        let _ = writeln!(out, "  </testsuite>");
    }
    out + "</testsuites>\n"
}

/// What was expected and what is.
fn told(result: &TestResult) -> String {
    let mut text = String::new();
    for mismatch in &result.mismatches {
        let _ = writeln!(text, "{}:{} {}", result.file, mismatch.line, mismatch.what);
        for line in mismatch_lines(mismatch) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// Text as it may stand in XML, in quotes too. What XML cannot say is left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
