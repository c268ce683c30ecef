//! How an answer is written: the JSON-RPC frame around a raw result, and the members that the revisions ask of a result.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    json::{Members, ObjectWriter},
    request::RequestId,
    revision::{Era, META_SERVER},
};

/// Marks a result that came out of the cache, in its `_meta`.
const META_CACHE: &str = "patchbay/cache";

/// A JSON-RPC error object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}

/// A response that carries a result.
pub(crate) fn result(id: &RequestId, result: &[u8]) -> Bytes {
    let mut writer = ObjectWriter::with_capacity(result.len() + 64);
    writer.text("jsonrpc", "2.0").raw("id", id.as_json()).raw("result", result);
    writer.finish().into()
}

/// A response that carries an error. The id is `null` when that of the request could not be read (JSON-RPC 2.0 section 5).
pub(crate) fn error(id: Option<&RequestId>, error: &RpcError) -> Bytes {
    let mut object = json!({"code": error.code, "message": error.message});
    if let Some(data) = &error.data {
        object["data"] = data.clone();
    }
    let mut writer = ObjectWriter::with_capacity(256);
    writer
        .text("jsonrpc", "2.0")
        .raw("id", id.map_or(b"null".as_slice(), RequestId::as_json))
        .raw("error", object.to_string().as_bytes());
    writer.finish().into()
}

/// Who we are, in results.
pub(crate) fn server_info() -> Value {
    json!({"name": "patchbay", "title": "Patchbay", "version": env!("CARGO_PKG_VERSION")})
}

/// Completes a result of our own for the era of the client; `ttl_ms` is given for the lists and reads that a client may keep.
pub(crate) fn complete(mut value: Value, era: Era, ttl_ms: Option<u64>) -> Bytes {
    if era == Era::Modern
        && let Some(object) = value.as_object_mut()
    {
        object.insert("resultType".to_owned(), "complete".into());
        if let Some(ttl_ms) = ttl_ms {
            object.insert("ttlMs".to_owned(), ttl_ms.into());
            object.insert("cacheScope".to_owned(), "private".into());
        }
        let meta = object.entry("_meta").or_insert_with(|| json!({}));
        meta[META_SERVER] = server_info();
    }
    value.to_string().into()
}

/// Gives the result of an upstream what this era asks for; one that already has it is not touched.
pub(crate) fn adapt(result: Bytes, era: Era) -> Bytes {
    if era == Era::Legacy {
        return result;
    }
    let Ok(members) = Members::parse(&result) else { return result };
    if members.get("resultType").is_some() {
        return result;
    }
    let mut writer = ObjectWriter::with_capacity(result.len() + 32);
    writer.text("resultType", "complete");
    for (name, value) in members.iter() {
        writer.raw(name, value.get().as_bytes());
    }
    writer.finish().into()
}

/// Says in `_meta` that a result came out of the cache.
pub(crate) fn mark_hit(result: &Bytes) -> Bytes {
    let Ok(members) = Members::parse(result) else { return result.clone() };
    let mut meta = ObjectWriter::with_capacity(64);
    meta.text(META_CACHE, "hit");
    let own = members.get("_meta").and_then(|raw| Members::parse(raw.get().as_bytes()).ok());
    for (name, value) in own.iter().flat_map(Members::iter) {
        if name != META_CACHE {
            meta.raw(name, value.get().as_bytes());
        }
    }
    let mut writer = ObjectWriter::with_capacity(result.len() + 64);
    for (name, value) in members.iter() {
        if name != "_meta" {
            writer.raw(name, value.get().as_bytes());
        }
    }
    writer.raw("_meta", &meta.finish());
    writer.finish().into()
}

/// A tool result that tells the model what went wrong.
pub(crate) fn tool_error(message: &str) -> Value {
    json!({"content": [{"type": "text", "text": message}], "isError": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_result_gets_only_what_it_lacks() {
        let legacy = Bytes::from_static(br#"{"content":[],"n":1.50}"#);
        assert_eq!(
            adapt(legacy.clone(), Era::Modern).as_ref(),
            br#"{"resultType":"complete","content":[],"n":1.50}"#
        );
        assert_eq!(adapt(legacy.clone(), Era::Legacy), legacy);
        let modern = Bytes::from_static(br#"{ "resultType":"input_required" }"#);
        assert_eq!(adapt(modern.clone(), Era::Modern), modern);
    }

    #[test]
    fn hit_is_marked_beside_what_the_upstream_said() {
        let plain = mark_hit(&Bytes::from_static(br#"{"content":[]}"#));
        assert_eq!(plain.as_ref(), br#"{"content":[],"_meta":{"patchbay/cache":"hit"}}"#);
        let with_meta = mark_hit(&Bytes::from_static(br#"{"_meta":{"a":1},"content":[]}"#));
        assert_eq!(with_meta.as_ref(), br#"{"content":[],"_meta":{"patchbay/cache":"hit","a":1}}"#);
    }
}
