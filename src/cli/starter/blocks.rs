//! The building blocks under `policies/`, and how a part of one is taken out.

/// What kubespray and its add-ons can lose.
pub const KUBESPRAY: &str = include_str!("../../../policies/kubespray.yaml");
/// JupyterHub's user pods.
pub const JUPYTERHUB: &str = include_str!("../../../policies/jupyterhub.yaml");
/// Times without disruption.
pub const FREEZES: &str = include_str!("../../../policies/freeze-calendar.yaml");
/// Service units of Jetstream2.
pub const JETSTREAM2: &str = include_str!("../../../policies/jetstream2-rates.yaml");

/// The lines below the line `heading` (with its indentation), up to the next line that is not deeper, comments
/// included. Empty if there is no such line.
pub fn below<'a>(block: &'a str, heading: &str) -> Vec<&'a str> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = block.lines().skip_while(|line| *line != heading);
    let Some(first) = lines.next() else { return Vec::new() };
    let deep = depth(first);
    lines.take_while(|line| line.trim().is_empty() || depth(line) > deep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_is_drawn_from_is_there() {
        for (block, heading) in [
            (KUBESPRAY, "    disposable:"),
            (JUPYTERHUB, "    pods:"),
            (FREEZES, "  schedules:"),
            (JETSTREAM2, "  rates:"),
        ] {
            let lines = below(block, heading);
            assert!(lines.len() >= 3, "{heading}: {lines:?}");
            assert!(lines.iter().any(|line| line.trim_start().starts_with("- ")), "{heading}: {lines:?}");
        }
        assert!(below(KUBESPRAY, "    pods:").is_empty());
    }
}
