//! The log file: appended to, and put aside as `FILE.1`, `FILE.2`, ... when it is large enough or a day has passed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::LogRotation;

/// The file in use; shared by all threads.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    rotation: LogRotation,
    /// How many files that were put aside stay.
    keep: u32,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// The day, counted from 1970 in UTC, in which the file was begun, as far as is known.
    day: u64,
}

impl LogFile {
    /// Opens the file for appending.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path, rotation: LogRotation, keep: u32) -> io::Result<Self> {
        let written = fs::metadata(path).and_then(|m| m.modified()).ok();
        Ok(Self { path: path.to_owned(), rotation, keep, open: Mutex::new(begin(path, day_of(written.unwrap_or_else(SystemTime::now)))?) })
    }

    /// Appends one line, in a new file when it is time for one.
    ///
    /// # Errors
    /// The system's, such as a full disk.
    pub fn append(&self, line: &[u8]) -> io::Result<()> {
        self.append_on(line, day_of(SystemTime::now()))
    }

    fn append_on(&self, line: &[u8], today: u64) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if is_due(self.rotation, &open, line.len() as u64, today) {
            // When it cannot be put aside, lines still go into the old file until the next time it is due.
            *open = match self.put_aside(today) {
                Ok(next) => next,
                Err(_) => Open { file: open.file.try_clone()?, bytes: 0, day: today },
            };
        }
        open.bytes += line.len() as u64;
        open.file.write_all(line)
    }

    /// Brings it to the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).file.sync_data()
    }

    /// Renames the file and those before it one further, deletes what is too many, begins a new one.
    fn put_aside(&self, today: u64) -> io::Result<Open> {
        let mut last = self.keep;
        while fs::remove_file(self.aside(last + 1)).is_ok() {
            last += 1;
        }
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        }
        for number in (0..self.keep).rev() {
            let from = if number == 0 { self.path.clone() } else { self.aside(number) };
            match fs::rename(from, self.aside(number + 1)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        begin(&self.path, today)
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn begin(path: &Path, day: u64) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes, day })
}

fn day_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

/// Whether a line of `length` bytes goes into a new file. An empty file is never put aside.
fn is_due(rotation: LogRotation, open: &Open, length: u64, today: u64) -> bool {
    open.bytes > 0
        && match rotation {
            LogRotation::Never => false,
            LogRotation::Daily => open.day != today,
            LogRotation::Bytes(most) => open.bytes + length > most,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file and those put aside hold, the latest first.
    fn contents(path: &Path) -> Vec<String> {
        let name = |n: u32| if n == 0 { path.to_owned() } else { PathBuf::from(format!("{}.{n}", path.display())) };
        (0..).map_while(|n| fs::read_to_string(name(n)).ok()).collect()
    }

    #[test]
    fn a_full_file_is_put_aside_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let log = LogFile::open(&path, LogRotation::Bytes(10), 2).expect("opens");
        for line in ["one\n", "two\n", "three\n", "four\n", "a line longer than a file\n", "six\n", "seven\n"] {
            log.append_on(line.as_bytes(), 1).expect("appends");
        }
        assert_eq!(contents(&path), ["six\nseven\n", "a line longer than a file\n", "four\n"]);
        // What is there is counted when the process starts again, and a smaller number takes the surplus away.
        let log = LogFile::open(&path, LogRotation::Bytes(10), 1).expect("opens");
        log.append_on(b"eight\n", 1).expect("appends");
        assert_eq!(contents(&path), ["eight\n", "six\nseven\n"]);
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let log = LogFile::open(&path, LogRotation::Daily, 7).expect("opens");
        let today = day_of(SystemTime::now());
        log.append_on(b"mon\n", today).expect("appends");
        log.append_on(b"day\n", today).expect("appends");
        log.append_on(b"tuesday\n", today + 1).expect("appends");
        assert_eq!(contents(&path), ["tuesday\n", "mon\nday\n"]);
    }

    #[test]
    fn without_rotation_it_grows_and_without_keeping_it_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let log = LogFile::open(&path, LogRotation::Never, 0).expect("opens");
        log.append_on(b"one\n", 1).expect("appends");
        log.append_on(b"two\n", 2).expect("appends");
        assert_eq!(contents(&path), ["one\ntwo\n"]);
        let log = LogFile::open(&path, LogRotation::Bytes(4), 0).expect("opens");
        log.append_on(b"three\n", 2).expect("appends");
        assert_eq!(contents(&path), ["three\n"]);
    }
}
