//! Which kubeconfig and which context: said by the caller, by `KUBECONFIG`, or in the home folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::connect::ConnectError;

/// The kubeconfig files that count; none if this machine has none.
///
/// # Errors
/// A file was named, by the caller or in `KUBECONFIG`, and none of those named is there.
pub(super) fn files(
    named: Option<&Path>,
    variable: Option<&OsStr>,
    home: Option<&OsStr>,
) -> Result<Vec<PathBuf>, ConnectError> {
    if let Some(file) = named {
        let missing = || ConnectError::NoFile { named_by: "`--kubeconfig`", files: file.display().to_string() };
        return if file.exists() { Ok(vec![file.to_owned()]) } else { Err(missing()) };
    }
    let listed: Vec<PathBuf> = variable.map(|paths| std::env::split_paths(paths).collect()).unwrap_or_default();
    let listed: Vec<PathBuf> = listed.into_iter().filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        // As kubectl has it: of several files those that are there.
        let there: Vec<PathBuf> = listed.iter().filter(|path| path.exists()).cloned().collect();
        let missing = || ConnectError::NoFile { named_by: "`KUBECONFIG`", files: names(&listed) };
        return if there.is_empty() { Err(missing()) } else { Ok(there) };
    }
    let usual = home.map(|home| Path::new(home).join(".kube/config"));
    Ok(usual.into_iter().filter(|path| path.exists()).collect())
}

/// The files as one.
///
/// # Errors
/// One of them is not a kubeconfig.
pub(super) fn read(files: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    files.iter().try_fold(Kubeconfig::default(), |merged, file| {
        let unreadable = |error: &dyn std::error::Error| ConnectError::Unreadable {
            file: file.display().to_string(),
            why: first_line(&error.to_string()),
        };
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(&error))?;
        merged.merge(next).map_err(|error| unreadable(&error))
    })
}

/// The context's name and how to connect to its cluster.
///
/// # Errors
/// There is no such context, or what it names is not there.
pub(super) async fn choose(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
    files: &[PathBuf],
) -> Result<(String, kube::Config), ConnectError> {
    let file = names(files);
    let there: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let current = || kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(name) = context.map(str::to_owned).or_else(current) else {
        return Err(ConnectError::NoCurrent { file, there: there.into() });
    };
    if !there.contains(&name) {
        return Err(ConnectError::NoContext { context: name, file, there: there.into() });
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    match kube::Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((name, config)),
        Err(error) => Err(ConnectError::Context { context: name, file, why: first_line(&error.to_string()) }),
    }
}

/// Files for a message.
fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("`, `")
}

/// Parsers draw the place below their first line.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
