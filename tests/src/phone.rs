//! baresip as an answering phone, in a network namespace of its own: another host, as far as Hark can tell.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Child, Place, Sound};

const START: Duration = Duration::from_secs(15);

/// Whether this process may make network namespaces. Where it may not, a test that needs one says so and is skipped;
/// on CI, where it must be able to, that is a failure.
///
/// # Panics
/// On CI, when it may not.
#[must_use]
pub fn may_make_namespaces() -> bool {
    let name = format!("hark-may-{}", std::process::id());
    let may = run("ip", &["netns", "add", &name]).is_ok() && run("ip", &["netns", "del", &name]).is_ok();
    if !may {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must be able to make network namespaces (ip netns add)"
        );
        eprintln!(
            "SKIPPED: making a network namespace needs root (or CAP_SYS_ADMIN); run this test with sudo"
        );
    }
    may
}

/// A phone that picks up by itself and plays a sound.
#[derive(Debug)]
pub struct Phone {
    // In this order: the phone goes before the namespace it lives in.
    child: Child,
    namespace: Namespace,
}

impl Phone {
    /// Puts a phone into a new namespace and waits until it is ready.
    ///
    /// # Panics
    /// When the namespace cannot be made, or baresip does not start.
    pub async fn start(place: &Place, sound: Sound) -> Self {
        let namespace = Namespace::make();
        let folder = place.file("baresip");
        std::fs::create_dir(&folder).expect("the place's folder can be written");
        // It picks up for its own number only.
        let user = crate::lab::NUMBER.trim_start_matches('+');
        let wav = folder.join("sound.wav");
        sound.write_wav(&wav);
        let listen = SocketAddr::new(namespace.inside, 5060);
        let write =
            |name: &str, text: String| std::fs::write(folder.join(name), text).expect("can be written");
        write(
            "config",
            format!(
                "sip_listen {listen}\naudio_source aufile,{}\nmodule_path /usr/lib/baresip/modules\n\
                 module g711.so\nmodule aufile.so\nmodule_app account.so\nmodule_app menu.so\nmodule_app rtcpsummary.so\n",
                wav.display()
            ),
        );
        write(
            "accounts",
            format!("<sip:{user}@{listen}>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1\n"),
        );
        write("contacts", String::new());
        let child = Child::start("baresip", Path::new("ip"), folder.join("out.log"), |c| {
            c.args(["netns", "exec", &namespace.name, "baresip", "-f"])
                .arg(&folder);
        });
        child.says("baresip is ready", START).await;
        Self { child, namespace }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.namespace.inside, 5060)
    }

    /// The address of this machine that the phone can reach.
    #[must_use]
    pub const fn our_side(&self) -> IpAddr {
        self.namespace.outside
    }

    /// Waits until the phone has said this.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn says(&self, text: &str, deadline: Duration) {
        self.child.says(text, deadline).await;
    }

    /// Packets that reached the phone, and packets that left it, as the kernel counted them.
    ///
    /// # Panics
    /// When the kernel's counters cannot be read.
    #[must_use]
    pub fn packets(&self) -> (u64, u64) {
        let count = |which: &str| {
            let file = format!(
                "/sys/class/net/{}/statistics/{which}_packets",
                self.namespace.link
            );
            std::fs::read_to_string(&file)
                .ok()
                .and_then(|text| text.trim().parse::<u64>().ok())
                .unwrap_or_else(|| panic!("{file} holds no number"))
        };
        // What our end sent, the phone received.
        (count("tx"), count("rx"))
    }
}

/// A network namespace with one cable to this machine.
#[derive(Debug)]
struct Namespace {
    name: String,
    link: String,
    outside: IpAddr,
    inside: IpAddr,
}

impl Namespace {
    fn make() -> Self {
        let pid = std::process::id();
        // A pair of addresses out of 198.18.0.0/15, which is set aside for tests (RFC 2544): 2^15 pairs.
        let base = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (pid % 32_768) * 4;
        let (outside, inside) = (Ipv4Addr::from(base + 1), Ipv4Addr::from(base + 2));
        let new = Self {
            name: format!("hark-{pid}"),
            // At most 15 characters.
            link: format!("hark{pid}"),
            outside: outside.into(),
            inside: inside.into(),
        };
        let (name, link) = (new.name.as_str(), new.link.as_str());
        must("ip", &["netns", "add", name]);
        must(
            "ip",
            &[
                "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name,
            ],
        );
        must("ip", &["address", "add", &format!("{outside}/30"), "dev", link]);
        must("ip", &["link", "set", link, "up"]);
        must(
            "ip",
            &[
                "-n",
                name,
                "address",
                "add",
                &format!("{inside}/30"),
                "dev",
                "eth0",
            ],
        );
        must("ip", &["-n", name, "link", "set", "eth0", "up"]);
        must("ip", &["-n", name, "link", "set", "lo", "up"]);
        new
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cable first: the namespace itself stays until the last process in it has gone.
        let _ = run("ip", &["link", "del", &self.link]);
        let _ = run("ip", &["netns", "del", &self.name]);
    }
}

fn must(program: &str, args: &[&str]) {
    run(program, args).unwrap_or_else(|e| panic!("{program} {args:?}: {e}"));
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
