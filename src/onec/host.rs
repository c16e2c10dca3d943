//! The host process: 1C's memory manager and 1C's error reporting.
//!
//! Both are C++ objects of 1C, whose functions are called by their index in the table of functions.

use std::ffi::{c_long, c_ulong, c_void};
use std::ptr::{self, NonNull};

use super::text::to_wide;
use super::CLASS;
use crate::ffi::guard::call_host;

/// The number of entries that the destructor has in a table of virtual functions. In the Itanium C++
/// ABI one entry destroys and another also frees; in Microsoft's ABI one entry does both.
pub(crate) const DESTRUCTORS: usize = if cfg!(windows) { 1 } else { 2 };

/// 1C's `ADDIN_E_FAIL`: an error.
const FAIL: u16 = 1006;

/// 1C's `IMemoryManager`.
#[derive(Clone, Copy)]
pub struct Memory(NonNull<c_void>);

/// 1C's `IAddInDefBase`, with which a component calls 1C.
#[derive(Clone, Copy)]
pub struct Connection(NonNull<c_void>);

/// Returns the function at index `place` after the destructor.
///
/// # Safety
///
/// `object` is a C++ object that begins with its table, and `F` is the type of that function.
unsafe fn method<F: Copy>(object: NonNull<c_void>, place: usize) -> F {
    const { assert!(size_of::<F>() == size_of::<*const ()>()) };
    // SAFETY: the caller guarantees it.
    unsafe {
        let table = object.cast::<*const F>().read();
        table.add(DESTRUCTORS + place).read()
    }
}

impl Memory {
    /// # Safety
    ///
    /// `pointer` is NULL or an `IMemoryManager` that exists until 1C calls `done`.
    pub unsafe fn at(pointer: *mut c_void) -> Option<Memory> {
        NonNull::new(pointer).map(Memory)
    }

    /// Allocates a block of 1C's memory, which 1C frees.
    fn allocate(self, bytes: usize) -> Option<NonNull<c_void>> {
        type Alloc = unsafe extern "system" fn(*mut c_void, *mut *mut c_void, c_ulong) -> u8;
        let count = c_ulong::try_from(bytes).ok()?;
        let mut block = ptr::null_mut();
        // SAFETY: AllocMemory is the first method of IMemoryManager.
        let done = call_host(|| unsafe {
            let alloc: Alloc = method(self.0, 0);
            alloc(self.0.as_ptr(), &mut block, count)
        });
        NonNull::new(block).filter(|_| done != 0)
    }

    /// Copies `text` to 1C's memory, with a NUL at its end. Returns it and its length without the NUL.
    pub fn text(self, text: &str) -> Option<(NonNull<u16>, u32)> {
        let wide = to_wide(text);
        let length = u32::try_from(wide.len() - 1).ok()?;
        let block = self.allocate(size_of_val(wide.as_slice()))?;
        // SAFETY: the block has the size of `wide`. Bytes are copied, so its alignment does not
        // matter.
        unsafe {
            let bytes = wide.as_ptr().cast::<u8>();
            bytes.copy_to_nonoverlapping(block.as_ptr().cast(), size_of_val(wide.as_slice()));
        }
        Some((block.cast(), length))
    }

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `block` was allocated from this memory and is not used any more.
    pub unsafe fn free(self, block: NonNull<c_void>) {
        type Free = unsafe extern "system" fn(*mut c_void, *mut *mut c_void);
        let mut block = block.as_ptr();
        // SAFETY: FreeMemory is the second method of IMemoryManager. The caller guarantees that
        // the block may be freed.
        call_host(|| unsafe {
            let free: Free = method(self.0, 1);
            free(self.0.as_ptr(), &mut block);
        });
    }
}

impl Connection {
    /// # Safety
    ///
    /// `pointer` is NULL or an `IAddInDefBase` that exists until 1C calls `done`.
    pub unsafe fn at(pointer: *mut c_void) -> Option<Connection> {
        NonNull::new(pointer).map(Connection)
    }

    /// Reports a programming error to 1C. The call then ends with an exception in 1C's language.
    pub fn add_error(self, description: &str) {
        type AddError =
            unsafe extern "system" fn(*mut c_void, u16, *const u16, *const u16, c_long) -> u8;
        let (source, description) = (to_wide(CLASS), to_wide(description));
        // SAFETY: AddError is the first method of IAddInDefBase; it copies the texts.
        call_host(|| unsafe {
            let add_error: AddError = method(self.0, 0);
            // With an scode other than 0, 1C throws an exception.
            let object = self.0.as_ptr();
            add_error(object, FAIL, source.as_ptr(), description.as_ptr(), 1)
        });
    }
}
