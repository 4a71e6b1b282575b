//! Reads files: plain or gzip, JSON or YAML.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::item::{At, Item, Place};
use super::{Builder, ObserveError, infer_servers, json, yaml};
use crate::file;
use crate::model::Snapshot;

/// The most that a file may hold when unpacked, in bytes: some twenty times the largest cluster that Kubernetes supports.
const LIMIT: u64 = 4 << 30;
/// So many bytes tell what a file is.
const START: u64 = 4096;

/// Reads what `kubectl get … -A -o json|yaml` wrote into one snapshot, with servers inferred from the nodes if the files
/// name none ([`infer_servers`]). `-` is the standard input. Files count by their paths, in whichever order they are named,
/// and each once.
///
/// # Errors
/// A file that cannot be read, is neither JSON nor YAML or holds no object of a kind that counts; no file at all; files of
/// two clusters. One object that cannot be read is no error but one of the snapshot's `gaps`.
pub fn read(files: &[PathBuf]) -> Result<Snapshot, ObserveError> {
    if files.is_empty() {
        return Err(ObserveError::NoFile);
    }
    let mut builder = Builder::default();
    for path in files.iter().collect::<BTreeSet<_>>() {
        let name = path.display().to_string();
        let bytes = load(path, &name)?;
        read_bytes(&name, &bytes, &mut builder)?;
    }
    if let Some(both) = builder.two_clusters() {
        return Err(ObserveError::TwoClusters { both });
    }
    let mut snapshot = builder.finish();
    infer_servers(&mut snapshot);
    Ok(snapshot)
}

/// Adds the objects in `bytes` (JSON or YAML, packed or not) to `builder`. `name` stands in messages.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(name: &str, bytes: &[u8], builder: &mut Builder) -> Result<(), ObserveError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let unpacked = unpack(MultiGzDecoder::new(bytes), name)?;
        return read_text(name, &unpacked, builder);
    }
    read_text(name, bytes, builder)
}

/// A snapshot of Kubernetes objects that are already values; lists are taken apart. Servers are not inferred.
pub fn from_values(objects: impl IntoIterator<Item = serde_json::Value>) -> Snapshot {
    let mut builder = Builder::default();
    for (index, mut object) in objects.into_iter().enumerate() {
        let at = At::Number(index + 1);
        let place = Place { file: "values", at };
        let kind = object.get("kind").and_then(serde_json::Value::as_str).map(str::to_owned);
        match object.get_mut("items").map(serde_json::Value::take) {
            Some(serde_json::Value::Array(items)) => {
                let count = items.len();
                for item in items {
                    builder.item(Item::Value(item), kind.as_deref(), place);
                }
                builder.list(kind.as_deref(), Some(count));
            }
            _ => drop(builder.item(Item::Value(object), None, place)),
        }
    }
    builder.finish()
}

fn read_text(name: &str, bytes: &[u8], builder: &mut Builder) -> Result<(), ObserveError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    builder.begin_file();
    let before = builder.found();
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => {}
        Some(b'{' | b'[') => json::read(name, text, builder)?,
        Some(_) => yaml::read(name, text, builder)?,
    }
    if builder.found() == before {
        return Err(ObserveError::NoObject { file: name.to_owned(), hint: builder.hint() });
    }
    Ok(())
}

fn load(path: &Path, name: &str) -> Result<Vec<u8>, ObserveError> {
    let failed = |error| ObserveError::File { file: name.to_owned(), error };
    if path == Path::new("-") {
        return unpack(std::io::stdin().lock(), "standard input");
    }
    let mut file = file::opened(path).map_err(failed)?;
    // Read once: a pipe gives each byte once.
    let mut start = Vec::new();
    file.by_ref().take(START).read_to_end(&mut start).map_err(failed)?;
    let packed = start.starts_with(&[0x1f, 0x8b]);
    if !packed && start.contains(&0) {
        return Err(ObserveError::NotText { file: name.to_owned() });
    }
    let whole = Cursor::new(start).chain(file);
    if packed { unpack(MultiGzDecoder::new(whole), name) } else { unpack(whole, name) }
}

fn unpack(from: impl Read, name: &str) -> Result<Vec<u8>, ObserveError> {
    let mut bytes = Vec::new();
    from.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ObserveError::File { file: name.to_owned(), error })?;
    if bytes.len() as u64 > LIMIT {
        return Err(ObserveError::TooLarge { file: name.to_owned(), limit: LIMIT });
    }
    Ok(bytes)
}
