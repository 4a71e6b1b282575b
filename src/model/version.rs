//! Versions of Kubernetes, as far as a kubelet and its API server have to fit.

/// `v1.33.1+k3s1` as `(1, 33)`.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let mut number = || parts.next()?.trim_end_matches('+').parse().ok();
    Some((number()?, number()?))
}

/// What is wrong with a kubelet of this version under an API server of that one, by Kubernetes' version skew policy: it must
/// not be newer, and three minor versions older at most (two before 1.28). None too where one of them is no such version.
pub fn skew(kubelet: &str, server: &str) -> Option<String> {
    let ((major, old), (same, new)) = (minor(kubelet)?, minor(server)?);
    let behind = if (same, new) < (1, 28) { 2 } else { 3 };
    if (major, old) > (same, new) {
        return Some(format!("its kubelet is {kubelet}, newer than the API server ({server})"));
    }
    let far = major == same && new - old > behind;
    far.then(|| format!("its kubelet is {kubelet}, more than {behind} minor versions behind the API server ({server})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_is_never_newer_and_three_versions_older_at_most() {
        for (kubelet, server, fits) in [
            ("v1.33.1", "v1.33.0", true),
            ("v1.30.9", "v1.33.0", true),
            ("v1.29.9", "v1.33.0", false),
            ("v1.34.0", "v1.33.5", false),
            ("v1.25.3", "v1.27.1", true),
            ("v1.24.3", "v1.27.1", false),
            ("v1.30.2+k3s1", "v1.33.2-eks-1a2b", true),
            ("v1.28.0", "v1.33+", false),
            ("", "v1.33.0", true),
            ("v1.33.0", "nonsense", true),
            ("v4294967296.1", "v1.33.0", true),
        ] {
            assert_eq!(skew(kubelet, server).is_none(), fits, "{kubelet} under {server}");
        }
    }
}
