//! Following a chain from its beginning to its end, with nothing but its entries, its checkpoints and the public keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AuditEvent, ChainHash, Checkpoint, Link, PublicKey, Statement};

/// One line of a JSONL export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ExportLine {
    Event(AuditEvent),
    Checkpoint(Checkpoint),
}

/// A chain that is being followed. Checkpoints are given first, then every entry in order.
#[derive(Debug)]
pub struct Chain {
    heads: BTreeMap<i64, Checkpoint>,
    cuts: BTreeMap<i64, Checkpoint>,
    keys: Vec<PublicKey>,
    first: Option<i64>,
    end: Link,
}

/// What was found in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Entries whose links are right.
    pub entries: u64,
    /// Number of the first one; more than 1 when older ones were removed by retention.
    pub first: i64,
    pub last: i64,
    pub last_hash: ChainHash,
    /// Signed checkpoints that agree with them.
    pub checkpoints: usize,
    /// How far the checkpoints reach: entries after it could have been cut off without a trace.
    pub signed_up_to: i64,
}

/// The first thing that is wrong with a chain, and at which entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error(
        "entry {seq} is not what was written: its content does not have the hash that it carries"
    )]
    Altered { seq: i64 },
    #[error(
        "entry {seq} does not follow the one before it: one of the two was changed or replaced"
    )]
    Unlinked { seq: i64 },
    #[error("entry {seq} is missing")]
    Missing { seq: i64 },
    #[error("entry {seq} stands in the wrong place or twice")]
    Misplaced { seq: i64 },
    #[error(
        "entry {seq} is the first, but no signed cut says that the ones before it were removed"
    )]
    Beheaded { seq: i64 },
    #[error("entry {seq} is missing: a signed checkpoint says that the log reached entry {signed}")]
    Truncated { seq: i64, signed: i64 },
    #[error("entry {seq} has another hash than the signed checkpoint says")]
    Contradicted { seq: i64 },
    #[error(
        "the checkpoint at entry {seq} was not signed by any of the given keys, or was changed afterwards (key {key})"
    )]
    Unsigned { seq: i64, key: String },
    #[error("entry {seq} or a checkpoint belongs to another organisation")]
    Foreign { seq: i64 },
}

// === impl Broken ===

impl Broken {
    /// The entry at which it was found.
    pub const fn seq(&self) -> i64 {
        match self {
            Self::Altered { seq }
            | Self::Unlinked { seq }
            | Self::Missing { seq }
            | Self::Misplaced { seq }
            | Self::Beheaded { seq }
            | Self::Truncated { seq, .. }
            | Self::Contradicted { seq }
            | Self::Unsigned { seq, .. }
            | Self::Foreign { seq } => *seq,
        }
    }
}

// === impl Chain ===

impl Chain {
    /// A chain of which nothing is known but who may have signed its checkpoints.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self {
            heads: BTreeMap::new(),
            cuts: BTreeMap::new(),
            keys,
            first: None,
            end: Link::GENESIS,
        }
    }

    /// Takes a checkpoint into account, from the log itself or from where somebody kept it.
    ///
    /// # Errors
    /// [`Broken::Unsigned`]; [`Broken::Foreign`] and [`Broken::Contradicted`] when it does not go with another checkpoint.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), Broken> {
        let seq = checkpoint.seq;
        if !self.keys.iter().any(|key| checkpoint.is_signed_by(key)) {
            return Err(Broken::Unsigned { seq, key: checkpoint.key });
        }
        let other = self.heads.values().chain(self.cuts.values()).next();
        if other.is_some_and(|other| other.tenant != checkpoint.tenant) {
            return Err(Broken::Foreign { seq });
        }
        let known = match checkpoint.statement {
            Statement::Head => &mut self.heads,
            Statement::Cut => &mut self.cuts,
        };
        match known.insert(seq, checkpoint.clone()) {
            Some(earlier) if earlier.hash != checkpoint.hash => Err(Broken::Contradicted { seq }),
            _ => Ok(()),
        }
    }

    /// Follows the chain to the next entry.
    ///
    /// # Errors
    /// [`Broken`]: what is wrong with this entry, or with one that should have come before it.
    pub fn entry(&mut self, event: &AuditEvent) -> Result<(), Broken> {
        let Link { seq, prev, hash } = event.link;
        self.check_place(seq, prev)?;
        if prev != self.end.hash {
            return Err(Broken::Unlinked { seq });
        }
        if event.computed_hash() != hash {
            return Err(Broken::Altered { seq });
        }
        let foreign = |it: &Checkpoint| it.tenant != event.tenant;
        if let Some(head) = self.heads.get(&seq) {
            if foreign(head) {
                return Err(Broken::Foreign { seq });
            }
            if head.hash != hash {
                return Err(Broken::Contradicted { seq });
            }
        }
        self.first.get_or_insert(seq);
        self.end = event.link;
        Ok(())
    }

    /// Says that there are no more entries.
    ///
    /// # Errors
    /// [`Broken::Truncated`] when a checkpoint speaks of later ones, [`Broken::Missing`] when there is not a single entry.
    pub fn finish(self) -> Result<Report, Broken> {
        let signed = self.heads.keys().chain(self.cuts.keys()).max().copied().unwrap_or(0);
        let next = self.end.seq + 1;
        if signed >= next {
            return Err(Broken::Truncated { seq: next, signed });
        }
        let Some(first) = self.first else { return Err(Broken::Missing { seq: next }) };
        Ok(Report {
            entries: u64::try_from(next - first).unwrap_or_default(),
            first,
            last: self.end.seq,
            last_hash: self.end.hash,
            checkpoints: self.heads.range(first..).count() + self.cuts.range(..first).count(),
            signed_up_to: signed,
        })
    }

    /// The end as far as the chain was followed.
    pub const fn end(&self) -> Link {
        self.end
    }

    fn check_place(&mut self, seq: i64, prev: ChainHash) -> Result<(), Broken> {
        if self.first.is_none() && seq > 1 {
            let cut = self.cuts.get(&(seq - 1)).ok_or(Broken::Beheaded { seq })?;
            if cut.hash != prev {
                return Err(Broken::Contradicted { seq });
            }
            self.end = Link { seq: cut.seq, prev: ChainHash::GENESIS, hash: cut.hash };
        }
        let expected = self.end.seq + 1;
        match seq.cmp(&expected) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Broken::Missing { seq: expected }),
            std::cmp::Ordering::Less => Err(Broken::Misplaced { seq }),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{AuditId, AuditOutcome, TenantId, audit::Signer};

    fn signer() -> Signer {
        Signer::from_seed(&[7; 32])
    }

    fn log(length: i64) -> Vec<AuditEvent> {
        let tenant = TenantId::generate();
        let mut end = Link::GENESIS;
        let mut events = Vec::new();
        for number in 0..length {
            let event = AuditEvent {
                id: AuditId::generate(),
                tenant,
                at: DateTime::from_timestamp(1_800_000_000 + number, 0).expect("a time"),
                actor: "user:x".to_owned(),
                action: "install.update".to_owned(),
                target: Some(format!("install:{number}")),
                outcome: AuditOutcome::Succeeded,
                request_id: "r".to_owned(),
                detail: json!({ "number": number }),
                link: Link::GENESIS,
            };
            events.push(event.after(end));
            end = events.last().expect("one").link;
        }
        events
    }

    fn sign(event: &AuditEvent, statement: Statement) -> Checkpoint {
        signer().sign(event.tenant, statement, event.link, event.at)
    }

    fn verify(events: &[AuditEvent], checkpoints: &[Checkpoint]) -> Result<Report, Broken> {
        let mut chain = Chain::new(vec![signer().public_key()]);
        for checkpoint in checkpoints {
            chain.checkpoint(checkpoint.clone())?;
        }
        for event in events {
            chain.entry(event)?;
        }
        chain.finish()
    }

    #[test]
    fn log_in_order_is_reported_with_how_far_it_is_signed() {
        let events = log(10);
        let report = verify(&events, &[sign(&events[6], Statement::Head)]).expect("in order");
        assert_eq!((report.entries, report.first, report.last), (10, 1, 10));
        assert_eq!((report.checkpoints, report.signed_up_to), (1, 7));
    }

    #[test]
    fn each_change_of_each_member_is_found_at_its_entry() {
        let events = log(10);
        let changes: [fn(&mut AuditEvent); 8] = [
            |it| it.actor.push('y'),
            |it| it.action = "install.remove".to_owned(),
            |it| it.target = None,
            |it| it.outcome = AuditOutcome::Failed,
            |it| it.request_id.clear(),
            |it| it.detail = json!({ "number": 99 }),
            |it| it.at += chrono::TimeDelta::microseconds(1),
            |it| it.id = AuditId::generate(),
        ];
        for change in changes {
            let mut tampered = events.clone();
            change(&mut tampered[4]);
            assert_eq!(verify(&tampered, &[]), Err(Broken::Altered { seq: 5 }));
        }
    }

    #[test]
    fn entry_that_was_changed_and_hashed_again_is_found_at_the_next_one() {
        let mut events = log(10);
        events[4].actor.push('y');
        events[4].link.hash = events[4].computed_hash();
        assert_eq!(verify(&events, &[]), Err(Broken::Unlinked { seq: 6 }));
    }

    #[test]
    fn missing_entry_is_named() {
        let mut events = log(10);
        events.remove(4);
        assert_eq!(verify(&events, &[]), Err(Broken::Missing { seq: 5 }));
    }

    #[test]
    fn swapped_entries_are_found_at_the_first_of_them() {
        let mut events = log(10);
        let (one, other) = (events[3].link, events[6].link);
        events.swap(3, 6);
        events[3].link = one;
        events[6].link = other;
        assert_eq!(verify(&events, &[]), Err(Broken::Altered { seq: 4 }));
    }

    #[test]
    fn cut_off_end_is_found_by_the_checkpoint_alone() {
        let events = log(10);
        let checkpoint = sign(&events[9], Statement::Head);
        assert!(verify(&events[..7], &[]).is_ok());
        let found = verify(&events[..7], std::slice::from_ref(&checkpoint));
        assert_eq!(found, Err(Broken::Truncated { seq: 8, signed: 10 }));
        assert_eq!(verify(&[], &[checkpoint]), Err(Broken::Truncated { seq: 1, signed: 10 }));
    }

    #[test]
    fn chain_written_anew_from_some_entry_on_contradicts_its_checkpoint() {
        let events = log(10);
        let checkpoint = sign(&events[9], Statement::Head);
        let mut forged: Vec<_> = events[..5].to_vec();
        for event in &events[5..] {
            let end = forged.last().expect("one").link;
            forged.push(AuditEvent { actor: "user:else".to_owned(), ..event.clone() }.after(end));
        }
        assert!(verify(&forged, &[]).is_ok(), "the chain alone does not show it");
        assert_eq!(verify(&forged, &[checkpoint]), Err(Broken::Contradicted { seq: 10 }));
    }

    #[test]
    fn changed_checkpoint_and_one_of_a_foreign_key_are_refused() {
        let events = log(3);
        let mut changed = sign(&events[2], Statement::Head);
        changed.seq = 2;
        assert!(matches!(verify(&events, &[changed]), Err(Broken::Unsigned { seq: 2, .. })));
        let stranger = Signer::from_seed(&[8; 32]);
        let foreign =
            stranger.sign(events[2].tenant, Statement::Head, events[2].link, events[2].at);
        assert!(matches!(verify(&events, &[foreign]), Err(Broken::Unsigned { seq: 3, .. })));
    }

    #[test]
    fn beginning_may_be_gone_only_up_to_a_signed_cut() {
        let events = log(10);
        let rest = &events[4..];
        assert_eq!(verify(rest, &[]), Err(Broken::Beheaded { seq: 5 }));
        let head = sign(&events[3], Statement::Head);
        assert_eq!(verify(rest, &[head]), Err(Broken::Beheaded { seq: 5 }));
        let cut = sign(&events[3], Statement::Cut);
        let report = verify(rest, std::slice::from_ref(&cut)).expect("in order");
        assert_eq!((report.entries, report.first, report.last), (6, 5, 10));
        assert_eq!(verify(&events[5..], &[cut]), Err(Broken::Beheaded { seq: 6 }));
    }

    #[test]
    fn log_of_another_organisation_does_not_go_with_a_checkpoint() {
        let (events, other) = (log(3), log(3));
        let checkpoint = sign(&other[1], Statement::Head);
        assert_eq!(verify(&events, &[checkpoint]), Err(Broken::Foreign { seq: 2 }));
    }
}
