//! 1C's side of the house: the memory that it keeps, and the errors that it is told.
//!
//! Both are C++ objects of 1C's, called by their place in its table of functions.

use std::ffi::{c_long, c_ulong, c_void};
use std::ptr::{self, NonNull};

use super::text::to_wide;
use super::CLASS;
use crate::ffi::guard::call_host;

/// How many places of a table of virtual functions the destructor takes: in the Itanium C++ ABI
/// one destroys and another also frees; in Microsoft's one does either.
pub(crate) const DESTRUCTORS: usize = if cfg!(windows) { 1 } else { 2 };

/// 1C's `ADDIN_E_FAIL`: an error.
const FAIL: u16 = 1006;

/// 1C's `IMemoryManager`.
#[derive(Clone, Copy)]
pub struct Memory(NonNull<c_void>);

/// 1C's `IAddInDefBase`, by which a component calls back.
#[derive(Clone, Copy)]
pub struct Connection(NonNull<c_void>);

/// The function at `place` behind the destructor.
///
/// # Safety
///
/// `object` is a C++ object that begins with its table, and `F` the type of the function there.
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
    /// `pointer` is NULL or an `IMemoryManager` that lives until the component is told to let go.
    pub unsafe fn at(pointer: *mut c_void) -> Option<Memory> {
        NonNull::new(pointer).map(Memory)
    }

    /// A block of 1C's, which 1C frees.
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

    /// `text` in memory of 1C's with a NUL at its end, and its length without that.
    pub fn text(self, text: &str) -> Option<(NonNull<u16>, u32)> {
        let wide = to_wide(text);
        let length = u32::try_from(wide.len() - 1).ok()?;
        let block = self.allocate(size_of_val(wide.as_slice()))?;
        // SAFETY: the block has the size of `wide`; bytes are copied, so that its alignment does
        // not matter.
        unsafe {
            let bytes = wide.as_ptr().cast::<u8>();
            bytes.copy_to_nonoverlapping(block.as_ptr().cast(), size_of_val(wide.as_slice()));
        }
        Some((block.cast(), length))
    }

    /// Gives a block back.
    ///
    /// # Safety
    ///
    /// `block` came from this memory and is used no more.
    pub unsafe fn free(self, block: NonNull<c_void>) {
        type Free = unsafe extern "system" fn(*mut c_void, *mut *mut c_void);
        let mut block = block.as_ptr();
        // SAFETY: FreeMemory is the second method of IMemoryManager; the caller guarantees the
        // block.
        call_host(|| unsafe {
            let free: Free = method(self.0, 1);
            free(self.0.as_ptr(), &mut block);
        });
    }
}

impl Connection {
    /// # Safety
    ///
    /// `pointer` is NULL or an `IAddInDefBase` that lives until the component is told to let go.
    pub unsafe fn at(pointer: *mut c_void) -> Option<Connection> {
        NonNull::new(pointer).map(Connection)
    }

    /// Tells 1C of an error of the programmer's: the call ends in an exception of 1C's language.
    pub fn add_error(self, description: &str) {
        type AddError =
            unsafe extern "system" fn(*mut c_void, u16, *const u16, *const u16, c_long) -> u8;
        let (source, description) = (to_wide(CLASS), to_wide(description));
        // SAFETY: AddError is the first method of IAddInDefBase; it copies the texts.
        call_host(|| unsafe {
            let add_error: AddError = method(self.0, 0);
            // An scode other than 0 is what makes an exception of it.
            let object = self.0.as_ptr();
            add_error(object, FAIL, source.as_ptr(), description.as_ptr(), 1)
        });
    }
}
