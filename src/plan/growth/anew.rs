//! What is bought for a few pods is bought so that the scheduler finds a place for each in its own way (H9): if the cheapest
//! nodes leave somebody over, the next cheapest are tried before more come.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::choose::Growth;
use super::demand::Alike;
use super::next::{Nexts, spread_waits};
use super::offered::{Asked, Candidate};
use super::packing::FEW;
use crate::model::{Name, Pod};
use crate::plan::bounds::Bounds;
use crate::plan::removal::Removals;

/// So many choices of nodes are tried.
const CHOICES: usize = 60;

/// Choices that are no use, and the cost that one must stay below to be any.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// How many of each sort.
    pub choices: Vec<BTreeMap<usize, u32>>,
    /// As [`Growth::cost`] has it.
    pub below: Option<i128>,
}

/// Everything that a choice changes.
struct State<'a, 'b> {
    removals: Removals<'a>,
    bounds: Bounds<'b>,
    candidates: Vec<Candidate>,
    left: Vec<u32>,
    free: Vec<VecDeque<usize>>,
    placed: BTreeMap<Name, Vec<Arc<Pod>>>,
    chosen: Vec<Candidate>,
    nexts: Nexts,
    conceded: Vec<Arc<Pod>>,
    alike: Vec<Alike>,
}

impl<'a> Growth<'_, 'a> {
    /// Brings what serves best, as far as the scheduler can make use of it. `coming` comes in any case.
    pub(super) fn choose<'b>(
        &mut self,
        alike: &mut Vec<Alike>,
        asked: &Asked,
        coming: &[Name],
        bounds: &mut Bounds<'b>,
    ) {
        let things: usize = alike.iter().map(|alike| alike.pods.len()).sum();
        let start = (things <= FEW).then(|| self.state(alike, bounds));
        self.bring_what_serves(alike, asked, bounds);
        let Some(start) = start else { return self.rehearse(alike, coming, bounds) };
        if self.left_over_by_the_scheduler(alike, coming).is_empty() {
            return;
        }
        let (wait, mut choice) = (waiting(alike), self.choice());
        self.rehearse(alike, coming, bounds);
        let good = self.conceded.is_empty() && self.left_over_by_the_scheduler(alike, coming).is_empty();
        // What serves more may cost what it likes.
        self.refused.below = Some(if good { self.cost() } else { i128::MAX });
        let fallback = self.state(alike, bounds);
        for _ in 0..CHOICES {
            self.refused.choices.push(choice);
            self.go_back(&start, alike, bounds);
            self.bring_what_serves(alike, asked, bounds);
            choice = self.choice();
            let worse = self.refused.below.is_none_or(|below| self.cost() >= below) || waiting(alike) > wait;
            if worse || self.refused.choices.contains(&choice) {
                break;
            }
            if self.left_over_by_the_scheduler(alike, coming).is_empty() {
                return;
            }
        }
        self.go_back(&fallback, alike, bounds);
    }

    fn bring_what_serves(&mut self, alike: &mut Vec<Alike>, asked: &Asked, bounds: &mut Bounds<'_>) {
        self.foresee(asked);
        self.buy(alike, bounds);
        self.bring(alike, bounds);
        if spread_waits(alike) {
            self.forget_what_did_not_come();
            self.bring(alike, bounds);
        }
        // A choice that follows another is what it is: what seems spare is what the scheduler needs.
        if self.refused.choices.is_empty() {
            self.spare();
        }
        self.forget_the_next();
        self.settle_in(alike, Alike::looks_around);
        alike.retain(|alike| !alike.pods.is_empty());
    }

    /// What is chosen costs; of what costs the same fewer nodes are better.
    pub(super) fn cost(&self) -> i128 {
        self.chosen.iter().map(Candidate::price).sum()
    }

    fn choice(&self) -> BTreeMap<usize, u32> {
        let mut choice = BTreeMap::new();
        self.chosen.iter().for_each(|candidate| *choice.entry(candidate.sort).or_insert(0) += 1);
        choice
    }

    fn state<'b>(&mut self, alike: &[Alike], bounds: &Bounds<'b>) -> State<'a, 'b> {
        State {
            removals: self.removals.clone(),
            bounds: bounds.clone(),
            candidates: self.candidates.clone(),
            left: self.left.clone(),
            free: self.free.clone(),
            placed: self.placed.clone(),
            chosen: self.chosen.clone(),
            nexts: self.nexts.clone(),
            conceded: self.conceded.clone(),
            alike: alike.to_vec(),
        }
    }

    fn go_back<'b>(&mut self, to: &State<'a, 'b>, alike: &mut Vec<Alike>, bounds: &mut Bounds<'b>) {
        *self.removals = to.removals.clone();
        *bounds = to.bounds.clone();
        self.candidates.clone_from(&to.candidates);
        self.left.clone_from(&to.left);
        self.free.clone_from(&to.free);
        self.placed.clone_from(&to.placed);
        self.chosen.clone_from(&to.chosen);
        self.nexts = to.nexts.clone();
        self.conceded.clone_from(&to.conceded);
        alike.clone_from(&to.alike);
    }
}

fn waiting(alike: &[Alike]) -> usize {
    alike.iter().map(|alike| alike.pods.len()).sum()
}
