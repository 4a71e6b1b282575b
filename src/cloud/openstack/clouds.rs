//! Finds an entry of clouds.yaml, with what secure.yaml adds to it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::surroundings::Surroundings;
use crate::cloud::ProviderError;
use crate::file;

/// The entry that stands for the `OS_*` variables, as in openstacksdk.
pub const VARIABLES: &str = "envvars";
/// The most that clouds.yaml may hold, in bytes.
const MOST: u64 = 4 << 20;

/// An entry. It holds secrets and cannot be printed.
pub struct Entry {
    /// How messages call it.
    pub place: String,
    fields: Map<String, Value>,
}

impl Entry {
    /// The entry called `wanted`; without a name the one that `OS_CLOUD` names, the `OS_*` variables, or the only one.
    ///
    /// # Errors
    /// No file, no such entry, or several and none named: the message names the file, the entry and what is there.
    pub fn find(wanted: Option<&str>, around: &Surroundings) -> Result<Self, ProviderError> {
        let wanted = wanted.or_else(|| around.variable("OS_CLOUD"));
        let by_variables = match wanted {
            Some(name) => name == VARIABLES,
            None => around.variable("OS_AUTH_URL").is_some(),
        };
        if by_variables {
            return Self::of_variables(around);
        }
        let file = first(around, "clouds", "OS_CLIENT_CONFIG_FILE")?.ok_or_else(|| missing(wanted, around))?;
        let mut clouds = entries(&file)?;
        let there = list(clouds.keys());
        let name = match wanted {
            Some(name) => name.to_owned(),
            None if clouds.len() == 1 => clouds.keys().next().cloned().unwrap_or_default(),
            None => {
                let file = file.display();
                return Err(setup(format!("which entry of {file}? Set OS_CLOUD to one of: {there}")));
            }
        };
        let Some(entry) = clouds.remove(&name) else {
            let elsewhere = elsewhere(&name, &file, around);
            let file = file.display();
            return Err(setup(format!("no entry `{name}` in {file}; there are: {there}{elsewhere}")));
        };
        let place = format!("entry `{name}` of {}", file.display());
        let Value::Object(mut fields) = entry else {
            return Err(setup(format!("{place} is not a mapping with `auth:` in it")));
        };
        if let Some(secure) = first(around, "secure", "OS_CLIENT_SECURE_FILE")?
            && let Some(more) = entries(&secure)?.remove(&name)
        {
            merge(&mut fields, more);
        }
        Ok(Self { place, fields })
    }

    fn of_variables(around: &Surroundings) -> Result<Self, ProviderError> {
        if around.variable("OS_AUTH_URL").is_none() {
            let text = "the cloud `envvars` is what the OS_* variables say, and OS_AUTH_URL is not set; source the \
                        openrc file of your project";
            return Err(setup(text.to_owned()));
        }
        let fields = around.options().map(|(key, value)| (key, Value::String(value.to_owned()))).collect();
        Ok(Self { place: "the OS_* variables".to_owned(), fields })
    }

    /// A field of `auth`, or beside it, as older files have it; the first of `names` that is there.
    ///
    /// # Errors
    /// It is not text.
    pub fn auth(&self, names: &[&str]) -> Result<Option<String>, ProviderError> {
        for name in names {
            let within = self.fields.get("auth").and_then(|auth| auth.get(*name));
            if let Some(value) = within.or_else(|| self.fields.get(*name)) {
                return self.text(name, value);
            }
        }
        Ok(None)
    }

    /// A field of the entry itself.
    ///
    /// # Errors
    /// It is not text.
    pub fn option(&self, name: &str) -> Result<Option<String>, ProviderError> {
        self.fields.get(name).map_or(Ok(None), |value| self.text(name, value))
    }

    /// A field that is yes or no.
    ///
    /// # Errors
    /// It is neither.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ProviderError> {
        let words = match self.fields.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Bool(flag)) => return Ok(Some(*flag)),
            Some(other) => self.text(name, other)?.unwrap_or_default().to_lowercase(),
        };
        match words.as_str() {
            "true" | "yes" | "on" | "1" => Ok(Some(true)),
            "" | "false" | "no" | "off" | "0" => Ok(Some(false)),
            _ => Err(self.wrong(&format!("`{name}` is neither true nor false"))),
        }
    }

    /// The names in a list of texts, or of mappings with a `name`.
    pub fn names(&self, name: &str) -> Vec<String> {
        let one =
            |value: &Value| value.as_str().or_else(|| value.get("name").and_then(Value::as_str)).map(str::to_owned);
        self.fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(one).collect()
    }

    /// What is wrong with this entry.
    pub fn wrong(&self, what: &str) -> ProviderError {
        setup(format!("{}: {what}", self.place))
    }

    /// A number would have lost its leading zeros: it must be quoted. The value itself is never shown.
    fn text(&self, name: &str, value: &Value) -> Result<Option<String>, ProviderError> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            _ => Err(self.wrong(&format!("`{name}` is not text; put it in quotes"))),
        }
    }
}

/// A configuration that cannot be used.
pub fn setup(text: String) -> ProviderError {
    ProviderError::Setup(text)
}

/// The first file of that name; a variable that names one that is not there is an error.
fn first(around: &Surroundings, name: &str, variable: &str) -> Result<Option<PathBuf>, ProviderError> {
    if let Some(path) = around.variable(variable) {
        let path = around.path(path);
        return match path.is_file() {
            true => Ok(Some(path)),
            false => Err(setup(format!("{variable} names {}, which is no file", path.display()))),
        };
    }
    Ok(around.candidates(name).into_iter().find(|path| path.is_file()))
}

/// The entries in a file. Messages give its lines and never quote it: a secret may stand anywhere.
fn entries(path: &Path) -> Result<Map<String, Value>, ProviderError> {
    let shown = path.display();
    let unreadable = |error: io::Error| setup(format!("cannot read {shown}: {error}{}", file::remedy(&error)));
    let bytes = file::given(path, MOST).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable(io::Error::other("it is not text")))?;
    let options = serde_yaml::options! { with_snippet: false, legacy_octal_numbers: false };
    let root: Value = serde_yaml::from_str_with_options(&text, options).map_err(|error| {
        let line = error.location().map_or(String::new(), |at| format!(", line {}", at.line()));
        setup(format!("{shown}{line}: this is not YAML; compare it with the file that your cloud's dashboard offers"))
    })?;
    match root {
        Value::Object(mut root) => match root.remove("clouds") {
            Some(Value::Object(clouds)) => Ok(clouds),
            _ => Err(setup(format!("{shown} has no `clouds:` with entries under it"))),
        },
        _ => Err(setup(format!("{shown} has no `clouds:` with entries under it"))),
    }
}

/// What secure.yaml says goes over what clouds.yaml says, field by field.
fn merge(fields: &mut Map<String, Value>, more: Value) {
    let Value::Object(more) = more else { return };
    for (key, value) in more {
        match (fields.get_mut(&key), value) {
            (Some(Value::Object(inner)), value @ Value::Object(_)) => merge(inner, value),
            (_, value) => drop(fields.insert(key, value)),
        }
    }
}

fn missing(wanted: Option<&str>, around: &Surroundings) -> ProviderError {
    let what = wanted.map_or_else(|| "a cloud".to_owned(), |name| format!("the cloud `{name}`"));
    let searched = around.candidates("clouds").iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let searched = searched.join(", ");
    setup(format!(
        "no clouds.yaml for {what}: looked for {searched}; download it from your cloud's dashboard (API Access), or set \
         OS_CLIENT_CONFIG_FILE"
    ))
}

/// The first file counts; that a later one has the entry is worth a word.
fn elsewhere(name: &str, file: &Path, around: &Surroundings) -> String {
    let others = around.candidates("clouds").into_iter().filter(|path| path != file && path.is_file());
    let found = others.into_iter().find(|path| entries(path).is_ok_and(|clouds| clouds.contains_key(name)));
    found.map_or(String::new(), |path| {
        format!(" ({} has it, and is not read: the first file found counts)", path.display())
    })
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
