//! TXT records: asked of the operator's name servers, fresh each time.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};

use crate::Error;

/// How long one name server may think.
const PATIENCE: Duration = Duration::from_secs(5);

/// The texts of a name, each record's parts put together (RFC 7208, section 3.3).
pub(crate) async fn lookup(name: &str, servers: &[SocketAddr]) -> Result<Vec<String>, Error> {
    let failed =
        |source: NetError| Error::NameServer { name: name.to_owned(), source: source.into() };
    let resolver = build(servers).map_err(failed)?;
    // The dot at the end keeps the system's search list out.
    let found = match resolver.txt_lookup(format!("{name}.")).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let texts = found.answers().iter().filter_map(|record| match &record.data {
        RData::TXT(txt) => {
            let whole: Vec<u8> =
                txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
            String::from_utf8(whole).ok()
        }
        _ => None,
    });
    Ok(texts.collect())
}

/// Made for one question: a record that was just added must be seen, so nothing is remembered.
fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        Resolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| {
            let mut udp = ConnectionConfig::new(ProtocolConfig::Udp);
            udp.port = server.port();
            let mut tcp = ConnectionConfig::new(ProtocolConfig::Tcp);
            tcp.port = server.port();
            NameServerConfig::new(server.ip(), true, vec![udp, tcp])
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 2;
    options.cache_size = 0;
    builder.build()
}
