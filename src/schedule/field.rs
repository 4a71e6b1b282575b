//! One field of a crontab line: a set of small numbers, read with the place of whatever is wrong.

use std::ops::Range;

use super::CrontabError;

/// What a field may hold.
pub(super) struct Shape {
    /// For messages.
    pub(super) name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
    /// The number of the first name.
    first_name: u8,
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The five fields in their order.
pub(super) const SHAPES: [Shape; 5] = [
    Shape { name: "minute", low: 0, high: 59, names: &[], first_name: 0 },
    Shape { name: "hour", low: 0, high: 23, names: &[], first_name: 0 },
    Shape { name: "day of month", low: 1, high: 31, names: &[], first_name: 0 },
    Shape { name: "month", low: 1, high: 12, names: MONTHS, first_name: 1 },
    Shape { name: "day of week", low: 0, high: 7, names: DAYS, first_name: 0 },
];

/// A set of numbers below 64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn contains(self, value: u8) -> bool {
        value < 64 && self.0 & (1 << value) != 0
    }

    pub(super) fn values(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.contains(*value))
    }

    fn insert(&mut self, value: u8) {
        if value < 64 {
            self.0 |= 1 << value;
        }
    }

    /// 7 is Sunday as 0 is.
    pub(super) fn with_one_sunday(mut self) -> Self {
        if self.contains(7) {
            self.insert(0);
            self.0 &= !(1 << 7);
        }
        self
    }
}

impl Shape {
    fn is_week(&self) -> bool {
        self.high == 7
    }

    fn bounds(&self) -> String {
        let (low, high) = (self.low, self.high);
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) if self.is_week() => {
                format!("{low}-{high} (0 and 7 are {first}) or {first}-{last}")
            }
            (Some(first), Some(last)) => format!("{low}-{high} or {first}-{last}"),
            _ => format!("{low}-{high}"),
        }
    }

    fn number(&self, text: &str, at: usize) -> Result<u8, CrontabError> {
        let range = at..at + text.len();
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(u8::try_from(index).unwrap_or(0) + self.first_name);
        }
        if text.is_empty() {
            return Err(wrong(format!("a number is missing in the {} field", self.name), self.takes(), range));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.unreadable(text, at));
        }
        text.parse::<u8>()
            .ok()
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or_else(|| wrong(format!("{text} is out of range in the {} field", self.name), self.takes(), range))
    }

    fn takes(&self) -> String {
        format!("the {} field takes {}", self.name, self.bounds())
    }

    /// Letters and signs of other crons get the answer that fits them.
    fn unreadable(&self, text: &str, at: usize) -> CrontabError {
        let range = at..at + text.len();
        let foreign = text.char_indices().find(|(_, sign)| matches!(sign, '?' | '#')).or_else(|| {
            let known = |sign: &char| matches!(sign.to_ascii_uppercase(), 'L' | 'W');
            text.char_indices().find(|(_, sign)| known(sign)).filter(|_| text.len() <= 3)
        });
        let Some((offset, sign)) = foreign else {
            let near = self.names.iter().find(|name| {
                text.is_char_boundary(3) && text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(name))
            });
            let help = near.map_or_else(|| self.takes(), |name| format!("write `{name}`"));
            return wrong(format!("`{text}` is not a {}", self.name), help, range);
        };
        let help = match sign {
            '?' => "write `*`".to_owned(),
            '#' => "name the days: the second Tuesday of a month is among 8-14, so use two windows or dates of its own"
                .to_owned(),
            'L' | 'l' => {
                "write the day itself; the last day differs by month, so it takes one window per length of month"
                    .to_owned()
            }
            _ => "write the days of week or of month themselves".to_owned(),
        };
        let place = at + offset;
        wrong(format!("`{sign}` is Quartz, not crontab(5), in the {} field", self.name), help, place..place + 1)
    }

    fn span(&self, text: &str, at: usize) -> Result<(u8, u8), CrontabError> {
        if text == "*" {
            return Ok((self.low, if self.is_week() { 6 } else { self.high }));
        }
        let Some((first, last)) = text.split_once('-') else {
            return self.number(text, at).map(|value| (value, value));
        };
        let low = self.number(first, at)?;
        let mut high = self.number(last, at + first.len() + 1)?;
        if self.is_week() && high == 0 && low > 0 {
            high = 7;
        }
        if low > high {
            let (top, bottom) = if self.is_week() { (6, 0) } else { (self.high, self.low) };
            let help = format!("write `{first}-{top},{bottom}-{last}` if it should go round");
            let message = format!("`{text}` runs backwards in the {} field", self.name);
            return Err(wrong(message, help, at..at + text.len()));
        }
        Ok((low, high))
    }

    /// Reads the field that stands at byte `at` of the line.
    pub(super) fn read(&self, field: &str, at: usize) -> Result<Set, CrontabError> {
        let mut set = Set(0);
        let mut start = at;
        for item in field.split(',') {
            let range = start..start + item.len();
            if item.is_empty() {
                let place = start.min(at + field.len() - 1);
                let message = format!("an empty entry in the list of the {} field", self.name);
                return Err(wrong(message, "remove the comma".to_owned(), place..place + 1));
            }
            let (span, step) = match item.split_once('/') {
                None => (item, 1),
                Some((span, step)) => (span, self.step(span, step, range.clone())?),
            };
            let (low, high) = self.span(span, start)?;
            for value in (low..=high).step_by(usize::from(step)) {
                set.insert(value);
            }
            start = range.end + 1;
        }
        Ok(set)
    }

    fn step(&self, span: &str, step: &str, range: Range<usize>) -> Result<u8, CrontabError> {
        let place = range.start + span.len() + 1..range.end;
        let most = if self.is_week() { 7 } else { self.high - self.low + 1 };
        let value = Some(step)
            .filter(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|step| step.parse::<u8>().ok())
            .filter(|value| (1..=most).contains(value));
        let Some(value) = value else {
            let place = if place.is_empty() { range } else { place };
            let message = format!("`{step}` is not a step of the {} field", self.name);
            return Err(wrong(message, format!("a step is 1 to {most}"), place));
        };
        if span != "*" && !span.contains('-') {
            let help = format!("write `{span}-{}/{step}`", if self.is_week() { 6 } else { self.high });
            return Err(wrong(format!("a step needs a range or `*` in the {} field", self.name), help, range));
        }
        Ok(value)
    }
}

pub(super) fn wrong(message: String, help: String, range: Range<usize>) -> CrontabError {
    CrontabError { message, help, range }
}
