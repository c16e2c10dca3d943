//! The five functions that 1C looks for in the shared library.

use std::ffi::{c_long, c_void};
use std::ptr;

use super::component::Component;
use super::text::{read_name, same_name};
use super::{guard, CLASS};

/// 1C's `eCanAttachAny`: in a process of its own as well as in 1C's.
const ATTACH_ANY: c_long = 3;
/// 1C's `eAppCapabilities1`: nothing is asked for beyond what every platform has.
const CAPABILITIES: c_long = 1;

/// The names of the classes in UTF-16 with a NUL at their end.
static CLASS_NAMES: [u16; CLASS.len() + 1] = {
    let mut wide = [0; CLASS.len() + 1];
    let mut place = 0;
    while place < CLASS.len() {
        wide[place] = CLASS.as_bytes()[place] as u16;
        place += 1;
    }
    wide
};

/// The names of the classes, of which there is one. A static text in UTF-16.
#[no_mangle]
pub extern "C" fn GetClassNames() -> *const u16 {
    guard(ptr::null(), || CLASS_NAMES.as_ptr())
}

/// Makes an object. 0 if there is no such class, or if `object` points to something already: then
/// it is left as it is.
///
/// # Safety
///
/// `name` is NULL or UTF-16 that ends in NUL, `object` NULL or a pointer that may be written.
#[no_mangle]
pub unsafe extern "C" fn GetClassObject(name: *const u16, object: *mut *mut c_void) -> c_long {
    guard(0, || {
        // SAFETY: the caller guarantees it.
        let is_known = unsafe { read_name(name) }.is_some_and(|name| same_name(&name, CLASS));
        // SAFETY: not NULL, and the caller guarantees that it can be read.
        if !is_known || object.is_null() || !unsafe { object.read_unaligned() }.is_null() {
            return 0;
        }
        // SAFETY: as above, and writable.
        unsafe { object.write_unaligned(Component::create().cast()) };
        1
    })
}

/// Destroys an object and sets the pointer to NULL. -1 if it points to none.
///
/// # Safety
///
/// `object` is NULL or a pointer that may be written. What that points to is looked up before it
/// is used.
#[no_mangle]
pub unsafe extern "C" fn DestroyObject(object: *mut *mut c_void) -> c_long {
    guard(-1, || {
        // SAFETY: not NULL, and the caller guarantees that it can be read.
        if object.is_null() || !Component::destroy(unsafe { object.read_unaligned() }) {
            return -1;
        }
        // SAFETY: as above, and writable.
        unsafe { object.write_unaligned(ptr::null_mut()) };
        0
    })
}

/// What this component asks for of what the platform has.
#[no_mangle]
pub extern "C" fn SetPlatformCapabilities(_capabilities: c_long) -> c_long {
    guard(CAPABILITIES, || CAPABILITIES)
}

/// How 1C may load this component.
#[no_mangle]
pub extern "C" fn GetAttachType() -> c_long {
    guard(ATTACH_ANY, || ATTACH_ANY)
}
