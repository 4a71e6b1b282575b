//! Logging in by a program or a file that the kubeconfig names: without a hang, and told without what they printed.

use std::time::Duration;

use kube::client::AuthError;

use crate::cluster::ClusterError;

/// Makes a client. A login program may ask a person something, and is waited for so long.
///
/// # Errors
/// The login came to nothing, or the configuration makes no client.
pub(super) async fn client(mut config: kube::Config, patience: Duration) -> Result<kube::Client, ClusterError> {
    // 429 is how an eviction is refused: what is tried again is ours to say.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    let Some(exec) = config.auth_info.exec.clone() else { return made(config, None) };
    let program = exec.command.unwrap_or_default();
    let late = || {
        let seconds = patience.as_secs();
        ClusterError::Broken(format!(
            "its login program `{program}` did not end within {seconds} s: run it by hand to see what it waits for"
        ))
    };
    // Whoever makes the client runs the program, and blocks meanwhile: on a thread that nobody has to wait for.
    let (tell, told) = tokio::sync::oneshot::channel();
    let (runtime, name) = (tokio::runtime::Handle::current(), program.clone());
    std::thread::spawn(move || {
        let _inside = runtime.enter();
        drop(tell.send(made(config, Some(&name))));
    });
    match tokio::time::timeout(patience, told).await {
        Ok(Ok(made)) => made.map_err(|error| match (error, &exec.install_hint) {
            (ClusterError::Broken(why), Some(hint)) => ClusterError::Broken(format!("{why} ({})", hint.trim())),
            (error, _) => error,
        }),
        Ok(Err(_)) | Err(_) => Err(late()),
    }
}

fn made(config: kube::Config, program: Option<&str>) -> Result<kube::Client, ClusterError> {
    kube::Client::try_from(config).map_err(|error| {
        ClusterError::Broken(match &error {
            kube::Error::Auth(error) => words(error, program),
            error => super::call::words(error),
        })
    })
}

/// The login that an error is about, if it is: asked for anew when a token runs out.
pub(super) fn of<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e AuthError> {
    error.downcast_ref().or_else(|| of(error.source()?))
}

/// Why a login came to nothing. What a login program printed stays out of it: there may be a token in it.
pub(super) fn words(error: &AuthError, program: Option<&str>) -> String {
    let program = program.map_or_else(|| "its login program".to_owned(), |name| format!("its login program `{name}`"));
    match error {
        AuthError::AuthExecStart(why) => format!("{program} cannot be run: {why}; install it, or put it on the PATH"),
        AuthError::AuthExecRun { out, .. } => {
            format!("{program} ended with {}: run it by hand to see why, or log in again", out.status)
        }
        AuthError::AuthExecParse(_) => format!("what {program} printed is not an ExecCredential"),
        AuthError::ExecPluginFailed => format!("{program} printed an ExecCredential without a `status`: log in again"),
        AuthError::MissingCommand => "its `exec` names no `command`".to_owned(),
        AuthError::ReadTokenFile(why, file) => format!("its token file `{}` cannot be read: {why}", file.display()),
        AuthError::InvalidBearerToken(_) => {
            "its token holds a character that no token may hold, such as a line break at the end of its file".to_owned()
        }
        other => other.to_string(),
    }
}
