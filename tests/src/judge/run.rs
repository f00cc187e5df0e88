//! The cases side by side, and what fails once more: a verdict is not to depend on how busy a machine is.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use super::cases::{Case, cases};
use super::server::Server;
use super::talk::{Known, Stop, Talk};
use crate::report::{Report, Verdict};

/// How many cases run at a time, and of those that are run again.
const SIDE_BY_SIDE: [usize; 2] = [16, 4];
/// How often a case that fails is tried in all.
const TRIES: usize = 3;
/// A case that took longer is not tried again: it measures with margins instead.
const LONG: Duration = Duration::from_secs(4);

/// What came of a case.
struct Done {
    report: Report,
    /// What could be otherwise another time.
    wavers: bool,
}

/// Whom cases are about, and which.
pub struct Judge<'j> {
    /// Another way to the server.
    pub open: &'j (dyn Fn() -> Box<dyn Server> + Sync),
    /// What is told of the server.
    pub known: &'j Known,
    /// Which statements are wanted.
    pub wants: &'j (dyn Fn(&str) -> bool + Sync),
    /// Part of every name, so that runs do not meet: letters and digits, at most 7.
    pub run: &'j str,
    /// Brings a server back that does not answer.
    pub restart: &'j (dyn Fn() + Sync),
}

/// Runs one case.
#[must_use]
pub fn one(case: &Case, server: &mut dyn Server, known: &Known, run: &str, slack: u64) -> Report {
    ask(case, server, known, run, slack).report
}

fn ask(case: &Case, server: &mut dyn Server, known: &Known, run: &str, slack: u64) -> Done {
    let mut talk = Talk::new(server, known, case.name, run, slack);
    let done = (case.run)(&mut talk);
    talk.close_all();
    let mut report = talk.report;
    let why = match &done {
        Err(stop) => format!("{}: {}", case.name, stop.why()),
        Ok(()) => format!("{}: nothing came that shows it", case.name),
    };
    for statement in case.statements {
        report.not_seen(statement, &why);
    }
    let counts = report.counts();
    let wavers = counts.fail + counts.should > 0 || matches!(done, Err(Stop::Lost(_)));
    Done { report, wavers }
}

impl Judge<'_> {
    /// Runs every case that looks at a wanted statement, side by side, and those that fail again.
    #[must_use]
    pub fn all(&self, progress: &(dyn Fn() + Sync)) -> Report {
        let mut wanted: Vec<_> =
            cases().filter(|case| case.statements.iter().any(|statement| (self.wants)(statement))).collect();
        // Those that run alone, then the longest.
        wanted.sort_by_key(|case| (!case.alone, !case.long));
        let (alone, others) = wanted.split_at(wanted.iter().filter(|case| case.alone).count());
        let mut first = self.side_by_side(alone, 1, 0, progress);
        first.extend(self.side_by_side(others, SIDE_BY_SIDE[0], 1, progress));
        let again: Vec<_> = (0..wanted.len()).filter(|at| first.get(*at).is_some_and(|(_, again)| *again)).collect();
        if first.iter().any(|(report, _)| report.verdicts.values().any(no_connection)) {
            (self.restart)();
        }
        let mut reports: Vec<_> = first.into_iter().map(|(report, _)| vec![report]).collect();
        let mut left = again;
        for number in 1..TRIES {
            let cases: Vec<_> = left.iter().filter_map(|at| wanted.get(*at).copied()).collect();
            let more = self.side_by_side(&cases, SIDE_BY_SIDE[1], number + 1, &|| {});
            let mut still = Vec::new();
            for (at, (report, again)) in left.into_iter().zip(more) {
                if let Some(reports) = reports.get_mut(at) {
                    reports.push(report);
                }
                if again {
                    still.push(at);
                }
            }
            left = still;
        }
        let mut whole = Report::default();
        for reports in reports {
            whole.merge(settled(reports));
        }
        whole.verdicts.retain(|statement, _| (self.wants)(statement));
        whole
    }

    fn side_by_side(
        &self,
        cases: &[&Case],
        most: usize,
        round: usize,
        progress: &(dyn Fn() + Sync),
    ) -> Vec<(Report, bool)> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..most.min(cases.len()) {
                scope.spawn(|| {
                    while let Some((at, case)) = {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        cases.get(at).map(|case| (at, case))
                    } {
                        let since = Instant::now();
                        let mut server = (self.open)();
                        let run = format!("{}{round}{at:02}", self.run);
                        let Done { report, wavers } = ask(case, &mut *server, self.known, &run, round.max(1) as u64);
                        let again = wavers && since.elapsed() < LONG;
                        if let Ok(mut done) = done.lock() {
                            done.push((at, report, again));
                        }
                        progress();
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(at, ..)| *at);
        done.into_iter().map(|(_, report, again)| (report, again)).collect()
    }
}

fn no_connection(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::NotSeen(why) if why.contains("no connection"))
}

/// What several tries of a case say together: broken is what was broken whenever it was seen.
pub(crate) fn settled(reports: Vec<Report>) -> Report {
    let mut whole = Report::default();
    let tries = reports.len();
    let mut found: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    for report in reports {
        for (statement, verdict) in report.verdicts {
            found.entry(statement).or_default().push(verdict);
        }
    }
    for (statement, verdicts) in found {
        let kept = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Pass(_)));
        let mut broken = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Fail(_) | Verdict::Should(_)));
        let (times, last) = (broken.clone().count(), broken.next_back());
        if let (Some(_), Some(Verdict::Fail(finding) | Verdict::Should(finding))) = (kept, last) {
            let note = format!("not so in {times} of {tries} tries: {}", finding.seen);
            whole.notes.insert(statement.clone(), note);
        }
        if let Some(verdict) = kept.or(last).or(verdicts.last()) {
            whole.verdicts.insert(statement, verdict.clone());
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Class, Finding};

    fn report(kept: &[bool]) -> Report {
        let mut report = Report::default();
        for kept in kept {
            report.record("MQTT-3.1.0-1", Class::Must, *kept, Finding::default);
        }
        report.not_seen("MQTT-3.1.0-1", "too late");
        report
    }

    #[test]
    fn what_fails_once_and_holds_twice_is_kept_and_told() {
        let whole = settled(vec![report(&[false]), report(&[true]), report(&[true])]);
        assert!(whole.passes("MQTT-3.1.0-1"));
        assert!(whole.notes["MQTT-3.1.0-1"].starts_with("not so in 1 of 3 tries"));
    }

    #[test]
    fn what_fails_whenever_it_is_seen_is_broken() {
        assert!(settled(vec![report(&[false]), report(&[]), report(&[true, false])]).fails("MQTT-3.1.0-1"));
        let unseen = settled(vec![report(&[]), report(&[])]);
        assert!(!unseen.fails("MQTT-3.1.0-1") && !unseen.passes("MQTT-3.1.0-1"));
    }
}
