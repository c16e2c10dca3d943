//! The host's floating-point environment.
//!
//! Delphi before 12 enables floating-point traps for overflow and division. Code that does not expect
//! them then crashes the host. While the library runs, the traps are therefore off and the rounding
//! mode is the default. While a callback of the host runs, the host's environment is restored.

use std::cell::Cell;

pub use imp::Environment;

thread_local! {
    /// The host's environment, while the library runs on its thread.
    static HOSTS: Cell<Option<Environment>> = const { Cell::new(None) };
}

/// Keeps the traps off until it is dropped; then the environment is restored.
pub struct Masked {
    /// None if the traps were already off, because this value is nested in another one.
    hosts: Option<Environment>,
}

impl Masked {
    pub fn enter() -> Masked {
        let hosts = HOSTS.get().is_none().then(Environment::mask);
        if hosts.is_some() {
            HOSTS.set(hosts);
        }
        Masked { hosts }
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        if let Some(hosts) = self.hosts {
            HOSTS.set(None);
            hosts.restore();
        }
    }
}

/// Runs a callback of the host's in the host's environment.
pub fn outward<T>(callback: impl FnOnce() -> T) -> T {
    let Some(hosts) = HOSTS.take() else {
        return callback();
    };
    hosts.restore();
    let answer = callback();
    Environment::mask();
    HOSTS.set(Some(hosts));
    answer
}

#[cfg(all(any(target_arch = "x86_64", target_arch = "x86"), not(miri)))]
mod imp {
    use std::arch::asm;

    /// MXCSR with all traps masked, rounding to nearest, denormals unchanged.
    const MASKED_MXCSR: u32 = 0x1f80;

    /// x87's environment, as FNSTENV stores it, and SSE's control word.
    #[derive(Clone, Copy)]
    pub struct Environment {
        x87: [u32; 7],
        mxcsr: u32,
    }

    impl Environment {
        /// Switches the traps off. Returns the old state, which `restore` brings back.
        pub fn mask() -> Environment {
            let mut old = Environment {
                x87: [0; 7],
                mxcsr: 0,
            };
            // SAFETY: FNSTENV stores 28 bytes, which `x87` has, and masks x87's traps; STMXCSR
            // stores 4, LDMXCSR loads 4 with no reserved bit set. No register or stack changes.
            unsafe {
                asm!(
                    "fnstenv [{x87}]",
                    "stmxcsr [{old}]",
                    "ldmxcsr [{new}]",
                    x87 = in(reg) old.x87.as_mut_ptr(),
                    old = in(reg) &mut old.mxcsr,
                    new = in(reg) &MASKED_MXCSR,
                    options(nostack, preserves_flags),
                );
            }
            old
        }

        pub fn restore(&self) {
            // SAFETY: both are loaded as the processor stored them. The x87 stack is as empty as
            // it was then: the calling convention demands that at every call and return.
            unsafe {
                asm!(
                    "fldenv [{x87}]",
                    "ldmxcsr [{mxcsr}]",
                    x87 = in(reg) self.x87.as_ptr(),
                    mxcsr = in(reg) &self.mxcsr,
                    options(nostack, preserves_flags, readonly),
                );
            }
        }
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod imp {
    use std::arch::asm;

    /// The control register: traps and rounding.
    #[derive(Clone, Copy)]
    pub struct Environment(u64);

    impl Environment {
        /// Switches the traps off. Returns the old state, which `restore` brings back.
        pub fn mask() -> Environment {
            let old: u64;
            // SAFETY: FPCR may be read and written at any time; zero is its state in a new process.
            unsafe {
                asm!("mrs {old}, fpcr", "msr fpcr, xzr", old = out(reg) old, options(nomem, nostack))
            };
            Environment(old)
        }

        pub fn restore(&self) {
            // SAFETY: as above; the value was read from the register.
            unsafe { asm!("msr fpcr, {old}", old = in(reg) self.0, options(nomem, nostack)) };
        }
    }
}

#[cfg(any(
    miri,
    not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))
))]
mod imp {
    /// This processor's traps are not supported.
    #[derive(Clone, Copy)]
    pub struct Environment;

    impl Environment {
        pub fn mask() -> Environment {
            Environment
        }

        pub fn restore(&self) {}
    }
}
