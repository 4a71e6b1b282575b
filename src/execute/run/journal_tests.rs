use super::*;
use crate::execute::machine::Act;

fn plan() -> Plan {
    serde_json::from_value(serde_json::json!({
        "formatVersion": "1.0", "tidegate": "0", "tzdb": "0", "applyable": true, "complete": true, "caveats": [],
        "policy": {"name": "p", "digest": "d", "files": []},
        "snapshot": {"digest": "s", "taken": null, "context": null, "cluster": null, "unknown": []},
        "now": "2026-11-22T00:00:00Z", "timeZone": "UTC", "pools": [], "steps": [], "kept": [], "blockers": [], "outages": [],
        "unclaimed": [], "refusals": [], "notes": [],
        "summary": {"verdict": "no-changes", "text": "", "uncordon": 0, "wake": 0, "park": 0, "create": 0,
                    "delete": 0, "evictions": 0, "waits": 0}
    }))
    .unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn id(number: u64) -> ActId {
    ActId(format!("list/n#{number}"))
}

/// A journal with three acts, two of them with an outcome.
fn written(folder: &Path) -> Vec<u8> {
    let ready = [("Deployment a/b".to_owned(), 3)].into();
    let mut journal = Journal::begin(folder, at(0), ("run", "me@here"), &plan(), &ready, Lesson::default()).unwrap();
    for number in 1..=3 {
        let what = Act::List { node: "n".into() };
        journal.write(at(1), &Record::Intent { id: id(number), what }).unwrap();
        journal.settle().unwrap();
        if number < 3 {
            journal.write(at(2), &Record::Outcome { id: id(number), result: "ok".to_owned(), trouble: None }).unwrap();
        }
    }
    std::fs::read(folder.join(FILE)).unwrap()
}

#[test]
fn says_what_was_begun_and_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(folder.path()).unwrap(), None);
    written(folder.path());
    let told = read(folder.path()).unwrap().unwrap();
    assert_eq!((told.run.as_str(), told.owner.as_str(), told.torn), ("run", "me@here", false));
    assert_eq!(told.digest, digest_of(&plan()));
    assert_eq!(told.in_flight().into_keys().collect::<Vec<_>>(), [id(3)]);
    assert_eq!(told.resumed().acts, 3);
    assert_eq!(told.resumed().ready["Deployment a/b"], 3);
    assert!(told.unfinished());

    let mut journal = Journal::go_on(folder.path(), &told, at(9), "me@here").unwrap();
    journal.write(at(10), &Record::End { how: EndKind::Done }).unwrap();
    let told = read(folder.path()).unwrap().unwrap();
    assert!(!told.unfinished());
    Journal::begin(folder.path(), at(11), ("next", "me@here"), &plan(), &BTreeMap::new(), Lesson::default()).unwrap();
    assert_eq!(read(folder.path()).unwrap().unwrap().run, "next");
    assert!(folder.path().join(PREVIOUS).exists());
}

#[test]
fn cut_anywhere_it_is_read_up_to_the_last_whole_line_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path());
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // What was made sure of cannot be lost by a crash: see the next test.
    let crashed = |cut: usize| {
        Head::begin(&folder.path().join(FILE)).unwrap();
        std::fs::write(folder.path().join(FILE), &whole[..cut]).unwrap();
    };
    for cut in first..=whole.len() {
        crashed(cut);
        let told = read(folder.path()).unwrap().unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(told.records.len() + 1, lines, "cut at {cut}");
        assert_eq!(told.torn, whole[cut - 1] != b'\n', "cut at {cut}");
        drop(Journal::go_on(folder.path(), &told, at(9), "me").unwrap());
        assert_eq!(read(folder.path()).unwrap().unwrap().records.len(), lines, "cut at {cut}");
    }
    for cut in 0..first {
        crashed(cut);
        assert_eq!(read(folder.path()).unwrap(), None, "cut at {cut}");
    }
}

#[test]
fn cut_below_what_was_made_sure_of_it_is_named_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path());
    let ends: Vec<usize> = (1..).zip(&whole).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    for (line, cut) in (1..).zip([0].iter().chain(&ends).take(ends.len())) {
        std::fs::write(folder.path().join(FILE), &whole[..*cut]).unwrap();
        match read(folder.path()) {
            Err(JournalError::Unreadable { line: named, why, .. }) => {
                assert_eq!(named, line, "cut at {cut}");
                assert!(why.starts_with("lines are missing"), "{why}");
            }
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
    std::fs::write(folder.path().join(FILE), &whole).unwrap();
    assert!(read(folder.path()).unwrap().is_some());
}

#[test]
fn one_changed_byte_before_the_last_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path());
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    for at in (0..last).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x01;
        std::fs::write(folder.path().join(FILE), &damaged).unwrap();
        let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        match read(folder.path()) {
            Err(JournalError::Unreadable { line: named, .. }) => assert_eq!(named, line, "byte {at}"),
            other => panic!("byte {at} of line {line}: {other:?}"),
        }
    }
}
