//! Plays a scene on the real servers and compares, pod by pod.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ours::{Ours, ours};
use crate::real::{Made, Real};
use crate::scene::Scene;

/// So often a pod is asked about before a difference counts: the scheduler sees what was created before the pod through
/// other watches than the pod, and may be late.
const ATTEMPTS: usize = 3;

/// How long the scheduler is given to catch up before a pod is asked about again.
const PAUSE: Duration = Duration::from_millis(300);

/// A pod about which the two differ, and what was there then.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub objects: Vec<Value>,
    pub pod: Value,
    pub real: Answer,
    pub ours: Ours,
    pub what: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the scheduler says {}; ours: {}", self.pod["metadata"]["name"], self.real, self.what)
    }
}

/// What was asked and answered.
#[derive(Default)]
pub struct Tally {
    scenes: usize,
    answers: BTreeMap<String, usize>,
    refused: usize,
    again: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.answers.get("bound").copied().unwrap_or(0);
        writeln!(
            f,
            "{} clusters, {bound} pods bound; {} objects refused, {} pods asked again",
            self.scenes, self.refused, self.again
        )?;
        self.answers.iter().try_for_each(|(answer, pods)| writeln!(f, "  {pods:6} {answer}"))?;
        write!(f, "labs: all")
    }
}

/// The first disagreement of a scene.
pub fn play(real: &mut Real, scene: &Scene, tally: &mut Tally) -> Result<Option<Disagreement>, String> {
    tally.scenes += 1;
    real.clear()?;
    let mut objects = Vec::new();
    for object in &scene.objects {
        match real.create(object)? {
            Made::Object(_) => objects.push(object.clone()),
            Made::Refused(why) => tally.refuse(object, &why),
        }
    }
    let mut there = real.dump()?;
    for pod in &scene.pending {
        match ask(real, &objects, &mut there, pod, tally)? {
            Asked::Refused(why) => tally.refuse(pod, &why),
            Asked::Agreed(made, answer) => {
                tally.count(&answer);
                if let Answer::Bound(node) = answer {
                    let mut bound = pod.clone();
                    bound["spec"]["nodeName"] = json!(node);
                    objects.push(bound);
                    if pod["spec"]["volumes"].is_array() {
                        there = real.dump()?;
                        objects.retain(|object| !["PersistentVolumeClaim", "PersistentVolume"].contains(&kind(object)));
                        objects.extend(storage(&there));
                    } else {
                        there.push(made);
                    }
                }
            }
            Asked::Differed(real, ours, what) => {
                return Ok(Some(Disagreement { objects, pod: pod.clone(), real, ours, what }));
            }
        }
    }
    Ok(None)
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// The claims and volumes in `lists`, as they could be created again: pods that were bound have changed them.
fn storage(lists: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for of in ["PersistentVolumeClaim", "PersistentVolume"] {
        let lists = lists.iter().filter(|list| kind(list) == format!("{of}List"));
        for item in lists.flat_map(|list| list["items"].as_array().into_iter().flatten()) {
            let mut made = item.clone();
            (made["apiVersion"], made["kind"]) = (json!("v1"), json!(of));
            for parent in ["/metadata", "/spec/claimRef"] {
                let part = made.pointer_mut(parent).and_then(Value::as_object_mut);
                if let Some(part) = part {
                    part.retain(|key, _| {
                        !["uid", "resourceVersion", "creationTimestamp", "managedFields"].contains(&key.as_str())
                    });
                }
            }
            found.push(made);
        }
    }
    found
}

pub enum Asked {
    Refused(String),
    /// The pod as it is now; if it is not bound it is gone.
    Agreed(Value, Answer),
    Differed(Answer, Ours, String),
}

/// Makes `objects` all there is; what the server then holds.
fn set_anew(real: &mut Real, objects: &[Value]) -> Result<Vec<Value>, String> {
    real.clear()?;
    for object in objects {
        if let Made::Refused(why) = real.create(object)? {
            return Err(format!(
                "what was there is refused now: {} {}: {why}",
                object["kind"], object["metadata"]["name"]
            ));
        }
    }
    real.dump()
}

/// Creates `pod` beside `objects`, which the server holds as `there`, and compares what becomes of it.
pub fn ask(
    real: &mut Real,
    objects: &[Value],
    there: &mut Vec<Value>,
    pod: &Value,
    tally: &mut Tally,
) -> Result<Asked, String> {
    let mut attempt = 1;
    loop {
        let made = match real.create(pod)? {
            Made::Object(made) => *made,
            Made::Refused(why) => return Ok(Asked::Refused(why)),
        };
        let answer = real.verdict(&made)?;
        let ours = ours(there, &made)?;
        let difference = ours.against(&answer);
        if difference.is_none() && matches!(answer, Answer::Bound(_)) {
            return Ok(Asked::Agreed(real.again(&made)?, answer));
        }
        real.remove(&made)?;
        match difference {
            None => return Ok(Asked::Agreed(made, answer)),
            Some(what) if attempt == ATTEMPTS => return Ok(Asked::Differed(answer, ours, what)),
            Some(_) => {
                (attempt, tally.again) = (attempt + 1, tally.again + 1);
                // A pod that was placed had its claims bound: the question would be another one.
                if pod["spec"]["volumes"].is_array() {
                    *there = set_anew(real, objects)?;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

impl Tally {
    fn refuse(&mut self, object: &Value, why: &str) {
        self.refused += 1;
        if std::env::var_os("TIDEGATE_LAB_REFUSED").is_some() {
            println!("  refused: {} {}: {why}", object["kind"], object["metadata"]["name"]);
        }
    }

    /// Those of `reasons` that no answer began with.
    pub fn unseen<'a>(&'a self, reasons: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
        reasons.iter().copied().filter(|reason| !self.answers.keys().any(|seen| seen.starts_with(reason)))
    }

    fn count(&mut self, answer: &Answer) {
        let mut one = |what: &str| *self.answers.entry(what.to_owned()).or_insert(0) += 1;
        match answer {
            Answer::Bound(_) => one("bound"),
            Answer::Gated => one("gated"),
            Answer::Failed(_) => one("failed"),
            Answer::Unschedulable(counts) => counts.keys().for_each(|reason| one(&nameless(reason))),
        }
    }
}

/// Without the names of claims and volumes.
fn nameless(reason: &str) -> String {
    let parts = reason.split('"').enumerate().map(|(at, part)| if at % 2 == 1 { "…" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}
