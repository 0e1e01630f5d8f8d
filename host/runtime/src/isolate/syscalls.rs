//! Which system calls a confined process may make.
//!
//! Everything that is not listed kills the process. Three filters are stacked, and for each call the strictest verdict
//! holds: the list itself, and two that turn a call which libraries make in passing into an error that they can take.

use std::collections::BTreeMap;

use seccompiler::{
    SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition as Condition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::sandbox::SandboxError;
use crate::processor_time;

/// What a process does in its present stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfinementStage {
    /// Compiles: starts threads and makes memory executable.
    Compiling,
    /// Loads what was compiled: makes memory executable, and images of WebAssembly memories, which are nameless files.
    Loading,
    /// Runs plugin code: neither. From here on no new machine code can come to be in the process, and memory once
    /// counted against its limit stays counted for as long as it is there.
    Running,
}

/// Made by every computation: memory, time, threads that wait for each other, the pipe, and the end.
const ALWAYS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getrandom,
    // Traps of WebAssembly arrive as signals; the handlers are in place before the first filter.
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    // `abort`.
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Give "permission denied" instead of death: the standard library and libc look for files (the number of processors,
/// the limits of a container) and do without them.
const DENIED: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
];

/// Give "no such system call": libc then starts threads by `clone`, whose flags a filter can see.
const MISSING: &[i64] = &[libc::SYS_clone3];

/// Starting and ending threads.
const THREADS: &[i64] = &[libc::SYS_set_robust_list, libc::SYS_rseq];

/// Narrows what all threads of this process may ask of the kernel. Cannot be undone, only narrowed further.
pub(crate) fn narrow(stage: ConfinementStage) -> Result<(), SandboxError> {
    let kill = SeccompAction::KillProcess;
    if stage != ConfinementStage::Running {
        // The first clock that rustix reads makes it ask the kernel where the clocks are, which no filter lets through.
        processor_time::of_this_thread();
        for (calls, errno) in [(DENIED, libc::EACCES), (MISSING, libc::ENOSYS)] {
            let rules = calls.iter().map(|call| (*call, vec![])).collect();
            install(rules, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()))?;
        }
    }
    install(allowed(stage).map_err(SandboxError::of("system calls"))?, kill, SeccompAction::Allow)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn install(rules: Rules, otherwise: SeccompAction, listed: SeccompAction) -> Result<(), SandboxError> {
    let failed = SandboxError::of("system calls");
    let program = TargetArch::try_from(std::env::consts::ARCH)
        .and_then(|arch| SeccompFilter::new(rules, otherwise, listed, arch))
        .and_then(seccompiler::BpfProgram::try_from);
    let program = program.map_err(SandboxError::of("system calls"))?;
    apply_filter_all_threads(&program).map_err(failed)
}

fn allowed(stage: ConfinementStage) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = ALWAYS.iter().chain(DENIED).chain(MISSING).map(|call| (*call, vec![])).collect();
    rules.insert(libc::SYS_mmap, mappings()?);
    rules.insert(libc::SYS_mprotect, if stage == ConfinementStage::Running { writable_only()? } else { vec![] });
    if stage != ConfinementStage::Running {
        // For the next, narrower list.
        rules.insert(libc::SYS_seccomp, vec![]);
        rules.insert(libc::SYS_prctl, vec![argument(0, libc::PR_SET_NO_NEW_PRIVS)?, argument(0, libc::PR_SET_NAME)?]);
    }
    if stage == ConfinementStage::Loading {
        rules.insert(libc::SYS_memfd_create, vec![]);
        rules.insert(libc::SYS_fcntl, vec![argument(1, libc::F_ADD_SEALS)?]);
    }
    if stage == ConfinementStage::Compiling {
        rules.extend(THREADS.iter().map(|call| (*call, vec![])));
        rules.insert(libc::SYS_clone, vec![thread()?]);
    }
    Ok(rules)
}

/// New memory is private to the process, of no file or a copy of an image, and comes without rights or readable and
/// writable. Shared memory and memory that grows like a stack would not count against the limit.
fn mappings() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let harmless = libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE | libc::MAP_STACK;
    let flags = Is::MaskedEq(u64::from(!harmless.cast_unsigned()));
    [libc::PROT_NONE, libc::PROT_READ | libc::PROT_WRITE]
        .into_iter()
        .map(|rights| {
            SeccompRule::new(vec![
                Condition::new(2, Length::Dword, Is::Eq, number(rights))?,
                Condition::new(3, Length::Dword, flags.clone(), number(libc::MAP_PRIVATE))?,
            ])
        })
        .collect()
}

/// Memory may be made readable and writable, which counts it against the limit, and nothing else: made inaccessible or
/// read-only it would keep its pages and no longer count.
fn writable_only() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let rights = number(libc::PROT_READ | libc::PROT_WRITE);
    Ok(vec![SeccompRule::new(vec![Condition::new(2, Length::Dword, Is::Eq, rights)?])?])
}

fn argument(index: u8, value: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![Condition::new(index, Length::Dword, Is::Eq, number(value))?])
}

/// A thread of this process, not a process.
fn thread() -> Result<SeccompRule, seccompiler::BackendError> {
    let flag = number(libc::CLONE_THREAD);
    SeccompRule::new(vec![Condition::new(0, Length::Qword, Is::MaskedEq(flag), flag)?])
}

fn number(constant: i32) -> u64 {
    u64::from(constant.cast_unsigned())
}
