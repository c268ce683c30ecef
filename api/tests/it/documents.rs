//! A host of client id metadata documents, on this machine.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::Value;

/// The running host; it ends with the value.
pub(crate) struct Documents {
    base: String,
    shelf: Shelf,
    server: ServerHandle,
}

#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<HashMap<String, Kept>>>);

/// A document, and how often it was asked for.
#[derive(Default)]
struct Kept {
    text: Option<String>,
    asked: usize,
}

// === impl Documents ===

impl Documents {
    pub(crate) fn start() -> Self {
        let shelf = Shelf::default();
        let held = shelf.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(held.clone())).default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, 0))
        .expect("a free port");
        let address = server.addrs().first().copied().expect("an address");
        let server = server.run();
        let handle = server.handle();
        // The runtime of the test ends the task together with the test.
        drop(tokio::task::spawn_blocking(move || {
            actix_web::rt::System::new().block_on(server).expect("the server ends in order");
        }));
        Self { base: format!("http://{address}"), shelf, server: handle }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn put(&self, path: &str, document: &Value) {
        self.shelf.entry(path, |entry| entry.text = Some(document.to_string()));
    }

    /// How often a document was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.shelf.entry(path, |entry| entry.asked)
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

// === impl Shelf ===

impl Shelf {
    fn entry<T>(&self, path: &str, with: impl FnOnce(&mut Kept) -> T) -> T {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        with(documents.entry(path.to_owned()).or_default())
    }
}

async fn answer(request: HttpRequest, shelf: web::Data<Shelf>) -> HttpResponse {
    match request.path() {
        // A document that is elsewhere is not followed, and one without an end is not read.
        "/redirect.json" => {
            HttpResponse::Found().insert_header(("location", "/client.json")).finish()
        }
        "/large.json" => HttpResponse::Ok().body(" ".repeat(1024 * 1024)),
        path => {
            let document = shelf.entry(path, |entry| {
                entry.asked += 1;
                entry.text.clone()
            });
            match document {
                Some(document) => {
                    HttpResponse::Ok().content_type("application/json").body(document)
                }
                None => HttpResponse::NotFound().finish(),
            }
        }
    }
}
