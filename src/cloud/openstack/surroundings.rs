//! What the configuration of a cloud is read from: variables, and the folders where its files may lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The variables and folders of a process, as a value. It holds secrets and cannot be printed.
#[derive(Clone)]
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    folders: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process: `OS_*`, then the working folder, `~/.config/openstack` and `/etc/openstack`.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(key, value)| key.starts_with("OS_") && !value.is_empty());
        let path = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        let config = path("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
        let mut folders = vec![PathBuf::from(".")];
        folders.extend(config.map(|config| config.join("openstack")));
        folders.push(PathBuf::from("/etc/openstack"));
        Self { variables: variables.collect(), folders, home }
    }

    /// Given ones, for tests: variables, and the folders in the order in which they are searched.
    pub fn given(variables: &[(&str, &str)], folders: &[&Path]) -> Self {
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { variables, folders: folders.iter().map(|folder| folder.to_path_buf()).collect(), home: None }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Every `OS_*` variable, by its lower-case name without `os_`.
    pub(super) fn options(&self) -> impl Iterator<Item = (String, &str)> {
        let option = |(key, value)| Some((str::strip_prefix(key, "OS_")?.to_lowercase(), value));
        self.variables.iter().map(|(key, value)| (key.as_str(), value.as_str())).filter_map(option)
    }

    /// The files called `name.yaml` or `name.yml`, in the order in which they are searched.
    pub(super) fn candidates(&self, name: &str) -> Vec<PathBuf> {
        let both = |folder: &PathBuf| ["yaml", "yml"].map(|extension| folder.join(format!("{name}.{extension}")));
        self.folders.iter().flat_map(both).collect()
    }

    /// A path as it is written in a file: `~` is the home.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }
}
