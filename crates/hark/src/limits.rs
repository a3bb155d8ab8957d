//! The limit on open files: each call needs two sockets, and many systems allow a process only 1024 by default.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one. A refusal is no fault: calls beyond the limit are, and say so themselves.
pub fn raise() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if soft < hard
        && let Err(e) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(limit = soft, error = %e, "the limit on open files could not be raised; each call needs two");
    }
}
