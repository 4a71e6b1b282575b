//! When to run `tidegate apply`, for those without a controller: as crontab lines, as a systemd timer.
//!
//! Each run is a whole `apply`, which does what the policy says at that time, so what comes back each week is one weekly
//! line even where an exception skips it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Timetable, zone};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The moments of change, folded into weekly ones and single ones, in local time.
struct Moments {
    /// Hour and minute, and the days of the week (0 is Monday) on which something changes then.
    weekly: BTreeMap<(i8, i8), BTreeSet<usize>>,
    /// What does not come back a week earlier or later.
    once: BTreeSet<Zoned>,
}

impl Moments {
    fn of(tables: &[Timetable]) -> Self {
        let mut by_slot: BTreeMap<(usize, i8, i8), BTreeSet<Zoned>> = BTreeMap::new();
        for table in tables {
            let zone = zone(&table.zone);
            for turn in &table.turns {
                // A run before the change would find nothing to do: the first whole minute after it.
                let late = SignedDuration::from_secs(59);
                let at = turn.at.checked_add(late).unwrap_or(turn.at).to_zoned(zone.clone());
                let at = at.with().second(0).subsec_nanosecond(0).build().unwrap_or(at);
                let day = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0);
                by_slot.entry((day, at.hour(), at.minute())).or_default().insert(at);
            }
        }
        let mut moments = Self { weekly: BTreeMap::new(), once: BTreeSet::new() };
        for ((day, hour, minute), found) in by_slot {
            if found.len() > 2 {
                moments.weekly.entry((hour, minute)).or_default().insert(day);
            } else {
                moments.once.extend(found);
            }
        }
        moments
    }

    /// The first minute of every quarter of an hour in which no other line fires: two runs at once do not help. 0 where
    /// there is none.
    fn free_minute(&self) -> i8 {
        let taken: BTreeSet<i8> = (self.weekly.keys().map(|(_, minute)| *minute))
            .chain(self.once.iter().map(Zoned::minute))
            .map(|minute| minute % 15)
            .collect();
        [0, 5, 10].into_iter().chain(1..15).find(|minute| !taken.contains(minute)).unwrap_or(0)
    }
}

fn days(days: &BTreeSet<usize>, every: &str) -> String {
    if days.len() == DAYS.len() {
        return every.to_owned();
    }
    let names: Vec<&str> = days.iter().filter_map(|day| DAYS.get(*day).copied()).collect();
    names.join(",")
}

/// What a timer runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line, quoted for a shell.
    pub line: String,
    /// What has to be replaced in it before it works.
    pub replace: Option<String>,
}

/// Lines for crontab(5).
pub fn crontab(tables: &[Timetable], command: &Command) -> String {
    let moments = Moments::of(tables);
    let mut out = heading(tables, command);
    if let Some(table) = tables.first() {
        let _ = writeln!(out, "# A cron without CRON_TZ (Debian's) reads these lines in the machine's own zone");
        let _ = writeln!(out, "CRON_TZ={}", table.zone);
    }
    // A per cent sign ends a crontab command.
    let command = command.line.replace('%', "\\%");
    for ((hour, minute), on) in &moments.weekly {
        let _ = writeln!(out, "{minute} {hour} * * {}  {command}", days(on, "*").to_uppercase());
    }
    for at in &moments.once {
        let _ = writeln!(
            out,
            "# only in {}; a crontab has no year, so this line applies the policy on that day of each year",
            at.year()
        );
        let _ = writeln!(out, "{} {} {} {} *  {command}", at.minute(), at.hour(), at.day(), at.month());
    }
    out.push_str(
        "# What waits for pods or failed (exit code 6) goes on here; where nothing is left this says nothing\n",
    );
    let regular = match moments.free_minute() {
        0 => "*/15".to_owned(),
        minute => format!("{minute}-59/15"),
    };
    let _ = writeln!(out, "{regular} * * * *  {command}");
    out
}

/// A systemd timer and its service.
pub fn systemd(tables: &[Timetable], command: &Command) -> String {
    let moments = Moments::of(tables);
    let zone = tables.first().map_or("UTC", |table| &*table.zone);
    let mut out = heading(tables, command);
    out.push_str("# tidegate.timer\n[Unit]\nDescription=Changes of node capacity\n\n[Timer]\n");
    for ((hour, minute), on) in &moments.weekly {
        let on = days(on, "");
        let gap = if on.is_empty() { "" } else { " " };
        let _ = writeln!(out, "OnCalendar={on}{gap}*-*-* {hour:02}:{minute:02}:00 {zone}");
    }
    for at in &moments.once {
        let _ = writeln!(out, "OnCalendar={} {zone}", at.strftime("%Y-%m-%d %H:%M:00"));
    }
    out.push_str("# What waits for pods or failed goes on here; where nothing is left this does nothing\n");
    let _ = writeln!(out, "OnCalendar=*-*-* *:00/15:00 {zone}");
    out.push_str("AccuracySec=1s\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n\n");
    // systemd expands specifiers that begin with a per cent sign, and variables; it knows no `\$`.
    let command = command.line.replace("\\$", "$").replace("\\`", "`").replace('$', "$$").replace('%', "%%");
    out.push_str("# tidegate.service\n[Unit]\nDescription=Keep the node capacity what the policy says\n\n");
    let _ = writeln!(out, "[Service]\nType=oneshot\nExecStart={command}");
    out.push_str("# 6: pods are waited for, or a part is left; the timer goes on with it\n");
    let _ = writeln!(out, "SuccessExitStatus=6\nRestart=on-failure\nRestartSec=5min");
    out
}

fn heading(tables: &[Timetable], command: &Command) -> String {
    let Some(table) = tables.first() else { return String::new() };
    let day = |at: Timestamp| at.to_zoned(zone(&table.zone)).date();
    let (from, until) = (day(table.from), day(table.until));
    let replace = command.replace.iter().map(|replace| format!("# {replace}\n")).collect::<String>();
    format!(
        "{replace}# From the changes of {from} up to {until}; print it anew when the policy changes\n\
         # `lead: auto` is 10m, or what nodes were seen to take if that is longer: print it anew when they get slower\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Holding, Turn};

    fn holding(floor: u32) -> Holding {
        Holding {
            floor,
            ceiling: None,
            headroom: None,
            freeze: None,
            relaxed: Vec::new(),
            winding_down_to: None,
            said: Vec::new(),
        }
    }

    fn table(at: &[&str]) -> Vec<Timetable> {
        let turns = (at.iter().enumerate())
            .map(|(index, at)| Turn {
                at: at.parse().unwrap(),
                holding: holding(u32::try_from(index).unwrap()),
                why: Vec::new(),
            })
            .collect();
        let (from, until) = ("2026-10-01T00:00:00Z".parse().unwrap(), "2027-10-01T00:00:00Z".parse().unwrap());
        let zone = "America/Denver".into();
        vec![Timetable { pool: "workers".into(), from, until, zone, start: holding(0), turns, notes: Vec::new() }]
    }

    fn command(line: &str) -> Command {
        Command { line: line.to_owned(), replace: None }
    }

    /// Three Tuesdays at 12:45 in Denver, the last after the clocks went back, and one evening in May.
    const TUESDAYS: [&str; 4] =
        ["2026-10-20T18:45:00Z", "2026-10-27T18:45:00Z", "2026-11-03T19:45:00Z", "2027-05-12T00:30:00Z"];

    #[test]
    fn what_comes_back_each_week_is_one_line_across_a_clock_change() {
        let lines = crontab(&table(&TUESDAYS), &command("tidegate apply --yes # 5%"));
        let jobs: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            jobs,
            [
                "CRON_TZ=America/Denver",
                "45 12 * * TUE  tidegate apply --yes # 5\\%",
                "30 18 11 5 *  tidegate apply --yes # 5\\%",
                "5-59/15 * * * *  tidegate apply --yes # 5\\%"
            ]
        );
    }

    #[test]
    fn systemd_gets_the_year_and_the_zone() {
        let unit = systemd(&table(&TUESDAYS), &command("tidegate apply \"/a\\$b\" 5%"));
        let times: Vec<&str> = unit.lines().filter(|line| line.starts_with("OnCalendar")).collect();
        assert_eq!(
            times,
            [
                "OnCalendar=Tue *-*-* 12:45:00 America/Denver",
                "OnCalendar=2027-05-11 18:30:00 America/Denver",
                "OnCalendar=*-*-* *:00/15:00 America/Denver"
            ]
        );
        assert!(unit.contains("ExecStart=tidegate apply \"/a$$b\" 5%%\n"), "{unit}");
    }
}
