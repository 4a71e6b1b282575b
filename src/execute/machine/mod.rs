//! Pure: `step(state, event, now) -> commands`.
