//! The worker on an embedded database and a queue in memory: from a ring to a finished run, and what happens when it is stopped.

#[path = "../../../crates/control/tests/it/fake.rs"]
#[expect(
    dead_code,
    reason = "the bench of the control plane's own tests; a worker needs a part of it"
)]
mod fake;
#[path = "../../../crates/control/tests/it/plane.rs"]
#[expect(
    dead_code,
    reason = "the bench of the control plane's own tests; a worker needs a part of it"
)]
mod plane;
mod running;
mod runs;
mod stops;
mod traces;
