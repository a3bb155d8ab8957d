//! Where the nats-server binary is.

use std::path::PathBuf;

/// `$HARK_NATS_SERVER`, else the one that `make setup` put into `.cache`, else the one on the path.
pub fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("HARK_NATS_SERVER").map(PathBuf::from) {
        anyhow::ensure!(
            path.is_file(),
            "HARK_NATS_SERVER is {}, but there is no file",
            path.display()
        );
        return Ok(path);
    }
    let mut places = vec![PathBuf::from(".cache/nats-server")];
    places.extend(std::env::current_exe().ok().and_then(|exe| {
        // target/release/hark → the workspace root
        exe.ancestors().nth(3).map(|root| root.join(".cache/nats-server"))
    }));
    places.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths)
            .map(|dir| dir.join("nats-server"))
            .collect::<Vec<_>>(),
    );
    places.into_iter().find(|p| p.is_file()).ok_or_else(|| {
        anyhow::anyhow!("no nats-server was found; run `make setup`, or set HARK_NATS_SERVER to one of version 2.12 or newer")
    })
}
