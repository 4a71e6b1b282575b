//! What the policy has called before a drain and after a wake: the door to it.

use std::pin::Pin;

use crate::model::Name;

/// The node that a hook is called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The node.
    pub node: Name,
    /// Its pool.
    pub pool: Name,
}

/// Calls hooks. None of them is called again by itself.
pub trait Hooks {
    /// Calls the hook of that name and waits for its end, its deadline at most. What went wrong is said in words.
    fn call<'a>(
        &'a self,
        hook: &'a Name,
        about: &'a Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;
}

/// Calls nothing: for sandboxes, whose users are not to be told what only a simulation does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Hooks for Silent {
    fn call<'a>(&'a self, _: &'a Name, _: &'a Occasion) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>> {
        Box::pin(async { Ok(()) })
    }
}
