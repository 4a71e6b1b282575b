//! What becomes of a sandbox and its journal on a disk that fails, is full, or is taken away: nothing is guessed, what
//! was durable stays, and the message says where, why and what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
const WORKSHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop");

/// A folder with the workshop's sandbox on a Sunday, when nine of ten workers may go.
struct Place(TempDir);

impl Place {
    fn sunday() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for file in ["policy.yaml", "cluster.yaml"] {
            fs::copy(Path::new(WORKSHOP).join(file), place.at(file)).unwrap();
        }
        place.ends(&["sandbox", "create", "sandbox", "--snapshot", "cluster.yaml"], 0);
        place.ends(&["sandbox", "advance", "4d20h", "sandbox"], 0);
        place
    }

    fn at(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end and says what it said on stderr.
    fn ends(&self, args: &[&str], code: i32) -> String {
        ended(&self.command(PROGRAM, args).output().unwrap(), code)
    }

    fn shown(&self) -> String {
        let output = self.command(PROGRAM, &["sandbox", "show", "sandbox"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// An apply that takes its time, at work in the middle of it.
    fn at_work(&self) -> Child {
        let args = [APPLY.as_slice(), &["--yes", "--slow", "20"]].concat();
        let mut command = self.command(PROGRAM, &args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        while lines(&self.at("sandbox/journal.jsonl")) < 12 {
            std::thread::yield_now();
        }
        child
    }
}

const APPLY: [&str; 5] = ["apply", "-f", "policy.yaml", "--sandbox", "sandbox"];

fn lines(file: &Path) -> usize {
    fs::read(file).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

fn ended(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in:\n{said}");
    }
}

#[test]
fn a_log_with_a_hole_or_a_swap_is_named_with_its_place_and_what_to_do() {
    let place = Place::sunday();
    place.ends(&[APPLY.as_slice(), &["--yes"]].concat(), 0);
    let (log, begin) = (place.at("sandbox/log"), fs::read_to_string(place.at("sandbox/log")).unwrap());
    let whole: Vec<&str> = begin.split_inclusive('\n').collect();
    let at = whole.len() / 2;
    let mut hole = whole.clone();
    hole.remove(at);
    let mut near_the_end = whole.clone();
    near_the_end.remove(whole.len() - 2);
    let mut swapped = whole.clone();
    swapped.swap(at, at + 1);
    let changed = begin.replacen("wake", "park", 1).replacen("unschedulable\":true", "unschedulable\":null", 1);
    let first = begin.lines().zip(changed.lines()).position(|(old, new)| old != new).unwrap();
    for (text, line, why) in [
        (hole.concat(), at + 1, "removed, added or swapped"),
        (near_the_end.concat(), whole.len() - 1, "removed, added or swapped"),
        (swapped.concat(), at + 1, "removed, added or swapped"),
        (changed, first + 1, "its checksum is wrong"),
    ] {
        fs::write(&log, text).unwrap();
        for args in [["sandbox", "show", "sandbox"].as_slice(), &["sandbox", "advance", "1h", "sandbox"], &APPLY] {
            let place_of_it = format!("`sandbox/log`, line {line}: ");
            says(&place.ends(args, 1), &[&place_of_it, why, "`tidegate sandbox reset sandbox`"]);
        }
    }
    // What is on the disk is torn by no crash; a line behind it is, and was never relied on.
    fs::write(&log, &begin[..begin.len() - 9]).unwrap();
    let place_of_it = format!("`sandbox/log`, line {}: lines are missing", whole.len());
    says(&place.ends(&["sandbox", "show", "sandbox"], 1), &[&place_of_it]);
    fs::write(&log, format!("{begin}{}", &whole[0][..20])).unwrap();
    place.ends(&["sandbox", "show", "sandbox"], 0);
    fs::write(&log, hole.concat()).unwrap();
    place.ends(&["sandbox", "reset", "sandbox"], 0);
    place.ends(&["sandbox", "show", "sandbox"], 0);
}

#[test]
fn what_is_missing_at_the_end_of_a_log_or_a_journal_is_missed() {
    let place = Place::sunday();
    let mut child = place.at_work();
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = [APPLY.as_slice(), &["--resume"]].concat();
    // Whoever looks at what it left is told, with the command that goes on.
    let looks = [["status", "-f", "policy.yaml"], ["plan", "-f", "policy.yaml"], ["doctor", "-f", "policy.yaml"]];
    let looked = |what: &[&str]| {
        let output = place.command(PROGRAM, &[what, &["--sandbox", "sandbox"]].concat()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for what in &looks {
        says(&looked(what), &["was cut short", &format!("`tidegate {}`", resume.join(" "))]);
    }
    for (file, words) in [
        ("sandbox/log", "`tidegate sandbox reset sandbox`"),
        ("sandbox/journal.jsonl", "look at the nodes with `tidegate status`"),
    ] {
        let path = place.at(file);
        let whole = fs::read_to_string(&path).unwrap();
        let head = fs::read_to_string(place.at(&format!("{file}.head"))).unwrap();
        let sure: usize = head.split(' ').next().unwrap().parse().unwrap();
        let settled: Vec<&str> = whole[..sure].split_inclusive('\n').collect();
        assert!(!settled.is_empty(), "{head}");
        for keep in 0..settled.len() {
            fs::write(&path, settled[..keep].concat()).unwrap();
            let place_of_it = format!("line {}: lines are missing from here on", keep + 1);
            says(&place.ends(&resume, 1), &[file, &place_of_it, words]);
        }
        fs::write(&path, &whole).unwrap();
    }
    let log = fs::read_to_string(place.at("sandbox/log")).unwrap();
    fs::remove_file(place.at("sandbox/log")).unwrap();
    says(&place.ends(&resume, 1), &["the log is not there any more", "`tidegate sandbox reset sandbox`"]);
    fs::write(place.at("sandbox/log"), log).unwrap();
    place.ends(&resume, 0);
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
    for what in &looks {
        let said = looked(what);
        assert!(!said.contains("was cut short") || said.contains("no apply was cut short"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn while_one_is_at_work_nobody_is_told_that_it_was_cut_short() {
    let place = Place::sunday();
    let mut child = place.at_work();
    let status = place.command(PROGRAM, &["status", "-f", "policy.yaml", "--sandbox", "sandbox"]).output().unwrap();
    assert!(child.try_wait().unwrap().is_none(), "it must still be at work");
    let said = ended(&status, 0);
    assert!(!said.contains("cut short"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whoever cuts a log and takes away what notes its length has taken something: it is missed, whatever is left.
#[test]
fn a_log_whose_note_of_its_length_is_gone_is_believed_by_no_one_unless_a_person_says_so() {
    let place = Place::sunday();
    let mut child = place.at_work();
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = [APPLY.as_slice(), &["--resume"]].concat();
    for (file, words) in [
        ("sandbox/journal.jsonl", "look at the nodes with `tidegate status`"),
        ("sandbox/log", "`tidegate sandbox reset sandbox`"),
    ] {
        let (path, head) = (place.at(file), place.at(&format!("{file}.head")));
        let (whole, noted) = (fs::read_to_string(&path).unwrap(), fs::read(&head).unwrap());
        fs::remove_file(&head).unwrap();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        for keep in [lines.len(), lines.len() / 2, 1] {
            fs::write(&path, lines[..keep].concat()).unwrap();
            says(&place.ends(&resume, 1), &[file, "`.head` beside it is missing", "make an empty one", words]);
        }
        fs::write(&path, &whole).unwrap();
        fs::write(&head, "").unwrap();
        place.ends(&["sandbox", "show", "sandbox"], 0);
        fs::write(&head, noted).unwrap();
    }
    place.ends(&resume, 0);
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
    // One that was never worked with has its note too.
    place.ends(&["sandbox", "create", "fresh", "--snapshot", "cluster.yaml"], 0);
    fs::remove_file(place.at("fresh/log.head")).unwrap();
    says(&place.ends(&["sandbox", "show", "fresh"], 1), &["`.head` beside it is missing"]);
    place.ends(&["sandbox", "reset", "fresh"], 0);
    place.ends(&["sandbox", "show", "fresh"], 0);
}

/// A pipe, a folder or a device where a file of ours should be is named, and nobody waits for it.
#[cfg(unix)]
#[test]
fn what_is_no_file_where_one_of_ours_should_be_is_named() {
    let place = Place::sunday();
    let run = [APPLY.as_slice(), &["--yes"]].concat();
    let begun = std::time::Instant::now();
    for name in
        ["journal.jsonl", "journal.new.jsonl", "lock.json", "lock.guard", "in-use", "log", "start.json", "log.head"]
    {
        let file = place.at(&format!("sandbox/{name}"));
        let aside = place.at("aside");
        let was = fs::rename(&file, &aside).is_ok();
        place.command("mkfifo", &[file.to_str().unwrap()]).status().unwrap();
        let output = place.command(PROGRAM, &run).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // What is only noted beside the log is not needed to read it.
        assert!(
            !output.status.success() && said.contains("no plain file; move it away") || name == "log.head",
            "{name}: {said}"
        );
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{name}: {said}");
        fs::remove_file(&file).unwrap();
        if was {
            fs::rename(&aside, &file).unwrap();
        }
    }
    place.ends(&run, 0);
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
}

#[cfg(unix)]
#[test]
fn where_the_terminal_goes_away_it_stops_as_if_it_had_been_asked_to() {
    let place = Place::sunday();
    let child = place.at_work();
    place.command("kill", &["-HUP", &child.id().to_string()]).status().unwrap();
    let said = ended(&child.wait_with_output().unwrap(), 6);
    says(&said, &["Stopped; every node is in a safe state"]);
    place.ends(&[APPLY.as_slice(), &["--yes"]].concat(), 0);
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
}

#[test]
fn a_damaged_start_is_named_and_nothing_is_made_of_it() {
    let place = Place::sunday();
    let path = place.at("sandbox/start.json");
    let begin = fs::read_to_string(&path).unwrap();
    let other_version = begin.replacen("\"engine\":2", "\"engine\":1", 1);
    for (text, why) in [
        (begin[..begin.len() / 2].to_owned(), "it is damaged: "),
        (begin.replacen("demo-k8s", "demo-k9s", 1), "its checksum is wrong"),
        (String::new(), "it is damaged: it is too short"),
        (other_version, "version 1 of the sandbox wrote it"),
    ] {
        fs::write(&path, text).unwrap();
        for args in [["sandbox", "show", "sandbox"], ["sandbox", "reset", "sandbox"]] {
            says(&place.ends(&args, 1), &["`sandbox/start.json`: ", why, "tidegate sandbox create sandbox --snapshot"]);
        }
    }
}

#[test]
fn a_journal_with_a_hole_is_not_taken_up_again() {
    let place = Place::sunday();
    let mut child = place.at_work();
    child.kill().unwrap();
    child.wait().unwrap();
    let path = place.at("sandbox/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let holed: String =
        text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| line).collect();
    fs::write(&path, holed).unwrap();
    let said = place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 1);
    says(&said, &["journal sandbox/journal.jsonl, line 6: ", "removed, added or swapped", "move the file away"]);
}

#[cfg(unix)]
#[test]
fn a_sandbox_that_is_taken_away_during_an_apply_is_missed_at_the_next_write() {
    for replaced in [false, true] {
        let place = Place::sunday();
        let child = place.at_work();
        let folder = place.at("sandbox");
        // Moved first: in one step, as nobody can remove a folder that is being written to.
        fs::rename(&folder, place.at("away")).unwrap();
        if replaced {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("log"), "another's").unwrap();
        }
        let said = ended(&child.wait_with_output().unwrap(), 1);
        says(&said, &["was removed or replaced while it was in use", "tidegate sandbox show sandbox"]);
        let left: Vec<_> =
            fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, if replaced { vec!["log"] } else { vec![] }, "nothing was made there");
        if replaced {
            assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "another's");
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::rename(place.at("away"), &folder).unwrap();
        place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 0);
        assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
    }
}

/// Runs it where no file may become longer than so many bytes: the system refuses the write, as a full disk does. An apply
/// must not be ended by the signal that comes with it.
#[cfg(target_os = "linux")]
fn confined(place: &Place, bytes: u64, before: &str, args: &[&str]) -> Output {
    let shell = format!("{before} exec prlimit --fsize={bytes} \"$0\" \"$@\"");
    place.command("sh", &[&["-c", &shell, PROGRAM], args].concat()).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn where_no_room_is_left_it_stops_says_so_and_goes_on_when_there_is_some() {
    let undisturbed = Place::sunday();
    undisturbed.ends(&[APPLY.as_slice(), &["--yes"]].concat(), 0);
    let size = |file: &str| fs::metadata(undisturbed.at(file)).unwrap().len();
    let (journal, log) = (size("sandbox/journal.jsonl"), size("sandbox/log"));
    let begin = fs::read_to_string(undisturbed.at("sandbox/journal.jsonl")).unwrap().find('\n').unwrap() as u64;
    assert!(log < journal, "so that the limit strikes the journal: {log} {journal}");
    // Too little for the journal's first line: nothing was begun. Then in the middle, and in the last line.
    for (bytes, code, file) in [
        (begin / 2, 1, "journal.new.jsonl"),
        (begin + (journal - begin) / 3, 6, "journal.jsonl"),
        (journal - 40, 6, "journal.jsonl"),
    ] {
        let place = Place::sunday();
        let said = ended(&confined(&place, bytes, "", &[APPLY.as_slice(), &["--yes"]].concat()), code);
        says(&said, &["cannot write `sandbox/", file, "File too large", "make room on that disk first"]);
        let resume = [APPLY.as_slice(), &["--yes"], if code == 6 { &["--resume"] } else { &[] }].concat();
        place.ends(&resume, 0);
        assert_eq!(place.shown(), undisturbed.shown(), "after {bytes} bytes");
    }
    let place = Place::sunday();
    let before = place.shown();
    let said = ended(&confined(&place, 10, "trap '' XFSZ;", &["sandbox", "advance", "2h", "sandbox"]), 1);
    says(&said, &["cannot write `sandbox/log`", "make room on that disk first"]);
    assert_eq!(place.shown(), before);
    place.ends(&["sandbox", "advance", "2h", "sandbox"], 0);
}

#[test]
fn an_apply_whose_output_nobody_reads_says_so_once_and_goes_on() {
    for format in ["text", "json"] {
        let place = Place::sunday();
        let args = [APPLY.as_slice(), &["--yes", "--format", format]].concat();
        let mut command = place.command(PROGRAM, &args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let said = ended(&child.wait_with_output().unwrap(), 0);
        assert_eq!(said.matches("standard output takes nothing any more").count(), 1, "{said}");
        assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_apply_whose_output_has_no_room_says_so_once_and_goes_on() {
    let place = Place::sunday();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(PROGRAM, &[APPLY.as_slice(), &["--yes"]].concat());
    let said = ended(&command.stdout(full).output().unwrap(), 0);
    assert_eq!(said.matches("standard output takes nothing any more").count(), 1, "{said}");
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
}

#[test]
fn killed_before_its_first_record_a_resume_says_so_and_an_apply_works_at_once() {
    let place = Place::sunday();
    says(&place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 1), &["no apply was ever begun in `sandbox`"]);
    // As a process leaves them that was killed there: its lock, and the first line on its way to the disk.
    let lock = serde_json::json!({
        "id": "0123456789ab", "owner": "me@here", "host": host(), "pid": u32::MAX, "operation": "apply", "run": "r-1",
        "since": "2026-11-22T12:00:00Z", "expires": "9999-01-01T00:00:00Z",
    });
    let left = || {
        fs::write(place.at("sandbox/lock.json"), lock.to_string()).unwrap();
        fs::write(place.at("sandbox/journal.new.jsonl"), "{\"sequence\":1,\"ti").unwrap();
    };
    left();
    let said = place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 1);
    let words =
        ["the `apply` of me@here (process 4294967295) was cut short before its first act", "without `--resume`"];
    says(&said, &words);
    left();
    place.ends(&[APPLY.as_slice(), &["--yes"]].concat(), 0);
    assert!(!place.at("sandbox/lock.json").exists());
    assert_eq!(place.shown().matches("parked by Tidegate").count(), 9);
    let said = place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 1);
    says(&said, &["was carried out to its end", "without `--resume`"]);
    left();
    says(&place.ends(&[APPLY.as_slice(), &["--resume"]].concat(), 1), &words);
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[test]
fn the_clock_is_turned_forward_by_what_a_duration_can_be() {
    let place = Place::sunday();
    let before = place.shown();
    let advance = |by: &str, code| place.ends(&["sandbox", "advance", by, "sandbox"], code);
    says(&advance("-5h", 1), &["time goes forward only", "`tidegate sandbox reset sandbox`"]);
    says(&advance("99999999h", 1), &["by a year (8784h) at most", "several steps"]);
    says(&advance("8785h", 1), &["by a year (8784h) at most"]);
    for wrong in ["5", "soon", "", "--", "9999999999999999h"] {
        says(&advance(wrong, 1), &["2h"]);
    }
    says(&advance("1mo", 1), &["days, hours, minutes"]);
    for nothing in ["0", "0s", "-0s"] {
        advance(nothing, 0);
    }
    assert_eq!(place.shown(), before);
    advance("8784h", 0);
    assert!(place.shown().contains("2027"), "{}", place.shown());
}

#[test]
fn a_clock_that_an_apply_is_turning_is_its_own_and_its_holder_is_named() {
    let place = Place::sunday();
    let mut child = place.at_work();
    let pid = format!("process {}", child.id());
    for args in [["sandbox", "advance", "2h", "sandbox"].as_slice(), &["sandbox", "reset", "sandbox"]] {
        says(&place.ends(args, 5), &["in use by another process", &pid, "`apply`", "wait for it to end"]);
    }
    place.ends(&["sandbox", "show", "sandbox"], 0);
    child.kill().unwrap();
    child.wait().unwrap();
    place.ends(&["sandbox", "advance", "2h", "sandbox"], 0);
}
