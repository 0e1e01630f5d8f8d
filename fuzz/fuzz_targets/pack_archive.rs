//! An uploaded archive is unpacked or refused in words; nothing of it lies outside of its directory.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};

static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

/// A tar archive of two files, one of them below a directory.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = Vec::new();
    for (name, kind) in [("a/", b'5'), ("a/pack.toml", b'0'), ("a/b.wasm", b'0')] {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..135].copy_from_slice(if kind == b'5' { b"00000000000" } else { b"00000000020" });
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        sum(&mut block);
        archive.extend(block);
        if kind == b'0' {
            archive.extend([b'x'; 512]);
        }
    }
    archive.extend([0; 1024]);
    archive
});

fn sum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn files(directory: &Path) -> (usize, u64) {
    let (mut count, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let metadata = path.symlink_metadata().expect("what it is");
        assert!(metadata.is_file() || metadata.is_dir(), "{}", path.display());
        let below = if metadata.is_dir() { files(&path) } else { (0, metadata.len()) };
        (count, bytes) = (count + 1 + below.0, bytes + below.1);
    }
    (count, bytes)
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let repair = choices.byte() % 4 != 0;
    let mut archive = damaged(&BASE, choices);
    if repair {
        // With sums that are right the damage is looked at.
        archive.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar").for_each(sum);
    }
    let outer = tempfile::tempdir_in(DIRECTORY.path()).expect("a directory");
    let into = outer.path().join("in");
    std::fs::create_dir(&into).expect("a directory");
    if let Err(error) = rewarden_server::unpack_archive(&archive, &into) {
        assert!(!error.to_string().is_empty());
    }
    let beside = std::fs::read_dir(outer.path()).expect("a directory").count();
    assert_eq!(beside, 1, "something lies beside the directory");
    let (count, bytes) = files(&into);
    assert!(count <= 9000 && bytes <= archive.len() as u64, "{count} files of {bytes} bytes");
});
