//! Several files and documents make one policy: lists are joined in the order of the documents (by
//! file name, then line), and a value that is said
//! twice is an error that names both places.

use crate::policy::finding::Findings;
use crate::policy::located::Located;
use crate::policy::wire::{
    Allocation, Brakes, Document, Drain, Hook, Limits, Override, Pool, Provider, Rate, Schedule, Scheduler, Text, Wake,
    Zone, join,
};

/// All documents together.
#[derive(Default)]
pub(crate) struct Merged {
    pub name: Option<Located<Text>>,
    pub cluster: Option<Located<Text>>,
    pub time_zone: Option<Located<Zone>>,
    pub limits: Option<Located<Limits>>,
    pub drain: Option<Located<Drain>>,
    pub wake: Option<Located<Wake>>,
    pub allocation: Option<Located<Allocation>>,
    pub brakes: Option<Located<Brakes>>,
    pub providers: Vec<Located<Provider>>,
    pub schedules: Vec<Located<Schedule>>,
    pub pools: Vec<Located<Pool>>,
    pub overrides: Vec<Located<Override>>,
    pub hooks: Vec<Located<Hook>>,
    pub rates: Vec<Located<Rate>>,
    pub schedulers: Vec<Located<Scheduler>>,
}

/// Puts the documents together, in their order.
pub(crate) fn merge(documents: Vec<Document>, out: &mut Findings) -> Merged {
    let mut merged = Merged::default();
    let kind = documents.first().map(|first| first.kind.as_ref().map(|kind| kind.span));
    if let (Some(kind), false) = (kind, documents.iter().any(|document| document.has("metadata"))) {
        const MESSAGE: &str = "nothing says what the policy is called";
        let finding = match kind {
            Some(span) => out.error("no-name", span, MESSAGE),
            None => out.general("no-name", MESSAGE),
        };
        finding.help("add `metadata: {name: …}`; a building block without it is read with the policy's own file, `-f`");
    }
    for document in documents {
        if let Some(name) = document.metadata.and_then(|metadata| metadata.value.name) {
            match &merged.name {
                Some(first) if first.as_str() != name.as_str() => {
                    out.error("two-policies", name.span, format!("this is another policy, `{}`", name.as_str()))
                        .help("all files that are read together make one policy, under one name: leave `metadata` out here, or read one of them")
                        .see(first.span, format!("the policy `{}`", first.as_str()));
                }
                Some(_) => {}
                None => merged.name = Some(name),
            }
        }
        let Some(spec) = document.spec else { continue };
        let spec = spec.value;
        join(&mut merged.cluster, spec.cluster, "cluster", out);
        join(&mut merged.time_zone, spec.time_zone, "timeZone", out);
        join(&mut merged.limits, spec.limits, "limits", out);
        join(&mut merged.drain, spec.drain, "drain", out);
        join(&mut merged.wake, spec.wake, "wake", out);
        join(&mut merged.allocation, spec.allocation, "allocation", out);
        join(&mut merged.brakes, spec.brakes, "brakes", out);
        merged.providers.extend(spec.providers.into_iter().flat_map(|list| list.value));
        merged.schedules.extend(spec.schedules.into_iter().flat_map(|list| list.value));
        merged.pools.extend(spec.pools.into_iter().flat_map(|list| list.value));
        merged.overrides.extend(spec.overrides.into_iter().flat_map(|list| list.value));
        merged.schedulers.extend(spec.schedulers.into_iter().flat_map(|list| list.value));
        merged.hooks.extend(spec.hooks.into_iter().flat_map(|list| list.value));
        merged.rates.extend(spec.rates.into_iter().flat_map(|list| list.value));
    }
    merged
}
