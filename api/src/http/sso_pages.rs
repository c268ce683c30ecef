//! Pages of signing in by a provider. They are part of the binary and run no script; everything that is put into them is escaped.

use std::fmt::Write;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CONTENT_SECURITY_POLICY},
};
use control::{InvitationOffer, SignUpProvider, UpstreamKind};
use domain::{SsoConnection, identity::ConnectionTest};

/// A form of these pages ends at a provider, wherever that is: browsers hold redirects of a form against `form-action` too.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self' https: http:; \
    base-uri 'none'; frame-ancestors 'none'";

/// Asks for an address, and offers the operator's providers. `return_to` is where the person was going.
pub(super) fn sign_in(providers: &[SignUpProvider], return_to: Option<&str>) -> HttpResponse {
    let hidden = return_to.map_or_else(String::new, |path| {
        format!("<input type=\"hidden\" name=\"return_to\" value=\"{}\">\n", escape(path))
    });
    let suffix = escape(&return_suffix(return_to));
    let mut body = format!(
        "<h1>Sign in to Patchbay</h1>
<form method=\"post\" action=\"/sso/start\">
{hidden}<label for=\"email\">Your e-mail address at work</label>
<input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required autofocus>
<button type=\"submit\">Continue</button>
</form>",
    );
    if !providers.is_empty() {
        body.push_str("<h2>Or with</h2><ul>");
        for provider in providers {
            let (key, name) = (escape(&provider.key), escape(&provider.name));
            // Writing into a string does not fail.
            let _ = write!(body, "<li><a href=\"/sso/providers/{key}{suffix}\">{name}</a></li>");
        }
        body.push_str("</ul><p><a href=\"/sign-up\">Create an organisation</a></p>");
    }
    page(StatusCode::OK, "Sign in to Patchbay", &body)
}

/// Asks for the name of an organisation to be.
pub(super) fn sign_up(providers: &[SignUpProvider]) -> HttpResponse {
    let mut body = String::from("<h1>Create an organisation</h1>");
    if providers.is_empty() {
        body.push_str("<p>Organisations are created by the operator of this Patchbay.</p>");
        return page(StatusCode::OK, "Create an organisation", &body);
    }
    body.push_str(
        "<form method=\"post\" action=\"/sso/sign-up\">
<label for=\"organisation\">Its name</label>
<input id=\"organisation\" name=\"organisation\" maxlength=\"100\" required autofocus>",
    );
    for provider in providers {
        let (key, name) = (escape(&provider.key), escape(&provider.name));
        let _ = write!(
            body,
            "<button type=\"submit\" name=\"provider\" value=\"{key}\">Continue with {name}</button>"
        );
    }
    body.push_str("</form><p>You become its owner.</p>");
    page(StatusCode::OK, "Create an organisation", &body)
}

/// Asks which of an organisation's connections it shall be.
pub(super) fn choose(connections: &[SsoConnection], return_to: Option<&str>) -> HttpResponse {
    let suffix = escape(&return_suffix(return_to));
    let mut body = String::from("<h1>Sign in to Patchbay</h1><ul>");
    for connection in connections {
        let (path, name) = (start_path(connection), escape(&connection.settings.name));
        let _ = write!(body, "<li><a href=\"{path}{suffix}\">{name}</a></li>");
    }
    body.push_str("</ul>");
    page(StatusCode::OK, "Sign in to Patchbay", &body)
}

/// The same for every address that leads nowhere.
pub(super) fn nowhere() -> HttpResponse {
    let body = "<h1>No way to sign in was found</h1>
<p>No organisation here signs in with addresses of that domain. Check the address, or ask an admin of your organisation for an
invitation or a one-time link.</p><p><a href=\"/sign-in\">Try another address</a></p>";
    page(StatusCode::OK, "No way to sign in was found", body)
}

/// Where a sign-in by a connection begins.
pub(super) fn start_path(connection: &SsoConnection) -> String {
    format!("/sso/start/{}/{}", connection.tenant.uuid(), connection.id.uuid())
}

/// Who invites, and the ways to show that the invited address is one's own.
pub(super) fn invitation(
    token: &str,
    offer: &InvitationOffer,
    signed_in: bool,
    providers: &[SignUpProvider],
) -> HttpResponse {
    let (tenant, email) = (escape(&offer.tenant.name), escape(&offer.email));
    let mut body = format!(
        "<h1>Join {tenant}</h1><p>This invitation is for {email}. Show that the address is yours.</p>
<form method=\"post\" action=\"/invitations/{}\">",
        escape(token)
    );
    let mut button = |by: &str, text: &str| {
        let _ = write!(
            body,
            "<button type=\"submit\" name=\"by\" value=\"{}\">{}</button>",
            escape(by),
            escape(text)
        );
    };
    if signed_in {
        button("session", "Join as who is signed in");
    }
    for connection in &offer.connections {
        let name = format!("Continue with {}", connection.settings.name);
        button(&format!("connection:{}", connection.id.uuid()), &name);
    }
    for provider in providers.iter().filter(|_| offer.providers) {
        button(&format!("provider:{}", provider.key), &format!("Continue with {}", provider.name));
    }
    body.push_str("</form>");
    if !signed_in && offer.connections.is_empty() && !offer.providers {
        body.push_str(
            "<p>There is no provider by which you could sign in here for the first time. If you use Patchbay already, sign in and open
this link again.</p>",
        );
    }
    page(StatusCode::OK, "Join an organisation", &body)
}

/// What a test sign-in showed.
pub(super) fn tested(test: &ConnectionTest) -> HttpResponse {
    let verdict = if test.passed { "The test passed" } else { "The test did not pass" };
    let mut body = format!("<h1>{verdict}</h1>");
    if !test.problems.is_empty() {
        body.push_str("<ul>");
        for problem in &test.problems {
            let _ = write!(body, "<li>{}</li>", escape(problem));
        }
        body.push_str("</ul>");
    }
    if let Some(role) = test.role {
        let _ = write!(body, "<p>The groups give the role <code>{}</code>.</p>", role.as_str());
    }
    let claims = serde_json::to_string_pretty(&test.claims).unwrap_or_default();
    let _ = write!(
        body,
        "<p>Nobody was signed in. These claims came:</p><pre>{}</pre><p><a href=\"/\">Back to the console</a></p>",
        escape(&claims)
    );
    page(StatusCode::OK, verdict, &body)
}

/// Why somebody is not signed in, and what they can do.
pub(super) fn refused(error: &control::Error, request_id: &str) -> HttpResponse {
    let (status, title, why, help) = match error {
        control::Error::Upstream { kind, message, .. } => (
            StatusCode::BAD_GATEWAY,
            "Your provider could not be reached",
            message.clone(),
            match kind {
                UpstreamKind::Transient | UpstreamKind::Timeout => {
                    "Try again in a moment. An owner of your organisation can still come in by a one-time link: the operator makes one with <code>patchbay sign-in-link</code>."
                }
                _ => {
                    "An admin of your organisation has to look at the connection. An owner can come in by a one-time link: the operator makes one with <code>patchbay sign-in-link</code>."
                }
            },
        ),
        control::Error::Unauthenticated => (
            StatusCode::BAD_REQUEST,
            "This sign-in cannot go on",
            "it was begun in another browser or more than ten minutes ago, or it is over"
                .to_owned(),
            "Begin again.",
        ),
        control::Error::NotFound => (
            StatusCode::NOT_FOUND,
            "This way to sign in is not there",
            "it was removed or is not in use yet".to_owned(),
            "Begin again.",
        ),
        other => (
            StatusCode::FORBIDDEN,
            "You are not signed in",
            other.to_string(),
            "If you think that this is a mistake, show this page to an admin of your organisation.",
        ),
    };
    let body = format!(
        "<h1>{title}</h1><p>{}.</p><p>{help}</p><p><a href=\"/sign-in\">Sign in</a></p><p><small>Request {}</small></p>",
        escape(&why),
        escape(request_id)
    );
    page(status, title, &body)
}

/// The query that carries where the person was going.
fn return_suffix(return_to: Option<&str>) -> String {
    return_to.map_or_else(String::new, |path| {
        let mut query = url::form_urlencoded::Serializer::new(String::from("?"));
        query.append_pair("return_to", path).finish()
    })
}

fn page(status: StatusCode, title: &str, body: &str) -> HttpResponse {
    page_with_policy(status, title, body, POLICY)
}

/// A page whose forms end where the policy says.
pub(crate) fn page_with_policy(
    status: StatusCode,
    title: &str,
    body: &str,
    policy: &str,
) -> HttpResponse {
    let html = format!(
        "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"robots\" content=\"noindex\">
<title>{title}</title>
<link rel=\"stylesheet\" href=\"/page.css\">
<main>
{body}
</main>
</html>
"
    );
    HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// Text as it can stand in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_is_text_on_a_page() {
        let escaped = escape("<script src=\"x\">'&");
        assert_eq!(escaped, "&lt;script src=&quot;x&quot;&gt;&#39;&amp;");
    }
}
