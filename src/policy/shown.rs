//! What may be said of a text that somebody else wrote: nothing that rewrites a terminal or a reader's eye, and no more
//! than anybody reads.

/// Longer words are cut. Commands of ours have shorter ones.
const LONGEST_WORD: usize = 200;
/// What is left of them.
const CUT_WORD: usize = 60;
/// Longer texts are cut.
const LONGEST: usize = 2000;

/// Whether a character is not what it looks like: a control character, or one that turns the direction of reading.
pub fn deceives(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() || matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The text with each character that [`deceives`] written out as `\u{202e}`, with long words and long texts cut.
pub fn shown(text: &str) -> String {
    let escaped: String = (text.chars().take(2 * LONGEST))
        .flat_map(|c| {
            let (plain, code) =
                if deceives(c) && c != '\n' { (None, Some(c.escape_unicode())) } else { (Some(c), None) };
            plain.into_iter().chain(code.into_iter().flatten())
        })
        .collect();
    let mut short = String::new();
    for word in escaped.split_inclusive([' ', '\n']) {
        if word.chars().count() > LONGEST_WORD {
            short.extend(word.chars().take(CUT_WORD));
            short.push('…');
            // What closes a quotation stays, so that it is seen where the text goes on.
            let tail: Vec<char> =
                word.chars().rev().take_while(|c| !c.is_alphanumeric() && !"…\\".contains(*c)).take(4).collect();
            short.extend(tail.into_iter().rev());
        } else {
            short.push_str(word);
        }
    }
    if short.chars().count() > LONGEST {
        short = short.chars().take(LONGEST).chain(['…']).collect();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_deceives_is_written_out_and_what_is_long_is_cut() {
        for (text, expected) in [
            ("there is no pool `a`", "there is no pool `a`"),
            ("größe €", "größe €"),
            ("a\u{202e}b\u{1b}[31m", "a\\u{202e}b\\u{1b}[31m"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(shown(text), expected);
        }
        assert_eq!(shown(&format!("no `{}` here", "x".repeat(5000))), format!("no `{}…", "x".repeat(59)));
        assert_eq!(shown(&format!("no `{}` here", "x".repeat(500))), format!("no `{}…` here", "x".repeat(59)));
        assert!(shown(&"word ".repeat(5000)).chars().count() <= 2001);
    }
}
