//! Problems of a policy, drawn under the lines that they are about, or as JSON. The only room that knows miette.

use std::fmt::{self, Display};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeStyles,
};

use schemars::JsonSchema;
use serde::Serialize;

use crate::policy::{MOST_BYTES, Place, PolicySource, Problem, Severity, deceives, file_name};

/// How problems are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// Lines of the drawing in Unicode rather than ASCII.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}

impl Style {
    /// ASCII without colours, 100 columns wide: for logs and tests.
    pub const PLAIN: Self = Self { colour: false, unicode: false, width: 100 };
}

/// Lines longer than this, in bytes, are not shown.
const LONGEST_LINE: usize = 500;
/// More problems than this are counted rather than drawn; JSON has them.
const MOST_DRAWN: usize = 50;

/// The problems as text, each with its line underlined, and a last line that counts them. Empty if there are none.
pub fn text(problems: &[Problem], sources: &[PolicySource], style: Style) -> String {
    let theme = match (style.colour, style.unicode) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme { styles: ThemeStyles::ansi(), ..GraphicalTheme::ascii() },
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.max(40))
        .with_links(false)
        .with_wrap_lines(false);
    let shown: Vec<(&str, Text)> = sources.iter().map(readable).collect();
    let mut text = String::new();
    for problem in problems.iter().take(MOST_DRAWN) {
        let drawn = Drawn::new(problem, &shown);
        let mut one = String::new();
        if handler.render_report(&mut one, &drawn).is_err() {
            one = format!("{problem}\n");
        }
        text.push_str(&one);
        text.push('\n');
    }
    if let Some(left @ 1..) = problems.len().checked_sub(MOST_DRAWN) {
        // What the reader of the policy counted only, it says last.
        let counted = problems.last().filter(|last| &*last.code == "too-many-problems");
        let listed = left - usize::from(counted.is_some());
        text.push_str(&format!("… and {listed} more: `tidegate validate --format json` lists them\n"));
        if let Some(counted) = counted {
            text.push_str(&format!("{}\n", counted.message));
        }
        text.push('\n');
    }
    if let Some(count) = count(problems) {
        text.push_str(&count);
        text.push('\n');
    }
    text
}

/// `2 errors, 1 warning`; None if there is nothing to count.
pub fn count(problems: &[Problem]) -> Option<String> {
    let of = |severity: Severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let parts: Vec<String> = [Severity::Error, Severity::Warning]
        .into_iter()
        .map(|severity| (of(severity), severity))
        .filter(|(number, _)| *number > 0)
        .map(|(number, severity)| format!("{number} {severity}{}", if number == 1 { "" } else { "s" }))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What `validate --format json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validated {
    /// The version of this format: another major version may mean something else by the same words.
    pub format_version: String,
    /// How many of the problems are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// All of them, by file and line.
    pub problems: Vec<Problem>,
}

impl Validated {
    /// What is said of a policy that has these.
    pub fn of(problems: &[Problem]) -> Self {
        let of = |severity: Severity| problems.iter().filter(|problem| problem.severity == severity).count();
        Self {
            format_version: "1.0".to_owned(),
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            problems: problems.to_vec(),
        }
    }
}

/// A file's text as it may go to a terminal. Bytes keep their places.
fn readable(source: &PolicySource) -> (&str, Text) {
    // What is too long to be read has no line to show.
    let text =
        Some(&source.text).filter(|text| text.len() <= MOST_BYTES).and_then(|text| std::str::from_utf8(text).ok());
    let text = text.map(harmless).unwrap_or_default();
    (&source.path, Text { name: harmless(&file_name(&source.path)), text })
}

/// A file's text. miette counts columns in bytes; this counts them in characters, as every editor does.
#[derive(Debug)]
struct Text {
    name: String,
    text: String,
}

impl SourceCode for Text {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, before, after)?;
        let start = self.text.get(..found.span().offset()).unwrap_or_default();
        let line_start = start.rfind('\n').map_or(0, |newline| newline + 1);
        let column = start.get(line_start..).unwrap_or_default().trim_start_matches('\u{feff}').chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            found.data(),
            *found.span(),
            found.line(),
            column,
            found.line_count(),
        )))
    }
}

/// Characters that could rewrite the terminal or turn the direction of reading become others that are as long in bytes.
fn harmless(text: &str) -> String {
    let plain = |c: char| match c.len_utf8() {
        _ if matches!(c, '\n' | '\r' | '\t' | '\u{feff}') || !deceives(c) => c,
        1 => '?',
        2 => '¿',
        _ => '\u{fffd}',
    };
    text.chars().map(plain).collect()
}

/// A problem as miette wants it.
#[derive(Debug)]
struct Drawn<'a> {
    problem: &'a Problem,
    message: String,
    source: Option<&'a Text>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl<'a> Drawn<'a> {
    fn new(problem: &'a Problem, sources: &'a [(&str, Text)]) -> Self {
        let find = |place: &Place| sources.iter().find(|(path, _)| **path == *place.file).map(|(_, source)| source);
        let source = problem.place.as_ref().and_then(find);
        let mut labels = Vec::new();
        let mut help: Vec<String> = problem.help.iter().map(|help| harmless(help)).collect();
        let mut drawn = false;
        if let (Some(place), Some(source)) = (&problem.place, source)
            && let Some((start, length)) = line_part(&source.text, place)
        {
            drawn = true;
            labels.push(LabeledSpan::new_primary_with_span(problem.path.as_deref().map(harmless), (start, length)));
        }
        for related in &problem.related {
            let same = problem.place.as_ref().is_some_and(|place| place.file == related.place.file);
            match source.filter(|_| same && drawn).and_then(|source| line_part(&source.text, &related.place)) {
                Some((start, length)) => {
                    labels.push(LabeledSpan::new_with_span(Some(harmless(&related.message)), (start, length)));
                }
                None => {
                    let Place { file, line, column, .. } = &related.place;
                    help.push(format!(
                        "{}: {}:{line}:{column}",
                        harmless(&related.message),
                        harmless(&file_name(file))
                    ));
                }
            }
        }
        let mut message = harmless(&problem.message);
        if let (false, Some(place)) = (drawn, &problem.place) {
            message = format!("{}:{}:{}: {message}", harmless(&file_name(&place.file)), place.line, place.column);
        }
        let help = (!help.is_empty()).then(|| help.join("\n"));
        Self { problem, message, source: source.filter(|_| drawn), labels, help }
    }
}

/// The part of a place that lies on its first line, as start and length; None if that line cannot be shown.
fn line_part(text: &str, place: &Place) -> Option<(usize, usize)> {
    let (start, end) = match &place.bytes {
        Some(bytes) => (bytes.start as usize, bytes.end as usize),
        None => word_at(text, place.line, place.column)?,
    };
    let before = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let rest = text.get(start..)?;
    let line_end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    if (start + line_end).saturating_sub(before) > LONGEST_LINE {
        return None;
    }
    Some((start, end.saturating_sub(start).min(line_end)))
}

/// The word that begins at a line and column.
fn word_at(text: &str, line: u32, column: u32) -> Option<(usize, usize)> {
    let line_start: usize = text.split_inclusive('\n').take(line.checked_sub(1)? as usize).map(str::len).sum();
    let rest = text.get(line_start..)?;
    let (offset, _) = rest.char_indices().nth(column.checked_sub(1)? as usize)?;
    let word = rest.get(offset..)?;
    let length = match word.chars().next()? {
        quote @ ('"' | '\'') => word.get(1..)?.find(quote).map_or(1, |end| end + 2),
        _ => word.find(|c: char| c.is_whitespace() || ",:]}".contains(c)).unwrap_or(word.len()),
    };
    Some((line_start + offset, line_start + offset + length))
}

impl Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(format!("{}[{}]", self.problem.severity, self.problem.code)))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<_>)
    }
}
