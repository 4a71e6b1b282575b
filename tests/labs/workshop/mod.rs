//! A plan carried out from end to end where nodes are a real Nova's servers: the program itself, as the ServiceAccount of
//! `examples/rbac.yaml`. `tests/labs/run workshop` starts both labs and the bridge between them, and drives these.

mod both;
mod down_and_up;
mod drains;
mod failures;
mod killed;
mod load;
mod meanwhile;
mod offline;
mod roles;
mod watcher;
