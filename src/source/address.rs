//! Addresses of policies in git, as `-f` takes them: `https://host/team/policies.git//pools?ref=main`.

use std::fmt;
use std::path::Path;

/// Longer addresses are refused.
const LONGEST: usize = 2000;
/// What is not a piece of a reference's name, by git's own rules; it keeps `main~3` and `:/text` out too.
const NOT_IN_REFERENCES: &str = " ~^:?*[\\";

/// Why an address of git cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something else than https, ssh or file.
    #[error("policy is read over https, ssh and file only, not over `{0}`")]
    Scheme(String),
    /// Credentials in the address.
    #[error("the address has a name or a password before its `@`, which would stand in plans and logs")]
    Secret,
    /// A part that git could take for something else.
    #[error("`{part}` in the address {why}")]
    Part {
        /// The part, as it was written.
        part: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The whole of it.
    #[error("the address {0}")]
    Whole(&'static str),
}

impl AddressError {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Scheme(_) | Self::Whole(_) => SHAPE,
            Self::Secret => {
                "leave it out: git asks its credential helpers, as `git ls-remote` does; over ssh only a name stands there"
            }
            Self::Part { .. } => SHAPE,
        }
    }
}

const SHAPE: &str = "an address is `https://HOST/REPOSITORY.git//PATH?ref=BRANCH`, and likewise with `ssh://`, \
                     `git@HOST:` and `file:///`; a file of that very name is written `./NAME`";

/// Which commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// What the repository's HEAD points to.
    Head,
    /// A branch or a tag, or a reference by its full name.
    Named(String),
    /// This commit; 40 lower-case hexadecimal digits.
    Commit(String),
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD"),
            Self::Named(name) | Self::Commit(name) => f.write_str(name),
        }
    }
}

/// A file or a folder in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As git takes it; it never begins with a dash and holds no credentials.
    pub repository: String,
    /// Inside the repository, without slashes around it and without `..`; empty is the whole.
    pub path: String,
    /// At which commit.
    pub want: Want,
}

impl Address {
    /// The address that a word of the command line is; None where it names a file or a folder.
    pub fn parse(word: &Path) -> Option<Result<Self, AddressError>> {
        let text = word.to_str()?;
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
            _ if is_scp(text) => (None, text),
            _ => return None,
        };
        Some(Self::read(scheme.as_deref(), rest))
    }

    fn read(scheme: Option<&str>, rest: &str) -> Result<Self, AddressError> {
        if rest.len() > LONGEST {
            return Err(AddressError::Whole("is longer than 2000 bytes"));
        }
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let (repository, path) = place.split_once("//").unwrap_or((place, ""));
        let repository = repository.trim_end_matches('/');
        if place.contains('#') || query.is_some_and(|query| query.contains('#')) {
            return Err(AddressError::Whole("has a `#`; a branch is named with `?ref=`"));
        }
        if repository.chars().any(|c| c.is_control() || c.is_whitespace() || crate::policy::deceives(c)) {
            return Err(AddressError::Whole("has a space or a control character in it"));
        }
        let host = match scheme {
            Some(_) => repository.split('/').next().unwrap_or_default(),
            None => repository.split(':').next().unwrap_or_default(),
        };
        let inside = match scheme {
            Some(_) => repository.split_once('/'),
            None => repository.split_once(':'),
        };
        let inside = inside.is_some_and(|(_, inside)| !inside.trim_matches('/').is_empty());
        let repository = match scheme {
            None => repository.to_owned(),
            Some(scheme @ ("https" | "ssh" | "file")) => format!("{scheme}://{repository}"),
            Some(other) => return Err(AddressError::Scheme(other.to_owned())),
        };
        check_host(scheme, host)?;
        if !inside {
            return Err(AddressError::Whole("names no repository"));
        }
        Ok(Self { repository, path: inner_path(path)?, want: want(query)? })
    }

    /// The same path at another branch, tag or commit.
    ///
    /// # Errors
    /// Nothing of git can have that name.
    pub fn at(&self, name: &str) -> Result<Self, AddressError> {
        let want = reference(name, &|why| AddressError::Part { part: name.to_owned(), why })?;
        Ok(Self { want, ..self.clone() })
    }

    /// What names this path at one commit for ever: an address again.
    pub fn pinned(&self, path: &str, commit: &str) -> String {
        let path: String = path.chars().map(|c| if "?%#".contains(c) { hex(c) } else { c.to_string() }).collect();
        format!("{}//{path}?ref={commit}", self.repository)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if !self.path.is_empty() {
            write!(f, "//{}", self.path)?;
        }
        match &self.want {
            Want::Head => Ok(()),
            want => write!(f, "?ref={want}"),
        }
    }
}

fn hex(c: char) -> String {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn is_scheme(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
}

/// `user@host:path`, as ssh and git write it.
fn is_scp(text: &str) -> bool {
    let Some((login, _)) = text.split_once(':') else { return false };
    login.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !login.contains('/'))
}

fn check_host(scheme: Option<&str>, authority: &str) -> Result<(), AddressError> {
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let dashed = |part: &str| part.starts_with('-');
    match scheme {
        Some("file") if !authority.is_empty() => {
            return Err(AddressError::Whole("names a host; `file://` takes a full path: `file:///srv/policies.git`"));
        }
        Some("file") => return Ok(()),
        Some("https") if user.is_some() => return Err(AddressError::Secret),
        _ if user.is_some_and(|user| user.contains(':')) => return Err(AddressError::Secret),
        _ if host.is_empty() => return Err(AddressError::Whole("names no host")),
        _ => {}
    }
    if dashed(host) || user.is_some_and(dashed) || dashed(authority) {
        let part = authority.to_owned();
        return Err(AddressError::Part { part, why: "begins with a dash, as an option does" });
    }
    Ok(())
}

fn inner_path(text: &str) -> Result<String, AddressError> {
    let path = decoded(text)?;
    let wrong = |why| AddressError::Part { part: text.to_owned(), why };
    if path.chars().any(char::is_control) || path.contains('\\') {
        return Err(wrong("has a backslash or a control character in it"));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(wrong("leads out of the folder: `..` is not followed"));
    }
    Ok(parts.join("/"))
}

fn want(query: Option<&str>) -> Result<Want, AddressError> {
    let Some(query) = query else { return Ok(Want::Head) };
    let wrong = |why| AddressError::Part { part: query.to_owned(), why };
    let Some(value) = query.strip_prefix("ref=") else {
        return Err(wrong("is not known: `?ref=` with a branch, a tag or a commit is"));
    };
    reference(&decoded(value)?, &wrong)
}

fn reference(name: &str, wrong: &dyn Fn(&'static str) -> AddressError) -> Result<Want, AddressError> {
    let hexadecimal = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    let starts = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if name == "HEAD" {
        return Ok(Want::Head);
    }
    if name.len() == 40 && hexadecimal(name) {
        return Ok(Want::Commit(name.to_ascii_lowercase()));
    }
    if name.len() == 64 && hexadecimal(name) {
        return Err(wrong("is a commit of a repository with SHA-256 names, which this version does not read"));
    }
    let forbidden = |c: char| c.is_control() || NOT_IN_REFERENCES.contains(c) || crate::policy::deceives(c);
    if name.starts_with('-') || name.contains("..") || name.contains("@{") || name == "@" || name.ends_with('.') {
        return Err(wrong("cannot be the name of a branch or a tag"));
    }
    if name.len() > 250 || name.chars().any(forbidden) || name.split('/').any(starts) {
        return Err(wrong("cannot be the name of a branch or a tag"));
    }
    Ok(Want::Named(name.to_owned()))
}

/// With `%2F` and its like read.
fn decoded(text: &str) -> Result<String, AddressError> {
    let wrong =
        || AddressError::Part { part: text.to_owned(), why: "has a `%` that begins no character (`%25` is one)" };
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
        out.push(high << 4 | low);
    }
    String::from_utf8(out).map_err(|_| wrong())
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
