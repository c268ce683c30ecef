//! Names of cached values: the tenant is always part of them.

use domain::TenantId;
use sha2::{Digest, Sha256};

/// Name of a cached value. Two keys are the same only if tenant, kind and every part are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

// === impl CacheKey ===

impl CacheKey {
    /// Names a value of one tenant. Parts are hashed with their lengths, so that no two lists of parts meet.
    pub fn new(tenant: TenantId, kind: &str, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        // Braces keep a tenant's keys in one slot of a Redis cluster.
        Self(format!("pb1:{{{}}}:{kind}:{}", tenant.uuid(), hex::encode(digest.finalize())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_tenants_and_parts_differ() {
        let tenant = TenantId::generate();
        let key = CacheKey::new(tenant, "result", &["ab", "c"]);
        assert_eq!(key, CacheKey::new(tenant, "result", &["ab", "c"]));
        assert_ne!(key, CacheKey::new(tenant, "result", &["a", "bc"]));
        assert_ne!(key, CacheKey::new(tenant, "list", &["ab", "c"]));
        assert_ne!(key, CacheKey::new(TenantId::generate(), "result", &["ab", "c"]));
    }
}
