//! What a pod asks of a node, as the scheduler adds it up.

use super::Converter;
use crate::model::{Resources, parse_bytes, parse_cpu_milli, parse_units};
use crate::observe::raw::{Container, ContainerStatus, Map, PodSpec, PodStatus, ResourceNeeds};

/// What a container without a request counts for scoring.
const SCORED_CPU: i64 = 100;
const SCORED_MEMORY: i64 = 200 * 1024 * 1024;

/// Requests with their scored twin.
#[derive(Clone, Default)]
struct Ask {
    real: Resources,
    scored: (i64, i64),
}

/// What a pod asks for.
pub(super) struct Requests {
    /// What is reserved for it.
    pub real: Resources,
    /// What it counts for scoring where it runs: millicores and bytes.
    pub scored: (i64, i64),
    /// What it counts while it asks, where that is not the same.
    pub asking: Option<(i64, i64)>,
}

impl Ask {
    fn add(&mut self, other: &Self) {
        self.real.add(&other.real);
        self.scored.0 = self.scored.0.saturating_add(other.scored.0);
        self.scored.1 = self.scored.1.saturating_add(other.scored.1);
    }

    fn raise_to(&mut self, other: &Self) {
        self.real.raise_to(&other.real);
        self.scored.0 = self.scored.0.max(other.scored.0);
        self.scored.1 = self.scored.1.max(other.scored.1);
    }
}

/// What a kubelet runs a pod with, where that is not what its spec asks for: it was resized in place.
#[derive(Clone, Copy, Default)]
pub(super) struct Running<'a> {
    containers: &'a [ContainerStatus],
    init_containers: &'a [ContainerStatus],
    /// What the whole pod has, and what it was promised.
    actual: Option<&'a Map>,
    allocated: Option<&'a Map>,
    /// The node can never give what the spec asks for now.
    infeasible: bool,
}

impl<'a> Running<'a> {
    pub(super) fn of(status: &'a PodStatus) -> Self {
        let pending = |kind: &Option<String>| kind.as_deref() == Some("PodResizePending");
        let resize = status.conditions.iter().flatten().find(|condition| pending(&condition.kind));
        Self {
            containers: status.container_statuses.as_deref().unwrap_or_default(),
            init_containers: status.init_container_statuses.as_deref().unwrap_or_default(),
            actual: requests_of(status.resources.as_ref()),
            allocated: status.allocated_resources.as_ref(),
            infeasible: resize.is_some_and(|condition| condition.reason.as_deref() == Some("Infeasible")),
        }
    }

    /// The status of a container by its name.
    fn named(&self, name: Option<&String>) -> Option<&'a ContainerStatus> {
        let mut all = self.containers.iter().chain(self.init_containers);
        all.find(|status| name.is_some() && status.name.as_ref() == name)
    }

    /// Whether anything in it may differ from the spec.
    fn differs(&self) -> bool {
        let mut all = self.containers.iter().chain(self.init_containers);
        all.any(|status| status.allocated_resources.is_some() || requests_of(status.resources.as_ref()).is_some())
    }
}

fn requests_of(needs: Option<&ResourceNeeds>) -> Option<&Map> {
    needs.and_then(|needs| needs.requests.as_ref())
}

/// Which amounts of each container are added up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Those that are asked for.
    Asked,
    /// Those that the node has promised.
    Allocated,
    /// Those that it runs with.
    Actual,
}

impl Converter {
    /// The effective requests of a pod, and the same for scoring; while the pod asks, its own score overlooks `spec.resources`.
    ///
    /// The larger of what its containers and sidecars need together, and of the neediest moment while the init
    /// containers run one by one beside the sidecars started before them; then `spec.resources` of the pod in place of
    /// the sum for CPU, memory and huge pages; then the overhead. All of this once with what is asked for, once with what
    /// was allocated and once with what it runs with: the most of each resource counts, so that a resize under way never
    /// looks smaller than it is, and one that can never be granted is left out (`PodRequests` of Kubernetes 1.37).
    pub(super) fn requests(&mut self, spec: &PodSpec, running: &Running<'_>) -> Result<Requests, String> {
        let asked = self.total(spec, running, Side::Asked)?;
        let mut asking = asked.scored;
        let mut sum = if running.infeasible { Ask::default() } else { asked };
        if let (Some(allocated), Some(actual)) = (running.allocated, running.actual) {
            for amounts in [allocated, actual] {
                let real = self.resources(amounts)?;
                let scored = (real.cpu, real.memory);
                sum.raise_to(&Ask { real, scored });
            }
        } else if running.infeasible || running.differs() {
            for side in [Side::Allocated, Side::Actual] {
                sum.raise_to(&self.total(spec, running, side)?);
            }
        }
        let whole = requests_of(spec.resources.as_ref());
        if let Some(whole) = whole {
            self.replaced(&mut sum, whole, running)?;
        }
        if let Some(overhead) = &spec.overhead {
            let real = self.resources(overhead)?;
            let scored = (real.cpu, real.memory);
            asking = (asking.0.saturating_add(scored.0), asking.1.saturating_add(scored.1));
            sum.add(&Ask { real, scored });
        }
        // Beside requests of the whole pod, nothing is assumed of a resource that is asked for anywhere.
        if whole.is_some_and(|whole| !whole.is_empty()) {
            for (real, scored) in [(sum.real.cpu, &mut sum.scored.0), (sum.real.memory, &mut sum.scored.1)] {
                *scored = if real == 0 { *scored } else { real };
            }
        }
        sum.real.pods = 1;
        Ok(Requests { asking: Some(asking).filter(|asking| *asking != sum.scored), real: sum.real, scored: sum.scored })
    }

    /// What the containers need together, by one side.
    fn total(&mut self, spec: &PodSpec, running: &Running<'_>, side: Side) -> Result<Ask, String> {
        let mut sum = Ask::default();
        for container in spec.containers.iter().flatten() {
            sum.add(&self.container(container, running, side)?);
        }
        let (mut sidecars, mut peak) = (Ask::default(), Ask::default());
        for container in spec.init_containers.iter().flatten() {
            let mut moment = self.container(container, running, side)?;
            if container.restart_policy.as_deref() == Some("Always") {
                sum.add(&moment);
                sidecars.add(&moment);
                moment = sidecars.clone();
            } else {
                moment.add(&sidecars);
            }
            peak.raise_to(&moment);
        }
        sum.raise_to(&peak);
        Ok(sum)
    }

    /// Puts the requests of the whole pod in place of the sum of its containers.
    fn replaced(&mut self, sum: &mut Ask, whole: &Map, running: &Running<'_>) -> Result<(), String> {
        let mut all = vec![whole];
        if let Some(actual) = running.actual {
            if running.infeasible {
                all.clear();
            }
            all.extend([Some(actual), running.allocated].into_iter().flatten());
        }
        let mut set = Resources::default();
        for amounts in &all {
            set.raise_to(&self.resources(amounts)?);
        }
        let says = |name: &str| all.iter().any(|amounts| amounts.contains_key(name));
        if says("cpu") {
            (sum.real.cpu, sum.scored.0) = (set.cpu, set.cpu);
        }
        if says("memory") {
            (sum.real.memory, sum.scored.1) = (set.memory, set.memory);
        }
        sum.real.extended.extend(set.extended.into_iter().filter(|(name, _)| name.starts_with("hugepages-")));
        Ok(())
    }

    /// One container by one side: its requests, and its limits where a limit stands without a request (the API server's
    /// default). Where the status does not say, what is asked for stands in, unless it can never be granted.
    fn container(&mut self, container: &Container, running: &Running<'_>, side: Side) -> Result<Ask, String> {
        let status = running.named(container.name.as_ref()).filter(|_| side != Side::Asked);
        let allocated = status.and_then(|status| status.allocated_resources.as_ref());
        let actual = status.and_then(|status| requests_of(status.resources.as_ref()));
        let asked = match actual.filter(|_| side == Side::Actual).or(allocated) {
            Some(amounts) => amounts.clone(),
            None if running.infeasible && side != Side::Asked => Map::new(),
            None => {
                let lists =
                    container.resources.iter().flat_map(|needs| [needs.limits.as_ref(), needs.requests.as_ref()]);
                let amounts = lists.flatten().flatten();
                amounts.map(|(name, amount)| (name.clone(), amount.clone())).collect()
            }
        };
        let real = self.resources(&asked)?;
        let scored = (
            if asked.contains_key("cpu") { real.cpu } else { SCORED_CPU },
            if asked.contains_key("memory") { real.memory } else { SCORED_MEMORY },
        );
        Ok(Ask { real, scored })
    }

    /// A resource list. Names that the scheduler does not look at (`storage`, `mem`) are left out.
    pub(super) fn resources(&mut self, list: &Map) -> Result<Resources, String> {
        let mut resources = Resources::default();
        for (name, amount) in list {
            let text = amount.0.trim();
            let text = if text.is_empty() { "0" } else { text };
            // A minus that is no more than a rounding is none.
            if text.starts_with('-') && parse_units(text)? < 0 {
                return Err(format!("it has {name} of {text}: less than nothing"));
            }
            match name.as_str() {
                "cpu" => resources.cpu = parse_cpu_milli(text)?,
                "memory" => resources.memory = parse_bytes(text)?,
                "ephemeral-storage" => resources.ephemeral_storage = parse_bytes(text)?,
                "pods" => resources.pods = parse_units(text)?,
                other if other.contains('/') || other.starts_with("hugepages-") => {
                    resources.extended.insert(self.intern.name(other), parse_units(text)?);
                }
                _ => {}
            }
        }
        Ok(resources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MI: i64 = 1 << 20;

    fn effective(spec: &str) -> (Resources, (i64, i64)) {
        let asked = requests(spec);
        (asked.real, asked.scored)
    }

    fn requests(spec: &str) -> Requests {
        Converter::default().requests(&serde_json::from_str(spec).unwrap(), &Running::default()).unwrap()
    }

    #[test]
    fn adds_up_as_the_scheduler_does() {
        let asks = |cpu: &str| format!(r#""resources":{{"requests":{{"cpu":"{cpu}"}}}}"#);
        let main = format!(r#""containers":[{{{}}},{{{}}}]"#, asks("1"), asks("500m"));
        for (rest, cpu) in [
            (String::new(), 1500),
            // One init container at a time.
            (format!(r#","initContainers":[{{{}}},{{{}}}]"#, asks("2"), asks("1")), 2000),
            // A sidecar runs beside everything after it, and beside the containers.
            (format!(r#","initContainers":[{{"restartPolicy":"Always",{}}},{{{}}}]"#, asks("1"), asks("2")), 3000),
            (format!(r#","initContainers":[{{{}}},{{"restartPolicy":"Always",{}}}]"#, asks("2"), asks("1")), 2500),
            (format!(r#","overhead":{{"cpu":"250m"}},{}"#, asks("4")), 4250),
            (format!(r#",{}"#, asks("100m")), 100),
        ] {
            let (real, _) = effective(&format!("{{{main}{rest}}}"));
            assert_eq!((real.cpu, real.pods), (cpu, 1), "{rest}");
        }
    }

    #[test]
    fn scoring_counts_a_container_without_a_request() {
        let (real, scored) = effective(
            r#"{"containers":[{},{"resources":{"requests":{"cpu":"0","memory":1048576}}},{"resources":{"limits":{"cpu":"1"}}}]}"#,
        );
        assert_eq!((real.cpu, real.memory), (1000, MI));
        assert_eq!(scored, (100 + 1000, 200 * MI + MI + 200 * MI));
    }

    #[test]
    fn a_pod_that_asks_is_scored_without_the_requests_of_the_whole() {
        for (rest, scored, asking) in [
            (r#""containers":[{}]"#, (100, 200 * MI), None),
            (r#""containers":[{}],"resources":{"requests":{"cpu":"1"}}"#, (1000, 200 * MI), Some((100, 200 * MI))),
            (
                r#""containers":[{}],"resources":{"requests":{"cpu":"1"}},"overhead":{"cpu":"1","memory":"1Mi"}"#,
                (2000, MI),
                Some((1100, 201 * MI)),
            ),
        ] {
            let asked = requests(&format!("{{{rest}}}"));
            assert_eq!((asked.scored, asked.asking), (scored, asking), "{rest}");
        }
    }

    #[test]
    fn extended_resources_count_and_unknown_words_do_not() {
        let (real, _) = effective(
            r#"{"containers":[{"resources":{"requests":{"nvidia.com/gpu":"2","hugepages-2Mi":"4Mi","mem":"1Mi","storage":"1"}}}],
                "resources":{"requests":{"hugepages-2Mi":"6Mi","nvidia.com/gpu":"9"}}}"#,
        );
        let found: Vec<_> = real.extended.iter().map(|(name, amount)| (&**name, *amount)).collect();
        assert_eq!(found, [("hugepages-2Mi", 6 * MI), ("nvidia.com/gpu", 2)]);
    }

    #[test]
    fn a_resize_under_way_counts_with_the_most_of_each_resource() {
        let two = r#"{"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"4Mi"}}},
            {"name":"b","resources":{"requests":{"cpu":"2","memory":"1Mi"}}}]%}"#;
        let alone = two.replace('%', "");
        let whole = two.replace('%', r#","resources":{"requests":{"cpu":"4"}}"#);
        let overhead = two.replace('%', r#","overhead":{"cpu":"1"}"#);
        let status = |a: &str, b: &str| format!(r#"{{"containerStatuses":[{{"name":"a",{a}}},{{"name":"b",{b}}}]}}"#);
        let has =
            |cpu: &str, memory: &str| format!(r#""resources":{{"requests":{{"cpu":"{cpu}","memory":"{memory}"}}}}"#);
        let promised =
            |cpu: &str, memory: &str| format!(r#""allocatedResources":{{"cpu":"{cpu}","memory":"{memory}"}}"#);
        let infeasible = |status: &str| {
            let conditions = r#"{"conditions":[{"type":"PodResizePending","status":"True","reason":"Infeasible"}],"#;
            status.replacen('{', conditions, 1)
        };
        let same = (has("1", "4Mi"), has("2", "1Mi"));
        for (name, spec, status, cpu, memory) in [
            ("nothing runs yet", &alone, "{}".to_owned(), 3000, 5),
            ("as asked", &alone, status(&same.0, &same.1), 3000, 5),
            // CPU goes up and memory down: the CPU of the spec, the memory that it still has.
            ("up and down", &alone, status(&has("500m", "6Mi"), &same.1), 3000, 7),
            ("down and up", &alone, status(&has("3", "1Mi"), &same.1), 5000, 5),
            // One container up, the other down: the sums are compared, not the containers.
            ("two against each other", &alone, status(&has("2", "4Mi"), &has("1", "1Mi")), 3000, 5),
            (
                "promised, not there yet",
                &alone,
                status(&format!("{},{}", has("1", "4Mi"), promised("3", "2Mi")), &same.1),
                5000,
                5,
            ),
            ("promised alone", &alone, status(&promised("3", "2Mi"), &same.1), 5000, 5),
            ("can never be", &alone, infeasible(&status(&has("500m", "2Mi"), &has("1", "1Mi"))), 1500, 3),
            ("can never be, and no status", &alone, infeasible(r#"{"phase":"Running"}"#), 0, 0),
            (
                "deferred",
                &alone,
                infeasible(&status(&has("500m", "2Mi"), &has("1", "1Mi"))).replace("Infeasible", "Deferred"),
                3000,
                5,
            ),
            ("the whole pod asks", &whole, status(&has("9", "2Mi"), &same.1), 4000, 5),
            (
                "the whole pod has more",
                &whole,
                r#"{"resources":{"requests":{"cpu":"6","memory":"8Mi"}}}"#.to_owned(),
                6000,
                8,
            ),
            (
                "the whole pod shrinks no further",
                &whole,
                r#"{"resources":{"requests":{"cpu":"1"}},"allocatedResources":{"cpu":"5"}}"#.to_owned(),
                5000,
                5,
            ),
            (
                "the sum that the kubelet says",
                &alone,
                r#"{"resources":{"requests":{"cpu":"5"}},"allocatedResources":{"memory":"9Mi"}}"#.to_owned(),
                5000,
                9,
            ),
            ("overhead comes on top", &overhead, status(&has("2", "1Mi"), &same.1), 5000, 5),
        ] {
            let (spec, status): (PodSpec, PodStatus) =
                (serde_json::from_str(spec).unwrap(), serde_json::from_str(&status).unwrap());
            let asked = Converter::default().requests(&spec, &Running::of(&status)).unwrap();
            assert_eq!((asked.real.cpu, asked.real.memory), (cpu, memory * MI), "{name}");
        }
    }

    #[test]
    fn a_quantity_that_is_none_is_an_error() {
        let spec = serde_json::from_str(r#"{"containers":[{"resources":{"requests":{"cpu":"1 core"}}}]}"#).unwrap();
        let error = Converter::default().requests(&spec, &Running::default()).err().unwrap();
        assert!(error.contains("`1 core` is not a quantity"), "{error}");
        let spec = serde_json::from_str(r#"{"containers":[{"resources":{"requests":{"cpu":"-100m"}}}]}"#).unwrap();
        let error = Converter::default().requests(&spec, &Running::default()).err().unwrap();
        assert_eq!(error, "it has cpu of -100m: less than nothing");
    }
}
