//! "Did you mean": the known word that a misspelt one was probably meant to be.

/// The candidate closest to `word`, if it is close enough to be worth a question.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(word);
    if wanted.is_empty() || wanted.chars().count() > 100 {
        return None;
    }
    let length = wanted.chars().count();
    let cut_off = (length / 3).max(1).min(length.saturating_sub(1));
    let distance = |candidate: &str| {
        let known = plain(candidate);
        let cut = known.starts_with(&wanted) || wanted.starts_with(&known);
        if cut && wanted.len().min(known.len()) >= 3 { 1 } else { strsim::osa_distance(&wanted, &known) }
    };
    let scored = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    scored.filter(|(distance, _)| *distance <= cut_off).min().map(|(_, candidate)| candidate)
}

/// Candidates that are listed.
const LISTED: usize = 24;

/// `did you mean X?`, else the candidates themselves, the first of them where they are many.
pub(crate) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(found) = nearest(word, candidates.clone()) {
        return format!("did you mean `{found}`?");
    }
    let all: Vec<String> = candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    match all.as_slice() {
        [] => "there is none to name: add one, or remove this".to_owned(),
        [one] => format!("write {one}"),
        few if few.len() <= LISTED => format!("known are {}", few.join(", ")),
        many => {
            let first: Vec<&str> = many.iter().take(LISTED).map(String::as_str).collect();
            format!("known are {} and {} more", first.join(", "), many.len() - LISTED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_close() {
        let fields = ["cpu", "memory", "maxUnavailable", "version"];
        for (word, expected) in [
            ("cpus", Some("cpu")),
            ("max_unavailable", Some("maxUnavailable")),
            ("memroy", Some("memory")),
            ("x-extra", None),
            ("", None),
            ("zzz", None),
            ("max", Some("maxUnavailable")),
            ("m", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, fields), expected, "{word}");
        }
    }
}
