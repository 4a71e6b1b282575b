//! The free room of every node, with what-if.

use crate::model::{Name, Pod, World};

use super::Unfit;

/// The nodes with their free room at one point of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Site {}

/// A point to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

impl Site {
    /// The room as it is: bound pods that are not finished use it; terminating pods still do.
    pub fn new(world: &World) -> Self {
        let _ = world;
        todo!()
    }

    /// Why `pod` does not fit on `node`; empty if it fits. A node that is unknown or closed takes nothing.
    pub fn unfit(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        let _ = (pod, node);
        todo!()
    }

    /// The nodes that can take `pod`, in the order that the default scheduler prefers (least allocated first, then
    /// by name).
    pub fn homes(&self, pod: &Pod) -> Vec<Name> {
        let _ = pod;
        todo!()
    }

    /// Puts `pod` on `node`, whether it fits or not.
    pub fn place(&mut self, pod: &Pod, node: &str) {
        let _ = (pod, node);
        todo!()
    }

    /// Takes `pod` off `node`.
    pub fn lift(&mut self, pod: &Pod, node: &str) {
        let _ = (pod, node);
        todo!()
    }

    /// From now on `node` takes no pod (it is going, or cordoned).
    pub fn close(&mut self, node: &str) {
        let _ = node;
        todo!()
    }

    /// From now on `node` takes pods again, as an empty and Ready node does.
    pub fn open(&mut self, node: &str) {
        let _ = node;
        todo!()
    }

    /// Remembers this point.
    pub fn mark(&self) -> Mark {
        todo!()
    }

    /// Undoes everything since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        let _ = mark;
        todo!()
    }
}
