//! Where a command may write: never over what it reads, nor twice into one file.

use std::fs::{File, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Refuses outputs that are one file, or a file that is read, by whatever names they go.
///
/// `outputs` come with the options that name them. Pipes and devices may be named twice: nothing in them is lost.
///
/// # Errors
/// Returns the option at fault and what the file is besides.
pub(crate) fn check(outputs: &[(&str, Option<&Path>)], read: &[&Path]) -> Result<()> {
    let outputs: Vec<(&str, &Path)> =
        outputs.iter().filter_map(|(option, path)| path.map(|path| (*option, path))).collect();
    for (at, (option, path)) in outputs.iter().enumerate() {
        if path.is_dir() {
            bail!("{option} {} is a directory; expected a file to write to", path.display());
        }
        if !directory(path).is_dir() {
            bail!("{option} {}: there is no directory {}; make it first", path.display(), directory(path).display());
        }
        if let Some(read) = read.iter().find(|read| same(path, read)) {
            let names = if path == read { String::new() } else { format!(" ({})", read.display()) };
            bail!("{option} {} is the file that is read{names}; write the output to another file", path.display());
        }
        if let Some((other, _)) = outputs.iter().take(at).find(|(_, other)| same(path, other)) {
            bail!("{option} {} is the file that {other} writes to; give each its own", path.display());
        }
    }
    Ok(())
}

/// Returns whether both paths lead to one file, by links or other spellings, or will once it is made.
fn same(a: &Path, b: &Path) -> bool {
    match (a.metadata(), b.metadata()) {
        (Ok(a_is), Ok(b_is)) => a_is.is_file() && identity(a, &a_is) == identity(b, &b_is),
        // Neither is there yet.
        (Err(_), Err(_)) => place(a).is_some_and(|a| place(b).is_some_and(|b| a == b)),
        _ => false,
    }
}

#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// The directory that a new file will be in, and its name.
fn place(path: &Path) -> Option<PathBuf> {
    Some(directory(path).canonicalize().ok()?.join(path.file_name()?))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a whole file: what was there stays until the new one is complete. A pipe or a device is written as it is, and a
/// link leads to the file that is replaced.
///
/// # Errors
/// Returns why it cannot be written.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return write(&mut File::create(path).with_context(cannot)?);
    }
    // A link may lead to a file that is not there yet.
    let led_to = || path.read_link().map(|target| directory(path).join(target));
    let target = path.canonicalize().or_else(|_| led_to()).unwrap_or_else(|_| path.to_owned());
    let mut file = rewarden_tables::partial_file(directory(&target)).with_context(cannot)?;
    write(file.as_file_mut())?;
    file.as_file_mut().flush().with_context(cannot)?;
    make_readable(file.as_file())?;
    file.persist(&target).with_context(cannot)?;
    Ok(())
}

/// Temporary files are private; what a command writes is not.
fn make_readable(file: &File) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o644)).context("cannot make the file readable")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(outputs: &[(&str, Option<&Path>)], read: &[&Path]) -> String {
        check(outputs, read).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_read_or_written_already_is_refused_by_every_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a.run"), "run").unwrap();
        std::fs::hard_link(at("a.run"), at("hard")).unwrap();
        std::os::unix::fs::symlink(at("a.run"), at("soft")).unwrap();
        std::fs::create_dir(at("sub")).unwrap();
        for name in ["a.run", "hard", "soft", "./a.run", "sub/../a.run"] {
            let told = refused(&[("--out", Some(&at(name)))], &[&at("a.run")]);
            assert!(told.contains("is the file that is read"), "{name}: {told}");
        }
        let told = refused(&[("--out", Some(&at("new"))), ("--samples", Some(&at("sub/../new")))], &[]);
        assert!(told.contains("is the file that --out writes to"), "{told}");
        assert!(refused(&[("--out", Some(&at("sub")))], &[]).contains("is a directory"));
        check(&[("--out", Some(&at("new"))), ("--samples", None)], &[&at("a.run")]).unwrap();
        let null = Path::new("/dev/null");
        check(&[("--out", Some(null)), ("--samples", Some(null))], &[null]).unwrap();
    }

    #[test]
    fn a_whole_file_replaces_what_a_link_leads_to_and_nothing_if_writing_fails() {
        let dir = tempfile::tempdir().unwrap();
        let (page, link) = (dir.path().join("page"), dir.path().join("link"));
        std::fs::write(&page, "old").unwrap();
        std::os::unix::fs::symlink(&page, &link).unwrap();
        write_whole(&link, |file| Ok(file.write_all(b"new")?)).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&page).unwrap(), "new");
        write_whole(&page, |_| bail!("no")).unwrap_err();
        assert_eq!(std::fs::read_to_string(&page).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        write_whole(Path::new("/dev/null"), |file| Ok(file.write_all(b"gone")?)).unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
