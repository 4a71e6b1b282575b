//! How policy is read from git, and whose signature it must have.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use crate::source::{GitOptions, Signers};

/// How policy is read from git.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Policy from git")]
pub struct GitArgs {
    /// Refuse a commit that is not signed (nor its annotated tag) by one of the keys that the next two options name
    #[arg(long)]
    require_signed: bool,
    /// Whose ssh keys count, as `git config gpg.ssh.allowedSignersFile` has them; yours, not the repository's
    #[arg(long, value_name = "FILE", requires = "require_signed")]
    allowed_signers: Option<PathBuf>,
    /// Ssh keys that do not count any more
    #[arg(long, value_name = "FILE", requires = "allowed_signers")]
    revoked_signers: Option<PathBuf>,
    /// A folder of GnuPG, whose keys count
    #[arg(long, value_name = "DIR", requires = "require_signed")]
    gpg_home: Option<PathBuf>,
    /// Take a branch although it moved backwards since it was read last
    #[arg(long)]
    allow_rewind: bool,
    /// How long all repositories together may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = super::sandbox::duration)]
    git_timeout: SignedDuration,
}

impl GitArgs {
    /// The same for the reader.
    pub fn options(&self) -> GitOptions {
        let signers = self.require_signed.then(|| Signers {
            allowed: self.allowed_signers.clone(),
            revoked: self.revoked_signers.clone(),
            gpg_home: self.gpg_home.clone(),
        });
        let timeout = Duration::try_from(self.git_timeout).unwrap_or_default();
        GitOptions { timeout, allow_rewind: self.allow_rewind, signers }
    }
}
