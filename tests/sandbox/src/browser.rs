//! Opens the page in a browser. The crate `open` does the same, but on Windows by way of PowerShell,
//! which takes seconds on a till and is not on every one.

use std::io;
use std::thread;

/// Opens the URL, and calls `failed` if that is not possible. Some ways wait for the browser's end, so
/// that it happens on a thread of its own.
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
    // Its own messages, and the browser's, are not the sandbox's.
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
    // SAFETY: the URL ends with a zero and outlives the call; every other pointer may be null, a null verb
    // being the default one.
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
    // Not a handle: by Microsoft's page an error up to 32.
    match done as usize {
        33.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
