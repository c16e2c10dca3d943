//! Whether the process is ending, and has one thread left.

/// On Windows, DllMain is called at the end of a process after all other threads have been killed: a
/// lock that one of them held stays locked for ever. Elsewhere threads live until the process is gone.
#[cfg(windows)]
pub fn is_under_way() -> bool {
    #[link(name = "ntdll")]
    extern "system" {
        fn RtlDllShutdownInProgress() -> u8;
    }
    // SAFETY: it has no conditions.
    unsafe { RtlDllShutdownInProgress() != 0 }
}

#[cfg(not(windows))]
pub fn is_under_way() -> bool {
    false
}
