//! Which microversion of Nova's API both sides know, and where exactly that API is.

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use super::transport::{Ask, Transport};
use crate::cloud::ProviderError;

/// The newest that this client was written for: the details of failed actions (2.84). Flavors come with their servers since
/// 2.47, extra specs since 2.47 and 2.61.
const NEWEST: Microversion = Microversion(2, 90);

/// Nova, as it is spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compute {
    /// Its address, without a slash at its end.
    pub base: String,
    /// The microversion; None for a Nova that has none.
    pub version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Microversion(u32, u32);

impl Microversion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    id: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    min_version: String,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// Asks Nova at `address` what it knows. Where it does not say, the oldest API is spoken, which every Nova knows.
///
/// # Errors
/// It does not answer, or knows nothing that this client knows.
pub async fn negotiate(transport: &Transport, address: &str, project: Option<&str>) -> Result<Compute, ProviderError> {
    // Older catalogs have the project at the end; there is no version to be found there.
    let ended = project.and_then(|project| address.strip_suffix(project)).map(|base| base.trim_end_matches('/'));
    let base = ended.unwrap_or(address);
    let url = format!("{base}/");
    let ask =
        Ask { method: Method::GET, url: &url, query: &[], token: None, version: None, body: None, repeatable: true };
    let answer = transport.ask(&ask).await;
    let answer = answer.map_err(|silence| ProviderError::Unavailable(format!("Nova at {base}: {}", silence.why)))?;
    if answer.busy() {
        return Err(ProviderError::Unavailable(format!("Nova at {base}: {}: {}", answer.status, answer.words)));
    }
    let (found, listed) = read(answer.body.as_ref());
    let Some(found) = found else {
        if answer.status.is_success() {
            let words = answer.words;
            let text = format!("what is at {base} is no Nova, or a proxy answers for it: {words}");
            return Err(ProviderError::Unavailable(text));
        }
        return Ok(Compute { base: address.to_owned(), version: None });
    };
    // The list of versions stands above them; its links may name a host that only the cloud itself can reach.
    let own = if listed { below(base, &found) } else { base.to_owned() };
    let whole = if ended.is_some() && !listed { address.to_owned() } else { own };
    let (oldest, newest) = (Microversion::parse(&found.min_version), Microversion::parse(&found.version));
    let version = match (oldest, newest) {
        (Some(oldest), Some(newest)) if oldest <= NEWEST => Some(newest.min(NEWEST)),
        (Some(Microversion(major, minor)), Some(_)) => {
            let Microversion(known, upto) = NEWEST;
            let text = format!(
                "Nova at {base} knows no microversion below {major}.{minor}, and this Tidegate none above {known}.{upto}: a \
                 newer Tidegate is needed"
            );
            return Err(ProviderError::Setup(text));
        }
        _ => None,
    };
    Ok(Compute { base: whole, version: version.map(|Microversion(major, minor)| format!("{major}.{minor}")) })
}

/// The API 2.1 in a document about one version, or in a list of them (status 300, and 200 since some proxies do so).
fn read(body: Option<&Value>) -> (Option<Version>, bool) {
    let one = |value: &Value| serde_json::from_value::<Version>(value.clone()).ok();
    let Some(body) = body else { return (None, false) };
    if let Some(version) = body.get("version") {
        return (one(version), false);
    }
    let listed = body.get("versions").and_then(Value::as_array);
    let found = listed.into_iter().flatten().filter_map(one).find(|version| version.id.starts_with("v2.1"));
    (found, true)
}

fn below(base: &str, version: &Version) -> String {
    let link = version.links.iter().find(|link| link.rel == "self").and_then(|link| Url::parse(&link.href).ok());
    let path = link.as_ref().map_or("", Url::path).trim_end_matches('/');
    let joined = Url::parse(base).ok().filter(|_| !path.is_empty()).map(|mut url| {
        // A cloud that lives below a path says so in its links, or does not know.
        let prefix = url.path().trim_end_matches('/').to_owned();
        let path = if path.starts_with(&prefix) { path.to_owned() } else { format!("{prefix}{path}") };
        url.set_path(&path);
        url.as_str().trim_end_matches('/').to_owned()
    });
    joined.unwrap_or_else(|| format!("{base}/v2.1"))
}
