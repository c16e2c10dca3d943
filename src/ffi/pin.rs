//! Keeps the library in memory until the process exits, once it was used: when the host unloads it, its
//! threads may still be running.

/// Called by each export, because no code of the library runs in DllMain. On Linux the linker's `-z
/// nodelete` pins the library.
#[cfg(not(windows))]
pub fn pin() {}

#[cfg(windows)]
pub fn pin() {
    use std::sync::atomic::{AtomicBool, Ordering};
    use windows_sys::Win32::System::LibraryLoader::{
        GetModuleHandleExW, GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    };

    // Two threads may both pin the library. Neither waits for the other, which may need the loader lock
    // while this thread holds it.
    static PINNED: AtomicBool = AtomicBool::new(false);
    if !PINNED.load(Ordering::Acquire) {
        let flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
        let mut module = std::ptr::null_mut();
        // SAFETY: with this flag the "name" is an address in this module, and `module` is ours.
        let pinned = unsafe { GetModuleHandleExW(flags, pin as *const u16, &raw mut module) };
        if pinned == 0 {
            let error = std::io::Error::last_os_error();
            ::log::error!("the library cannot be pinned in memory: {error}");
        }
        PINNED.store(true, Ordering::Release);
    }
}
