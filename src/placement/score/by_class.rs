//! What is the same for all pods of a class, worked out once per question.

use crate::placement::class::Class;
use crate::placement::matcher::Matcher;
use crate::placement::room::Placed;
use crate::placement::site::Site;

/// Answers per class. Where a matcher looks at a label that classes do not tell apart, each pod is asked.
pub struct ByClass<'a, T> {
    site: &'a Site,
    exact: bool,
    known: Vec<Option<T>>,
}

impl<'a, T: Clone + Default> ByClass<'a, T> {
    /// For questions that `matchers` decide.
    pub fn new<'m>(site: &'a Site, mut matchers: impl Iterator<Item = &'m Matcher>) -> Self {
        let exact = matchers.all(|matcher| site.classes.tell_apart(matcher));
        Self { site, exact, known: vec![None; site.classes.len()] }
    }

    /// The answer for this pod.
    pub fn of(&mut self, there: &Placed, ask: impl Fn(&Class) -> T) -> T {
        let Some(class) = self.site.classes.get(there.class) else { return T::default() };
        match self.known.get_mut(there.class.at()).filter(|_| self.exact) {
            Some(known) => known.get_or_insert_with(|| ask(class)).clone(),
            None => ask(class),
        }
    }
}
