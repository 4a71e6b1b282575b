//! A repository, a home of its own for the user, and the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
pub const WORKSHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop");

/// A small policy whose name tells which one was read.
pub fn policy(name: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata:\n  name: {name}\nspec:\n  pools:\n    - {{name: workers, nodes: {{names: [a]}}, min: 0, max: 1}}\n"
    )
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with the home of a user and a repository `team`.
pub struct Ground {
    folder: TempDir,
    /// What every program gets beside the rest.
    pub env: Vec<(String, String)>,
}

impl Ground {
    /// With an empty repository.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for made in ["home", "team", "tmp"] {
            fs::create_dir(folder.path().join(made)).unwrap();
        }
        let ground = Self { folder, env: Vec::new() };
        let set = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgSign = false\n[tag]\n\tgpgSign = false\n";
        fs::write(ground.path("home/.gitconfig"), set).unwrap();
        ground.git(&["init", "--quiet"]);
        ground
    }

    /// With one commit on `main` that has `policy.yaml`.
    pub fn with_policy() -> Self {
        let ground = Self::new();
        ground.commit(&[("policy.yaml", &policy("first"))]);
        ground
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command in the team's folder, with the user's home and nothing of ours.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("GIT_") || key.starts_with("SSH_")) {
            command.env_remove(key);
        }
        for gone in ["XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "GNUPGHOME"] {
            command.env_remove(gone);
        }
        command.env("HOME", self.path("home")).env("GIT_CONFIG_NOSYSTEM", "1").env("TMPDIR", self.path("tmp"));
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(self.path("team")).stdin(Stdio::null());
        command
    }

    /// Runs git as the team does, and gives its first word.
    pub fn git(&self, args: &[&str]) -> String {
        let done = self.command("git").args(args).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", text(&done.stderr));
        text(&done.stdout).trim().to_owned()
    }

    /// Writes files into the team's folder and commits them.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, content) in files {
            self.write(name, content);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "Change the policy"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path("team").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The address of the team's repository.
    pub fn repository(&self) -> String {
        format!("file://{}", self.path("team").display())
    }

    pub fn address(&self, rest: &str) -> String {
        self.repository() + rest
    }

    pub fn tidegate(&self, args: &[&str]) -> Output {
        self.command(PROGRAM).args(args).output().unwrap()
    }

    /// The names of the policies that `-f` with this address reads, or what the program says.
    pub fn read(&self, address: &str, more: &[&str]) -> Result<String, String> {
        let args = [&["validate", "--print", "-f", address], more].concat();
        let output = self.tidegate(&args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        if output.status.success() {
            let name = out.split_once("metadata: {name: \"").and_then(|(_, rest)| rest.split_once('"'));
            return Ok(name.map(|(name, _)| name).unwrap_or_default().to_owned());
        }
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains("hint:") || err.contains("help:"), "each error says the next step: {err}");
        Err(err)
    }

    /// The mirror of the team's repository.
    pub fn mirror(&self) -> PathBuf {
        let folder = self.path("home/.cache/tidegate/git");
        let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
        found.expect("a mirror")
    }
}

/// Whether a tool is there. CI has all of them: a proof is not skipped there in silence.
pub fn has(tool: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&paths).any(|folder| folder.join(tool).is_file());
    assert!(there || std::env::var_os("CI").is_none(), "`{tool}` is not installed, and CI needs it");
    if !there {
        eprintln!("skipped: `{tool}` is not installed");
    }
    there
}

/// Makes a file a program.
pub fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, script).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}
