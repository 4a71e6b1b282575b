//! `--reason`: why something is asked for by hand.

/// The most characters of a reason: it stands on the node, in the memory and in every later plan.
const MOST: usize = 500;

/// One line, not too long.
///
/// # Errors
/// It is longer, or has lines.
pub fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length > MOST {
        return Err(format!("it has {length} characters, and every later plan shows it: say it in {MOST}"));
    }
    if text.contains(char::is_control) {
        return Err("it is to be one line of text".to_owned());
    }
    Ok(text.to_owned())
}
