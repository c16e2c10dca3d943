//! A mark that a child does not inherit from its process. It saves a call of the library the system
//! call for the process id.
//!
//! On Linux it is a page that the kernel zeroes in the child of a fork or a clone, whether or not the
//! handlers of pthread_atfork run. After a vfork, parent and child share their memory and the mark, but
//! the child only starts a program. On other systems there is no mark, and each call asks the system.

use std::sync::atomic::{AtomicU32, Ordering};

/// See [`process_mark`]; None if there is no such page.
#[derive(Clone, Copy)]
pub struct Mark(Option<&'static AtomicU32>);

impl Mark {
    pub fn is_ours(self) -> bool {
        self.0.is_some_and(|page| page.load(Ordering::Acquire) != 0)
    }

    pub fn make_ours(self) {
        if let Some(page) = self.0 {
            page.store(1, Ordering::Release);
        }
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
pub fn process_mark() -> Mark {
    use std::sync::atomic::AtomicPtr;
    static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        page = emptied_in_children();
        // Another thread may have been faster: then its page counts, and this page is leaked.
        if let Err(others) = PAGE.compare_exchange(
            std::ptr::null_mut(),
            page,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            page = others;
        }
    }
    // SAFETY: NULL, or a page that stays mapped and holds only this number.
    Mark(unsafe { page.as_ref() })
}

#[cfg(not(all(target_os = "linux", not(miri))))]
pub fn process_mark() -> Mark {
    Mark(None)
}

/// Maps a page that the kernel zeroes in children. Returns NULL if the kernel, before 4.14, does not
/// support it, or if an emulator only claims to.
#[cfg(all(target_os = "linux", not(miri)))]
fn emptied_in_children() -> *mut AtomicU32 {
    let length = size_of::<AtomicU32>();
    // SAFETY: a new mapping of at least one page.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    // qemu's user mode reports success but ignores the advice. It also accepts -1, which no kernel
    // does. SAFETY: this mapping was just made, and no other code knows it.
    unsafe {
        if libc::madvise(page, length, -1) == 0
            || libc::madvise(page, length, libc::MADV_WIPEONFORK) != 0
        {
            libc::munmap(page, length);
            return std::ptr::null_mut();
        }
    }
    page.cast()
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use nix::sys::wait::{waitpid, WaitStatus};
    use nix::unistd::Pid;

    use super::process_mark;

    /// A bare clone runs no handlers of pthread_atfork.
    #[test]
    fn a_forked_or_cloned_child_does_not_inherit_the_process_mark() {
        process_mark().make_ours();
        assert!(process_mark().is_ours());
        for is_forked in [true, false] {
            // SAFETY: the child only checks the mark and exits.
            let child = unsafe {
                match is_forked {
                    true => libc::c_long::from(libc::fork()),
                    false => libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0),
                }
            };
            if child == 0 {
                let is_taken_for_parent = process_mark().is_ours();
                // SAFETY: as above.
                unsafe { libc::_exit(is_taken_for_parent.into()) }
            }
            let ended = waitpid(Pid::from_raw(child.try_into().expect("a number")), None);
            assert!(matches!(ended, Ok(WaitStatus::Exited(_, 0))), "{ended:?}");
        }
        assert!(process_mark().is_ours());
    }
}
