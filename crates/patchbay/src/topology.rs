//! Which form of the product the settings describe. What would be wrong cannot be built.

use std::net::SocketAddr;

use crate::settings::Settings;

/// One role of a distributed deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// GraphQL, REST, sign-in and the console.
    Api,
    /// Background jobs.
    Worker,
    /// MCP traffic.
    Gateway,
}

/// The form of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topology {
    /// Everything in this process: SQLite, memory queue, memory cache.
    Embedded,
    /// One role of several processes on PostgreSQL, RabbitMQ and Redis.
    Distributed(Role),
}

/// Settings that no form of the product can run with. Each message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TopologyError {
    #[error(
        "`{setting}` is `{found}`, which lives inside one process, but `serve --role {role}` is one of several: \
         set it to `{instead}`, or run everything in one process by `patchbay up`"
    )]
    MemoryWithOneRole {
        setting: &'static str,
        found: &'static str,
        role: &'static str,
        instead: &'static str,
    },
    #[error(
        "`{setting}` names a server, but `up` keeps everything in its own directory and in memory: \
         take the setting away, or run the roles by `patchbay serve --role`"
    )]
    ServerWithUp { setting: &'static str },
    #[error(
        "`{setting}` must start with {allowed}, and does not: check the part before the first colon"
    )]
    UnknownScheme { setting: &'static str, allowed: &'static str },
    #[error(
        "`server.listen` is {listen}, which is every address of this machine, and none that users can open: \
         set `server.public_url` to the one that they do, like `https://patchbay.example.com`"
    )]
    NoPublicUrl { listen: SocketAddr },
}

/// The settings that name a backend: the prefix for one process, the prefixes for several, and an example of the latter.
const BACKENDS: [Backend; 3] = [
    Backend {
        setting: "database.url",
        one: "sqlite:",
        many: &["postgres:", "postgresql:"],
        allowed: "`sqlite:` or `postgres:`",
        instead: "postgres://user:password@host/database",
    },
    Backend {
        setting: "queue.url",
        one: "memory:",
        many: &["amqp:", "amqps:"],
        allowed: "`memory:`, `amqp:` or `amqps:`",
        instead: "amqp://user:password@host/vhost",
    },
    Backend {
        setting: "cache.url",
        one: "memory:",
        many: &["redis:", "rediss:"],
        allowed: "`memory:`, `redis:` or `rediss:`",
        instead: "redis://host/0",
    },
];

struct Backend {
    setting: &'static str,
    one: &'static str,
    many: &'static [&'static str],
    allowed: &'static str,
    instead: &'static str,
}

// === impl Role ===

impl Role {
    /// The word on the command line.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Gateway => "gateway",
        }
    }

    /// Name of the process in traces and metrics.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Role::Api => "patchbay-api",
            Role::Worker => "patchbay-worker",
            Role::Gateway => "patchbay-gateway",
        }
    }
}

// === impl Topology ===

impl Topology {
    /// Checks that the settings fit the asked form.
    ///
    /// # Errors
    /// A backend of an unknown scheme, or one that lives in memory given to a single role; no address for users.
    pub(crate) fn resolve(settings: &Settings, role: Option<Role>) -> Result<Self, TopologyError> {
        let urls = [&settings.database.url, &settings.queue.url, &settings.cache.url];
        for (backend, url) in BACKENDS.iter().zip(urls) {
            backend.check(url, role)?;
        }
        // Workers and gateways neither print the address nor compare the host of a request with it.
        if matches!(role, None | Some(Role::Api)) {
            check_public_url(settings)?;
        }
        Ok(role.map_or(Self::Embedded, Self::Distributed))
    }
}

/// Whether `up`, which brings its own database, queue and cache, would silently leave others aside.
///
/// # Errors
/// [`TopologyError::ServerWithUp`].
pub(crate) fn check_own_backends(settings: &Settings) -> Result<(), TopologyError> {
    let urls = [&settings.database.url, &settings.queue.url, &settings.cache.url];
    let named = BACKENDS.iter().zip(urls).find(|(backend, url)| backend.is_shared(url));
    named.map_or(Ok(()), |(backend, _)| {
        Err(TopologyError::ServerWithUp { setting: backend.setting })
    })
}

/// Whether users have an address to open: links lead there, and requests for other hosts are refused.
///
/// # Errors
/// [`TopologyError::NoPublicUrl`] where the address would have to be derived from `0.0.0.0` or `[::]`.
pub(crate) fn check_public_url(settings: &Settings) -> Result<(), TopologyError> {
    let server = &settings.server;
    if server.public_url.is_none() && server.listen.ip().is_unspecified() {
        return Err(TopologyError::NoPublicUrl { listen: server.listen });
    }
    Ok(())
}

// === impl Backend ===

impl Backend {
    /// Whether this is an address of a server that several processes can use.
    fn is_shared(&self, url: &str) -> bool {
        self.many.iter().any(|scheme| url.starts_with(scheme))
    }

    fn check(&self, url: &str, role: Option<Role>) -> Result<(), TopologyError> {
        let local = url.starts_with(self.one);
        let shared = self.is_shared(url);
        match role {
            _ if !local && !shared => {
                Err(TopologyError::UnknownScheme { setting: self.setting, allowed: self.allowed })
            }
            Some(role) if local => Err(TopologyError::MemoryWithOneRole {
                setting: self.setting,
                found: self.one,
                role: role.as_str(),
                instead: self.instead,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_embedded_form() {
        assert_eq!(Topology::resolve(&Settings::default(), None), Ok(Topology::Embedded));
    }

    #[test]
    fn one_role_on_a_memory_queue_is_refused_with_what_to_change() {
        let mut settings = Settings::default();
        settings.database.url = "postgres://localhost/patchbay".to_owned();
        let error = Topology::resolve(&settings, Some(Role::Worker)).expect_err("memory queue");
        assert!(error.to_string().contains("`queue.url` is `memory:`"), "{error}");
        assert!(error.to_string().contains("patchbay up"), "{error}");
    }

    #[test]
    fn listening_everywhere_needs_the_address_that_users_open() {
        let mut settings = Settings::default();
        settings.server.listen = SocketAddr::from(([0, 0, 0, 0], 8080));
        let error = Topology::resolve(&settings, None).expect_err("no address").to_string();
        assert!(error.contains("0.0.0.0:8080") && error.contains("`server.public_url`"), "{error}");
        settings.server.public_url = "https://patchbay.example.com".parse().ok();
        assert_eq!(Topology::resolve(&settings, None), Ok(Topology::Embedded));
    }

    #[test]
    fn unknown_scheme_is_named_without_the_url() {
        let mut settings = Settings::default();
        settings.cache.url = "mysql://root:hunter2@localhost".to_owned();
        let error = Topology::resolve(&settings, None).expect_err("unknown scheme").to_string();
        assert!(error.contains("`cache.url` must start with"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
