//! What a pod asks of a node, as the scheduler adds it up.

use super::Converter;
use crate::model::{Resources, parse_bytes, parse_cpu_milli, parse_units};
use crate::observe::raw::{Container, ContainerStatus, Map, PodSpec};

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

impl Converter {
    /// The effective requests of a pod, and the same for scoring; while the pod asks, its own score overlooks `spec.resources`.
    ///
    /// The larger of what its containers and sidecars need together, and of the neediest moment while the init
    /// containers run one by one beside the sidecars started before them; then `spec.resources` of the pod in place of
    /// the sum for CPU, memory and huge pages; then the overhead. A container counts with the most of its spec and of
    /// what the kubelet runs it with, so that a resize under way never looks smaller than it is.
    pub(super) fn requests(
        &mut self,
        spec: &PodSpec,
        running: &[ContainerStatus],
        init_running: &[ContainerStatus],
    ) -> Result<Requests, String> {
        let mut sum = Ask::default();
        for container in spec.containers.iter().flatten() {
            sum.add(&self.container(container, running)?);
        }
        let (mut sidecars, mut peak) = (Ask::default(), Ask::default());
        for container in spec.init_containers.iter().flatten() {
            let mut moment = self.container(container, init_running)?;
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
        let mut asking = sum.scored;
        if let Some(whole) = spec.resources.as_ref().and_then(|needs| needs.requests.as_ref()) {
            let set = self.resources(whole)?;
            if whole.contains_key("cpu") {
                (sum.real.cpu, sum.scored.0) = (set.cpu, set.cpu);
            }
            if whole.contains_key("memory") {
                (sum.real.memory, sum.scored.1) = (set.memory, set.memory);
            }
            sum.real.extended.extend(set.extended.into_iter().filter(|(name, _)| name.starts_with("hugepages-")));
        }
        if let Some(overhead) = &spec.overhead {
            let real = self.resources(overhead)?;
            let scored = (real.cpu, real.memory);
            asking = (asking.0.saturating_add(scored.0), asking.1.saturating_add(scored.1));
            sum.add(&Ask { real, scored });
        }
        // Beside requests of the whole pod, nothing is assumed of a resource that is asked for anywhere.
        if spec.resources.as_ref().and_then(|needs| needs.requests.as_ref()).is_some_and(|whole| !whole.is_empty()) {
            for (real, scored) in [(sum.real.cpu, &mut sum.scored.0), (sum.real.memory, &mut sum.scored.1)] {
                *scored = if real == 0 { *scored } else { real };
            }
        }
        sum.real.pods = 1;
        Ok(Requests { asking: Some(asking).filter(|asking| *asking != sum.scored), real: sum.real, scored: sum.scored })
    }

    /// One container: its requests, and its limits where a limit stands without a request (the API server's default).
    fn container(&mut self, container: &Container, running: &[ContainerStatus]) -> Result<Ask, String> {
        let mut asked = Map::new();
        if let Some(needs) = &container.resources {
            asked.extend(needs.limits.iter().flatten().map(|(name, amount)| (name.clone(), amount.clone())));
            asked.extend(needs.requests.iter().flatten().map(|(name, amount)| (name.clone(), amount.clone())));
        }
        let mut real = self.resources(&asked)?;
        let status = running.iter().find(|status| status.name.is_some() && status.name == container.name);
        if let Some(status) = status {
            let runs_with = status.resources.as_ref().and_then(|needs| needs.requests.as_ref());
            for amounts in [runs_with, status.allocated_resources.as_ref()].into_iter().flatten() {
                real.raise_to(&self.resources(amounts)?);
            }
        }
        let scored = (
            if asked.contains_key("cpu") { real.cpu } else { real.cpu.max(SCORED_CPU) },
            if asked.contains_key("memory") { real.memory } else { real.memory.max(SCORED_MEMORY) },
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
        Converter::default().requests(&serde_json::from_str(spec).unwrap(), &[], &[]).unwrap()
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
    fn a_resize_under_way_counts_with_its_larger_side() {
        let spec =
            serde_json::from_str(r#"{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}"#).unwrap();
        let status: Vec<ContainerStatus> = serde_json::from_str(
            r#"[{"name":"c","resources":{"requests":{"cpu":"3"}},"allocatedResources":{"cpu":"2"}}]"#,
        )
        .unwrap();
        let asked = Converter::default().requests(&spec, &status, &[]).unwrap();
        assert_eq!((asked.real.cpu, asked.scored.0), (3000, 3000));
    }

    #[test]
    fn a_quantity_that_is_none_is_an_error() {
        let spec = serde_json::from_str(r#"{"containers":[{"resources":{"requests":{"cpu":"1 core"}}}]}"#).unwrap();
        let error = Converter::default().requests(&spec, &[], &[]).err().unwrap();
        assert!(error.contains("`1 core` is not a quantity"), "{error}");
        let spec = serde_json::from_str(r#"{"containers":[{"resources":{"requests":{"cpu":"-100m"}}}]}"#).unwrap();
        let error = Converter::default().requests(&spec, &[], &[]).err().unwrap();
        assert_eq!(error, "it has cpu of -100m: less than nothing");
    }
}
