//! Programs as a provider of servers.

use std::time::Duration;

use super::wire::{Answer, Asked, Order, Question, VERSION};
use crate::cloud::{ParkMode, Provider, ProviderError, Survey};
use crate::cluster::Pending;
use crate::model::{Flavor, Name, Quota, Server, ServerOrder};
use crate::policy::Idle;
use crate::program::{self, Cut, Ended};

/// Bytes of an answer that are read; a longer one is none.
const MOST_ANSWER: usize = 16 << 20;

/// The operator's own programs.
#[derive(Clone, Debug)]
pub struct Programs {
    provider: Name,
    run: Vec<Name>,
    deadline: Duration,
    parks: Vec<Idle>,
}

impl Programs {
    /// The program `run` with its arguments, as the provider of this name. One question may take as long as `deadline`;
    /// `parks` are the ways in which it parks servers.
    pub fn new(provider: Name, run: Vec<Name>, deadline: Duration, parks: Vec<Idle>) -> Self {
        Self { provider, run, deadline, parks }
    }

    /// What it says of everything, in one question: what a doctor tries.
    ///
    /// # Errors
    /// It cannot be started, does not end in time, fails, or its answer makes no sense.
    pub async fn list(&self) -> Result<(Vec<Server>, Vec<Flavor>, Option<Quota>), ProviderError> {
        let answer = self.ask(Asked::List, "").await?;
        let Some(told) = answer.servers else {
            return Err(ProviderError::Unavailable(format!("`{}` answers `list` without `servers`", self.program())));
        };
        let mut servers: Vec<Server> = told.into_iter().map(|told| told.server(&self.provider)).collect();
        servers.sort_by(|a, b| a.id.cmp(&b.id));
        let mut flavors: Vec<Flavor> = answer.flavors.into_iter().map(|told| told.flavor(&self.provider)).collect();
        flavors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((servers, flavors, answer.quota.map(|told| told.quota(&self.provider))))
    }

    fn program(&self) -> &str {
        self.run.first().map_or("", |program| program)
    }

    async fn ask(&self, asked: Asked, server: &str) -> Result<Answer, ProviderError> {
        let (verb, changes) = (asked.facts().0, asked.changes());
        let variables = self.variables(&asked);
        let question = Question { version: VERSION, provider: self.provider.to_string(), asked };
        let mut input = serde_json::to_vec(&question).unwrap_or_default();
        input.push(b'\n');
        let program = self.program();
        // What is not known to have been done is not done again at once: a program that takes too long would take too long
        // again, and whoever asked looks what came of it.
        let trouble = |text: String| match changes {
            true => ProviderError::Setup(text),
            false => ProviderError::Unavailable(text),
        };
        let call = program::Call {
            words: &self.run,
            variables: &variables,
            input: &input,
            most_answer: MOST_ANSWER,
            deadline: self.deadline,
        };
        let ended = match program::run(call).await {
            Ok(ended) => ended,
            Err(Cut::Start(error)) => {
                let text =
                    format!("`{program}`, the program of provider {}, cannot be started: {error}", self.provider);
                return Err(ProviderError::Setup(text));
            }
            Err(Cut::TooSlow) => {
                let text = format!(
                    "`{program}` did not answer `{verb}` within {:#}, and was killed with all that it started",
                    jiff::SignedDuration::try_from(self.deadline).unwrap_or(jiff::SignedDuration::MAX)
                );
                return Err(trouble(text));
            }
        };
        match read(&ended) {
            Ok(Answer { error: Some(told), .. }) => {
                let told = super::wire::ToldError { message: masked(&told.message), ..told };
                Err(told.meaning(server))
            }
            Ok(answer) if ended.status.success() => Ok(answer),
            Ok(_) => {
                Err(trouble(format!("`{program}` ended `{verb}` with {}{}", ended.status, masked(&ended.last_words()))))
            }
            Err(_) if !ended.status.success() => {
                Err(trouble(format!("`{program}` ended `{verb}` with {}{}", ended.status, masked(&ended.last_words()))))
            }
            Err(why) => Err(trouble(format!(
                "`{program}` answers `{verb}` with something that makes no sense: {why}; `tidegate schema provider` says how"
            ))),
        }
    }

    fn variables(&self, asked: &Asked) -> Vec<(String, String)> {
        let (verb, id, order) = asked.facts();
        let mut all: Vec<(&str, String)> =
            vec![("TIDEGATE_VERB", verb.to_owned()), ("TIDEGATE_PROVIDER", self.provider.to_string())];
        all.extend(id.map(|id| ("TIDEGATE_ID", id.to_owned())));
        if let Some(order) = order {
            all.push(("TIDEGATE_NAME", order.name.clone()));
            all.push(("TIDEGATE_FLAVOR", order.flavor.clone()));
            all.extend(order.zone.clone().map(|zone| ("TIDEGATE_ZONE", zone)));
            all.push(("TIDEGATE_CAPACITY_TYPE", order.capacity_type.word().to_owned()));
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A change of one server, by an id that a program can be told.
    fn change<'a>(&'a self, id: &Name, asked: impl FnOnce(String) -> Asked) -> Pending<'a, (), ProviderError> {
        let id = id.to_string();
        if !can_be_told(&id) {
            return Box::pin(async move { Err(ProviderError::NotFound(id)) });
        }
        let asked = asked(id.clone());
        Box::pin(async move { self.ask(asked, &id).await.map(drop) })
    }
}

impl Provider for Programs {
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError> {
        Box::pin(async { Ok(self.list().await?.0) })
    }

    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError> {
        let id = id.to_string();
        Box::pin(async move {
            if !can_be_told(&id) {
                return Ok(None);
            }
            match self.ask(Asked::Get { id: id.clone() }, &id).await {
                Ok(answer) => Ok(answer.server.map(|told| told.server(&self.provider))),
                Err(ProviderError::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError> {
        Box::pin(async { Ok(self.list().await?.1) })
    }

    fn quota(&self) -> Pending<'_, Option<Quota>, ProviderError> {
        Box::pin(async { Ok(self.list().await?.2) })
    }

    fn survey(&self) -> Pending<'_, Survey, std::convert::Infallible> {
        Box::pin(async {
            Ok(match self.list().await {
                Ok((servers, flavors, quota)) => {
                    Survey { servers, flavors, quotas: quota.into_iter().collect(), gaps: Vec::new() }
                }
                Err(error) => Survey { gaps: vec![format!("servers are not known: {error}")], ..Survey::default() },
            })
        })
    }

    fn park_modes(&self) -> Vec<ParkMode> {
        ParkMode::of_openstack().into_iter().filter(|mode| self.parks.contains(&mode.idle)).collect()
    }

    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError> {
        if !self.parks.contains(&how) {
            let text = format!("{} server {id}: `parks` of provider {} does not name it", how.verb(), self.provider);
            let known = can_be_told(id);
            let id = id.to_string();
            return Box::pin(async move {
                Err(if known { ProviderError::Unsupported(text) } else { ProviderError::NotFound(id) })
            });
        }
        self.change(id, |id| Asked::Park { id, how })
    }

    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError> {
        let (key, value) = (key.to_owned(), value.map(ToString::to_string));
        self.change(id, |id| Asked::SetMetadata { id, key, value })
    }

    fn create(&self, order: &ServerOrder) -> Pending<'_, Name, ProviderError> {
        let order = Order::of(order);
        Box::pin(async move {
            let name = order.name.clone();
            let answer = self.ask(Asked::Create { order: Box::new(order) }, &name).await?;
            Ok(answer.id.filter(|id| !id.is_empty()).unwrap_or(name).into())
        })
    }

    fn delete(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        self.change(id, |id| Asked::Delete { id })
    }

    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        self.change(id, |id| Asked::Wake { id })
    }
}

/// Programs are shell scripts more often than not: an id that could be an option, a path or a piece of shell is none.
fn can_be_told(id: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    id.starts_with(|c: char| c.is_ascii_alphanumeric()) && id.len() <= 253 && id.chars().all(inside)
}

fn read(ended: &Ended) -> Result<Answer, String> {
    if ended.overflown {
        return Err(format!("it is longer than {} MiB", MOST_ANSWER >> 20));
    }
    if ended.answer.iter().all(u8::is_ascii_whitespace) {
        return Ok(Answer::default());
    }
    serde_json::from_slice(&ended.answer).map_err(|error| masked(&error.to_string()))
}

/// Whatever a program says, a bootstrap token is not repeated: six characters, a dot, and sixteen.
fn masked(text: &str) -> String {
    let of_token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut out = String::new();
    for (at, piece) in text.split('.').enumerate() {
        let head = out.chars().rev().take_while(|c| of_token(*c)).count();
        let tail = piece.chars().take_while(|c| of_token(*c)).count();
        if at > 0 {
            out.push('.');
        }
        if at > 0 && head >= 6 && tail >= 16 {
            out.push('…');
            out.extend(piece.chars().skip(tail));
        } else {
            out.push_str(piece);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_repeated_whatever_stands_around_it() {
        for (text, told) in [
            ("join abcdef.0123456789abcdef failed", "join abcdef.… failed"),
            ("--token=abcdef.0123456789abcdef.", "--token=abcdef.…."),
            ("abcdef.0123456789abcdef abcdef.0123456789abcdef", "abcdef.… abcdef.…"),
            ("node-1.example.org", "node-1.example.org"),
            ("short.0123456789abcdef", "short.0123456789abcdef"),
            ("", ""),
        ] {
            assert_eq!(masked(text), told);
        }
    }

    #[test]
    fn an_id_that_could_be_something_else_is_not_told() {
        for (id, told) in
            [("a1-b_c.d:e", true), ("", false), ("-rf", false), ("../limits", false), ("a b", false), ("$(id)", false)]
        {
            assert_eq!(can_be_told(id), told, "{id}");
        }
    }
}
