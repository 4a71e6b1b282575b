//! Widths, plurals, local times: how values read on a terminal.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;

use crate::model::counted;
use crate::plan::{AskedByHand, NextChange, Outage, PoolPlan};

/// `1 node`, `2 nodes`.
pub fn plural(count: usize, one: &str) -> String {
    counted(u32::try_from(count).unwrap_or(u32::MAX), one)
}

/// A time as a person on call reads it: `Tue 24 Nov 12:45 MST`. UTC where the zone is not known.
pub fn local(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%a %d %b %H:%M %Z").to_string()
}

/// The same with the year.
pub fn local_long(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%a %d %b %Y %H:%M:%S %Z").to_string()
}

/// A time as short as it is plain: `16:00` today, `Tue 12:45` within six days, else with its date, of another year with the year.
pub fn local_short(at: Timestamp, now: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone));
    let days = (at.date() - now.date()).get_days();
    let form = match days {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ if at.year() != now.year() => "%a %d %b %Y",
        _ => "%a %d %b %H:%M",
    };
    at.strftime(form).to_string()
}

/// `text` with every instant in it (values write them in UTC) as a person in `zone` reads it.
pub fn local_times(text: &str, zone: &str) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || ",:;.)".contains(c));
        match word.parse::<Timestamp>() {
            Ok(at) if word.ends_with('Z') => {
                out.push_str(&local(at, zone));
                out.push_str(piece.get(word.len()..).unwrap_or_default());
            }
            _ => out.push_str(piece),
        }
    }
    out
}

/// `node/n-1 parked until Tue 24 Nov 12:45 MST, asked by ann@desk: new disk`.
pub fn by_hand_line(asked: &AskedByHand, zone: &str) -> String {
    let until =
        asked.until.map_or_else(|| "until it is released".to_owned(), |at| format!("until {}", local(at, zone)));
    let reason = asked.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {} {until}, asked by {}{reason}", asked.object, asked.wish, asked.author)
}

/// `Deployment a/b has no Ready pod while a/b-1 moves off n-1`, with the webhooks that are silent meanwhile; `pod` and names
/// as they are to be written.
pub fn outage_line(outage: &Outage, name: &dyn Fn(&str) -> String, pod: &str) -> String {
    let (workload, node) = (name(&outage.workload), name(&outage.node));
    let webhooks: Vec<String> = outage.webhooks.iter().map(|webhook| name(webhook)).collect();
    let silent = match webhooks.as_slice() {
        [] => String::new(),
        [one] => format!("; webhook {one} refuses what it is asked about meanwhile"),
        several => format!("; webhooks {} refuse what they are asked about meanwhile", several.join(", ")),
    };
    format!("{workload} has no Ready pod while {pod} moves off {node}{silent}")
}

/// `floor 1, ceiling 10`: what holds for a pool, in the same words wherever it is said.
pub fn bounds(floor: u32, ceiling: Option<u32>) -> String {
    match ceiling {
        Some(ceiling) => format!("floor {floor}, ceiling {ceiling}"),
        None => format!("floor {floor}, ceiling all"),
    }
}

/// `next: Tue 17 Nov 12:45 MST floor 10, ceiling 10 (why)`: the numbers only where they change.
pub fn next_line(pool: &PoolPlan, next: &NextChange, zone: &str) -> String {
    let same = next.floor == pool.floor && next.ceiling.is_none_or(|ceiling| ceiling == pool.ceiling);
    let bounds = if same { String::new() } else { format!(" {}", bounds(next.floor, next.ceiling)) };
    format!("next: {}{bounds} ({})", local(next.at, zone), next.why.join("; "))
}

/// `text` in lines of at most `width` characters, every line after `indent` spaces. A word that is longer stands alone, and
/// what stands between backquotes is one word: it can be pasted. A command that is longer stands alone without them.
pub fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let pad = " ".repeat(indent);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        if let Some(command) = command(&word).filter(|_| word.chars().count() > room) {
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            lines.push(format!("  {command}"));
            continue;
        }
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.iter().map(|line| format!("{pad}{line}\n")).collect()
}

/// The words of a text; what stands between two backquotes belongs to one.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut quoted) = (Vec::<String>::new(), false);
    let mut left = text.matches('`').count();
    for word in text.split_whitespace() {
        match words.last_mut().filter(|_| quoted) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
        let ticks = word.matches('`').count();
        left = left.saturating_sub(ticks);
        // One that nobody closes quotes nothing.
        quoted = (quoted != (ticks % 2 == 1)) && left > 0;
    }
    words
}

/// The command in a word that is one between backquotes, without the punctuation behind it.
fn command(word: &str) -> Option<&str> {
    let (command, behind) = word.strip_prefix('`')?.split_once('`')?;
    (command.contains(' ') && behind.chars().all(|c| c.is_ascii_punctuation())).then_some(command)
}

/// The same in faint letters, each line for itself.
pub fn faint(text: &str, indent: usize, width: usize) -> String {
    wrapped(text, indent, width).lines().map(|line| format!("{}\n", line.dimmed())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_a_text_become_local() {
        let text = "freeze exam until 2026-11-26T00:00:00Z: 3 of 2026-11-26, v1.0Z.";
        let expected = "freeze exam until Wed 25 Nov 17:00 MST: 3 of 2026-11-26, v1.0Z.";
        assert_eq!(local_times(text, "America/Denver"), expected);
    }

    #[test]
    fn a_moment_is_as_short_as_it_is_plain() {
        let now = "2026-11-24T20:00:00Z".parse().unwrap();
        for (at, shown) in [
            ("2026-11-24T23:00:00Z", "16:00"),
            ("2026-11-25T06:59:00Z", "23:59"),
            ("2026-11-25T07:00:00Z", "Wed 00:00"),
            ("2026-11-30T19:45:00Z", "Mon 12:45"),
            ("2026-12-01T19:45:00Z", "Tue 01 Dec 12:45"),
            ("2026-11-23T19:45:00Z", "Mon 23 Nov 12:45"),
            ("2023-11-23T19:45:00Z", "Thu 23 Nov 2023"),
        ] {
            assert_eq!(local_short(at.parse().unwrap(), now, "America/Denver"), shown, "{at}");
        }
    }

    #[test]
    fn wraps_at_the_width_and_loses_no_word() {
        let text = "one two three four five six seven eight nine ten";
        let out = wrapped(text, 2, 24);
        assert!(out.lines().all(|line| line.starts_with("  ") && line.chars().count() <= 24), "{out}");
        assert_eq!(out.split_whitespace().collect::<Vec<_>>().join(" "), text);
        assert_eq!(wrapped("", 2, 24), "");
    }

    #[test]
    fn a_command_can_be_pasted_whatever_the_width() {
        let text = "look again with `kubectl get nodes,pods -A -o json > cluster.json`; or `see x y`, once more";
        assert_eq!(
            wrapped(text, 2, 30),
            "  look again with\n    kubectl get nodes,pods -A -o json > cluster.json\n  or `see x y`, once more\n"
        );
        assert_eq!(wrapped("one ` two three four five six", 0, 20), "one ` two three four\nfive six\n");
    }
}
