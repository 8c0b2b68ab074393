//! The limit under everything durable: how often this disk brings 4 KB to safety.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Milliseconds of each fdatasync after a write of 4 KB, for about a second.
pub fn fdatasync_ms(folder: &Path) -> std::io::Result<Vec<f64>> {
    let path = folder.join("fdatasync");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    file.write_all(&[1; 4 << 20])?;
    file.sync_all()?;
    let (began, mut out) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(1) {
        file.seek(SeekFrom::Start((out.len() as u64 % 1024) * 4096))?;
        file.write_all(&[2; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        out.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(out)
}
