//! HTML in pieces, with everything escaped that did not come from here: names of nodes and pods are anybody's.

use std::fmt::Display;

/// Text as it stands between tags or in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What turns the direction of writing around, or hides, is shown as what it is.
            c if c != '\n' && crate::policy::deceives(c) => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// An element with text in it.
pub fn text(tag: &str, class: &str, words: impl Display) -> String {
    element(tag, class, &escaped(&words.to_string()))
}

/// An element with other elements in it.
pub fn element(tag: &str, class: &str, inner: &str) -> String {
    if class.is_empty() {
        format!("<{tag}>{inner}</{tag}>")
    } else {
        format!("<{tag} class=\"{class}\">{inner}</{tag}>")
    }
}

/// A section with a heading; nothing if there is nothing in it.
pub fn section(heading: &str, inner: &str) -> String {
    if inner.is_empty() {
        return String::new();
    }
    element("section", "", &format!("{}{inner}", text("h2", "", heading)))
}

/// A table: each cell is HTML. Nothing without rows.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: String = head.iter().map(|word| text("th", "", word)).collect();
    let rows: String = (rows.iter())
        .map(|row| element("tr", "", &row.iter().map(|cell| element("td", "", cell)).collect::<String>()))
        .collect();
    element("div", "wide", &format!("<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_name_holds_is_markup() {
        let name = "<script>alert('x')</script>\" onload=\"y&\u{202e}\u{7}";
        let shown = text("b", "", name);
        assert_eq!(
            shown,
            "<b>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;y&amp;\\u{202e}\\u{7}</b>"
        );
        assert!(table(&["a"], &[]).is_empty() && section("a", "").is_empty());
    }
}
