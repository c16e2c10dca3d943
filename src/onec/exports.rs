//! The five functions that 1C imports from the shared library.

use std::ffi::{c_long, c_void};
use std::ptr;

use super::component::Component;
use super::text::{read_name, same_name};
use super::{guard, CLASS};

/// 1C's `eCanAttachAny`: the component can run in a separate process or in 1C's.
const ATTACH_ANY: c_long = 3;
/// 1C's `eAppCapabilities1`: the component needs only what every platform has.
const CAPABILITIES: c_long = 1;

/// The names of the classes in UTF-16, followed by a NUL.
static CLASS_NAMES: [u16; CLASS.len() + 1] = {
    let mut wide = [0; CLASS.len() + 1];
    let mut place = 0;
    while place < CLASS.len() {
        wide[place] = CLASS.as_bytes()[place] as u16;
        place += 1;
    }
    wide
};

/// Returns the names of the classes, of which there is one: a static text in UTF-16.
#[no_mangle]
pub extern "C" fn GetClassNames() -> *const u16 {
    guard(ptr::null(), || CLASS_NAMES.as_ptr())
}

/// Creates an object. Returns 0 if there is no such class, or if `*object` is not NULL: then it is left
/// unchanged.
///
/// # Safety
///
/// `name` is NULL or UTF-16 that ends in NUL; `object` is NULL or points to a writable pointer.
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

/// Destroys an object and sets the pointer to NULL. Returns -1 if the pointer is not an object.
///
/// # Safety
///
/// `object` is NULL or points to a writable pointer. That pointer is looked up before it is used.
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

/// Returns the capabilities of the platform that this component needs.
#[no_mangle]
pub extern "C" fn SetPlatformCapabilities(_capabilities: c_long) -> c_long {
    guard(CAPABILITIES, || CAPABILITIES)
}

/// Returns how 1C may load this component.
#[no_mangle]
pub extern "C" fn GetAttachType() -> c_long {
    guard(ATTACH_ANY, || ATTACH_ANY)
}
