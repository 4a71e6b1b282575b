//! `tidegate test`: does the policy do what its authors expect of it?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::moment::Moment;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::shell::{named, quoted};
use super::test_world::{Worlds, remembered};
use super::{Exit, Failure};
use crate::plan::{Expected, Given, Inventory, Mismatch, PolicyTests, TestOutcome, TestResult, Tested, judge, plan};
use crate::policy::{self, Policy, PolicySource, Severity};
use crate::source::Sources;
use crate::{report, source};

/// Test a policy: plans that snapshots and instants give, against what is expected of them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate test -f policies/                       # tests that stand beside the policy
  tidegate test -f policy.yaml tests/              # tests of another folder, or files
  tidegate test -f policy.yaml tests/ --format junit > report.xml

A file of tests:
  apiVersion: tidegate.dev/v1alpha1
  kind: PolicyTests
  given: {snapshot: cluster.yaml}                  # relative to this file
  tests:
    - name: ten nodes for the workshop
      given: {now: 2026-11-24T12:45}               # in the policy's zone
      expect:
        pools: {workers: {floor: 10, desired: 10}}
        steps: {wake: [\"worker-{2..10}\"], park: 0}
        cost: {week: \"<= 1600\"}

Everything that can be expected: `tidegate schema test --format markdown`. Exit codes: 0 where every test holds, else 1.")]
pub struct Test {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Files or folders of tests; without one those that stand beside the policy
    #[arg(value_name = "TEST")]
    tests: Vec<PathBuf>,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: TestFormat,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TestFormat {
    /// For people
    Text,
    /// The public format, see `tidegate schema tested`
    Json,
    /// JUnit's XML, as pipelines collect it
    Junit,
}

impl Test {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (sources, policy) = self.policy.load(out)?;
        let files = self.files(&sources.files)?;
        let mut run = Run { sources: &sources, policy: &policy, worlds: Worlds::new(out), results: Vec::new() };
        for file in &files {
            run.file(file, self.only.as_deref())?;
        }
        if run.results.is_empty() {
            let text = format!("no test has `{}` in its name", self.only.as_deref().unwrap_or_default());
            return Err(Failure::new(text).hint("`tidegate test` without `--only` runs and names them all"));
        }
        let failed = run.results.iter().filter(|result| result.outcome != TestOutcome::Ok).count();
        let tested = Tested {
            format_version: "1.0".to_owned(),
            policy: policy.name.to_string(),
            failed: u32::try_from(failed).unwrap_or(u32::MAX),
            results: run.results,
        };
        match self.format {
            TestFormat::Text => out.data(&report::tested_text(&tested))?,
            TestFormat::Json => out.json(&tested)?,
            TestFormat::Junit => out.data(&report::junit(&tested))?,
        }
        Ok(if failed > 0 { Exit::Error } else { Exit::Done })
    }

    /// The files of tests: those that are named, or those that stand beside the policy.
    fn files(&self, beside: &[PolicySource]) -> Result<Vec<PolicySource>, Failure> {
        let read = if self.tests.is_empty() { beside.to_vec() } else { source::read_policy(&self.tests)? };
        let mut files = Vec::new();
        for file in read {
            let named = self.tests.iter().any(|named| named.to_string_lossy().replace('\\', "/") == *file.path);
            let holds = std::str::from_utf8(&file.text).ok().and_then(PolicyTests::in_text);
            match holds {
                Some(Ok(())) if source::in_git(Path::new(&*file.path)) => {
                    let text =
                        format!("`{}` names snapshots that are not read out of git", policy::file_name(&file.path));
                    return Err(Failure::new(text).hint("check the repository out, and name the tests' files there"));
                }
                Some(Ok(())) => files.push(file),
                Some(Err(why)) => return Err(unusable(&file.path, &why)),
                // What is named is to be read, and says then what is wrong with it.
                None if named => files.push(file),
                None => {}
            }
        }
        if files.is_empty() {
            let text = match self.tests.as_slice() {
                [] => "beside the policy stand no tests",
                _ => "there are no tests",
            };
            return Err(Failure::new(text).hint(
                "a test is a YAML document with `kind: PolicyTests`; `tidegate test --help` shows one, and \
                 `tidegate test -f POLICY TEST` names its file",
            ));
        }
        Ok(files)
    }
}

fn unusable(file: &str, why: &str) -> Failure {
    Failure::new(format!("`{file}` cannot be used as tests: {why}"))
        .hint("`tidegate schema test --format markdown` has every field")
}

struct Run<'a> {
    sources: &'a Sources,
    policy: &'a Policy,
    worlds: Worlds,
    results: Vec<TestResult>,
}

impl Run<'_> {
    fn file(&mut self, file: &PolicySource, only: Option<&str>) -> Result<(), Failure> {
        let text = std::str::from_utf8(&file.text).map_err(|_| unusable(&file.path, "it is not text"))?;
        let documents = PolicyTests::parse(text).map_err(|why| unusable(&file.path, &why))?;
        for document in &documents {
            let tests = document.tests.iter();
            for test in tests.filter(|test| only.is_none_or(|only| test.name.contains(only))) {
                let given = joined(&document.given, &test.given);
                let command = self.command(&given, &file.path);
                let done = self.test(&given, &test.expect, &file.path);
                let (mismatches, error) = match done {
                    Ok(mismatches) => (mismatches, None),
                    Err(why) => (Vec::new(), Some(why)),
                };
                let outcome = match (&error, mismatches.is_empty()) {
                    (Some(_), _) => TestOutcome::Error,
                    (None, false) => TestOutcome::Failed,
                    (None, true) => TestOutcome::Ok,
                };
                self.results.push(TestResult {
                    file: file.path.to_string(),
                    line: test.name.line,
                    name: test.name.value.clone(),
                    outcome,
                    mismatches,
                    error,
                    command: command.filter(|_| outcome == TestOutcome::Failed),
                });
            }
        }
        Ok(())
    }

    /// What is not as expected; or why that cannot be told.
    fn test(&mut self, given: &Given, expected: &Expected, file: &str) -> Result<Vec<Mismatch>, String> {
        let zone = &*self.policy.time_zone;
        let moment = |text: &str| instant(text, zone);
        let snapshot = given.snapshot.as_ref().ok_or("`given` has no `snapshot`: which cluster?")?;
        let now = given.now.as_ref().ok_or("`given` has no `now`: at which moment?")?;
        let now = moment(now).map_err(|why| format!("`now` in line {}: {why}", now.line))?;
        let paths: Vec<PathBuf> = snapshot.0.iter().map(|path| beside(file, path)).collect();
        let with = self.with(&given.overrides, file)?;
        let policy = with.as_ref().unwrap_or(self.policy);
        let world = self.worlds.build(&paths, |world| remembered(given.memory.as_ref(), world, policy, &moment))?;
        let members = Inventory::take(policy, &world).pool_of;
        let names: BTreeSet<String> = members.keys().chain(world.nodes.keys()).map(ToString::to_string).collect();
        let (plan, _) = plan(policy, &world, now);
        Ok(judge(expected, &plan, &names, &moment))
    }

    /// The policy with overrides beside its own; None without any.
    fn with(&self, overrides: &[serde_json::Value], file: &str) -> Result<Option<Policy>, String> {
        if overrides.is_empty() {
            return Ok(None);
        }
        let text = serde_json::json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "CapacityPolicy", "spec": {"overrides": overrides},
        });
        let mut sources = self.sources.files.clone();
        sources.push(PolicySource { path: format!("{file} (overrides)").into(), text: text.to_string().into_bytes() });
        let loaded = policy::load_with(&sources, &self.sources.beside);
        let errors = loaded.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let errors: Vec<&str> = errors.map(|problem| problem.message.as_str()).collect();
        match loaded.policy {
            Some(policy) => Ok(Some(policy)),
            None => Err(format!("the policy does not take the `overrides`: {}", errors.join("; "))),
        }
    }

    /// What shows the plan of a test, where a command can give all that was given.
    fn command(&self, given: &Given, file: &str) -> Option<String> {
        let plain = given.overrides.is_empty() && given.memory.is_none();
        let (snapshot, now) = given.snapshot.as_ref().zip(given.now.as_ref()).filter(|_| plain)?;
        let files: String =
            snapshot.0.iter().map(|path| format!(" {}", quoted(&beside(file, path).to_string_lossy()))).collect();
        Some(format!("tidegate plan{} --snapshot{files} --now {}", named(self.policy), quoted(now)))
    }
}

/// What a test gives, and beside it what its document does.
fn joined(document: &Given, test: &Given) -> Given {
    Given {
        snapshot: test.snapshot.clone().or_else(|| document.snapshot.clone()),
        now: test.now.clone().or_else(|| document.now.clone()),
        overrides: document.overrides.iter().chain(&test.overrides).cloned().collect(),
        memory: test.memory.clone().or_else(|| document.memory.clone()),
    }
}

/// A path that a file of tests names, seen from here.
fn beside(file: &str, path: &str) -> PathBuf {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    folder.join(path)
}

fn instant(text: &str, zone: &str) -> Result<Timestamp, String> {
    let moment: Moment = text.parse()?;
    if matches!(moment, Moment::Today(_) | Moment::In(_)) {
        return Err(format!("`{text}` is another moment each day: write a date too, as in `2026-12-01T12:45`"));
    }
    moment.at("now", zone, Timestamp::UNIX_EPOCH).map_err(|failure| failure.told().0)
}
