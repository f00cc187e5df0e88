//! What was counted and timed.

use core::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

/// What is told of latencies: the quantile, and its name for programs.
pub(super) const LATENCIES: [(f64, &str); 5] =
    [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99_9"), (1.0, "max")];

/// How long things took, to three digits.
#[derive(Debug)]
pub(super) struct Latency(Option<Histogram<u64>>);

impl Latency {
    fn new() -> Self {
        // A microsecond to ten minutes; what takes longer counts as that.
        Self(Histogram::new_with_bounds(1, 600_000_000, 3).ok())
    }

    fn record(&mut self, took: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
        }
    }

    /// In milliseconds, if anything was timed.
    pub(super) fn at(&self, quantile: f64) -> Option<f64> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        #[expect(clippy::cast_precision_loss, reason = "ten minutes at most")]
        let micros = histogram.value_at_quantile(quantile) as f64;
        Some(micros / 1e3)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        LATENCIES.map(|(quantile, _)| self.at(quantile).map_or("–".into(), |ms| format!("{ms:.2} ms"))).into_iter()
    }

    pub(super) fn json(&self) -> Value {
        LATENCIES.iter().map(|(quantile, name)| ((*name).to_owned(), json!(self.at(*quantile)))).collect()
    }
}

/// How many there were by a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) at: Duration,
    pub(super) published: u64,
    pub(super) received: u64,
}

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Tally {
    start: Instant,
    last: Duration,
    last_received: Duration,
    pub(super) published: u64,
    pub(super) received: u64,
    pub(super) acknowledged: Latency,
    pub(super) delivered: Latency,
    pub(super) samples: Vec<Sample>,
    told: usize,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            last: Duration::ZERO,
            last_received: Duration::ZERO,
            published: 0,
            received: 0,
            acknowledged: Latency::new(),
            delivered: Latency::new(),
            samples: Vec::new(),
            told: 0,
        }
    }

    /// Begins to count time.
    pub(super) fn start(&mut self) {
        self.start = Instant::now();
        self.tick();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// How long after the beginning a moment was.
    pub(super) fn since(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.start)
    }

    pub(super) const fn published(&mut self) {
        self.published += 1;
    }

    pub(super) fn acknowledged(&mut self, due: Duration) {
        self.last = self.elapsed();
        self.acknowledged.record(self.last.saturating_sub(due));
    }

    pub(super) fn received(&mut self, due: Duration) {
        self.received += 1;
        self.last_received = self.elapsed();
        self.delivered.record(self.last_received.saturating_sub(due));
    }

    /// Notes how far it has come.
    pub(super) fn tick(&mut self) {
        self.samples.push(Sample { at: self.elapsed(), published: self.published, received: self.received });
    }

    /// How many are missing of what each of so many subscribers was to receive.
    pub(super) fn lost(&self, subscribers: u16) -> u64 {
        (self.published * u64::from(subscribers)).saturating_sub(self.received)
    }

    /// How long it took until the last of them was there.
    pub(super) fn seconds(&self) -> f64 {
        self.last.max(self.last_received).as_secs_f64()
    }

    pub(super) fn published_per_second(&self) -> f64 {
        per_second(self.published, self.last)
    }

    pub(super) fn received_per_second(&self) -> f64 {
        per_second(self.received, self.last_received)
    }

    /// How it goes at present, for people.
    pub(super) fn now(&self) -> String {
        let (published, received) = self.rates(self.samples.len().saturating_sub(11));
        format!("{published:.0} published and {received:.0} received a second")
    }

    /// How it went since the last time, for programs.
    pub(super) fn interval(&mut self) -> Value {
        let (published, received) = self.rates(self.told);
        self.told = self.samples.len().saturating_sub(1);
        json!({
            "type": "interval", "seconds": self.elapsed().as_secs_f64(), "published_per_second": published.round(),
            "received_per_second": received.round(),
        })
    }

    /// Messages a second since a sample.
    fn rates(&self, from: usize) -> (f64, f64) {
        let (Some(first), Some(last)) = (self.samples.get(from), self.samples.last()) else { return (0.0, 0.0) };
        let time = last.at.saturating_sub(first.at);
        (per_second(last.published - first.published, time), per_second(last.received - first.received, time))
    }
}

#[expect(clippy::cast_precision_loss, reason = "rounded anyway")]
pub(super) fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_told_by_quantile_and_in_milliseconds() {
        let mut latency = Latency::new();
        assert_eq!(latency.json(), json!({"p50": null, "p90": null, "p99": null, "p99_9": null, "max": null}));
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        assert_eq!(latency.json(), json!({"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}));
        latency.record(Duration::from_secs(7_200));
        assert!(latency.at(1.0).unwrap() >= 600_000.0);
    }

    #[test]
    fn what_did_not_come_is_lost_for_each_subscriber() {
        let mut tally = Tally::new();
        (0..3).for_each(|_| tally.published());
        tally.received(Duration::ZERO);
        assert_eq!((tally.lost(0), tally.lost(1), tally.lost(2)), (0, 2, 5));
    }
}
