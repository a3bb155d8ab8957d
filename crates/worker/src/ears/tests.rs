//! One test per promise of the ear pool.

use hark_outcome::{Cause, Grade};

use super::*;

fn frames(sink: &mut dyn FrameSink, samples: &[i16]) {
    for frame in hark_sound::frames(samples) {
        sink.frame(Phase::Early, &frame);
    }
}

/// China's busy tone: 450 Hz, 350 ms on and off.
fn busy_tone(seconds: usize) -> Vec<i16> {
    (0..seconds * 8000)
        .map(|n| {
            let on = n % 5600 < 2800;
            let phase = n as f64 * 450.0 / 8000.0 * std::f64::consts::TAU;
            if on { (phase.sin() * 4000.0) as i16 } else { 0 }
        })
        .collect()
}

#[tokio::test]
async fn sound_handed_over_becomes_an_opinion_and_a_report() {
    let ears = Ears::start(1).expect("a thread");
    let (mut sink, mut listener) = ears.open(&EarConfig::default());
    frames(sink.as_mut(), &busy_tone(3));
    let opinion = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let opinion = listener.next().await;
            if opinion.grade == Grade::Certain {
                return opinion;
            }
        }
    })
    .await
    .expect("heard in time");
    assert_eq!(opinion.reading.map(|r| r.1), Some(Cause::BusyTone));
    let report = listener.close().await.expect("the ear answers");
    assert!(
        report.heard.iter().any(|h| h.what == "busy"),
        "{:?}",
        report.heard
    );
    assert!(!report.degraded);
}

#[test]
fn shed_sound_is_made_up_for_and_the_call_is_marked_degraded() {
    let (queue, inbox) = sync_channel(1);
    let degraded = Arc::new(AtomicBool::new(false));
    let mut sink = Sink {
        id: 1,
        queue,
        batch: Vec::new(),
        skipped: 0,
        degraded: Arc::clone(&degraded),
    };
    frames(&mut sink, &[1; 160 * BATCH * 3]);
    assert!(
        degraded.load(Ordering::Relaxed),
        "two of three batches found the queue full"
    );
    let ToEar::Frames { skipped: 0, .. } = inbox.recv().expect("the first batch") else {
        panic!("nothing was skipped yet")
    };
    frames(&mut sink, &[1; 160 * BATCH]);
    let ToEar::Frames { skipped, .. } = inbox.recv().expect("the fourth batch") else {
        panic!("frames")
    };
    assert_eq!(skipped, 2 * BATCH, "the sample clock stays true");
}

#[tokio::test]
async fn calls_are_spread_over_the_threads() {
    let ears = Ears::start(2).expect("threads");
    let open: Vec<_> = (0..4).map(|_| ears.open(&EarConfig::default())).collect();
    let mut threads: Vec<_> = open.iter().map(|(_, l)| l.thread).collect();
    threads.sort_unstable();
    assert_eq!(threads, [0, 0, 1, 1]);
}

#[test]
fn a_thread_that_hangs_lags_by_as_long_as_it_is_silent() {
    let lag = Lag::default();
    let start = Instant::now();
    lag.with(start, |b| b.beat = Some(start));
    assert_eq!(
        lag.recent_at(start + BEAT),
        Duration::ZERO,
        "waiting for sound is no lag"
    );
    assert_eq!(
        lag.recent_at(start + BEAT + Duration::from_secs(3)),
        Duration::from_secs(3)
    );
}

#[test]
fn a_call_that_is_dropped_gives_its_place_back() {
    let ears = Ears::start(1).expect("a thread");
    let (_sink, listener) = ears.open(&EarConfig::default());
    assert_eq!(ears.threads[0].calls.load(Ordering::Relaxed), 1);
    drop(listener);
    assert_eq!(ears.threads[0].calls.load(Ordering::Relaxed), 0);
}
