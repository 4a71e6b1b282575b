//! An apply that is cut short after so many records of its journal.

use jiff::Timestamp;
use tidegate::execute::machine::Machine;
use tidegate::execute::run::journal::{Journal, JournalError, Record, digest_of};
use tidegate::execute::run::{Drive, DriveError, Interrupts, Log, settings};
use tidegate::model::World;
use tidegate::plan::{Request, plan_for};
use tidegate::policy::Policy;

use super::{Stage, block_on};

/// A journal that loses its writer after so many records.
struct Cut {
    journal: Journal,
    left: usize,
    written: usize,
}

impl Log for Cut {
    fn write(&mut self, time: Timestamp, record: &Record) -> Result<(), JournalError> {
        if self.left == 0 {
            let error = std::io::Error::other("cut");
            return Err(JournalError::Io { path: "journal".into(), error });
        }
        self.left -= 1;
        self.written += 1;
        self.journal.write(time, record)
    }

    fn settle(&mut self) -> Result<(), JournalError> {
        self.journal.settle()
    }
}

/// Carries the plan for now out until `records` were written. Says how many were, and whether it came to its end.
pub fn cut_after(stage: &Stage, policy: &Policy, records: usize) -> (usize, bool) {
    let world = World::build(block_on(stage.doors().cluster.observe()).unwrap());
    let now = stage.sandbox.now();
    let (plan, memory) = plan_for(policy, &world, now, &Request { for_apply: true, ..Request::default() });
    let learned = memory.beyond(&world.memory);
    let settings = settings(policy, &plan, &world, memory, true, now);
    let machine = Machine::new(&plan, &digest_of(&plan), settings, None, &world);
    let ready = machine.ready_at_start();
    let journal = Journal::begin(stage.folder.path(), now, ("run", "test"), &plan, ready, learned).unwrap();
    let mut log = Cut { journal, left: records, written: 0 };
    let (_sender, mut interrupts) = Interrupts::channel();
    let mut tell = |_: &tidegate::execute::Event| {};
    let mut drive =
        Drive { doors: stage.doors(), log: &mut log, lock: None, interrupts: &mut interrupts, tell: &mut tell };
    let end = block_on(drive.run(machine, world));
    assert!(matches!(end, Ok(_) | Err(DriveError::Journal(_))), "{end:?}");
    (log.written, end.is_ok())
}
