//! What a token is good for.

use std::fmt;

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything that the person may do at the MCP endpoint.
    Mcp,
    /// Of that, only what changes nothing: lists, resources, prompts, searches and tools that only read.
    McpRead,
    /// A refresh token, so that the client keeps working when the person is away.
    OfflineAccess,
}

/// Some scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes {
    /// Without it, reading alone.
    full: bool,
    offline: bool,
}

// === impl Scope ===

impl Scope {
    /// In the order in which they are published.
    pub const ALL: [Scope; 3] = [Scope::Mcp, Scope::McpRead, Scope::OfflineAccess];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Mcp => "mcp",
            Scope::McpRead => "mcp:read",
            Scope::OfflineAccess => "offline_access",
        }
    }

    /// For the person who is asked.
    pub const fn meaning(self) -> &'static str {
        match self {
            Scope::Mcp => {
                "See and use the tools, data and prompts that you may use, also those that change something"
            }
            Scope::McpRead => {
                "See tools, data and prompts that you may see, and use tools that only read"
            }
            Scope::OfflineAccess => "Keep access while you are away, until you take it back",
        }
    }
}

// === impl Scopes ===

impl Scopes {
    /// Reads the `scope` parameter. Words that mean nothing here are left out, as clients ask for what other servers have; who
    /// names none of ours is asked for [`Scope::Mcp`], which is what connecting means.
    pub fn requested(text: Option<&str>) -> Self {
        let words: Vec<&str> = text.unwrap_or_default().split(' ').collect();
        let has = |scope: Scope| words.contains(&scope.as_str());
        Self { full: has(Scope::Mcp) || !has(Scope::McpRead), offline: has(Scope::OfflineAccess) }
    }

    /// Whether what changes something may be called.
    pub const fn may_change(self) -> bool {
        self.full
    }

    /// Whether everything of `self` is in `other`.
    pub const fn is_within(self, other: Self) -> bool {
        (!self.full || other.full) && (!self.offline || other.offline)
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        let access = if self.full { Scope::Mcp } else { Scope::McpRead };
        [Some(access), self.offline.then_some(Scope::OfflineAccess)].into_iter().flatten()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broad_scope_holds_the_narrow_one_and_unknown_words_are_left_out() {
        for (asked, got) in [
            (None, "mcp"),
            (Some(""), "mcp"),
            (Some("openid profile"), "mcp"),
            (Some("mcp:read"), "mcp:read"),
            (Some("mcp:read mcp"), "mcp"),
            (Some("offline_access mcp:read"), "mcp:read offline_access"),
        ] {
            assert_eq!(Scopes::requested(asked).to_string(), got, "{asked:?}");
        }
        let (full, read) = (Scopes::requested(None), Scopes::requested(Some("mcp:read")));
        assert!(read.is_within(full) && !full.is_within(read) && !read.may_change());
    }
}
