//! Opens the page in a browser. The crate `open` does the same, but uses PowerShell on Windows,
//! which takes seconds on a till and may be missing.

use std::io;
use std::thread;

/// Opens the URL on a separate thread, because some commands wait until the browser exits. Calls
/// `failed` if the URL cannot be opened.
pub fn open(url: String, failed: impl FnOnce(&str) + Send + 'static) {
    let opening = move || {
        if show(&url).is_err() {
            failed(&url);
        }
    };
    thread::spawn(opening);
}

#[cfg(unix)]
fn show(url: &str) -> io::Result<()> {
    use std::process::{Command, Stdio};

    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(program);
    // Messages of the command and the browser do not belong in the sandbox's output.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.arg(url).stderr(Stdio::null()).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(status.to_string())),
    }
}

#[cfg(windows)]
#[allow(unsafe_code)]
fn show(url: &str) -> io::Result<()> {
    use std::ptr::{null, null_mut};
    use windows_sys::Win32::UI::Shell::ShellExecuteW;
    use windows_sys::Win32::UI::WindowsAndMessaging::SW_SHOWNORMAL;

    let url: Vec<u16> = url.encode_utf16().chain([0]).collect();
    // SAFETY: the URL is zero-terminated and outlives the call. Every other pointer may be null; a
    // null verb means the default verb.
    let done = unsafe {
        ShellExecuteW(
            null_mut(),
            null(),
            url.as_ptr(),
            null(),
            null(),
            SW_SHOWNORMAL,
        )
    };
    // The result is not a handle: according to Microsoft's page, values up to 32 are errors.
    match done as usize {
        33.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
