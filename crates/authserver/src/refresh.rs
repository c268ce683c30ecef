//! What to make of a refresh token that is presented (OAuth 2.1, section 4.3.1: rotation).

/// How long after its first use a refresh token may be presented again: the answer may have been lost, or two windows of one
/// client asked at once.
pub const REUSE_GRACE_SECONDS: i64 = 30;
/// Successors that one token can have by then.
const MAX_SUCCESSORS: usize = 4;

/// A refresh token as it is known. Times in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    pub expires_at: i64,
    /// When it was first used.
    pub used_at: Option<i64>,
    /// How many tokens it was exchanged for.
    pub successors: usize,
    /// Whether one of those was used in turn: whoever has it has gone on.
    pub successor_used: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exchange it.
    Rotate,
    /// Refuse; there is nothing suspicious about it.
    Expired,
    /// Refuse, and end the whole grant: two parties hold the same token.
    Stolen,
}

/// Judges a presented token.
pub const fn judge(token: Presented, now: i64) -> Verdict {
    match token.used_at {
        None if now < token.expires_at => Verdict::Rotate,
        None => Verdict::Expired,
        Some(first) => {
            let in_grace = now - first <= REUSE_GRACE_SECONDS && token.successors < MAX_SUCCESSORS;
            if in_grace && !token.successor_used { Verdict::Rotate } else { Verdict::Stolen }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Presented =
        Presented { expires_at: 1000, used_at: None, successors: 0, successor_used: false };

    #[test]
    fn token_is_good_once_and_again_only_within_the_grace_of_a_lost_answer() {
        assert_eq!(judge(FRESH, 999), Verdict::Rotate);
        assert_eq!(judge(FRESH, 1000), Verdict::Expired);
        let used = Presented { used_at: Some(100), successors: 1, ..FRESH };
        assert_eq!(judge(used, 100 + REUSE_GRACE_SECONDS), Verdict::Rotate);
        assert_eq!(judge(used, 101 + REUSE_GRACE_SECONDS), Verdict::Stolen);
        assert_eq!(judge(Presented { successor_used: true, ..used }, 101), Verdict::Stolen);
        assert_eq!(judge(Presented { successors: 4, ..used }, 101), Verdict::Stolen);
    }
}
