//! clouds.yaml, secure.yaml and the `OS_*` variables: what is found where, and what is said when it is not.

use std::path::Path;

use tempfile::TempDir;
use tidegate::cloud::{Auth, Config, Fleet, Provider, ProviderError, Surroundings, Trust};
use tidegate::policy::{PolicySource, load};

use crate::false_cloud::{SECRET, block_on};

struct Place(TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text.replace("SECRET", SECRET)).unwrap();
        }
        Self(folder)
    }

    fn read(&self, variables: &[(&str, &str)], cloud: Option<&str>) -> Result<Config, ProviderError> {
        let root = self.0.path();
        let folders: Vec<_> = ["here", "home", "etc"].iter().map(|name| root.join(name)).collect();
        let folders: Vec<&Path> = folders.iter().map(AsRef::as_ref).collect();
        let variables: Vec<(&str, String)> =
            variables.iter().map(|(key, value)| (*key, value.replace("ROOT", root.to_str().unwrap()))).collect();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Config::read(&"jetstream".into(), cloud, None, &Surroundings::given(&variables, &folders))
    }

    fn error(&self, variables: &[(&str, &str)], cloud: Option<&str>) -> String {
        let error = self.read(variables, cloud).err().expect("it can be used");
        assert!(matches!(error, ProviderError::Setup(_)), "{error:?}");
        assert!(!format!("{error:?} {error}").contains(SECRET));
        error.to_string().replace(self.0.path().to_str().unwrap(), "ROOT")
    }
}

const TWO: &str = "\
clouds:
  workshop:
    auth:
      auth_url: https://js2.example.org:5000/v3/
      application_credential_id: abc
      application_credential_secret: SECRET
    auth_type: v3applicationcredential
    region_name: IU
    interface: public
  course:
    auth: {auth_url: 'https://js2.example.org:5000', username: u, password: SECRET, project_name: p}
";

#[test]
fn an_entry_says_how_its_cloud_is_reached() {
    let place = Place::new(&[("here/clouds.yaml", TWO)]);
    let config = place.read(&[], Some("workshop")).unwrap();
    assert_eq!(config.keystone, "https://js2.example.org:5000/v3");
    assert_eq!((config.region.as_deref(), &*config.interface, &config.trust), (Some("IU"), "public", &Trust::System));
    assert!(matches!(config.auth, Auth::ApplicationCredential { .. }));
    assert_eq!(config.warnings(), Vec::<String>::new());
    // The entry that OS_CLOUD names, where nobody else names one; the policy's goes before it.
    for (cloud, credential) in [(None, false), (Some("workshop"), true)] {
        let config = place.read(&[("OS_CLOUD", "course")], cloud).unwrap();
        assert_eq!(config.keystone, "https://js2.example.org:5000/v3");
        assert_eq!(matches!(config.auth, Auth::ApplicationCredential { .. }), credential);
    }
}

#[test]
fn files_are_found_in_their_order_and_secrets_may_stand_apart() {
    let entry = |name: &str| {
        format!("clouds: {{{name}: {{auth: {{auth_url: 'https://{name}', username: u, project_id: p}}}}}}")
    };
    let secure = "clouds: {a: {auth: {password: SECRET}}, b: {auth: {password: SECRET}}}";
    let (a, b) = (entry("a"), entry("b"));
    let place =
        Place::new(&[("home/clouds.yml", &a), ("etc/clouds.yaml", &b), ("etc/secure.yaml", secure), ("x/c.yaml", &b)]);
    assert_eq!(place.read(&[], Some("a")).unwrap().keystone, "https://a/v3");
    assert_eq!(place.read(&[], None).unwrap().keystone, "https://a/v3", "the only entry needs no name");
    let error = place.error(&[], Some("b"));
    assert_eq!(
        error,
        "no entry `b` in ROOT/home/clouds.yml; there are: a (ROOT/etc/clouds.yaml has it, and is not read: the first file \
         found counts)"
    );
    assert_eq!(place.read(&[("OS_CLIENT_CONFIG_FILE", "ROOT/x/c.yaml")], Some("b")).unwrap().keystone, "https://b/v3");
    let error = place.error(&[("OS_CLIENT_CONFIG_FILE", "ROOT/none.yaml")], Some("b"));
    assert_eq!(error, "OS_CLIENT_CONFIG_FILE names ROOT/none.yaml, which is no file");
}

#[test]
fn the_variables_are_a_cloud_too() {
    let place = Place::new(&[]);
    let base = [("OS_AUTH_URL", "https://k:5000/v3"), ("OS_REGION_NAME", "R2"), ("OS_INTERFACE", "internal")];
    for (more, wanted) in [
        (&[("OS_APPLICATION_CREDENTIAL_ID", "i"), ("OS_APPLICATION_CREDENTIAL_SECRET", SECRET)][..], "credential"),
        (&[("OS_USERNAME", "u"), ("OS_PASSWORD", SECRET), ("OS_PROJECT_NAME", "p")], "password"),
        (
            &[("OS_USERNAME", "u"), ("OS_PASSWORD", SECRET), ("OS_TENANT_NAME", "p"), ("OS_CLOUD", "envvars")],
            "password",
        ),
        (&[("OS_AUTH_TYPE", "token"), ("OS_TOKEN", SECRET), ("OS_PROJECT_ID", "p")], "token"),
    ] {
        let config = place.read(&[&base, more].concat(), None).unwrap();
        let kind = match config.auth {
            Auth::ApplicationCredential { .. } => "credential",
            Auth::Password { .. } => "password",
            Auth::Token { .. } => "token",
        };
        assert_eq!((kind, config.region.as_deref(), &*config.interface), (wanted, Some("R2"), "internal"));
    }
    let insecure = [("OS_USERNAME", "u"), ("OS_PASSWORD", SECRET), ("OS_PROJECT_NAME", "p"), ("OS_INSECURE", "true")];
    let config = place.read(&[&base, &insecure[..]].concat(), None).unwrap();
    assert!(
        config.trust == Trust::Anybody && config.warnings()[0].contains("the OS_* variables"),
        "{:?}",
        config.warnings()
    );
}

#[test]
fn what_is_wrong_is_said_with_file_entry_and_remedy() {
    let entry = |rest: &str| format!("clouds:\n  workshop:\n{rest}");
    let auth = |rest: &str| entry(&format!("    auth:\n      auth_url: https://k:5000\n{rest}"));
    let user = "      username: u\n      password: SECRET\n      project_name: p\n";
    for (text, expected) in [
        (TWO.to_owned(), "no entry `workshp` in ROOT/here/clouds.yaml; there are: course, workshop"),
        ("clouds: {}".to_owned(), "no entry `workshp` in ROOT/here/clouds.yaml; there are: none"),
        ("hello: SECRET".to_owned(), "ROOT/here/clouds.yaml has no `clouds:` with entries under it"),
        ("clouds:\n  a: [SECRET\n b: {".to_owned(), "ROOT/here/clouds.yaml, line "),
    ] {
        let place = Place::new(&[("here/clouds.yaml", &text)]);
        let error = place.error(&[], Some("workshp"));
        assert!(error.starts_with(expected), "{error}");
    }
    for (text, expected) in [
        (entry("    auth: {}\n"), "`auth_url` is missing: the address of Keystone, `https://…:5000/v3`"),
        (entry("    profile: vexxhost\n"), "`auth_url` is missing (`profile` is not looked up)"),
        (entry("    auth: {auth_url: 'k:5000'}\n"), "`auth_url` must begin with https:// (or http://)"),
        (entry("    auth: {auth_url: 'https://u:SECRET@k:5000/v3'}\n"), "`auth_url` is to be an address only"),
        (entry("    auth: {auth_url: 'https://k:5000/v3?token=SECRET'}\n"), "`auth_url` is to be an address only"),
        (auth(""), "`username` is missing; or make an application credential"),
        (auth("      username: u\n      project_id: p\n"), "`password` is missing, here and in secure.yaml"),
        (
            auth("      username: u\n      password: SECRET\n"),
            "`project_name` (with `project_domain_name`) or `project_id`",
        ),
        (
            auth("      username: u\n      password: 0123\n      project_name: p\n"),
            "`password` is not text; put it in quotes",
        ),
        (
            auth("      application_credential_id: i\n"),
            "`application_credential_secret` is missing, here and in secure.yaml",
        ),
        (
            auth("      application_credential_name: tidegate\n      application_credential_secret: SECRET\n"),
            "an application credential given by name needs its user",
        ),
        (
            auth(&format!("{user}    auth_type: v3oidcpassword\n")),
            "Tidegate does not speak `auth_type: v3oidcpassword`; make an",
        ),
        (auth(&format!("{user}    verify: perhaps\n")), "`verify` is neither true nor false"),
        (auth(&format!("{user}    cert: a.pem\n")), "client certificates (`cert`, `key`) are not supported"),
        (auth(&format!("{user}    regions: [A, {{name: B}}]\n")), "it has the regions A, B; name one in the policy"),
        (entry("    - SECRET\n"), "is not a mapping with `auth:` in it"),
    ] {
        let place = Place::new(&[("here/clouds.yaml", &text)]);
        let error = place.error(&[], Some("workshop"));
        assert!(error.starts_with("entry `workshop` of ROOT/here/clouds.yaml"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let error = Place::new(&[]).error(&[], Some("workshop"));
    assert!(error.starts_with(
        "no clouds.yaml for the cloud `workshop`: looked for ROOT/here/clouds.yaml, ROOT/here/clouds.yml, "
    ));
    let error = Place::new(&[("here/clouds.yaml", TWO)]).error(&[], None);
    assert_eq!(error, "which entry of ROOT/here/clouds.yaml? Set OS_CLOUD to one of: course, workshop");
}

/// A policy's providers as a fleet: the provider that is configured wrong is named.
#[test]
fn a_policy_s_providers_are_opened_by_name() {
    let place = Place::new(&[("here/clouds.yaml", TWO)]);
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n  providers:\n    - \
                {name: jetstream, openstack: {cloud: workshop}}\n    - {name: other, openstack: {cloud: CLOUD}}\n  pools: \
                [{name: a, provider: jetstream, nodes: {names: [a]}, min: 0}]\n";
    let around = Surroundings::given(&[], &[&place.0.path().join("here")]);
    for (cloud, fine) in [("course", true), ("curse", false)] {
        let text = text.replace("CLOUD", cloud);
        let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.into_bytes() }]);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
        match Fleet::open(policy.providers.values(), &around) {
            Ok((fleet, warnings)) => {
                assert!(fine && warnings.is_empty() && fleet.member("other").is_some() && fleet.member("x").is_none());
                assert_eq!(fleet.park_modes().len(), 3);
            }
            Err(error) => {
                let error = error.to_string();
                assert!(!fine && error.starts_with("provider other: no entry `curse` in "), "{error}");
            }
        }
    }
    let (none, _) = Fleet::open([], &around).unwrap();
    assert!(none.is_empty());
    assert_eq!(block_on(none.servers()), Ok(Vec::new()));
}
