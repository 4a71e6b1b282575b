//! What pools draw from catalogs: which of it, bought how, and where the provider cannot buy it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::Context;
use crate::model::{CapacityType, Name, Operator, Requirement};
use crate::policy::catalog::{Choice, chosen, known_keys};
use crate::policy::load::Catalogs;
use crate::policy::located::{Located, Span};
use crate::policy::nearest::{nearest, suggestion};
use crate::policy::wire;
use crate::policy::{Catalog, Pool, Provider, Rate, stands_at};

/// The label of a node's architecture: an image is of one.
const ARCH: &str = "kubernetes.io/arch";

/// What a pool draws from.
#[derive(Default)]
pub(crate) struct Drawn {
    pub catalog: Option<Arc<Catalog>>,
    pub capacity_types: Vec<CapacityType>,
    pub requirements: Vec<Requirement>,
}

/// What may be drawn, beside what the pool names itself.
pub(crate) struct From<'a> {
    pub catalogs: &'a Catalogs,
    pub provider: Option<&'a Provider>,
    pub flavors: &'a [Name],
    pub zones: &'a [Name],
}

/// What a pool draws from its catalog; nothing where it names none, or after saying what is wrong.
pub(crate) fn drawn(written: &Located<wire::Create>, from: &From<'_>, cx: &mut Context<'_>) -> Drawn {
    let requirements = requirements(written, cx);
    let Some(named) = &written.catalog else {
        let spans = [
            ("requirements", written.requirements.as_ref().map(|list| list.span)),
            ("capacityTypes", written.capacity_types.as_ref().map(|list| list.span)),
        ];
        for (field, span) in spans.into_iter().filter_map(|(field, span)| Some((field, span?))) {
            cx.out_of_place(span, field, "pools that draw from a `catalog`");
        }
        return Drawn::default();
    };
    let types = types(written, from.provider, cx);
    let Some(whole) = found(named, from.catalogs, cx) else { return Drawn::default() };
    unknown_flavors(written, &whole, cx);
    unknown_keys(written, &whole, cx);
    let choice = Choice { flavors: from.flavors, zones: from.zones, types: &types, requirements: &requirements };
    let catalog = match chosen(&whole, &choice) {
        Ok(catalog) => Catalog { named: named.name(), file: place(named, cx), ..catalog },
        Err(why) => {
            // What is named and not there is said already.
            if !cx.out.has_errors() {
                let message = format!("nothing in catalog `{}` is left after {why}", named.as_str());
                let help = "compare what the pool asks for with the catalog: at least one flavor has to meet all of it";
                cx.out.error("nothing-to-buy", named.span, message).help(help);
            }
            return Drawn::default();
        }
    };
    two_architectures(written, named, &catalog, cx);
    Drawn { catalog: Some(Arc::new(catalog)), capacity_types: types, requirements }
}

fn place(named: &Located<wire::Text>, cx: &Context<'_>) -> Name {
    stands_at(&cx.origin(named.span).file, named.as_str())
}

/// The catalog that a pool names.
fn found(named: &Located<wire::Text>, catalogs: &Catalogs, cx: &mut Context<'_>) -> Option<Arc<Catalog>> {
    if named.as_str().starts_with('/') {
        cx.out
            .error("bad-path", named.span, "a catalog is named by its path from the policy's file")
            .help("put it beside the policy and write its name, such as `catalog.yaml`");
        return None;
    }
    let place = place(named, cx);
    match catalogs.get(&place) {
        Some(catalog) => catalog.clone(),
        None => {
            let place = crate::policy::file_name(&place);
            cx.out
                .error("catalog-missing", named.span, format!("there is no catalog `{place}`"))
                .help("its path is counted from the folder of the policy's file; put it there, or change the path");
            None
        }
    }
}

fn requirements(written: &Located<wire::Create>, cx: &mut Context<'_>) -> Vec<Requirement> {
    let mut all = Vec::new();
    for one in written.requirements.iter().flat_map(|list| &list.value) {
        let (Some(key), Some(operator)) = (&one.key, &one.operator) else { continue };
        let operator_span = operator.span;
        let operator = operator.value.0.0;
        let written: Vec<_> = one.values.iter().flat_map(|list| &list.value).collect();
        let values: BTreeSet<Name> = written.iter().map(|value| value.name()).collect();
        let given = one.has("values");
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() && (!given || one.values.is_some()) => {
                cx.out
                    .error("missing-field", operator_span, "`In` and `NotIn` need `values`")
                    .help("add `values: […]`, or use `Exists`");
            }
            Operator::Exists | Operator::DoesNotExist => {
                if let Some(values) = &one.values {
                    cx.out_of_place(values.span, "values", "`In`, `NotIn`, `Gt` and `Lt`");
                }
            }
            Operator::Gt | Operator::Lt => {
                let whole = matches!(written.as_slice(), [one] if one.as_str().parse::<i64>().is_ok());
                if !whole && (!given || one.values.is_some()) {
                    let span = one.values.as_ref().map_or(operator_span, |values| values.span);
                    cx.out
                        .error("wrong-type", span, "`Gt` and `Lt` compare with one whole number")
                        .help("write it in quotes: `values: [\"4\"]`");
                }
            }
            _ => {}
        }
        all.push(Requirement { key: key.name(), operator, values });
    }
    all
}

/// How servers are bought, the preferred way first: what is kept for us before all else.
fn types(written: &Located<wire::Create>, provider: Option<&Provider>, cx: &mut Context<'_>) -> Vec<CapacityType> {
    let mut types = vec![CapacityType::Reserved];
    let mut seen = BTreeSet::new();
    let list = written.capacity_types.iter().flat_map(|list| &list.value.0);
    for one in list.clone() {
        let how = one.value.0;
        if !seen.insert(how) {
            cx.out.warning("said-twice", one.span, format!("`{how}` is named twice")).help("remove one");
        } else if how != CapacityType::Reserved {
            types.push(how);
        }
    }
    if seen.is_empty() {
        types.push(CapacityType::OnDemand);
    }
    let Some(provider) = provider else { return types };
    let buys = provider.kind.buys();
    let cannot: Vec<_> = list.filter(|one| !buys.contains(&one.value.0)).collect();
    types.retain(|how| buys.contains(how));
    let words: Vec<String> = buys.iter().map(|how| format!("`{how}`")).collect();
    for one in cannot {
        let message = format!("provider `{}` cannot buy `{}` servers", provider.name, one.value.0);
        let only = words.join(", ");
        match types.is_empty() {
            true => cx.out.error("cannot-buy", one.span, message).help(format!("it sells {only}: write one of these")),
            false => cx.out.warning("cannot-buy", one.span, message).help(format!(
                "it sells {only}: plans are made with that alone; remove the word, or use another provider"
            )),
        };
    }
    types
}

fn unknown_flavors(written: &Located<wire::Create>, catalog: &Catalog, cx: &mut Context<'_>) {
    for name in written.flavors.iter().flat_map(|list| &list.value.0) {
        if catalog.flavor(name.as_str()).is_none() {
            let known = catalog.flavors.iter().map(|flavor| &*flavor.name);
            cx.out
                .error("unknown-reference", name.span, format!("the catalog has no flavor `{}`", name.as_str()))
                .help(suggestion(name.as_str(), known));
        }
    }
}

/// A label that nothing in the catalog has is more likely misspelt than meant.
fn unknown_keys(written: &Located<wire::Create>, catalog: &Catalog, cx: &mut Context<'_>) {
    let known = known_keys(catalog);
    for key in written.requirements.iter().flat_map(|list| &list.value).filter_map(|one| one.key.as_ref()) {
        if !known.contains(key.as_str()) {
            let near = nearest(key.as_str(), known.iter().map(|key| &**key));
            let message = format!("no flavor of the catalog has the label `{}`", key.as_str());
            cx.out.warning("matches-nothing", key.span, message).help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "check the label's key, or add it to the catalog's `labels`".to_owned(),
            });
        }
    }
}

fn two_architectures(
    written: &Located<wire::Create>,
    named: &Located<wire::Text>,
    catalog: &Catalog,
    cx: &mut Context<'_>,
) {
    let all: BTreeSet<&Name> = catalog.flavors.iter().filter_map(|flavor| flavor.labels.get(ARCH)).collect();
    if let (2.., Some(first)) = (all.len(), all.first()) {
        let words: Vec<&str> = all.iter().map(|arch| &***arch).collect();
        let image = written.image.as_ref().map_or(named.span, |image| image.span);
        let message = format!("what may be had is for {}, and one image is for one of them", words.join(" and "));
        cx.out.warning("two-architectures", image, message).help(format!(
            "add `requirements: [{{key: {ARCH}, operator: In, values: [{first}]}}]` with the image's own"
        ));
    }
}

/// Sums need one unit, in catalogs and rates alike.
pub(crate) fn one_unit(written: &[Located<wire::Pool>], pools: &[Pool], rates: &[Rate], cx: &mut Context<'_>) {
    let mut first: Option<(Name, Option<Span>)> = rates.first().map(|rate| (rate.unit.clone(), None));
    let drawn: BTreeMap<&str, &Name> = (pools.iter())
        .filter_map(|pool| Some((&*pool.name, pool.create.as_ref()?.catalog.as_ref()?.unit.as_ref()?)))
        .collect();
    for pool in written {
        let named = pool.create.as_ref().and_then(|create| create.catalog.as_ref());
        let Some((name, named)) = pool.name.as_ref().zip(named) else { continue };
        let Some(unit) = drawn.get(name.as_str()) else { continue };
        match &first {
            None => first = Some(((*unit).clone(), Some(named.span))),
            Some((known, _)) if known == *unit => {}
            Some((known, span)) => {
                let message = format!("the catalog's prices are in `{unit}`, and others in `{known}`");
                let finding = cx.out.error("two-units", named.span, message);
                finding.help(format!("give all rates and catalogs one unit, `{known}` or `{unit}`"));
                if let Some(span) = span {
                    finding.see(*span, "the first unit");
                }
            }
        }
    }
}
