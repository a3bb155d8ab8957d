//! Keeps the truth while calls run: each call writes its own entry, a report reads them all.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::media::Counters;
use crate::report::{CallSeen, FaultSeen, PeerFault, Report};

/// Call-IDs remembered; older ones are forgotten and counted.
const REMEMBERED: usize = 100_000;
/// Strays remembered.
const STRAYS: usize = 10_000;

/// The truth, written by many calls.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    order: VecDeque<String>,
    entries: HashMap<String, Vec<Entry>>,
    peak: usize,
    live: usize,
    options: u64,
    registers: u64,
    malformed: u64,
    strays: Vec<FaultSeen>,
    forgotten: u64,
}

/// One call of a Call-ID: a second one with another From tag has an entry of its own.
#[derive(Debug)]
struct Entry {
    from_tag: String,
    seen: CallSeen,
    counters: Option<Arc<Counters>>,
    live: bool,
}

impl Ledger {
    /// Writes down how a call stands.
    pub(crate) fn put(&self, from_tag: &str, seen: CallSeen, counters: Option<&Arc<Counters>>, live: bool) {
        let mut book = self.lock();
        let call_id = seen.call_id.clone();
        if !book.entries.contains_key(&call_id) {
            if book.order.len() >= REMEMBERED
                && let Some(oldest) = book.order.pop_front()
            {
                book.entries.remove(&oldest);
                book.forgotten += 1;
            }
            book.order.push_back(call_id.clone());
        }
        let calls = book.entries.entry(call_id).or_default();
        let was_live = match calls.iter_mut().find(|e| e.from_tag == from_tag) {
            Some(entry) => {
                entry.seen = seen;
                if let Some(counters) = counters {
                    entry.counters = Some(counters.clone());
                }
                std::mem::replace(&mut entry.live, live)
            }
            None => {
                calls.push(Entry {
                    from_tag: from_tag.to_owned(),
                    seen,
                    counters: counters.cloned(),
                    live,
                });
                false
            }
        };
        match (was_live, live) {
            (false, true) => book.live += 1,
            (true, false) => book.live = book.live.saturating_sub(1),
            _ => {}
        }
        book.peak = book.peak.max(book.live);
    }

    /// A fault that belongs to no call.
    pub(crate) fn stray(&self, at: Duration, what: PeerFault) {
        let mut book = self.lock();
        if book.strays.len() < STRAYS {
            book.strays.push(FaultSeen { at, what });
        }
    }

    /// An OPTIONS was answered.
    pub(crate) fn options(&self) {
        self.lock().options += 1;
    }

    /// A REGISTER was answered.
    pub(crate) fn register(&self) {
        self.lock().registers += 1;
    }

    /// Something came that is no SIP.
    pub(crate) fn malformed(&self) {
        self.lock().malformed += 1;
    }

    /// Calls up or being set up.
    pub(crate) fn live(&self) -> usize {
        self.lock().live
    }

    /// What the caller of a Call-ID said, as far as it was kept.
    pub(crate) fn recording(&self, call_id: &str) -> Option<Vec<i16>> {
        let book = self.lock();
        let of = |id: &str| book.entries.get(id).and_then(|e| e.last()?.counters.clone());
        let counters = of(call_id).or_else(|| {
            let whole = book
                .order
                .iter()
                .find(|c| c.split_once('@').is_some_and(|(l, _)| l == call_id))?;
            of(whole)
        });
        counters.map(|c| c.recording())
    }

    /// All of it, as of `now`.
    pub(crate) fn report(&self, now: Duration) -> Report {
        let book = self.lock();
        let mut report = Report {
            live_calls: book.live,
            peak_calls: book.peak,
            options: book.options,
            registers: book.registers,
            malformed: book.malformed,
            strays: book.strays.clone(),
            forgotten: book.forgotten,
            ..Report::default()
        };
        for entries in book.order.iter().filter_map(|id| book.entries.get(id)) {
            for entry in entries {
                *report.numbers.entry(entry.seen.number.clone()).or_default() += entry.seen.invites;
            }
            report.calls.extend(merged(entries, now));
        }
        report.numbers.retain(|_, n| *n > 0);
        report
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of one Call-ID as one: facts of the last call, counts of all.
fn merged(entries: &[Entry], now: Duration) -> Option<CallSeen> {
    let (last, earlier) = entries.split_last()?;
    let mut seen = current(last, now);
    for entry in earlier {
        let other = current(entry, now);
        seen.invites += other.invites;
        seen.challenged += other.challenged;
        seen.retransmissions += other.retransmissions;
        seen.reinvites += other.reinvites;
        seen.byes += other.byes;
        seen.dialogs.answered += other.dialogs.answered;
        seen.dialogs.acked += other.dialogs.acked;
        seen.dialogs.ended += other.dialogs.ended;
        seen.faults.splice(0..0, other.faults);
    }
    Some(seen)
}

fn current(entry: &Entry, now: Duration) -> CallSeen {
    let mut seen = entry.seen.clone();
    if seen.ended.is_none() && entry.live {
        let lasted = now.saturating_sub(seen.started);
        seen.would_have_lasted += lasted.saturating_sub(seen.lasted);
        seen.lasted = lasted;
    }
    if let Some(counters) = &entry.counters {
        seen.rtp_sent = counters.sent.load(Ordering::Relaxed);
        seen.rtp_received = counters.received.load(Ordering::Relaxed);
        seen.rtp_before_answer = counters.before_answer.load(Ordering::Relaxed);
        seen.voice_ms = counters.heard().voice_ms;
        seen.dtmf = counters.dtmf();
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(call_id: &str, number: &str, invites: u32) -> CallSeen {
        CallSeen {
            call_id: call_id.into(),
            number: number.into(),
            invites,
            ..CallSeen::default()
        }
    }

    #[test]
    fn two_calls_under_one_call_id_add_up_and_so_do_numbers() {
        let ledger = Ledger::default();
        ledger.put("a", seen("x", "100", 1), None, true);
        ledger.put("b", seen("x", "100", 1), None, true);
        ledger.put("c", seen("y", "100", 1), None, true);
        assert_eq!(ledger.live(), 3);
        for (tag, id) in [("a", "x"), ("b", "x"), ("c", "y")] {
            ledger.put(tag, seen(id, "100", 1), None, false);
        }
        let report = ledger.report(Duration::from_secs(9));
        assert_eq!((report.live_calls, report.peak_calls), (0, 3));
        assert_eq!(report.numbers["100"], 3);
        assert_eq!(report.call("x").map(|c| c.invites), Some(2));
        assert_eq!(report.calls.len(), 2);
    }
}
