//! A provider that does not let us in: that says nothing of any server, so no node is barred for it. What was not asked for yet
//! is given back; what was is left as it is, for whoever takes this up again with credentials that hold.

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Trouble, TroubleKind};
use super::coming::Coming;
use super::course::{Course, LONG_PATIENCE, Way};
use super::desk::{Desk, later};
use super::returning::Returning;
use crate::execute::event::EventKind;
use crate::model::Name;

/// Between two looks at a server.
const LOOK: SignedDuration = SignedDuration::from_secs(5);

impl Course {
    /// Reads the server every few seconds; what is read comes back through the world. What is answered is that nobody lets
    /// us read it.
    pub(super) fn look_at_server(&mut self, server: Name, desk: &mut Desk, now: Timestamp) -> Option<Trouble> {
        let act = Act::ReadServer { node: self.node.clone(), server };
        let answer = self.perform(desk, act, LONG_PATIENCE, now)?;
        self.rest(desk, later(now, LOOK));
        if answer.is_ok() {
            self.seen = Some(now);
        }
        answer.err().filter(|trouble| trouble.kind == TroubleKind::Login)
    }

    /// Its server was told to go or to come, and nobody sees what becomes of it.
    pub(super) fn out_of_sight(&mut self, trouble: &Trouble, desk: &mut Desk, now: Timestamp) -> Way {
        let why = format!("what becomes of the server of {} cannot be seen: {}", self.node, trouble.text);
        self.give_up(desk, now, true, None, &why);
        let text = format!("{} stays as it is, with our mark; `tidegate apply --resume` goes on", self.node);
        desk.tell(self.event(EventKind::Warning, now, text));
        self.go(desk, Way::Ended)
    }

    /// Its server was not told to go: it runs on.
    pub(super) fn not_let_in_to_park(&mut self, why: &str, desk: &mut Desk, now: Timestamp) -> Way {
        self.give_up(desk, now, true, None, why);
        self.go(desk, Way::Returning(Returning::new(why)))
    }

    /// Its server was not told to come: it sleeps on, and its pool does not back off.
    pub(super) fn not_let_in_to_wake(&mut self, why: &str, desk: &mut Desk, now: Timestamp) -> Way {
        self.give_up(desk, now, true, None, why);
        self.go(desk, Way::Coming(Coming::SealAgain))
    }
}
