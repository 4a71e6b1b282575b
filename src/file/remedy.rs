//! What to do about a file that the system did not read or write.

use std::io;

/// The next step, to stand behind the message of a failure; empty where the message has said all.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; make room on that disk first"
        }
        io::ErrorKind::PermissionDenied => "; let this user read and write there, or name another place",
        io::ErrorKind::ReadOnlyFilesystem => "; it is read-only: name another place",
        io::ErrorKind::NotADirectory => "; a file stands where a folder is meant: name another place",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_can_mend_has_a_next_step() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::NotADirectory] {
            assert!(remedy(&kind.into()).contains("another place"), "{kind:?}");
        }
        assert_eq!(remedy(&io::ErrorKind::NotFound.into()), "");
    }
}
