//! Which catalogs policies name, and where those stand: beside the file that names them, in git at the same commit.

use std::collections::BTreeSet;

use crate::model::Name;
use crate::policy::decode::decode;
use crate::policy::finding::Findings;
use crate::policy::node::{Node, Value};
use crate::policy::{PolicySource, path_of};

/// The catalogs that these files name, by where they stand.
pub fn catalogs_named<'s>(sources: impl IntoIterator<Item = &'s PolicySource>) -> BTreeSet<Name> {
    let mut all = BTreeSet::new();
    for source in sources.into_iter().filter(|source| mentions(&source.text)) {
        for document in decode(&source.text, 0, &mut Findings::default()) {
            let pools = field(&document, "spec").and_then(|spec| field(spec, "pools"));
            let Some(Value::List(pools)) = pools.map(|pools| &pools.value) else { continue };
            let named = pools.iter().filter_map(|pool| field(field(pool, "create")?, "catalog"));
            for name in named {
                if let Value::Scalar(name) = &name.value {
                    all.insert(stands_at(&source.path, &name.text));
                }
            }
        }
    }
    all
}

/// Where a catalog stands that a policy's file names.
pub fn stands_at(policy: &str, catalog: &str) -> Name {
    let inside = path_of(policy);
    match policy.rsplit_once("?ref=").filter(|_| inside != policy) {
        Some((place, commit)) => {
            let head = place.strip_suffix(inside).unwrap_or(place);
            format!("{head}{}?ref={commit}", beside(inside, catalog)).into()
        }
        None => beside(policy, catalog).into(),
    }
}

/// The path of `name` beside the file `path`, its dots taken away.
fn beside(path: &str, name: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect());
    for part in name.split('/') {
        match (part, parts.last().copied()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if !matches!(last, "" | "." | "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn mentions(text: &[u8]) -> bool {
    text.windows(b"catalog".len()).any(|word| word == b"catalog")
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_stands_beside_the_file_that_names_it() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        for (policy, name, place) in [
            ("policy.yaml", "a.csv", "a.csv"),
            ("a/policy.yaml", "./b/c.json.gz", "a/b/c.json.gz"),
            ("./a/policy.yaml", "c.csv", "./a/c.csv"),
            ("/a/b/policy.yaml", "../c.csv", "/a/c.csv"),
            ("policy.yaml", "../c.csv", "../c.csv"),
            ("../policy.yaml", "../c.csv", "../../c.csv"),
            ("<stdin>", "c.csv", "c.csv"),
        ] {
            assert_eq!(&*stands_at(policy, name), place);
        }
        let policy = format!("https://h/p.git//pools/a.yaml?ref={COMMIT}");
        assert_eq!(*stands_at(&policy, "../c.csv"), *format!("https://h/p.git//c.csv?ref={COMMIT}"));
    }

    #[test]
    fn only_what_makes_servers_names_a_catalog() {
        let source = |text: &str| PolicySource { path: "d/p.yaml".into(), text: text.into() };
        let named = |text: &str| catalogs_named(&[source(text)]).into_iter().collect::<Vec<_>>();
        assert_eq!(
            named("spec: {pools: [{create: {catalog: c.csv}}, {create: {catalog: c.csv}}]}"),
            ["d/c.csv".into()]
        );
        for none in
            ["spec: {catalog: c.csv}", "catalog", "spec: {pools: [{create: {image: catalog}}]}", "{", "a: [catalog"]
        {
            assert!(named(none).is_empty(), "{none}");
        }
    }
}
