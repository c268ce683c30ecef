//! The three roles on PostgreSQL, RabbitMQ and Redis, behind an nginx with the locations that we ship.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{Read, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{PlaneConfig, Role, RoleCommand, Running, TestPlane, UpFacts};
use crate::{
    Error, Http, Services,
    ports::free_ports,
    services::{Nginx, Slot, TestDatabase, render},
};

const ROLES: [Role; 3] = [Role::Api, Role::Worker, Role::Gateway];
/// A plain-text front for tests; the locations in it are the shipped ones.
const FRONT: &str = include_str!("front.conf.template");
const LOCATIONS: &str = include_str!("../../../../deploy/nginx/locations.conf");

/// What a distributed plane stands on.
pub(super) struct Backing {
    database: TestDatabase,
    _slot: Slot,
    _front: Nginx,
}

/// Everything that must be known before the first role starts.
struct Layout<'a> {
    config: &'a PlaneConfig,
    directory: PathBuf,
    database: &'a TestDatabase,
    slot: &'a Slot,
    front: u16,
    /// Doors and operator doors in the order of [`ROLES`].
    doors: [u16; 3],
    operator_doors: [u16; 3],
}

// === impl Backing ===

impl Backing {
    pub(super) fn database(&self) -> &TestDatabase {
        &self.database
    }
}

impl PlaneConfig {
    /// Starts the three roles on a database, a virtual host and a Redis database of their own.
    pub async fn distributed(&self, services: &Services) -> Result<TestPlane, Error> {
        let directory = tempfile::Builder::new().prefix("patchbay-plane-").tempdir()?;
        let database = TestDatabase::create(&services.postgres).await?;
        let slot = Slot::take(services).await?;
        let [front, doors @ .., worker_operator, gateway_operator, api_operator] =
            free_ports::<7>()?;
        let layout = Layout {
            config: self,
            directory: directory.path().to_owned(),
            database: &database,
            slot: &slot,
            front,
            doors,
            operator_doors: [api_operator, worker_operator, gateway_operator],
        };
        write_key(&layout.key_file())?;
        layout.migrate().await?;
        let facts = layout.set_up().await?;
        let nginx = layout.start_front(services).await?;
        let http = Http::new();
        let mut roles = BTreeMap::new();
        for (index, role) in ROLES.into_iter().enumerate() {
            let command = layout.role(index, role)?;
            let process = command.start(&http).await?;
            roles.insert(role, Running { command, process });
        }
        let backing = Some(Backing { database: database.clone(), _slot: slot, _front: nginx });
        Ok(TestPlane { facts, http, roles, backing, directory })
    }
}

// === impl Layout ===

impl Layout<'_> {
    fn key_file(&self) -> PathBuf {
        self.directory.join("vault.key")
    }

    fn public_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.front)
    }

    /// The owner migrates; the runtime role may use what the owner makes, and owns nothing.
    async fn migrate(&self) -> Result<(), Error> {
        let file = self.write_settings("owner", &self.database.owner_url, 0, 0)?;
        self.command(Role::Api, &file, 0).other(&["migrate"]).await?;
        Ok(())
    }

    async fn set_up(&self) -> Result<UpFacts, Error> {
        let file = self.write_settings("set-up", &self.database.runtime_url, 0, 0)?;
        let printed = self.command(Role::Api, &file, 0).other(&["set-up", "--json"]).await?;
        UpFacts::parse(&printed)
    }

    fn role(&self, index: usize, role: Role) -> Result<RoleCommand, Error> {
        let port = |ports: &[u16; 3]| ports.get(index).copied().unwrap_or_default();
        let (door, operator_door) = (port(&self.doors), port(&self.operator_doors));
        let file =
            self.write_settings(role.as_str(), &self.database.runtime_url, door, operator_door)?;
        let mut command = self.command(role, &file, operator_door);
        command.arguments = vec!["serve".to_owned(), "--role".to_owned(), role.as_str().to_owned()];
        Ok(command)
    }

    fn command(&self, role: Role, file: &Path, operator_door: u16) -> RoleCommand {
        RoleCommand {
            role,
            binary: self.config.binary.clone(),
            global: vec!["--config".to_owned(), file.display().to_string()],
            arguments: Vec::new(),
            environment: self.config.settings.clone(),
            working_directory: self
                .config
                .working_directory
                .clone()
                .unwrap_or_else(|| self.directory.clone()),
            directory: self.directory.clone(),
            health_url: format!("http://127.0.0.1:{operator_door}/health/ready"),
        }
    }

    fn write_settings(
        &self,
        name: &str,
        database_url: &str,
        door: u16,
        operator_door: u16,
    ) -> Result<PathBuf, Error> {
        let roots: Vec<String> =
            self.config.file_roots.iter().map(|root| root.display().to_string()).collect();
        let mut text = String::new();
        let sections = [
            ("server", "listen", format!("{:?}", format!("127.0.0.1:{door}"))),
            ("server", "public_url", format!("{:?}", self.public_url())),
            ("server", "metrics_listen", format!("{:?}", format!("127.0.0.1:{operator_door}"))),
            // Three processes on the cores of one machine.
            ("server", "http_threads", "1".to_owned()),
            ("database", "url", format!("{database_url:?}")),
            ("queue", "url", format!("{:?}", self.slot.amqp)),
            ("cache", "url", format!("{:?}", self.slot.redis)),
            ("vault", "key_file", format!("{:?}", self.key_file().display().to_string())),
            ("connectors", "file_roots", format!("{roots:?}")),
            ("egress", "allow_private_networks", self.config.allow_private_networks.to_string()),
        ];
        for (section, field, value) in sections {
            // Dotted keys, so that the order does not matter. Writing to a String cannot fail.
            let _ = writeln!(text, "{section}.{field} = {value}");
        }
        let path = self.directory.join(format!("{name}.toml"));
        std::fs::write(&path, text).map_err(|source| Error::File { path: path.clone(), source })?;
        Ok(path)
    }

    async fn start_front(&self, services: &Services) -> Result<Nginx, Error> {
        let directory = self.directory.join("nginx");
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("locations.conf"), LOCATIONS)?;
        let [api, _, gateway] = self.doors;
        let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
        let config = render(
            FRONT,
            &[
                ("USER", user),
                ("PORT", &self.front.to_string()),
                ("API", &format!("127.0.0.1:{api}")),
                ("GATEWAY", &format!("127.0.0.1:{gateway}")),
            ],
        )?;
        Nginx::start(&services.nginx, &directory, &config, self.front).await
    }
}

/// Writes a key-encryption key as the product itself would: 32 random bytes in base64, for the owner only.
fn write_key(path: &Path) -> Result<(), Error> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    Ok(())
}
