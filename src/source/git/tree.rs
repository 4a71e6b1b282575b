//! Policy files in one commit's tree: read from the object database, with links followed inside the repository only.

use std::collections::VecDeque;

use git2::{ObjectType, Oid, Repository, Tree};

use super::error::TreeError;
use crate::policy::MOST_BYTES;

/// Folders inside folders, at most so deep.
const MOST_DEPTH: usize = 16;
/// Links one after another, at most so many.
const MOST_LINKS: usize = 16;
/// Files and folders that are looked at.
const MOST_ENTRIES: usize = 20_000;
/// Files that are read.
const MOST_FILES: usize = 1_000;
/// Bytes of all of them.
const MOST_TEXT: usize = 64 << 20;
/// How a file of Git LFS begins.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Names that are told beside one that is missing.
const NEAR: usize = 6;

/// A file: its path in the repository, and what is in it.
pub(super) struct Found {
    pub path: String,
    pub text: Vec<u8>,
}

/// Why a tree could not be read.
pub(super) enum Trouble {
    /// By what is in it.
    Tree(TreeError),
    /// By the mirror's fault.
    Mirror(git2::Error),
}

impl From<TreeError> for Trouble {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<git2::Error> for Trouble {
    fn from(error: git2::Error) -> Self {
        Self::Mirror(error)
    }
}

/// What stands at a path, once links are followed.
enum Node {
    Folder(Oid),
    File(Oid),
}

/// The policy files at `path`: the file itself, or all that end in `.yaml` or `.yml` in the folder, in the order of their
/// names, folders inside it too; names that begin with a dot are left out.
pub(super) fn read(repository: &Repository, commit: Oid, path: &str) -> Result<Vec<Found>, Trouble> {
    let mut reader = Reader { repository, root: repository.find_commit(commit)?.tree_id(), entries: 0, bytes: 0 };
    let mut found = Vec::new();
    match reader.at(path)? {
        Node::File(id) => found.push(Found { path: path.to_owned(), text: reader.file(id, path)? }),
        Node::Folder(id) => {
            reader.list(id, path, 0, &mut found)?;
            if found.is_empty() {
                let name = if path.is_empty() { "/" } else { path };
                return Err(TreeError::Empty(name.to_owned()).into());
            }
        }
    }
    Ok(found)
}

struct Reader<'a> {
    repository: &'a Repository,
    root: Oid,
    entries: usize,
    bytes: usize,
}

impl Reader<'_> {
    /// Follows a path from the root, links too.
    fn at(&self, path: &str) -> Result<Node, Trouble> {
        let mut left: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut way: Vec<Oid> = vec![self.root];
        let mut link: Option<(String, String)> = None;
        let mut links = 0_usize;
        let mut walked: Vec<String> = Vec::new();
        while let Some(part) = left.pop_front() {
            let leads_out =
                |(path, target): (String, String)| TreeError::LeadsOut { path: shown(&path), target: shown(&target) };
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    way.pop();
                    walked.pop();
                    if way.is_empty() {
                        return Err(leads_out(link.unwrap_or((path.to_owned(), path.to_owned()))).into());
                    }
                    continue;
                }
                _ => {}
            }
            let tree = self.repository.find_tree(way.last().copied().unwrap_or(self.root))?;
            walked.push(part.clone());
            let here = walked.join("/");
            let Some(entry) = tree.get_name(&part) else {
                return Err(match link {
                    Some((path, target)) => TreeError::LeadsNowhere { path: shown(&path), target: shown(&target) },
                    None => TreeError::Missing { path: shown(path), near: near(&tree) },
                }
                .into());
            };
            match kind(entry.filemode()) {
                Kind::Folder => way.push(entry.id()),
                Kind::Submodule => return Err(TreeError::Submodule(shown(&here)).into()),
                Kind::File if left.iter().all(|part| part.is_empty() || part == ".") => {
                    return Ok(Node::File(entry.id()));
                }
                Kind::File => return Err(TreeError::NotAFolder(shown(&here)).into()),
                Kind::Link => {
                    links = links.saturating_add(1);
                    if links > MOST_LINKS {
                        return Err(TreeError::Circle(shown(path)).into());
                    }
                    walked.pop();
                    let target = self.target(entry.id())?;
                    if target.starts_with('/') {
                        return Err(leads_out((here, target)).into());
                    }
                    target.split('/').rev().for_each(|part| left.push_front(part.to_owned()));
                    link = Some((here, target));
                }
            }
        }
        Ok(Node::Folder(way.last().copied().unwrap_or(self.root)))
    }

    fn list(&mut self, folder: Oid, path: &str, depth: usize, found: &mut Vec<Found>) -> Result<(), Trouble> {
        if depth > MOST_DEPTH {
            return Err(TreeError::TooDeep(shown(path)).into());
        }
        let tree = self.repository.find_tree(folder)?;
        let mut entries: Vec<(String, Kind, Oid)> = Vec::new();
        for entry in &tree {
            self.entries = self.entries.saturating_add(1);
            if self.entries > MOST_ENTRIES {
                return Err(TreeError::TooMany(shown(path)).into());
            }
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            if !name.starts_with('.') {
                entries.push((name, kind(entry.filemode()), entry.id()));
            }
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, kind, id) in entries {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let policy = name.ends_with(".yaml") || name.ends_with(".yml");
            let node = match kind {
                Kind::Folder => Node::Folder(id),
                Kind::File => Node::File(id),
                Kind::Submodule => return Err(TreeError::Submodule(shown(&path)).into()),
                Kind::Link => match self.at(&path) {
                    // A link to nothing that is not called a policy is none.
                    Err(Trouble::Tree(TreeError::LeadsNowhere { .. })) if !policy => continue,
                    followed => followed?,
                },
            };
            match node {
                Node::Folder(id) => self.list(id, &path, depth.saturating_add(1), found)?,
                Node::File(id) if policy => {
                    if found.len() >= MOST_FILES {
                        return Err(TreeError::TooMany(shown(&path)).into());
                    }
                    let text = self.file(id, &path)?;
                    found.push(Found { path, text });
                }
                Node::File(_) => {}
            }
        }
        Ok(())
    }

    /// A file's text; one that is too large is not even unpacked.
    fn file(&mut self, id: Oid, path: &str) -> Result<Vec<u8>, Trouble> {
        let (size, kind) = self.repository.odb()?.read_header(id)?;
        if size > MOST_BYTES {
            return Err(TreeError::TooLarge { path: shown(path), size }.into());
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MOST_TEXT {
            return Err(TreeError::TooMany(shown(path)).into());
        }
        if kind != ObjectType::Blob {
            return Err(git2::Error::from_str("a file of the tree is no file").into());
        }
        let text = self.repository.find_blob(id)?.content().to_vec();
        if text.starts_with(LFS) {
            return Err(TreeError::Lfs(shown(path)).into());
        }
        Ok(text)
    }

    fn target(&self, id: Oid) -> Result<String, Trouble> {
        const LONGEST: usize = 4096;
        let (size, _) = self.repository.odb()?.read_header(id)?;
        if size > LONGEST {
            return Err(git2::Error::from_str("a link is longer than a path may be").into());
        }
        Ok(String::from_utf8_lossy(self.repository.find_blob(id)?.content()).into_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
    Submodule,
}

/// By git's four modes; whatever else a tree may say is a file.
fn kind(mode: i32) -> Kind {
    match mode & 0o170_000 {
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Link,
        0o160_000 => Kind::Submodule,
        _ => Kind::File,
    }
}

fn near(tree: &Tree<'_>) -> Vec<String> {
    let names = tree.iter().map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned());
    names.filter(|name| !name.starts_with('.')).take(NEAR).map(|name| shown(&name)).collect()
}

fn shown(text: &str) -> String {
    crate::policy::shown(text)
}
