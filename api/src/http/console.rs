//! The console's built files: a single-page application whose addresses all begin at `index.html`.

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, HeaderValue},
    },
    web::Data,
};

use super::{
    error::{method_not_allowed, not_found},
    page,
    server::State,
};

/// Hashed files never change: their name does.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Everything else is asked for again, and mostly answered with 304.
const REVALIDATE: &str = "no-cache";

/// A file under `/assets/`, whose name carries a hash of its content.
pub(crate) async fn asset(request: HttpRequest, state: Data<State>) -> HttpResponse {
    if !reads(&request) {
        return method_not_allowed(request).await;
    }
    match file(&state.config.console_dir, request.path()) {
        Some(file) => send(&request, file, IMMUTABLE),
        None => not_found(request).await,
    }
}

/// A file of the console, or its first page for every address that a browser navigates to.
pub(crate) async fn serve(request: HttpRequest, state: Data<State>) -> HttpResponse {
    if !reads(&request) {
        return method_not_allowed(request).await;
    }
    let directory = &state.config.console_dir;
    if let Some(file) = file(directory, request.path()) {
        return send(&request, file, REVALIDATE);
    }
    if !navigates(&request) {
        return not_found(request).await;
    }
    match NamedFile::open(directory.join("index.html")) {
        Ok(file) => send(&request, file, REVALIDATE),
        Err(_) => page::page(StatusCode::SERVICE_UNAVAILABLE, page::NOT_BUILT),
    }
}

fn reads(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether a browser asks for a page, and not a script for data.
fn navigates(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let named = request.path().rsplit('/').next().is_some_and(|name| name.contains('.'));
    !named && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn file(directory: &Path, path: &str) -> Option<NamedFile> {
    let path = directory.join(relative(path)?);
    let file = NamedFile::open(path).ok()?;
    file.metadata().is_file().then_some(file)
}

/// The path of a request as one below the console's directory; `None` if it could be anything but a plain name.
fn relative(path: &str) -> Option<PathBuf> {
    let plain = |part: &&str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.starts_with('.') && part.bytes().all(fits)
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    (!parts.is_empty() && parts.iter().all(plain)).then(|| parts.iter().collect())
}

fn send(request: &HttpRequest, file: NamedFile, caching: &'static str) -> HttpResponse {
    let mut response = file.disable_content_disposition().into_response(request);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_files() {
        assert_eq!(relative("/assets/index-1a2b.js"), Some(PathBuf::from("assets/index-1a2b.js")));
        for path in [
            "/",
            "/../etc/passwd",
            "/a/../b",
            "/.env",
            "/a%2f..%2fb",
            "/a\\b",
            "/a\0b",
            "/a/.git/x",
        ] {
            assert_eq!(relative(path), None, "{path}");
        }
    }
}
