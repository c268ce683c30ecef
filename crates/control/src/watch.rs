//! Following a run while it happens.

use std::{pin::Pin, time::Duration};

use domain::{InstallId, OpCtx, SyncRun, event::Event};
use futures_util::{Stream, StreamExt, stream};

use crate::{Control, Error};

/// Signals can get lost, so that a run is looked at this often in any case.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Runs, as they change.
pub type RunStream = Pin<Box<dyn Stream<Item = Result<SyncRun, Error>> + Send>>;
/// Events of all organisations.
pub type EventStream = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Where a watcher stands.
struct Watch {
    control: Control,
    ctx: OpCtx,
    install: InstallId,
    events: EventStream,
    last: Option<SyncRun>,
    started: bool,
}

// === impl Control ===

impl Control {
    /// The install's newest run at once, if it has one, and again whenever it changes or a newer one takes its place.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an install that is not there or out of reach. Inside the stream: what
    /// [`Control::latest_runs`] answers; the stream ends after an error.
    pub async fn watch_run(&self, ctx: &OpCtx, install: InstallId) -> Result<RunStream, Error> {
        // Listening starts before the first look, so that no change falls in between.
        let events = self.events();
        self.lookup_install(ctx, install).await?;
        let watch = Watch {
            control: self.clone(),
            ctx: ctx.clone(),
            install,
            events,
            last: None,
            started: false,
        };
        Ok(Box::pin(stream::try_unfold(watch, Watch::next)))
    }

    /// What changed, of all organisations, from now on.
    pub fn events(&self) -> EventStream {
        let control = self.clone();
        Box::pin(self.0.parts.signal.subscribe().inspect(move |event| {
            if let Event::RouteChanged { tenant } = event {
                control.0.targets.forget(*tenant);
            }
        }))
    }
}

// === impl Watch ===

impl Watch {
    async fn next(mut self) -> Result<Option<(SyncRun, Self)>, Error> {
        loop {
            if self.started && !self.wait().await {
                return Ok(None);
            }
            self.started = true;
            let latest = self.control.latest_runs(&self.ctx, &[self.install]).await?;
            let Some(run) = latest.into_iter().next() else { continue };
            if self.last.as_ref() != Some(&run) {
                self.last = Some(run.clone());
                return Ok(Some((run, self)));
            }
        }
    }

    /// Waits until it is worth looking again. `false` when there will be no more signals: the process ends.
    async fn wait(&mut self) -> bool {
        // One deadline for the whole wait: a stream of other people's events must not push it away.
        let deadline = tokio::time::Instant::now() + LOOK_AGAIN;
        loop {
            match tokio::time::timeout_at(deadline, self.events.next()).await {
                Err(_elapsed) => return true,
                Ok(None) => return false,
                Ok(Some(Event::RunChanged { tenant, install, .. }))
                    if tenant == self.ctx.tenant() && install == self.install =>
                {
                    return true;
                }
                Ok(Some(_)) => {}
            }
        }
    }
}
