//! A lab's control plane through its own kubectl.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the script that starts the labs says.
pub fn lab(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `tests/labs/run` sets it"))
}

/// What it printed, or its complaint.
pub fn kubectl(args: &[&str]) -> Result<String, String> {
    piped(args, "")
}

/// [`kubectl`] with something to read.
pub fn piped(args: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(lab("TIDEGATE_LAB_KUBECTL"))
        .args(["--kubeconfig", &lab("TIDEGATE_LAB_KUBECONFIG")])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

/// Applies objects.
pub fn make(objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    piped(&["apply", "-f", "-"], &list.to_string()).unwrap();
}

/// Looks until it is so, for a minute.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A kubeconfig of the ServiceAccount that the example's role is for.
pub fn account(folder: &Path) -> String {
    let token = kubectl(&["create", "token", "-n", "tidegate", "tidegate"]).unwrap();
    let text = std::fs::read_to_string(lab("TIDEGATE_LAB_KUBECONFIG")).unwrap();
    let path = folder.join("account");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let at = |args: &[&str]| {
        let done = Command::new(lab("TIDEGATE_LAB_KUBECTL")).args(["--kubeconfig", &path]).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    at(&["config", "set-credentials", "account", "--token", token.trim()]);
    at(&["config", "set-context", "--current", "--user", "account"]);
    path
}
