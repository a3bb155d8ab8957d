//! What a call costs and how long its steps take, measured on real processes: a nats-server, `hark carrier` and
//! `hark worker`, all on loopback. Prints `bench NAME VALUE UNIT` lines; `make bench` runs it.
//!
//! Latency comes from results: the worker's own instants (taken, invited, answered, ended) in milliseconds, and the
//! moment a consumer on NATS had the result in hand. CPU is the worker process's user and system time over ten seconds
//! in which the given number of calls is up, each with RTP both ways and an ear on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hark_bus::{Bus, BusConfig, From, NatsChild};
use hark_outcome::{CallResult, CampaignId, DialJob, EventKind, JobId, Number, Priority, Timestamp};

/// Calls per second in the latency part.
const RATE: u32 = 100;

/// Calls in the latency part.
const CALLS: usize = 1_000;

/// How long CPU time is watched.
const WATCH: Duration = Duration::from_secs(10);

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(120);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    // `cargo test --benches` and `cargo nextest` run benches too, to see that they start: they measure nothing then.
    if !std::env::args().any(|a| a == "--bench") {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let nats = NatsChild::start(&nats_binary()?, &dir.path().join("nats"), None).await?;
    let config = BusConfig {
        url: nats.url().to_owned(),
        ..BusConfig::default()
    };
    let bus = Bus::connect(&config, "bench").await?;
    bus.ensure().await?;
    let port = free_port()?;
    let config = write_config(dir.path(), nats.url(), port)?;
    let carrier = hark(dir.path(), &config, &["carrier"], "carrier")?;

    latencies(&bus, dir.path(), &config).await?;
    for calls in [50, 200, 500] {
        cpu(&bus, dir.path(), &config, calls).await?;
    }
    end(carrier).await;
    nats.stop().await;
    Ok(())
}

/// 100 calls a second to people who answer at once.
async fn latencies(bus: &Bus, dir: &Path, config: &Path) -> Outcome<()> {
    let worker = hark(dir, config, &["worker"], "worker-latency")?;
    let campaign = CampaignId::new("quick")?;
    let mut results = bus.results(From::New).await?;
    put(bus, &campaign, "lat", "+861390", CALLS).await?;
    let mut seen: Vec<(CallResult, Timestamp)> = Vec::with_capacity(CALLS);
    let began = Instant::now();
    while seen.len() < CALLS {
        let next = tokio::time::timeout(PATIENCE, results.next()).await?;
        seen.push((
            next.ok_or("the results ended")??,
            Timestamp::from(jiff::Timestamp::now()),
        ));
    }
    let took = began.elapsed();
    terminate(&worker);
    end(worker).await;
    let ms = |from: Timestamp, to: Timestamp| to.since(from).get() * 1000.0;
    let of = |pick: &dyn Fn(&CallResult, Timestamp) -> Option<f64>| -> Vec<f64> {
        seen.iter().filter_map(|(r, at)| pick(r, *at)).collect()
    };
    report(
        "setup",
        of(&|r, _| {
            Some(ms(
                r.timing.invited_at?,
                r.timing.answered_at.or(r.timing.ringing_at)?,
            ))
        }),
    );
    report(
        "pull_to_invite",
        of(&|r, _| Some(ms(r.timing.taken_at, r.timing.invited_at?))),
    );
    report("end_to_result", of(&|r, at| Some(ms(r.timing.ended_at, at))));
    line(
        "calls_per_second",
        seen.len() as f64 / took.as_secs_f64(),
        "calls/s",
    );
    Ok(())
}

/// `calls` calls at once, each playing and hearing sound.
async fn cpu(bus: &Bus, dir: &Path, config: &Path, calls: usize) -> Outcome<()> {
    let worker = hark(dir, config, &["worker"], &format!("worker-{calls}"))?;
    let campaign = CampaignId::new("hold")?;
    let mut events = bus.events().await?;
    put(bus, &campaign, &format!("cpu{calls}"), "+861380", calls).await?;
    let mut up = 0;
    let deadline = Instant::now() + PATIENCE;
    while up < calls && Instant::now() < deadline {
        match tokio::time::timeout(Duration::from_secs(5), events.next()).await {
            Ok(event) => up += usize::from(event.kind == EventKind::Playing),
            Err(_) => break,
        }
    }
    let (before, began) = (cpu_seconds(&worker)?, Instant::now());
    tokio::time::sleep(WATCH).await;
    let share = (cpu_seconds(&worker)? - before) / began.elapsed().as_secs_f64() * 100.0;
    if up < calls {
        println!(
            "# only {up} of {calls} calls came up: the governor took no more, see {}",
            log(dir, calls).display()
        );
    }
    line(
        &format!("cpu_percent_core_per_call_at_{calls}"),
        share / up.max(1) as f64,
        "%",
    );
    line(&format!("memory_mib_at_{calls}"), memory_mib(&worker)?, "MiB");
    line(&format!("calls_up_at_{calls}"), up as f64, "calls");
    let mut results = bus.results(From::New).await?;
    terminate(&worker);
    tokio::time::sleep(Duration::from_millis(200)).await;
    terminate(&worker);
    let (mut late, mut ended) = (0.0, 0);
    while ended < up {
        let Ok(Some(Ok(result))) = tokio::time::timeout(Duration::from_secs(20), results.next()).await else {
            break;
        };
        ended += 1;
        late += result.media.map_or(0.0, |m| m.concealed_s.get());
    }
    line(
        &format!("concealed_ms_per_call_at_{calls}"),
        late * 1000.0 / ended.max(1) as f64,
        "ms",
    );
    end(worker).await;
    Ok(())
}

async fn put(bus: &Bus, campaign: &CampaignId, name: &str, prefix: &str, count: usize) -> Outcome<()> {
    for n in 0..count {
        let job = DialJob::new(
            JobId::new(format!("{name}-{n}"))?,
            Number::parse(&format!("{prefix}{n:07}"))?,
        );
        bus.put_job(campaign, Priority::Normal, &job).await?;
    }
    Ok(())
}

fn report(name: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1);
        values
            .get(((last as f64) * share).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    println!("# {name}: {} values", values.len());
    line(&format!("{name}_p50_ms"), at(0.5), "ms");
    line(&format!("{name}_p99_ms"), at(0.99), "ms");
    line(&format!("{name}_max_ms"), at(1.0), "ms");
}

fn line(name: &str, value: f64, unit: &str) {
    println!("bench {name} {value:.3} {unit}");
}

fn write_config(dir: &Path, nats: &str, sip_port: u16) -> Outcome<PathBuf> {
    let sound: Vec<i16> = (0..8000 * 120)
        .map(|n| ((n as f64 * 0.35).sin() * 3000.0) as i16)
        .collect();
    hark_sound::wav::write(dir.join("long.wav"), &sound)?;
    let text = format!(
        r#"
[nats]
url = "{nats}"
[line]
bind = "127.0.0.1"
rtp_ports = "20000-29999"
[trunk.bench]
address = "127.0.0.1:{sip_port}"
allowed_prefixes = ["+86"]
max_channels = 1000
max_calls_per_second = {RATE}.0
daily_ceiling = 1000000
options_interval_s = 0
numbering = {{ format = "plus" }}
[campaign.quick]
max_call_s = 10
end_early = false
listen_s = 0.5
[campaign.hold]
max_call_s = 300
end_early = false
listen_s = 2.0
play = "long.wav"
[worker]
sounds = "{folder}"
max_calls = 1000
drain_s = 60
[log]
filter = "warn"
[carrier]
listen = "127.0.0.1:{sip_port}"
rtp_ports = "10000-19999"
numbers = [
  {{ pattern = "861390*", behave = {{ kind = "person", answer_after_s = 0.0, again = 0, stays_s = 5.0 }} }},
  {{ pattern = "861380*", behave = {{ kind = "talkative", answer_after_s = 0.0, stays_s = 300.0, patience_s = 300.0 }} }},
]
"#,
        folder = dir.display()
    );
    let file = dir.join("hark.toml");
    std::fs::write(&file, text)?;
    Ok(file)
}

fn hark(dir: &Path, config: &Path, args: &[&str], name: &str) -> Outcome<Child> {
    let log = std::fs::File::create(dir.join(format!("{name}.log")))?;
    Ok(Command::new(env!("CARGO_BIN_EXE_hark"))
        .arg("--config")
        .arg(config)
        .args(args)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?)
}

fn log(dir: &Path, calls: usize) -> PathBuf {
    dir.join(format!("worker-{calls}.log"))
}

fn terminate(child: &Child) {
    // The process is ours and not reaped yet, so the number is still its own.
    let _ = Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status();
}

async fn end(mut child: Child) {
    let deadline = Instant::now() + Duration::from_secs(30);
    terminate(&child);
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// User and system time of a process so far.
fn cpu_seconds(child: &Child) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    // Fields 14 and 15 of proc(5), counted here from the third; in ticks of 10 ms on every Linux.
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn memory_mib(child: &Child) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .and_then(|v| v.split_whitespace().next()?.parse::<f64>().ok())
        .ok_or("no VmRSS in /proc")?;
    Ok(kib / 1024.0)
}

fn free_port() -> Outcome<u16> {
    Ok(std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn nats_binary() -> Outcome<PathBuf> {
    std::env::var_os("HARK_NATS_SERVER")
        .map(PathBuf::from)
        .ok_or_else(|| "HARK_NATS_SERVER names no nats-server; run `make bench`, which sets it".into())
}
