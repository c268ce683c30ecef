//! Root fields that go on telling.

mod sync_run;

pub(crate) use sync_run::Subscription;
