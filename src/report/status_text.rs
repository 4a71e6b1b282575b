//! What is where, as a table: one line for each node, then what changes next.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::headroom_text::headroom_lines;
use super::kept_text::named;
use super::layout::{by_hand_line, faint, local_long, local_short, local_times, next_line, wrapped};
use super::plan_text::rests_on;
use crate::model::Money;
use crate::plan::{Leak, LeakKind, NodeStatus, Plan};

const HEAD: [&str; 7] = ["NODE", "POOL", "STATE", "SINCE", "BY", "NEXT", "WHY"];

/// The columns that stand below a table that is too wide, by their place in the head: who did it goes first, then the pool.
const SPARE: [usize; 3] = [4, 1, 3];

/// The table, then the pools' next changes and the plan in one line. Where the last column does not fit, it stands below
/// the table, for nodes with the same words together, and then others too.
pub fn status_text(lines: &[NodeStatus], plan: &Plan, width: usize) -> String {
    let rows: Vec<[String; 7]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(lines.iter().map(|line| row(line, plan))).collect();
    let wide = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let room = |columns: &[usize]| columns.iter().map(|column| wide(*column) + 2).sum::<usize>();
    let mut columns: Vec<usize> = (0..6).collect();
    let mut below: Vec<usize> = Vec::new();
    let beside = room(&columns) + wide(6) <= width;
    for spare in SPARE {
        if room(&columns).saturating_sub(2) > width {
            columns.retain(|column| *column != spare);
            below.push(spare);
        }
    }
    // Where not even the others fit, all become words.
    let narrow = room(&columns).saturating_sub(2) > width;
    if narrow {
        (columns, below) = ((0..6).collect(), Vec::new());
    }
    below.sort_unstable();
    let mut text = format!("{}\n", local_long(plan.now, &plan.time_zone));
    rests_on(&mut text, plan, width);
    text.push('\n');
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let Some((why, cells)) = row.split_last() else { continue };
        let mut line = String::new();
        for (cell, column) in columns.iter().filter_map(|column| Some((cells.get(*column)?, *column))) {
            let _ = write!(line, "{cell:width$}  ", width = wide(column));
        }
        let words = told_below(cells, &below, why);
        if beside {
            line.push_str(why);
        } else if let Some(node) = row.first().filter(|_| index > 0 && !words.is_empty()) {
            match groups.iter_mut().find(|(known, _)| *known == words) {
                Some((_, nodes)) => nodes.push(node),
                None => groups.push((words, vec![node])),
            }
        }
        let line = line.trim_end();
        let _ = match index {
            0 if narrow => Ok(()),
            0 => writeln!(text, "{}", line.bold()),
            _ if narrow => write!(text, "{}", in_words(cells, width)),
            _ => writeln!(text, "{line}"),
        };
    }
    text.push('\n');
    for (why, nodes) in &groups {
        text.push_str(&faint(&format!("{}: {why}", named(nodes)), 0, width));
    }
    for pool in &plan.pools {
        for line in headroom_lines(pool) {
            let line = format!("Pool {}, {}", pool.name, local_times(&line, &plan.time_zone));
            text.push_str(&wrapped(&line, 0, width));
        }
        if let Some(next) = &pool.next_change {
            let line = format!("Pool {}, {}", pool.name, next_line(pool, next, &plan.time_zone));
            text.push_str(&wrapped(&line, 0, width));
        }
    }
    for asked in &plan.by_hand {
        text.push_str(&wrapped(&format!("By hand: {}", by_hand_line(asked, &plan.time_zone)), 0, width));
    }
    text.push_str(&wrapped(&local_times(&plan.summary.text, &plan.time_zone), 0, width));
    text
}

/// What was left behind, each with what to do; empty where nothing was.
pub fn leaks_text(leaks: &[Leak], plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    let unit = plan.cost.as_ref().map(|cost| cost.unit.as_str()).unwrap_or_default();
    for leak in leaks {
        let what = match leak.kind {
            LeakKind::Server => "server",
            LeakKind::Node => "node",
        };
        let id = leak.server.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let since = leak.since.map(|at| format!(", made {at}")).unwrap_or_default();
        let cost = leak.per_hour_micros.filter(|micros| *micros > 0);
        let cost = cost.map(|micros| format!(", {} {unit} per hour", Money(micros))).unwrap_or_default();
        let line = format!("Left behind: {what} {}{id}{since}{cost}: {}", leak.name, leak.why);
        text.push_str(&wrapped(&local_times(&line, &plan.time_zone), 0, width));
        text.push_str(&wrapped(&format!("To do: {}", leak.todo), 2, width));
    }
    text
}

/// `by tidegate (policy teaching); not needed`: what stands below the table of a node, its reason last.
fn told_below(cells: &[String], below: &[usize], why: &str) -> String {
    let heads = below.iter().filter_map(|column| Some((HEAD.get(*column)?.to_lowercase(), cells.get(*column)?)));
    let mut words: Vec<String> =
        heads.filter(|(_, cell)| *cell != "-").map(|(head, cell)| format!("{head} {cell}")).collect();
    words.extend(Some(why).filter(|why| *why != "-").map(str::to_owned));
    words.join("; ")
}

/// `node-7: active, pool workers, since Mon 12:45, next stays`, in as many lines as it takes.
fn in_words(cells: &[String], width: usize) -> String {
    let mut words = String::new();
    for (head, cell) in HEAD.iter().zip(cells).filter(|(_, cell)| *cell != "-") {
        let _ = match *head {
            "NODE" => write!(words, "{cell}:"),
            "STATE" => write!(words, " {cell},"),
            head => write!(words, " {} {cell},", head.to_lowercase()),
        };
    }
    wrapped(words.trim_end_matches(','), 0, width)
}

fn row(line: &NodeStatus, plan: &Plan) -> [String; 7] {
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let when = |at| local_short(at, plan.now, &plan.time_zone);
    let cost = line.per_hour_micros.zip(plan.cost.as_ref());
    let cost = cost.map(|(micros, cost)| format!("costs {} {}/h; ", Money(micros), cost.unit)).unwrap_or_default();
    [
        line.node.clone(),
        dash(line.pool.as_deref().unwrap_or_default()),
        line.state.clone(),
        line.since.map_or_else(|| "-".to_owned(), when),
        dash(&line.who),
        line.next_at.map_or_else(|| line.next.clone(), |at| format!("{} {}", line.next, when(at))),
        dash(&local_times(&format!("{cost}{}", line.why), &plan.time_zone)),
    ]
}
