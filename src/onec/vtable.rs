//! The tables of functions through which 1C calls an object, laid out as by a C++ compiler.
//!
//! The object's class inherits from four classes, so it begins with four pointers, one to the table of
//! each. A function receives the address of the pointer through which it was called: the functions of
//! the second table receive the address of the second pointer. Before the address in each pointer are
//! two words that describe the class to C++; here the second one, zero, means "no description".
//!
//! Each table begins with the destructor, which C++ can call through any of the four. Then come the
//! functions, in the order in which 1C declares them. On 32-bit Windows they are `stdcall`, which
//! `extern "system"` means there, and the destructor is `thiscall`.

use std::ffi::c_void;
use std::ptr;

use super::component::Component;
use super::{guard, interface};

/// The pointers at the beginning of an object.
pub type Pointers = [*const c_void; 4];

/// The address of one of the pointers.
pub type This = *mut c_void;

#[repr(C)]
pub struct Table<Functions> {
    /// The offset from the pointer to the beginning of the object, bytes.
    to_top: isize,
    type_info: usize,
    destructor: destructor::Places,
    functions: Functions,
}

/// Makes the table for the pointer at index `PLACE`.
pub const fn table<const PLACE: usize, Functions>(functions: Functions) -> Table<Functions> {
    Table {
        to_top: -((PLACE * size_of::<*const c_void>()) as isize),
        type_info: 0,
        destructor: destructor::places::<PLACE>(),
        functions,
    }
}

impl<Functions> Table<Functions> {
    fn pointer(&'static self) -> *const c_void {
        // Derived from the whole table: a pointer to one field would give access to that field only.
        let offset = std::mem::offset_of!(Self, destructor);
        ptr::from_ref(self).wrapping_byte_add(offset).cast()
    }
}

pub fn pointers() -> Pointers {
    [
        interface::INIT_DONE.pointer(),
        interface::LANGUAGE_EXTENDER.pointer(),
        interface::LOCALE.pointer(),
        interface::USER_LANGUAGE.pointer(),
    ]
}

/// Returns the beginning of the object whose pointer at index `PLACE` is at `this`.
fn object<const PLACE: usize>(this: This) -> *mut c_void {
    this.wrapping_byte_sub(PLACE * size_of::<*const c_void>())
}

/// Runs a function of the object whose pointer at index `PLACE` is at `this`.
///
/// # Safety
///
/// `this` is NULL or such a pointer.
pub unsafe fn entry<const PLACE: usize, T: Copy>(
    this: This,
    otherwise: T,
    body: impl FnOnce(&Component) -> T,
) -> T {
    if this.is_null() {
        return otherwise;
    }
    guard(otherwise, || {
        // SAFETY: the caller guarantees the pointer. 1C does not destroy an object during a call.
        body(unsafe { &*object::<PLACE>(this).cast::<Component>() })
    })
}

fn destroy<const PLACE: usize>(this: This) {
    guard((), || {
        Component::destroy(object::<PLACE>(this));
    });
}

/// The Itanium C++ ABI: one function destroys, another also frees. Here both free the object, because
/// nothing else can.
#[cfg(not(windows))]
mod destructor {
    use super::{destroy, This};

    #[repr(C)]
    pub struct Places([unsafe extern "C" fn(This); 2]);

    pub const fn places<const PLACE: usize>() -> Places {
        Places([function::<PLACE>, function::<PLACE>])
    }

    unsafe extern "C" fn function<const PLACE: usize>(this: This) {
        destroy::<PLACE>(this);
    }
}

/// Microsoft's C++ ABI: one function, with a parameter that says whether to free as well. Here the
/// object is freed in either case, because nothing else can.
#[cfg(windows)]
mod destructor {
    use super::{destroy, This};

    #[cfg(not(target_arch = "x86"))]
    type Function = unsafe extern "C" fn(This, u32) -> This;
    #[cfg(target_arch = "x86")]
    type Function = unsafe extern "thiscall" fn(This, u32) -> This;

    #[repr(C)]
    pub struct Places([Function; 1]);

    pub const fn places<const PLACE: usize>() -> Places {
        Places([function::<PLACE>])
    }

    #[cfg(not(target_arch = "x86"))]
    unsafe extern "C" fn function<const PLACE: usize>(this: This, _flags: u32) -> This {
        destroy::<PLACE>(this);
        this
    }

    #[cfg(target_arch = "x86")]
    unsafe extern "thiscall" fn function<const PLACE: usize>(this: This, _flags: u32) -> This {
        destroy::<PLACE>(this);
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_panic_leaves_an_entry_and_the_next_one_works() {
        let component = Component::create();
        let second = component.wrapping_byte_add(size_of::<*const c_void>());
        // SAFETY: an object, seen from its second pointer.
        unsafe {
            assert_eq!(entry::<1, _>(second.cast(), 7, |_| panic!("on purpose")), 7);
            assert_eq!(entry::<1, _>(second.cast(), 7, |_| 8), 8);
            assert_eq!(entry::<1, _>(ptr::null_mut(), 7, |_| 8), 7);
        }
        destroy::<1>(second.cast());
        // The object was destroyed, which the second call notices.
        destroy::<1>(second.cast());
        destroy::<1>(ptr::null_mut());
        assert!(!Component::destroy(component.cast()));
    }
}
