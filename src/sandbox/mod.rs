//! The embedded cluster and cloud: a discrete-event simulation in virtual time.
