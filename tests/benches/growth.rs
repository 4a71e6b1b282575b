//! Growth at size: how long, and by which power of the number of pods it gets longer.

use std::time::Instant;

use tidegate::plan::{Plan, plan};
use tidegate::policy::Policy;

use crate::growing::{self, Group, NOW, diverse, grow, judge, pack};

type Made = (Policy, Vec<Group>);

/// Each at an eighth, a quarter, a half and the whole of its size, with what came of it as a judge counts it.
pub fn table() {
    for (name, of, whole) in [("pack", pack as fn(usize) -> Made, 48), ("grow", grow, 48), ("diverse", diverse, 20_000)]
    {
        let mut last: Option<f64> = None;
        for times in [1, 2, 4, 8] {
            let (policy, groups) = of(whole * times / 8);
            let world = growing::waiting(&groups);
            let now = NOW.parse().unwrap();
            let begun = Instant::now();
            let found: Plan = plan(&policy, &world, now).0;
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            let exponent = last.map_or(String::new(), |before| format!(", exponent {:.2}", (took / before).log2()));
            last = Some(took);
            let answer = judge(&found, &groups);
            let least = found.notes.iter().find(|note| note.contains("at least")).cloned().unwrap_or_default();
            println!("{name} ×{times}: {took:.1} ms{exponent}; {answer:?}; {least}");
            if took > 60_000.0 {
                break;
            }
        }
    }
}
