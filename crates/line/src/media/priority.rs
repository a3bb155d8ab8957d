//! Media goes before everything else: a frame that leaves late is heard, a result that is published late is not.
//!
//! Real time if the system allows it (root, `CAP_SYS_NICE` or an rtprio limit), else a better nice value, else as
//! everybody. A media thread's work is bounded at every tick, and Linux leaves ordinary threads 5 % in any case.

use std::io;

/// Low among the real-time ones: what the system itself runs so comes first.
const REAL_TIME: libc::c_int = 10;

const NICE: libc::c_int = -15;

/// Raises the calling thread as far as allowed.
pub(super) fn raise() {
    let Err(real_time) = real_time() else { return };
    match nice() {
        Ok(()) => tracing::debug!(%real_time, "media thread: better nice value, but not real time"),
        Err(nice) => tracing::info!(
            %real_time, %nice,
            "media thread: normal priority, so calls may stutter on a busy machine; grant CAP_SYS_NICE"
        ),
    }
}

#[expect(
    unsafe_code,
    reason = "no safe call sets a thread's scheduling; this one keeps no pointer"
)]
fn real_time() -> io::Result<()> {
    // SAFETY: all-zero is a value of this plain struct, whatever more fields a platform gives it.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = REAL_TIME;
    // SAFETY: the thread is the calling one, so it exists; `param` is only read, and outlives the call.
    match unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_RR, &raw const param) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[expect(
    unsafe_code,
    reason = "no safe call sets a thread's nice value; this one takes no pointer"
)]
fn nice() -> io::Result<()> {
    // SAFETY: takes and touches nothing but numbers; 0 is the calling thread.
    match unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_may_be_raised_whatever_the_system_allows() {
        std::thread::spawn(super::raise)
            .join()
            .expect("refusal is no panic");
    }
}
