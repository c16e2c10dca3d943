//! The console window that Windows opens for a program that was double-clicked, and closes with it.

/// Whether the window is this program's alone: nobody else will show what it printed.
#[cfg(windows)]
#[allow(unsafe_code)]
pub fn is_own() -> bool {
    use windows_sys::Win32::System::Console::GetConsoleProcessList;

    // A shell that has started us would be the second one.
    let mut processes = [0; 2];
    // SAFETY: the buffer has room for as many as are said.
    let count = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) };
    count == 1
}

#[cfg(not(windows))]
pub fn is_own() -> bool {
    false
}

/// Keeps the window until someone has read it.
pub fn keep() {
    eprintln!("\nНажмите Enter, чтобы закрыть окно.");
    let _ = std::io::stdin().read_line(&mut String::new());
}
