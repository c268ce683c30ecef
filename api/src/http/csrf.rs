//! Where a request may come from: host, origin, and the header that only our own pages can send.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HOST, ORIGIN},
    },
};
use url::{Host, Url};

use crate::{
    Config,
    error::{Code, Refused},
};

/// Header that carries the CSRF token. Any value of it proves that the request is no simple one (Fetch, section 2.2.2).
pub(crate) const CSRF_HEADER: &str = "X-Patchbay-CSRF";

/// The addresses under which this door may be spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    public: Option<Url>,
    origins: Vec<String>,
    hosts: Vec<String>,
}

// === impl Site ===

impl Site {
    pub(crate) fn of(config: &Config) -> Self {
        let public = Url::parse(&config.public_url).ok();
        if public.is_none() {
            tracing::error!(
                "`server.public_url` is not an absolute URL: every request will be refused"
            );
        }
        let allowed = config.allowed_origins.iter().filter_map(|origin| Url::parse(origin).ok());
        let urls: Vec<Url> = public.iter().cloned().chain(allowed).collect();
        let origins = urls.iter().map(|url| url.origin().ascii_serialization()).collect();
        let hosts = urls.iter().filter_map(|url| url.host_str().map(str::to_owned)).collect();
        Self { public, origins, hosts }
    }

    /// Whether browsers reach us by TLS.
    pub(crate) fn https(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Refuses a host that is not ours: a name that was rebound to our address (DNS rebinding) comes with its own `Host`.
    ///
    /// # Errors
    /// 421 (RFC 9110, section 15.5.20).
    pub(crate) fn check_host(&self, request: &HttpRequest) -> Result<(), Refused> {
        // HTTP/2 carries the host in the URI, HTTP/1 in the header.
        let given = request.head().uri.authority().map(|authority| authority.as_str().to_owned());
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = given.or_else(|| header.map(str::to_owned)).unwrap_or_default();
        let name = Url::parse(&format!("http://{host}"))
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        if self.hosts.contains(&name) || (self.is_loopback() && loopback(&name)) {
            return Ok(());
        }
        Err(Refused::new(
            StatusCode::MISDIRECTED_REQUEST,
            Code::Denied,
            "this host name is not served here: the operator sets the address that users open as `server.public_url`, \
             in the environment as `PATCHBAY__SERVER__PUBLIC_URL`",
        ))
    }

    /// Refuses pages of other origins. A request without `Origin` is no page's cross-origin one.
    ///
    /// # Errors
    /// 403 with the code `CSRF`.
    pub(crate) fn check_origin(&self, request: &HttpRequest) -> Result<(), Refused> {
        let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or("null");
        if self.origins.iter().any(|allowed| allowed == origin) || self.is_own_loopback(origin) {
            return Ok(());
        }
        Err(Refused::csrf(
            "pages of this origin may not call Patchbay: the operator names it in `api.allowed_origins`",
        ))
    }

    /// On a developer's machine `localhost` and `127.0.0.1` are one place, if the port is the same.
    fn is_own_loopback(&self, origin: &str) -> bool {
        let (Some(public), Ok(origin)) = (&self.public, Url::parse(origin)) else { return false };
        self.is_loopback()
            && origin.host_str().is_some_and(loopback)
            && origin.scheme() == public.scheme()
            && origin.port_or_known_default() == public.port_or_known_default()
    }

    fn is_loopback(&self) -> bool {
        self.public.as_ref().and_then(Url::host_str).is_some_and(loopback)
    }
}

fn loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

/// The CSRF header of a request, if it has one.
pub(crate) fn presented(request: &HttpRequest) -> Option<&str> {
    request.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn site(public_url: &str) -> Site {
        Site::of(&Config { public_url: public_url.to_owned(), ..Config::default() })
    }

    fn asked(name: &'static str, value: &'static str) -> HttpRequest {
        TestRequest::post().insert_header((name, value)).to_http_request()
    }

    #[test]
    fn foreign_host_is_misdirected() {
        let site = site("https://patchbay.example.com");
        assert!(site.check_host(&asked("Host", "patchbay.example.com")).is_ok());
        assert!(site.check_host(&asked("Host", "patchbay.example.com:8443")).is_ok());
        for host in ["evil.example", "127.0.0.1", "patchbay.example.com.evil.example", ""] {
            let refused = site.check_host(&asked("Host", host)).expect_err(host);
            assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
        }
    }

    #[test]
    fn loopback_names_are_one_place_only_when_we_are_there() {
        let here = site("http://127.0.0.1:4480");
        assert!(here.check_host(&asked("Host", "localhost:4480")).is_ok());
        assert!(here.check_origin(&asked("Origin", "http://localhost:4480")).is_ok());
        assert!(here.check_origin(&asked("Origin", "http://localhost:9999")).is_err());
        assert!(here.check_host(&asked("Host", "evil.example")).is_err());
        let away = site("https://patchbay.example.com");
        assert!(away.check_origin(&asked("Origin", "http://localhost:4480")).is_err());
    }

    #[test]
    fn foreign_and_opaque_origins_are_refused_and_none_is_fine() {
        let site = site("https://patchbay.example.com");
        assert!(site.check_origin(&asked("Origin", "https://patchbay.example.com")).is_ok());
        assert!(site.check_origin(&TestRequest::post().to_http_request()).is_ok());
        for origin in ["null", "http://patchbay.example.com", "https://evil.example"] {
            assert!(site.check_origin(&asked("Origin", origin)).is_err(), "{origin}");
        }
    }
}
