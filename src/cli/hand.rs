//! What `drain`, `park` and `wake` share: a word that is planned, shown, agreed to, carried out and remembered.

use std::mem::discriminant;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::apply::{EventFormat, ask, only_summary};
use super::carrying::{Carrying, carry_out, refused};
use super::ground::{Ground, GroundArgs, WorkArgs};
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::reason::reason;
use super::until::Until;
use super::{Exit, Failure};
use crate::execute::run::process;
use crate::model::{ByHand, Name, Target, Wish, World};
use crate::plan::{Asleep, Plan, Request, Word, plan_for};
use crate::policy::Policy;
use crate::report::{local_long, local_times, plan_text};

/// So long a park or a wake by hand counts.
const LASTS: SignedDuration = SignedDuration::from_hours(4);

/// Options of what is done by hand.
#[derive(Debug, Args)]
pub struct HandArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    ground: GroundArgs,
    #[command(flatten)]
    work: WorkArgs,
    /// Why: every later plan shows it, with who asked
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    /// Until when it counts: a time in the policy's zone, a day for its end, or how long (`8h`); a park or a wake without
    /// it for 4 hours, a drain until it is released
    #[arg(long, value_name = "TIME", visible_alias = "for")]
    until: Option<Until>,
    /// Take the place of what another person asked for, for the same object
    #[arg(long)]
    replace: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Do not wait for pods that end by themselves: end with 6, and the next run goes on (so it is without a terminal)
    #[arg(long)]
    no_wait: bool,
    /// How to print what happens
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: EventFormat,
}

impl HandArgs {
    /// Plans what `wishes` makes of policy and cluster, and of nothing else, and carries it out.
    ///
    /// # Errors
    /// It names nothing, may not be done, or did not come to its end.
    pub fn carry_out(
        &self,
        wishes: impl FnOnce(&Policy, &World) -> Vec<(Target, Wish)>,
        out: Output,
    ) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let ground = self.ground.open(Some(&policy), (&[], None), Some(&self.work), out)?;
        let now = ground.now();
        let mut world = World::build(ground.snapshot()?);
        let asked = wishes(&policy, &world);
        let targets: Vec<Target> = asked.iter().map(|(target, _)| target.clone()).collect();
        super::plan::known(&policy, &world, &targets)?;
        let mut word = self.word(asked, &policy, now)?;
        self.replaced(&mut word, &world, now, out)?;
        for (node, whose) in word.stands_beside(&policy, &world, now) {
            out.say(&format!(
                "node/{node} is {whose}. That was asked for by its name and stands; `tidegate hold --release \
                 node/{node}{}` takes it back",
                ground.flags()
            ));
        }
        let targets = word.targets(&policy, &world, now);
        world.memory = word.in_memory(&world);
        let (plan, _) = plan_for(&policy, &world, now, &Request { targets, for_apply: true });
        let text = plan_text(&plan, out.width());
        let gives = word.asked.iter().any(|asked| matches!(asked.wish, Wish::Awake(_)));
        let forbidden = super::plan::frozen(&plan)
            .filter(|_| plan.steps.is_empty())
            .or_else(|| (!plan.refusals.is_empty() && !gives).then(|| refused(&plan.refusals, &ground)))
            .or_else(|| (plan.steps.is_empty() && word.met(&policy, &world) == 0).then(|| denied(&word, &plan)));
        // A plan that shows the word reads as if it had been taken.
        if let Some(forbidden) = forbidden {
            out.detail(&text);
            return Err(forbidden);
        }
        match self.format {
            EventFormat::Text => out.data(&text)?,
            EventFormat::Json => out.detail(&text),
        }
        if plan.steps.is_empty() && self.format == EventFormat::Json {
            only_summary(&plan.summary.text, now, out)?;
        }
        if !self.yes && !plan.steps.is_empty() {
            ask(out)?;
        }
        let carrying = Carrying {
            policy: &policy,
            ground: &ground,
            word,
            saved: None,
            within: false,
            resume: false,
            lock_timeout: self.work.lock_timeout,
            no_wait: self.no_wait || !out.watched(),
            format: self.format,
        };
        let exit = carry_out(&carrying, Some(plan), out)?;
        if self.format == EventFormat::Text {
            out.say(&lasting(&carrying.word, &policy, &ground));
        }
        let asleep = World::build(ground.snapshot()?);
        let (asleep, all) = carrying.word.asleep(&policy, &asleep, ground.now());
        if asleep.is_empty() {
            return Ok(exit);
        }
        out.say(&not_awake(&asleep, all, ground.flags()));
        Ok(if exit == Exit::Done { Exit::Partly } else { exit })
    }

    /// Says what is taken back by asking anew for the same object.
    ///
    /// # Errors
    /// It is another person's word, and nobody said that it may go.
    fn replaced(&self, word: &mut Word, world: &World, now: Timestamp, out: Output) -> Result<(), Failure> {
        let before =
            |asked: &ByHand| world.memory.asked(&asked.target, now).map(|old| (old.clone(), asked.author.clone()));
        let before: Vec<(ByHand, Name)> = word.asked.iter().filter_map(before).collect();
        if let Some((old, _)) = before.iter().find(|(old, author)| old.author != *author && !self.replace) {
            return Err(Failure::with(Exit::Denied, format!("{} is {}; nothing was changed", old.target, old.words()))
                .hint("ask that person; `--replace` puts your word in its place"));
        }
        for (old, _) in &before {
            out.say(&format!("{} was {}: this takes its place", old.target, old.words()));
        }
        // Who asks for the same again, for longer, has not forgotten why.
        for asked in word.asked.iter_mut().filter(|asked| asked.reason.is_empty()) {
            let same = |old: &&ByHand| {
                old.target == asked.target
                    && old.author == asked.author
                    && discriminant(&old.wish) == discriminant(&asked.wish)
            };
            if let Some(old) = before.iter().map(|(old, _)| old).find(same) {
                asked.reason = old.reason.clone();
            }
        }
        Ok(())
    }

    fn word(&self, asked: Vec<(Target, Wish)>, policy: &Policy, now: Timestamp) -> Result<Word, Failure> {
        let until = self.until.map(|until| until.at(now, &policy.time_zone)).transpose()?;
        if let Some(past) = until.filter(|until| *until <= now) {
            let (past, now) = (local_long(past, &policy.time_zone), local_long(now, &policy.time_zone));
            return Err(Failure::new(format!("`--until` {past} is over: it is {now}")));
        }
        let asked = asked.into_iter().map(|(target, wish)| ByHand {
            target,
            wish,
            since: now,
            until: until.or_else(|| now.checked_add(LASTS).ok().filter(|_| wish != Wish::Drained)),
            reason: self.reason.as_deref().unwrap_or_default().trim().into(),
            author: process::owner().into(),
        });
        Ok(Word { asked: asked.collect() })
    }
}

/// Nothing can be done of what was asked: by which rules.
fn denied(word: &Word, plan: &Plan) -> Failure {
    const SHOWN: usize = 5;
    let objects: Vec<String> = word.asked.iter().map(|asked| asked.target.to_string()).collect();
    let wish = word.asked.first().map(|asked| asked.wish.to_string()).unwrap_or_default();
    let mut text = format!("{} cannot be {wish} now; nothing was changed:", objects.join(", "));
    for kept in plan.kept.iter().take(SHOWN) {
        let why = kept.reasons.first().map(|reason| local_times(&reason.text, &plan.time_zone)).unwrap_or_default();
        text.push_str(&format!("\n  {}: {why}", kept.node));
    }
    if plan.kept.is_empty() {
        text.push_str(&format!("\n  {}", local_times(&plan.summary.text, &plan.time_zone)));
    }
    Failure::with(Exit::Denied, text).hint("`tidegate explain node/NAME` tells all that is known about one")
}

/// Which of the nodes that were to be awake are not, and what lets them be.
fn not_awake(asleep: &[Asleep], all: usize, flags: &str) -> String {
    let nodes: Vec<String> = asleep.iter().map(|one| format!("\n  node/{}: {}", one.node, one.why)).collect();
    let by_name = asleep.iter().filter(|one| one.by_name).map(|one| format!(" node/{}", one.node));
    let by_name: String = by_name.collect();
    let release = match by_name.as_str() {
        "" => String::new(),
        nodes => {
            format!("\n`tidegate hold --release{nodes}{flags}` takes back what was asked by name; then wake again")
        }
    };
    let are = if asleep.len() == 1 { "is" } else { "are" };
    format!("{} of {all} {are} not awake:{}{release}", asleep.len(), nodes.concat())
}

/// What stays of it, and how it is taken back.
fn lasting(word: &Word, policy: &Policy, ground: &Ground) -> String {
    let Some(first) = word.asked.first() else { return String::new() };
    let objects: Vec<String> = word.asked.iter().map(|asked| asked.target.to_string()).collect();
    let objects = objects.join(" ");
    let until = match first.until {
        Some(until) => format!("until {}", local_long(until, &policy.time_zone)),
        None => "until it is released".to_owned(),
    };
    format!(
        "Plans keep {objects} {} {until}; `tidegate hold --release {objects}{}` lets the policy decide again",
        first.wish,
        ground.flags()
    )
}
