//! How many files the process may have open: as many as the system allows, since every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// Open files that are not connections from clients: database, log, requests of the actions themselves.
const OTHER_FILES: usize = 256;

/// Raises the soft limit on open files to the hard one, as far as the system lets us.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        debug!(error = %e, "the limit on open files stays as it is");
    }
}

/// The wanted number of connections, or what the limit on open files leaves room for.
pub fn connections(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let possible = room(files);
    if possible < wanted {
        warn!(wanted, possible, "the limit on open files is too low for max_connections; raise it with `ulimit -Hn` or LimitNOFILE");
    }
    wanted.min(possible)
}

/// How many connections fit into a limit on open files.
fn room(files: usize) -> usize {
    files.saturating_sub(OTHER_FILES).max(files / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_keep_their_room() {
        for (files, connections) in [(1024, 768), (256, 128), (20_000, 19_744), (usize::MAX, usize::MAX - OTHER_FILES)] {
            assert_eq!(room(files), connections);
        }
    }

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert_eq!(connections(1), 1);
    }
}
