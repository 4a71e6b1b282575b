//! What is printed where: data to stdout, everything else to stderr, colours only where they are wanted.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};

use super::Failure;
use crate::file::remedy;
use crate::report::diagnostics::Style;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// At a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// In pipes too.
    Always,
    /// Never.
    Never,
}

/// Options of every command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OutputArgs {
    /// When to use colours (`NO_COLOR` is respected)
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: Color,
    /// Say on stderr what is read and how long it takes
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
}

/// Where a command prints.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    verbose: bool,
}

impl Output {
    /// Settles the colours for the whole program.
    pub fn new(args: OutputArgs) -> Self {
        match args.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Self { verbose: args.verbose }
    }

    /// Prints data, with a line's end.
    ///
    /// # Errors
    /// Stdout is closed or full.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        let end: &[u8] = if text.is_empty() || text.ends_with('\n') { b"" } else { b"\n" };
        let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::from(error),
            _ => Failure::new(format!("cannot write to standard output: {error}")),
        })
    }

    /// Prints a value as JSON.
    ///
    /// # Errors
    /// Stdout is closed or full.
    pub fn json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        self.data(&serde_json::to_string_pretty(value).map_err(Failure::new)?)
    }

    /// Says something about what is going on.
    pub fn say(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Says it only with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Columns that stdout is written for: `COLUMNS`, or the terminal's. What goes into a pipe or a file is not wrapped.
    pub fn width(&self) -> usize {
        columns(io::stdout().is_terminal()).unwrap_or(usize::from(u16::MAX))
    }

    /// How problems are drawn on stderr.
    pub fn drawing(&self) -> Style {
        let colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Style { colour, unicode: true, width: columns(self.watched()).unwrap_or(100) }
    }

    /// Whether somebody watches stderr: progress bars and questions are for people.
    pub fn watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Whether somebody can answer.
    pub fn answers(&self) -> bool {
        self.watched() && io::stdin().is_terminal()
    }

    /// Writes a file, whole or not at all; what a link points to rather than the link. A device or a pipe is written to in
    /// place. A new file is its owner's alone.
    ///
    /// # Errors
    /// The folder is missing or not ours to write in.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        self.write_with(path, |out| out.write_all(text.as_bytes()))
    }

    /// [`Output::write`], piece by piece.
    ///
    /// # Errors
    /// As there, and those of `write`.
    pub fn write_with(&self, path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let failed =
            |error: io::Error| Failure::new(format!("cannot write `{}`: {error}{}", path.display(), remedy(&error)));
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let mut there = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
            return write(&mut there).map_err(failed);
        }
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let mut out = io::BufWriter::new(file.as_file_mut());
        write(&mut out).and_then(|()| out.flush()).map_err(failed)?;
        drop(out);
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// `COLUMNS`, or those of the `terminal` if there is one.
fn columns(terminal: bool) -> Option<usize> {
    let size = || terminal_size::terminal_size().filter(|_| terminal).map(|(width, _)| usize::from(width.0));
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(size).map(|columns| columns.clamp(40, 160))
}
