//! A private PostgreSQL cluster, and databases with the two roles that the product wants: an owner that migrates and
//! a runtime role that row-level security binds.

use std::{
    os::unix::fs::chown,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::process::Command;
use url::Url;

use super::{START_LIMIT, program, tied_command};
use crate::{Error, process, process::Process};

/// Password of the superuser: the tests of wrong passwords need a server that looks at them.
const PASSWORD: &str = "superuser-of-the-tests";
/// The user that PostgreSQL runs as when the tests run as root, which it refuses.
const SYSTEM_USER: &str = "postgres";
/// Where Debian keeps the programs of each version, newest first.
const PROGRAM_DIRECTORIES: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];
const HINT: &str = "Debian's package `postgresql`";

const ROLES: &str = include_str!("../../../../deploy/postgres/roles.sql");

/// Fast and forgetful: a crash of this server loses nothing that anybody wants.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "wal_level=logical",
    "log_min_messages=warning",
];

/// A database of its own, with its own roles. It stays until the server goes.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    pub name: String,
    /// Owner of all tables: migrates.
    pub owner_url: String,
    /// The role of the running product; owns nothing.
    pub runtime_url: String,
    pub runtime_role: String,
}

// === impl TestDatabase ===

impl TestDatabase {
    /// Makes an empty database on the server of `superuser_url`.
    pub async fn create(superuser_url: &str) -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // A process id alone comes back within one run of the servers: every test is a process of its own.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let name = format!("test_{}_{number}_{now}", std::process::id());
        let (owner, runtime) = (format!("{name}_owner"), format!("{name}_runtime"));
        run_roles(superuser_url, &name, &owner, &runtime).await?;
        Ok(Self {
            owner_url: with_login(superuser_url, &owner, &name)?,
            runtime_url: with_login(superuser_url, &runtime, &name)?,
            runtime_role: runtime,
            name,
        })
    }
}

/// The shipped file makes the roles and the database, so that every test of the distributed form is a test of it.
async fn run_roles(url: &str, database: &str, owner: &str, runtime: &str) -> Result<(), Error> {
    let psql = program("psql", &PROGRAM_DIRECTORIES, HINT)?;
    let file = tempfile::Builder::new().suffix(".sql").tempfile()?;
    std::fs::write(file.path(), ROLES)?;
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--dbname", url]);
    for (name, value) in [
        ("database", database),
        ("owner", owner),
        ("owner_password", owner),
        ("runtime", runtime),
        ("runtime_password", runtime),
    ] {
        command.arg("--set").arg(format!("{name}={value}"));
    }
    process::run(command.arg("--file").arg(file.path())).await?;
    Ok(())
}

/// Runs one statement and returns what `psql` printed, unaligned and without headers.
pub async fn execute(url: &str, statement: &str) -> Result<String, Error> {
    let psql = program("psql", &PROGRAM_DIRECTORIES, HINT)?;
    let mut command = Command::new(psql);
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
    command.args(["--set", "ON_ERROR_STOP=1", "--dbname", url, "--command", statement]);
    process::run(&mut command).await
}

fn with_login(url: &str, role: &str, database: &str) -> Result<String, Error> {
    let wrong = |()| Error::Refused { message: format!("`{}` is no URL", super::POSTGRES) };
    let mut url = Url::parse(url).map_err(|_| wrong(()))?;
    url.set_username(role).map_err(wrong)?;
    url.set_password(Some(role)).map_err(wrong)?;
    url.set_path(database);
    Ok(url.into())
}

pub(super) fn url(port: u16) -> String {
    format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
}

pub(super) async fn start(directory: PathBuf, port: u16) -> Result<Process, Error> {
    let postgres = program("postgres", &PROGRAM_DIRECTORIES, HINT)?;
    let user = prepare_user(&directory).await?;
    let data = directory.join("data");
    initialise(&directory, &data, user).await?;
    let mut command = tied_command(&postgres, user, "QUIT");
    command.current_dir(&directory).arg("-D").arg(&data);
    command.arg("-p").arg(port.to_string());
    command.arg("-c").arg("listen_addresses=127.0.0.1");
    command.arg("-c").arg(format!("unix_socket_directories={}", directory.display()));
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    let log = directory.join("server.log");
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    let mut server =
        Process::start("postgres", &mut command, &log)?.stopped_by(rustix::process::Signal::INT);
    let url = url(port);
    server.wait_ready(START_LIMIT, async || execute(&url, "select 1").await.is_ok()).await?;
    Ok(server)
}

/// As root: gives the directory to the user of PostgreSQL and names it.
async fn prepare_user(directory: &Path) -> Result<Option<&'static str>, Error> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let printed = process::run(Command::new("id").args(["-u", SYSTEM_USER])).await?;
    let uid =
        printed.trim().parse().map_err(|_| Error::Missing { program: "postgres", hint: HINT })?;
    chown(directory, Some(uid), None)?;
    Ok(Some(SYSTEM_USER))
}

async fn initialise(directory: &Path, data: &Path, user: Option<&str>) -> Result<(), Error> {
    let initdb = program("initdb", &PROGRAM_DIRECTORIES, HINT)?;
    let password_file = directory.join("password");
    std::fs::write(&password_file, PASSWORD)?;
    let mut command = Command::from(tied_command(&initdb, user, "KILL"));
    command.current_dir(directory).arg("-D").arg(data);
    command.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]);
    command.arg("--no-sync").arg("--pwfile").arg(&password_file);
    process::run(&mut command).await?;
    std::fs::remove_file(&password_file)?;
    Ok(())
}
