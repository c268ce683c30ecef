//! A slot: one RabbitMQ virtual host and one Redis database that belong to one test at a time.

use std::{fs::File, path::Path, time::Duration};

use tokio::time::{Instant, sleep};
use url::Url;

use super::{SLOTS, Services, redis};
use crate::Error;

/// How long a test waits for the slot of another: a machine with many cores runs more tests at once than there are slots.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often the slots are looked at meanwhile.
const POLL: Duration = Duration::from_millis(50);

/// One virtual host and one Redis database, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Slot {
    number: usize,
    pub amqp: String,
    pub redis: String,
    /// The lock lasts as long as this file is open.
    _lock: File,
}

// === impl Slot ===

impl Slot {
    /// Takes a free slot, once there is one, and empties its Redis database. Queues of an earlier test may still hold messages: the
    /// product drops the ones whose job is not in its database, as it must after any crash.
    pub async fn take(services: &Services) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(slot) = Self::try_take(services).await? {
                return Ok(slot);
            }
            if Instant::now() > deadline {
                return Err(Error::NoSlot { slots: SLOTS });
            }
            sleep(POLL).await;
        }
    }

    async fn try_take(services: &Services) -> Result<Option<Self>, Error> {
        for number in 1..=SLOTS {
            let path = lock_path(&services.directory, number);
            let lock = File::options()
                .write(true)
                .open(&path)
                .map_err(|source| Error::File { path, source })?;
            if lock.try_lock().is_err() {
                continue;
            }
            let redis_url = with_path(&services.redis, &number.to_string())?;
            let port = redis_url.port().unwrap_or(6379);
            redis::flush(port, number).await?;
            return Ok(Some(Self {
                number,
                amqp: with_path(&services.amqp, &virtual_host(number))?.into(),
                redis: redis_url.into(),
                _lock: lock,
            }));
        }
        Ok(None)
    }

    pub fn number(&self) -> usize {
        self.number
    }
}

/// Name of the virtual host of a slot.
pub(super) fn virtual_host(number: usize) -> String {
    format!("slot-{number}")
}

/// Makes the files on which slots are locked.
pub(super) fn prepare(directory: &Path) -> Result<(), Error> {
    for number in 1..=SLOTS {
        let path = lock_path(directory, number);
        File::create(&path).map_err(|source| Error::File { path, source })?;
    }
    Ok(())
}

fn lock_path(directory: &Path, number: usize) -> std::path::PathBuf {
    directory.join(format!("slot-{number}.lock"))
}

fn with_path(url: &str, path: &str) -> Result<Url, Error> {
    let mut url = Url::parse(url)
        .map_err(|_| Error::Refused { message: "a server's address is no URL".to_owned() })?;
    url.set_path(path);
    Ok(url)
}
