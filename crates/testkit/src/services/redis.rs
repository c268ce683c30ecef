//! A private Redis server, and the few commands that the test bench itself sends.

use std::path::PathBuf;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{SLOTS, START_LIMIT, program, tied_command};
use crate::{Error, process::Process};

pub(super) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0")
}

pub(super) async fn start(directory: PathBuf, port: u16) -> Result<Process, Error> {
    let redis = program("redis-server", &[], "Debian's package `redis-server`")?;
    let mut command = tied_command(&redis, None, "KILL");
    command.current_dir(&directory).args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    // Nothing is written to the disk; database 0 is the default one, the slots follow.
    command.args(["--save", "", "--appendonly", "no", "--databases", &(SLOTS + 1).to_string()]);
    let mut server = Process::start("redis", &mut command, &directory.join("server.log"))?;
    server
        .wait_ready(START_LIMIT, async || {
            matches!(command_line(port, "PING\r\n").await.as_deref(), Ok("+PONG\r\n"))
        })
        .await?;
    Ok(server)
}

/// Empties one database.
pub(super) async fn flush(port: u16, database: usize) -> Result<(), Error> {
    let answer = command_line(port, &format!("SELECT {database}\r\nFLUSHDB\r\n")).await?;
    if answer.starts_with('+') { Ok(()) } else { Err(Error::Refused { message: answer }) }
}

/// Sends inline commands on a connection of their own and returns the answer to the first ones.
async fn command_line(port: u16, line: &str) -> Result<String, Error> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"QUIT\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.strip_suffix("+OK\r\n").unwrap_or(&answer).to_owned())
}
