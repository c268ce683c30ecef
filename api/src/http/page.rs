//! Pages that do not need the console: they are part of the binary and run no script.

use actix_web::{HttpResponse, http::StatusCode};

/// Asks for the click that redeems a sign-in link.
pub(crate) const SIGN_IN: &str = include_str!("sign_in.html");
/// Says how to get a new sign-in link.
pub(crate) const SIGN_IN_GONE: &str = include_str!("sign_in_gone.html");
/// Says how to build the console.
pub(crate) const NOT_BUILT: &str = include_str!("console_not_built.html");

/// Where these pages find their style. A file of its own: the content security policy allows no inline style.
pub(crate) const STYLE_PATH: &str = "/page.css";
const STYLE: &str = include_str!("page.css");

/// Answers with a page.
pub(crate) fn page(status: StatusCode, html: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

/// The style of these pages.
pub(crate) async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}
