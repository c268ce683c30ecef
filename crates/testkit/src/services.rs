//! Private PostgreSQL, RabbitMQ and Redis for one test run, and the way for tests to find them.
//!
//! The servers are shared by all tests of a run. What a test changes is its own: a database with its own roles, and a
//! [`Slot`] that stands for one RabbitMQ virtual host and one Redis database.

mod nginx;
mod postgres;
mod rabbitmq;
mod redis;
mod slot;

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

pub use self::{
    nginx::{Nginx, render},
    postgres::{TestDatabase, execute},
    slot::Slot,
};
use crate::{Error, process, process::Process};

/// URL of the superuser of the PostgreSQL server.
pub const POSTGRES: &str = "PATCHBAY_TEST_POSTGRES";
/// URL of the RabbitMQ server, default virtual host.
pub const AMQP: &str = "PATCHBAY_TEST_AMQP";
/// URL of the Redis server, database 0.
pub const REDIS: &str = "PATCHBAY_TEST_REDIS";
/// Path of the nginx program.
pub const NGINX: &str = "PATCHBAY_TEST_NGINX";
/// Directory of the run, where tests take their slots.
pub const DIRECTORY: &str = "PATCHBAY_TEST_DIR";

/// How many tests can have their own virtual host and Redis database at once.
pub const SLOTS: usize = 16;

/// How long a server may take to answer for the first time, on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long a server may take to end before it is ended by force.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// Where the servers of this test run are.
#[derive(Debug, Clone)]
pub struct Services {
    pub postgres: String,
    pub amqp: String,
    pub redis: String,
    pub nginx: PathBuf,
    pub directory: PathBuf,
}

/// The servers themselves; they end when this is stopped or dropped.
#[derive(Debug)]
pub struct Servers {
    services: Services,
    processes: Vec<Process>,
    // Last, so that it is removed after the processes have ended.
    _directory: TempDir,
}

// === impl Services ===

impl Services {
    /// The servers that the `services` program exported.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self {
            postgres: variable(POSTGRES)?,
            amqp: variable(AMQP)?,
            redis: variable(REDIS)?,
            nginx: PathBuf::from(variable(NGINX)?),
            directory: PathBuf::from(variable(DIRECTORY)?),
        })
    }

    /// The variables by which other programs find the servers.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        [
            (POSTGRES, self.postgres.clone()),
            (AMQP, self.amqp.clone()),
            (REDIS, self.redis.clone()),
            (NGINX, self.nginx.display().to_string()),
            (DIRECTORY, self.directory.display().to_string()),
        ]
    }
}

fn variable(name: &'static str) -> Result<String, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "set by the `services` program for tests, not a setting of the product"
    )]
    std::env::var(name).map_err(|_| Error::NoServices { variable: name })
}

// === impl Servers ===

impl Servers {
    /// Starts all servers at once and waits until each has answered a real connection.
    ///
    /// Call it on a thread that lives as long as the servers: they are ended by the kernel when it ends.
    pub async fn start() -> Result<Self, Error> {
        let nginx = program("nginx", &["/usr/sbin"], "Debian's package `nginx`")?;
        let directory = tempfile::Builder::new().prefix("patchbay-test-").tempdir()?;
        // PostgreSQL runs as another user when the tests run as root.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711))?;
        let [postgres_port, amqp_port, epmd_port, distribution_port, redis_port] =
            crate::ports::free_ports()?;
        let rabbit_ports =
            rabbitmq::Ports { amqp: amqp_port, epmd: epmd_port, distribution: distribution_port };
        let root = directory.path();
        let (postgres, rabbitmq, redis) = tokio::try_join!(
            postgres::start(subdirectory(root, "postgres")?, postgres_port),
            rabbitmq::start(subdirectory(root, "rabbitmq")?, rabbit_ports),
            redis::start(subdirectory(root, "redis")?, redis_port),
        )?;
        let services = Services {
            postgres: postgres::url(postgres_port),
            amqp: rabbitmq::url(amqp_port),
            redis: redis::url(redis_port),
            nginx,
            directory: root.to_owned(),
        };
        slot::prepare(root)?;
        let mut processes = vec![postgres, redis];
        processes.extend(rabbitmq);
        Ok(Self { services, processes, _directory: directory })
    }

    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Ends all servers and removes their directory.
    pub async fn stop(mut self) {
        let ends = self.processes.iter_mut().map(|process| process.stop(STOP_LIMIT));
        futures_util::future::join_all(ends).await;
    }
}

fn subdirectory(root: &Path, name: &str) -> io::Result<PathBuf> {
    let path = root.join(name);
    std::fs::create_dir(&path)?;
    Ok(path)
}

fn program(name: &'static str, more: &[&str], hint: &'static str) -> Result<PathBuf, Error> {
    process::find_program(name, more).ok_or(Error::Missing { program: name, hint })
}

/// A command that the kernel ends when the thread that started it ends, so that a killed test run leaves nothing.
fn tied_command(program: &Path, user: Option<&str>, signal: &str) -> Command {
    let Some(setpriv) = process::find_program("setpriv", &[]) else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.arg("--pdeathsig").arg(signal);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg(program);
    command
}
