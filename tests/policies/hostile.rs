//! Files that want to hang, crash or confuse: each ends with a problem, quickly.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate::policy::{Loaded, PolicySource, load};
use tidegate::report::diagnostics::{Style, text};

fn source(text: impl Into<Vec<u8>>) -> PolicySource {
    PolicySource { path: "policy.yaml".into(), text: text.into() }
}

fn text_of(problems: &[tidegate::policy::Problem]) -> String {
    text(problems, &[], Style::PLAIN)
}

/// Loads and draws; every place lies within the file, on its line and column.
fn checked(bytes: impl Into<Vec<u8>>) -> Loaded {
    let sources = [source(bytes)];
    let loaded = load(&sources);
    let errors = loaded.problems.iter().filter(|problem| problem.severity == tidegate::policy::Severity::Error).count();
    assert_eq!(loaded.policy.is_none(), errors > 0, "{:?}", loaded.problems);
    drop(text(&loaded.problems, &sources, Style::PLAIN));
    crate::helped(&loaded.problems);
    let bytes = &sources[0].text;
    for place in loaded.problems.iter().filter_map(|problem| problem.place.as_ref()) {
        let range = place.bytes.clone().unwrap();
        assert!(range.start <= range.end && range.end as usize <= bytes.len(), "{place:?} of {}", bytes.len());
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let before = text.get(..range.start as usize).expect("a place begins at a character");
        let line = before.matches('\n').count() + 1;
        assert_eq!(line, place.line as usize, "{place:?}");
        let column = before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').chars().count() + 1;
        assert_eq!(column, place.column as usize, "{place:?} in {text:?}");
    }
    loaded
}

fn codes(loaded: &Loaded) -> Vec<&str> {
    loaded.problems.iter().map(|problem| &*problem.code).collect()
}

#[test]
fn large_and_deep_files_are_refused_at_once() {
    let bomb = |levels: usize| {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..levels {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        text
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("10 MB of brackets", "[".repeat(10 << 20).into_bytes(), "file-too-large"),
        ("3 MB of brackets", "[".repeat(3 << 20).into_bytes(), "too-complex"),
        ("3 MB of braces", "{a: ".repeat(3 << 18).into_bytes(), "too-complex"),
        (
            "a deep block",
            (0..2000).map(|depth| " ".repeat(depth) + "a:\n").collect::<String>().into_bytes(),
            "too-complex",
        ),
        ("an alias bomb", bomb(9).into_bytes(), "too-complex"),
        ("an alias of itself", b"a: &a [*a]".to_vec(), "too-complex"),
        ("nothing", Vec::new(), "empty-file"),
        ("blanks", b" \n\n \n".to_vec(), "empty-file"),
        ("a mark alone", "\u{feff}".as_bytes().to_vec(), "empty-file"),
        ("a carriage return alone", b"\r!".to_vec(), "carriage-return"),
        ("an old Mac's line", b"apiVersion: tidegate.dev/v1alpha1\rkind: CapacityPolicy\r".to_vec(), "carriage-return"),
        ("a line that was ended twice", b"a: b\r\r\n".to_vec(), "carriage-return"),
        ("zeros", vec![0; 1000], "not-text"),
        ("not UTF-8", b"a: \xff\xfe".to_vec(), "not-utf8"),
        ("UTF-16", "a: b".encode_utf16().flat_map(u16::to_le_bytes).collect(), "not-text"),
    ];
    for (name, bytes, code) in cases {
        let started = Instant::now();
        let loaded = checked(bytes);
        assert!(started.elapsed() < Duration::from_secs(60), "{name} took {:?}", started.elapsed());
        assert_eq!(codes(&loaded), [code], "{name}: {:?}", loaded.problems);
    }
}

#[test]
fn many_problems_are_cut_off() {
    let mut text =
        String::from("apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n");
    (0..50_000).for_each(|number| text.push_str(&format!("  field{number}: 1\n")));
    let loaded = checked(text);
    assert_eq!(loaded.problems.len(), 1001);
    assert_eq!(&*loaded.problems[1000].code, "too-many-problems");
    assert!(loaded.problems[1000].message.contains("and 49,000 more problems"), "{}", loaded.problems[1000].message);
    let drawn = text_of(&loaded.problems);
    assert!(drawn.lines().count() < 1000, "nobody reads {} lines", drawn.lines().count());
    assert!(drawn.contains("… and 950 more: ") && drawn.contains("and 49,000 more problems"), "{drawn}");
}

/// A policy from pieces that are nearly right, so that most of the reader is reached.
fn nearly_a_policy() -> impl Strategy<Value = String> {
    let pieces = vec![
        "apiVersion: tidegate.dev/v1alpha1\n",
        "kind: CapacityPolicy\n",
        "metadata: {name: p}\n",
        "spec:\n",
        "  pools:\n",
        "    - name: a\n",
        "      nodes: {names: \"a-{1..9}\"}\n",
        "      min: 3\n",
        "      max: 2\n",
        "      windows:\n",
        "        - {start: \"0 8 * * *\", duration: 1h, min: 2}\n",
        "        - start: \"0 8 * * *\"\n",
        "          end: x\n",
        "  schedules: []\n",
        "  limits: {cpu: 1.5}\n",
        "  drain: &a {podTimeout: *a}\n",
        "---\n",
        "...\n",
        "- ",
        "é",
        "\u{1f600}",
        "\r\n",
        "\r",
        "\t",
        "\"",
        "'",
        "|\n  text\n",
        ">-\n",
        "? a\n: b\n",
        "<<: *a\n",
        "&a ",
        "*a",
        "!!int 3\n",
        "%YAML 1.2\n",
        "# remark\n",
        "\u{feff}",
        "{",
        "}",
        "[",
        "]",
        ",",
        ": ",
        "\\x41",
        "~\n",
        "0x10\n",
        "1e999\n",
        ".inf\n",
        "\u{0}",
        "\u{85}",
        "\u{2028}",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..25).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        checked(text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checked(bytes);
    }

    #[test]
    fn anything_that_looks_like_a_policy_is_answered(text in nearly_a_policy()) {
        checked(text);
    }

    /// Any one piece of a good policy replaced by something else.
    #[test]
    fn a_damaged_policy_is_answered(at in 0_usize..4000, cut in 0_usize..40, with in "[ -~\\n]{0,12}|é|\u{1f600}|\\t") {
        let good = include_str!("valid/everything.yaml");
        let mut from = at.min(good.len());
        while !good.is_char_boundary(from) { from -= 1; }
        let mut to = (from + cut).min(good.len());
        while !good.is_char_boundary(to) { to -= 1; }
        checked(format!("{}{with}{}", &good[..from], &good[to.max(from)..]));
    }
}
