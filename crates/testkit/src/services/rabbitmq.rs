//! A private RabbitMQ node: own name, own epmd, own cookie, own directories.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{SLOTS, START_LIMIT, program, slot, tied_command};
use crate::{Error, process::Process};

const HINT: &str = "Debian's package `rabbitmq-server`";
/// Debian's program in the search path insists on the system's user; the one behind it does not.
const PROGRAM_DIRECTORY: &str = "/usr/lib/rabbitmq/bin";
/// First bytes of an AMQP 0-9-1 connection.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// A method frame on channel 0, which carries `connection.start` when it comes first.
const METHOD_FRAME: [u8; 3] = [1, 0, 0];

pub(super) struct Ports {
    pub(super) amqp: u16,
    pub(super) epmd: u16,
    pub(super) distribution: u16,
}

pub(super) fn url(port: u16) -> String {
    format!("amqp://guest:guest@127.0.0.1:{port}/%2f")
}

/// Starts epmd and the node.
pub(super) async fn start(directory: PathBuf, ports: Ports) -> Result<[Process; 2], Error> {
    let epmd = program("epmd", &[], HINT)?;
    let rabbitmq = Path::new(PROGRAM_DIRECTORY).join("rabbitmq-server");
    if !rabbitmq.is_file() {
        return Err(Error::Missing { program: "rabbitmq-server", hint: HINT });
    }
    let mut command = tied_command(&epmd, None, "KILL");
    command.args(["-address", "127.0.0.1", "-port", &ports.epmd.to_string()]);
    let mut epmd = Process::start("epmd", &mut command, &directory.join("epmd.log"))?;
    epmd.wait_ready(START_LIMIT, async || {
        TcpStream::connect(("127.0.0.1", ports.epmd)).await.is_ok()
    })
    .await?;

    write_files(&directory)?;
    let mut command = tied_command(&rabbitmq, None, "KILL");
    command.current_dir(&directory).envs(environment(&directory, &ports));
    let mut node = Process::start("rabbitmq", &mut command, &directory.join("server.log"))?;
    node.wait_ready(START_LIMIT, async || greets(ports.amqp).await).await?;
    Ok([node, epmd])
}

/// Whether the server greets a client in AMQP.
async fn greets(port: u16) -> bool {
    let greeting = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(PROTOCOL_HEADER).await?;
        let mut first = [0; METHOD_FRAME.len()];
        stream.read_exact(&mut first).await?;
        std::io::Result::Ok(first)
    };
    matches!(greeting.await, Ok(first) if first == METHOD_FRAME)
}

fn write_files(directory: &Path) -> Result<(), Error> {
    let cookie = directory.join(".erlang.cookie");
    std::fs::write(&cookie, "PATCHBAYTESTCOOKIE")?;
    // Erlang refuses a cookie that others can read.
    std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o400))?;
    std::fs::write(directory.join("enabled_plugins"), "[].\n")?;
    let definitions = directory.join("definitions.json");
    std::fs::write(&definitions, virtual_hosts().to_string())?;
    let settings = format!(
        "loopback_users = none\nload_definitions = {}\nvm_memory_high_watermark.relative = 0.6\n\
         disk_free_limit.absolute = 64MB\nlog.console.level = warning\n",
        definitions.display()
    );
    std::fs::write(directory.join("rabbitmq.conf"), settings)?;
    Ok(())
}

/// The definitions that the node loads when it starts: one virtual host for each slot.
fn virtual_hosts() -> serde_json::Value {
    let names: Vec<String> =
        std::iter::once("/".to_owned()).chain((1..=SLOTS).map(slot::virtual_host)).collect();
    let hosts: Vec<_> = names.iter().map(|name| serde_json::json!({ "name": name })).collect();
    let permissions: Vec<_> = names
        .iter()
        .map(|name| {
            serde_json::json!({ "user": "guest", "vhost": name, "configure": ".*", "write": ".*", "read": ".*" })
        })
        .collect();
    // With definitions the node does not make its default user: `guest` with the password `guest`.
    let user = serde_json::json!({
        "name": "guest",
        "password_hash": "kI3GCrswBLNZQzHJJ95QLoyfAVooYhnvf7jbqiW9BjOYUloe",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "administrator",
    });
    serde_json::json!({ "users": [user], "vhosts": hosts, "permissions": permissions })
}

fn environment(directory: &Path, ports: &Ports) -> Vec<(&'static str, String)> {
    let path = |name: &str| directory.join(name).display().to_string();
    vec![
        ("HOME", directory.display().to_string()),
        // Makes the start script become the node instead of watching it, so that signals reach the node.
        ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
        ("ERL_EPMD_PORT", ports.epmd.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODENAME", format!("patchbay-test-{}@localhost", ports.amqp)),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", ports.amqp.to_string()),
        ("RABBITMQ_DIST_PORT", ports.distribution.to_string()),
        ("RABBITMQ_MNESIA_BASE", path("mnesia")),
        ("RABBITMQ_LOG_BASE", path("log")),
        ("RABBITMQ_LOGS", "-".to_owned()),
        ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
        ("RABBITMQ_CONF_ENV_FILE", path("rabbitmq-env.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
        ("RABBITMQ_PID_FILE", path("node.pid")),
        (
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            // Idle schedulers must not spin: the cores are the tests'.
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
                .to_owned(),
        ),
    ]
}
