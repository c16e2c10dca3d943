//! The console window that Windows opens for a double-clicked program and closes when the program
//! exits.

/// Whether the window belongs to this program alone, so that its output disappears with it.
#[cfg(windows)]
#[allow(unsafe_code)]
pub fn is_own() -> bool {
    use windows_sys::Win32::System::Console::GetConsoleProcessList;

    // If a shell started this program, the shell is the second process.
    let mut processes = [0; 2];
    // SAFETY: the buffer has room for the stated number of processes.
    let count = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) };
    count == 1
}

#[cfg(not(windows))]
pub fn is_own() -> bool {
    false
}

/// Keeps the window open until the user presses Enter.
pub fn keep() {
    eprintln!("\nНажмите Enter, чтобы закрыть окно.");
    let _ = std::io::stdin().read_line(&mut String::new());
}
