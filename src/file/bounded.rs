//! Reading with bounds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// How long a pipe may have no writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a person names: a file, a pipe, a device. At most `most` bytes.
///
/// # Errors
/// It cannot be read, holds more, or is a pipe that nobody writes to.
pub fn given(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let about = std::fs::metadata(path)?;
    if about.is_file() && about.len() > most {
        return Err(too_large(most));
    }
    bounded(opened(path)?, most)
}

/// What Tidegate wrote itself: a plain file. At most `most` bytes.
///
/// # Errors
/// It is not there or cannot be read, holds more, or is no plain file.
pub fn own(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err(not_plain());
    }
    if about.len() > most {
        return Err(too_large(most));
    }
    bounded(File::open(path)?, most)
}

/// That a plain file may be written here: none is there yet, or one that is. To open a pipe is to wait.
///
/// # Errors
/// Something else is there.
pub fn plain(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => Err(not_plain()),
        _ => Ok(()),
    }
}

/// Opens what a person names. To open a pipe is to wait for somebody who writes: in a thread of its own, so that it is not
/// for ever.
///
/// # Errors
/// It cannot be opened, or is a pipe that nobody writes to ([`io::ErrorKind::TimedOut`]).
pub fn opened(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    let (send, opened) = mpsc::channel();
    let pipe = path.to_owned();
    std::thread::spawn(move || send.send(File::open(pipe)));
    opened.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let why = format!("it is a pipe, and nobody has written to it for {} seconds", PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    })
}

fn bounded(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) { Ok(bytes) } else { Err(too_large(most)) }
}

fn too_large(most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it holds more than {} MiB", most >> 20))
}

fn not_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file; move it away")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, fits) in [(0, true), (1 << 20, true), ((1 << 20) + 1, false)] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            for read in [given, own] {
                let read = read(&path, 1 << 20);
                assert_eq!(read.as_ref().ok().map(Vec::len), fits.then_some(length), "{read:?}");
                assert!(fits || read.unwrap_err().to_string() == "it holds more than 1 MiB");
            }
        }
        assert_eq!(own(&folder.path().join("none"), 1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(plain(&path).is_ok() && plain(&folder.path().join("none")).is_ok() && plain(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_has_an_end_and_is_no_file_of_ours() {
        let zero = Path::new("/dev/zero");
        assert_eq!(given(zero, 1 << 20).unwrap_err().to_string(), "it holds more than 1 MiB");
        assert!(own(zero, 1 << 20).unwrap_err().to_string().contains("no plain file"));
        assert!(plain(zero).is_err());
    }
}
