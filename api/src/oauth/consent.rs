//! The page on which a person decides whether a client may act for them. It runs no script; everything on it that a client said is
//! escaped, and what nobody vouches for is called so.

use std::fmt::Write as _;

use actix_web::{HttpResponse, http::StatusCode};
use control::{AuthorizationRequest, Control, OauthForm, OauthRefusal, Place};
use domain::OpCtx;

use crate::http::{
    server::State,
    sso_pages::{escape, page_with_policy},
};

/// Fields of the form beside those of the request.
pub(super) const CSRF: &str = "csrf";
pub(super) const DECISION: &str = "decision";
pub(super) const ALLOW: &str = "allow";
const DENY: &str = "deny";
/// For pages without a form.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What the page shows.
pub(super) struct Consent<'a> {
    form: &'a OauthForm,
    asked: &'a AuthorizationRequest,
    csrf: String,
    person: String,
    organisation: String,
}

// === impl Consent ===

impl<'a> Consent<'a> {
    /// Gathers what the page shows to this person.
    ///
    /// # Errors
    /// [`control::Error`] when it cannot be read who they are.
    pub(super) async fn of(
        state: &State,
        ctx: &OpCtx,
        form: &'a OauthForm,
        asked: &'a AuthorizationRequest,
    ) -> Result<Self, control::Error> {
        let control: &Control = &state.control;
        let viewer = control.viewer(ctx).await?;
        let session = ctx.session().ok_or(control::Error::Unauthenticated)?;
        Ok(Self {
            form,
            asked,
            csrf: control.csrf_token(session),
            person: viewer.user.map(|user| user.email).unwrap_or_default(),
            organisation: viewer.tenant.name,
        })
    }

    /// The page.
    pub(super) fn show(&self) -> HttpResponse {
        let name = escape(&self.asked.client.name);
        let organisation = escape(&self.organisation);
        let mut body = format!(
            "<p class=\"brand\">Patchbay</p>
<div class=\"card\">
<h1>Let {name} use {organisation}?</h1>
<p>You are signed in as <strong>{}</strong>. {name} will act for you: what you may do, it may do, and the audit log names you.</p>
<h2>It will be able to</h2>
<ul>",
            escape(&self.person)
        );
        for scope in self.asked.scopes.iter() {
            // Writing into a string does not fail.
            let _ = write!(body, "<li>{}</li>", scope.meaning());
        }
        body.push_str("</ul>\n<h2>Who asks</h2>\n<ul>");
        let _ = write!(body, "<li>{}</li><li>{}</li></ul>", self.vouching(), self.destination());
        body.push_str("\n<form method=\"post\" class=\"decision\">\n");
        for (field, value) in self.form.iter().filter(|(field, _)| !is_ours(field)) {
            let (field, value) = (escape(field), escape(value));
            let _ = writeln!(body, "<input type=\"hidden\" name=\"{field}\" value=\"{value}\">");
        }
        let _ = write!(
            body,
            "<input type=\"hidden\" name=\"{CSRF}\" value=\"{}\">
<button type=\"submit\" name=\"{DECISION}\" value=\"{ALLOW}\">Allow</button>
<button type=\"submit\" name=\"{DECISION}\" value=\"{DENY}\" class=\"quiet\">Do not allow</button>
</form>
</div>",
            escape(&self.csrf)
        );
        // Browsers hold the redirect that follows the form against this, too.
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
            self.asked.redirect.policy_source()
        );
        page_with_policy(StatusCode::OK, "Let a client use Patchbay?", &body, &policy)
    }

    fn vouching(&self) -> String {
        match self.asked.client.vouched_by() {
            Some(host) => format!("<strong>{}</strong> describes this client", escape(&host)),
            None => {
                "This client registered itself: nobody has checked that it is what it calls itself"
                    .to_owned()
            }
        }
    }

    fn destination(&self) -> String {
        let shown = escape(&self.asked.redirect.shown());
        match self.asked.redirect.place() {
            Place::Web => format!("Access goes to <strong>{shown}</strong>"),
            Place::Loopback | Place::App => format!(
                "Access goes to a program on this computer (<strong>{shown}</strong>). Allow it only if you have just started to connect that program"
            ),
        }
    }
}

fn is_ours(field: &str) -> bool {
    matches!(field, CSRF | DECISION)
}

/// Why the person cannot decide.
pub(super) fn refused(error: &OauthRefusal, request_id: &str) -> HttpResponse {
    let (status, why, help) = match error {
        OauthRefusal::Client(error) => (
            StatusCode::BAD_REQUEST,
            error.description.clone().into_owned(),
            "Nothing was sent to the client. Whoever makes it can correct this.",
        ),
        OauthRefusal::Other(control::Error::NotFound) => (
            StatusCode::FORBIDDEN,
            "You are signed in to a different organisation from the one that this client asks about."
                .to_owned(),
            "Switch to it in the console, if you belong to it, and start again in the client.",
        ),
        OauthRefusal::Other(error @ control::Error::Denied(_)) => (
            StatusCode::FORBIDDEN,
            error.to_string(),
            "An admin of your organisation can give you a role that may use MCP.",
        ),
        OauthRefusal::Other(error) => {
            tracing::error!(
                request.id = request_id,
                error = error as &dyn std::error::Error,
                "An authorization request could not be answered"
            );
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong inside Patchbay.".to_owned(),
                "Start again in the client. If it stays, tell your operator the number below.",
            )
        }
    };
    let body = format!(
        "<p class=\"brand\">Patchbay</p>
<div class=\"card\"><h1>This client cannot be let in</h1><p>{}</p><p>{help}</p><p><small>{}</small></p></div>",
        escape(&why),
        escape(request_id)
    );
    page_with_policy(status, "This client cannot be let in", &body, POLICY)
}

/// The form is not one that this session was shown.
pub(super) fn gone() -> HttpResponse {
    let body = "<p class=\"brand\">Patchbay</p>
<div class=\"card\"><h1>Start again</h1><p>Your session has ended since this page was shown, or it was not shown to you. Nothing was allowed. Start again in the client.</p></div>";
    page_with_policy(StatusCode::FORBIDDEN, "Start again", body, POLICY)
}
