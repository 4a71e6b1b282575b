//! How one cloud is reached: who we are there, which region and interface, and whose certificates we trust.

use std::path::PathBuf;

use secrecy::SecretString;

use super::clouds::Entry;
use super::surroundings::Surroundings;
use crate::cloud::ProviderError;
use crate::model::Name;

/// Who we say that we are.
pub enum Auth {
    /// An application credential, by id, or by its name and its user.
    ApplicationCredential {
        /// Its id, or its name with the user whose it is.
        which: Credential,
        /// Its secret.
        secret: SecretString,
    },
    /// A user with a password.
    Password {
        /// The user.
        user: User,
        /// The password.
        password: SecretString,
        /// The project.
        project: Project,
    },
    /// A token that somebody else got. It cannot be renewed.
    Token {
        /// The token.
        token: SecretString,
        /// The project; None for the token's own.
        project: Option<Project>,
    },
}

/// Which application credential.
pub enum Credential {
    /// By id.
    Id(String),
    /// By name, which is unique for a user only.
    Name(String, User),
}

/// A user.
pub enum User {
    /// By id.
    Id(String),
    /// By name within a domain.
    Name(String, Domain),
}

/// A project.
pub enum Project {
    /// By id.
    Id(String),
    /// By name within a domain.
    Name(String, Domain),
}

/// A domain.
pub enum Domain {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system's.
    System,
    /// The system's, and those in this file.
    File(PathBuf),
    /// Anybody's: `verify: false`.
    Anybody,
}

/// How one cloud is reached. It holds secrets and cannot be printed.
pub struct Config {
    /// The policy's name for the provider.
    pub provider: Name,
    /// How messages call where this was read.
    pub place: String,
    /// Keystone, up to and with `/v3`.
    pub keystone: String,
    /// Who we are.
    pub auth: Auth,
    /// The region, where one was named.
    pub region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// Where Nova is, in place of what the catalog says.
    pub compute: Option<String>,
}

impl Config {
    /// What the entry `cloud` says, in `region` where the policy names one. `provider` is the policy's name for it.
    ///
    /// # Errors
    /// A file or an entry that is not there or lacks something; the message names both and says what to write.
    pub fn read(
        provider: &Name,
        cloud: Option<&str>,
        region: Option<&str>,
        around: &Surroundings,
    ) -> Result<Self, ProviderError> {
        let entry = Entry::find(cloud, around)?;
        let Some(url) = entry.auth(&["auth_url"])? else {
            let known = if entry.option("profile")?.is_some() { " (`profile` is not looked up)" } else { "" };
            return Err(
                entry.wrong(&format!("`auth_url` is missing{known}: the address of Keystone, `https://…:5000/v3`"))
            );
        };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(entry.wrong("`auth_url` must begin with https:// (or http://)"));
        }
        // Every message names that address: what is secret must not stand in it.
        if url.contains(['@', '?', '#']) {
            let text = "`auth_url` is to be an address only, `https://host:5000/v3`: user, password and token stand beside it, in `auth`";
            return Err(entry.wrong(text));
        }
        let trust = trust(&entry, around)?;
        let interface = entry.option("interface")?.or(entry.option("endpoint_type")?);
        Ok(Self {
            provider: provider.clone(),
            keystone: keystone(&url),
            auth: auth(&entry)?,
            region: region.map(str::to_owned).map_or_else(|| own_region(&entry), |region| Ok(Some(region)))?,
            interface: interface.map_or_else(|| "public".to_owned(), |text| text.trim_end_matches("URL").to_owned()),
            trust,
            compute: entry.option("compute_endpoint_override")?,
            place: entry.place,
        })
    }

    /// What is to be said loudly of this configuration.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.trust == Trust::Anybody {
            warnings.push(format!(
                "{} says `verify: false`: anybody between here and the cloud can read its password and answer in its place; \
                 write `cacert: FILE` instead",
                self.place
            ));
        }
        if self.keystone.starts_with("http://") && !local(&self.keystone) {
            warnings.push(format!(
                "{} reaches {} without encryption: its password and every token can be read on the way",
                self.place, self.keystone
            ));
        }
        warnings
    }
}

/// Keystone's address may be given with or without its version.
fn keystone(url: &str) -> String {
    let base = url.trim_end_matches('/');
    let base = base.strip_suffix("/v2.0").unwrap_or(base);
    if base.ends_with("/v3") { base.to_owned() } else { format!("{base}/v3") }
}

fn local(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|here| host.starts_with(here))
}

fn own_region(entry: &Entry) -> Result<Option<String>, ProviderError> {
    if let Some(region) = entry.option("region_name")? {
        return Ok(Some(region));
    }
    let regions = entry.names("regions");
    match regions.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        _ => Err(entry.wrong(&format!(
            "it has the regions {}; name one in the policy (`openstack: {{cloud: …, region: …}}`)",
            regions.join(", ")
        ))),
    }
}

fn trust(entry: &Entry, around: &Surroundings) -> Result<Trust, ProviderError> {
    if entry.option("cert")?.is_some() || entry.option("key")?.is_some() {
        return Err(entry.wrong("client certificates (`cert`, `key`) are not supported; use an application credential"));
    }
    let insecure = entry.flag("insecure")?.unwrap_or(false);
    match (entry.flag("verify")?.unwrap_or(true) && !insecure, entry.option("cacert")?) {
        (false, _) => Ok(Trust::Anybody),
        (true, Some(path)) => Ok(Trust::File(around.path(&path))),
        (true, None) => Ok(Trust::System),
    }
}

fn auth(entry: &Entry) -> Result<Auth, ProviderError> {
    const CREATE: &str = "make an application credential (`openstack application credential create tidegate`) and write \
                          `application_credential_id` and `application_credential_secret` under `auth:`";
    let kind = entry.option("auth_type")?;
    let has = |names: &[&str]| entry.auth(names).map(|found| found.is_some());
    let kind = match kind.as_deref() {
        Some("v3applicationcredential") => "credential",
        Some("password" | "v3password") => "password",
        Some("token" | "v3token") => "token",
        Some(other) => {
            return Err(entry.wrong(&format!("Tidegate does not speak `auth_type: {other}`; {CREATE}")));
        }
        None if has(&["application_credential_id", "application_credential_name"])? => "credential",
        None if has(&["token", "auth_token"])? => "token",
        None => "password",
    };
    let secret = |names: &[&str], what: &str| {
        let lacks = || entry.wrong(&format!("`{what}` is missing, here and in secure.yaml"));
        entry.auth(names)?.map(SecretString::from).ok_or_else(lacks)
    };
    match kind {
        "credential" => {
            let which = match entry.auth(&["application_credential_id"])? {
                Some(id) => Credential::Id(id),
                None => {
                    let Some(name) = entry.auth(&["application_credential_name"])? else {
                        return Err(entry.wrong("`application_credential_id` is missing"));
                    };
                    let what = "an application credential given by name needs its user: `username` and \
                                `user_domain_name`, or `user_id`";
                    Credential::Name(name, user(entry)?.ok_or_else(|| entry.wrong(what))?)
                }
            };
            let names = ["application_credential_secret"];
            Ok(Auth::ApplicationCredential { which, secret: secret(&names, "application_credential_secret")? })
        }
        "token" => {
            let token = secret(&["token", "auth_token"], "token")?;
            Ok(Auth::Token { token, project: project(entry)? })
        }
        _ => {
            let user = user(entry)?.ok_or_else(|| entry.wrong(&format!("`username` is missing; or {CREATE}")))?;
            let password = secret(&["password"], "password")?;
            let what =
                "`project_name` (with `project_domain_name`) or `project_id` is missing: servers belong to a project";
            Ok(Auth::Password { user, password, project: project(entry)?.ok_or_else(|| entry.wrong(what))? })
        }
    }
}

fn domain(entry: &Entry, of: &str) -> Result<Domain, ProviderError> {
    let id = [format!("{of}_domain_id"), "domain_id".to_owned()];
    let name = [format!("{of}_domain_name"), "domain_name".to_owned()];
    if let Some(id) = entry.auth(&id.each_ref().map(String::as_str))? {
        return Ok(Domain::Id(id));
    }
    let name = entry.auth(&name.each_ref().map(String::as_str))?;
    Ok(name.map_or_else(|| Domain::Id("default".to_owned()), Domain::Name))
}

fn user(entry: &Entry) -> Result<Option<User>, ProviderError> {
    if let Some(id) = entry.auth(&["user_id"])? {
        return Ok(Some(User::Id(id)));
    }
    let Some(name) = entry.auth(&["username", "user_name"])? else { return Ok(None) };
    Ok(Some(User::Name(name, domain(entry, "user")?)))
}

fn project(entry: &Entry) -> Result<Option<Project>, ProviderError> {
    if let Some(id) = entry.auth(&["project_id", "tenant_id"])? {
        return Ok(Some(Project::Id(id)));
    }
    let Some(name) = entry.auth(&["project_name", "tenant_name"])? else { return Ok(None) };
    Ok(Some(Project::Name(name, domain(entry, "project")?)))
}
