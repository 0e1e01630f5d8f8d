//! Counts the rows of a file and says how much memory that took: `cargo run --example count_rows FILE`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rewarden_tables::RowReader;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("expected the path of a JSON lines, JSON array or Parquet file")?;
    let start = Instant::now();
    let mut reader = RowReader::open(Path::new(&path))?;
    let (mut rows, mut faults, mut bytes) = (0_u64, 0_u64, 0);
    while let Some(row) = reader.next_row()? {
        match row {
            Ok(row) => (rows, bytes) = (rows + 1, bytes + row.text.len()),
            Err(_) => faults += 1,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{rows} rows, {bytes} bytes of JSON, {faults} faulty rows, {seconds:.2} s");
    // Linux alone tells.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    Ok(())
}
