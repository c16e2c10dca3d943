//! Whether the process is exiting and has only one thread left.

/// On Windows, DllMain is called at process exit after all other threads were killed, so a lock that
/// one of them held stays locked for ever. On other systems, threads live until the process is gone.
#[cfg(windows)]
pub fn is_under_way() -> bool {
    #[link(name = "ntdll")]
    extern "system" {
        fn RtlDllShutdownInProgress() -> u8;
    }
    // SAFETY: the function has no preconditions.
    unsafe { RtlDllShutdownInProgress() != 0 }
}

#[cfg(not(windows))]
pub fn is_under_way() -> bool {
    false
}
