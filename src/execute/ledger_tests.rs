use proptest::prelude::*;

use super::*;

fn written(count: usize) -> (Vec<u8>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    File::create(&path).unwrap();
    let mut ledger = Ledger::go_on(path.clone(), 0, NOTHING.to_owned()).unwrap();
    let lines: Vec<String> = (0..count).map(|number| format!("{{\"number\":{},\"text\":\"ü\"}}", number % 3)).collect();
    lines.iter().for_each(|line| ledger.add(line));
    ledger.settle().unwrap();
    (std::fs::read(path).unwrap(), lines)
}

/// Lines with their ends.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

proptest! {
    #[test]
    fn cut_anywhere_the_whole_lines_before_are_read(count in 1_usize..6, cut in any::<prop::sample::Index>()) {
        let (bytes, lines) = written(count);
        let cut = cut.index(bytes.len() + 1);
        let found = read(&bytes[..cut], NOTHING).unwrap();
        let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        let good = found.good();
        prop_assert!(found.lines.iter().map(|line| &line.json).eq(&lines[..whole]));
        prop_assert_eq!(found.torn, cut > 0 && bytes[cut - 1] != b'\n');
        prop_assert!(good <= cut && found.torn == (good < cut));
    }

    #[test]
    fn a_changed_byte_is_noticed_at_its_line(count in 2_usize..6, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut bytes, _) = written(count);
        let at = at.index(bytes.len());
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        bytes[at] ^= 1 << bit;
        match read(&bytes, NOTHING) {
            Err(flaw) => prop_assert_eq!(flaw.line, line, "{}", flaw.why),
            Ok(found) => prop_assert!(line == count && found.torn && found.lines.len() == count - 1),
        }
    }

    #[test]
    fn a_hole_a_swap_and_a_guest_are_noticed_even_at_the_end(
        count in 3_usize..7, at in any::<prop::sample::Index>(), how in 0_usize..3,
    ) {
        let (bytes, _) = written(count);
        let mut lines = split(&bytes);
        let at = at.index(count - 1);
        match how {
            0 => drop(lines.remove(at)),
            1 => lines.swap(at, at + 1),
            _ => lines.insert(at, split(&written(1).0).remove(0)),
        }
        // The same line first again is what was there before, and the second one does not follow it.
        let place = if how == 2 && at == 0 { 2 } else { at + 1 };
        let flaw = read(&lines.concat(), NOTHING).unwrap_err();
        prop_assert_eq!(flaw.line, place);
        prop_assert!(flaw.why.contains("removed, added or swapped"), "{}", flaw.why);
    }
}

#[test]
fn lines_of_another_file_do_not_follow() {
    let (bytes, _) = written(2);
    let flaw = read(&bytes, "0123456789abcdef").unwrap_err();
    assert_eq!(flaw.line, 1);
}

#[test]
fn a_file_that_is_taken_away_is_noticed_at_the_next_write_and_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for replaced in [false, true] {
        File::create(&path).unwrap();
        let mut ledger = Ledger::go_on(path.clone(), 0, NOTHING.to_owned()).unwrap();
        ledger.add("{\"a\":1}");
        ledger.settle().unwrap();
        std::fs::remove_file(&path).unwrap();
        if replaced {
            std::fs::write(&path, "another's").unwrap();
        }
        ledger.add("{\"a\":2}");
        assert!(matches!(ledger.settle(), Err(LedgerError::Gone(gone)) if gone == path));
        assert_eq!(std::fs::read(&path).ok(), replaced.then(|| b"another's".to_vec()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_line_that_found_no_room_nothing_more_is_written() {
    let open = |path: &str| OpenOptions::new().write(true).open(path).unwrap();
    let (path, file, last) = (PathBuf::from("/dev/full"), open("/dev/full"), NOTHING.to_owned());
    let mut ledger = Ledger { path, file, size: 0, head: None, last, buffer: Vec::new(), failed: None };
    ledger.add("{\"a\":1}");
    let said = ledger.settle().unwrap_err().to_string();
    assert!(said.contains("`/dev/full`") && said.contains("No space left"), "{said}");
    assert!(said.contains("make room on that disk first"), "{said}");
    (ledger.path, ledger.file) = (PathBuf::from("/dev/null"), open("/dev/null"));
    assert!(
        matches!(ledger.settle(), Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull)
    );
}

/// A process that was stopped while another took over writes nothing into what that one wrote.
#[test]
fn what_somebody_else_has_written_in_is_not_written_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    File::create(&path).unwrap();
    let mut frozen = Ledger::go_on(path.clone(), 0, NOTHING.to_owned()).unwrap();
    frozen.add("{\"number\":1}");
    frozen.flush().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let sum = read(&bytes, NOTHING).unwrap().lines[0].sum.clone();
    let mut other = Ledger::go_on(path.clone(), bytes.len(), sum).unwrap();
    other.add("{\"number\":2}");
    other.settle().unwrap();
    frozen.add("{\"number\":3}");
    assert!(matches!(frozen.flush(), Err(LedgerError::Foreign(_))));
    other.add("{\"number\":4}");
    other.settle().unwrap();
    let found = read(&std::fs::read(&path).unwrap(), NOTHING).unwrap();
    let numbers: Vec<&str> = found.lines.iter().map(|line| line.json.as_str()).collect();
    assert_eq!(numbers, ["{\"number\":1}", "{\"number\":2}", "{\"number\":4}"]);
}
