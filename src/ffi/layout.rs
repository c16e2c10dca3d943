//! Structs with `struct_size`: older callers pass smaller structs, newer callers larger ones.

use std::mem::MaybeUninit;
use std::ptr;

use super::{lp_config, lp_entry, lp_field_error, lp_progress, lp_result};

/// The largest plausible `struct_size`, bytes; a larger one is garbage.
pub(crate) const LARGEST: u32 = 4096;

/// A struct that begins with `struct_size`.
///
/// # Safety
///
/// `repr(C)`, begins with a `u32` that holds the size, and is valid when all its bytes are zero.
pub unsafe trait Sized32: Copy {
    /// The size of the struct in version 1 of the interface, on this platform. Later ones are larger.
    const FIRST_SIZE: u32;
}

/// Returns a struct of zeros, which means "not given" in every field.
pub fn zeroed<T: Sized32>() -> T {
    // SAFETY: `Sized32` requires that zero bytes are a valid `T`.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Returns the size that the struct states, if a present or future version of the library may have it.
///
/// # Safety
///
/// `pointer` is NULL or points to at least four readable bytes.
pub unsafe fn stated_size<T: Sized32>(pointer: *const T) -> Option<u32> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not NULL; `struct_size` comes first. The host may have packed the struct.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() };
    is_possible::<T>(size).then_some(size)
}

/// Whether a struct may have this size: version 1's, this version's, or a larger one of a future
/// version. A size between them would end in the middle of a field.
pub fn is_possible<T: Sized32>(size: u32) -> bool {
    size == T::FIRST_SIZE || (size_of::<T>()..=LARGEST as usize).contains(&(size as usize))
}

/// Returns how many bytes of a struct of `size` bytes this version knows.
pub fn known<T>(size: u32) -> usize {
    (size as usize).min(size_of::<T>())
}

/// Copies the fields that this version knows. Fields that the caller's version lacks stay zero.
///
/// # Safety
///
/// `pointer` points to `size` readable bytes.
pub unsafe fn copy_in<T: Sized32>(pointer: *const T, size: u32) -> T {
    let mut copy = zeroed::<T>();
    // SAFETY: `known` is at most `size`, which is readable, and at most the size of `copy`. Bytes are
    // copied, so alignment does not matter.
    unsafe {
        ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            ptr::from_mut(&mut copy).cast::<u8>(),
            known::<T>(size),
        );
    }
    copy
}

/// Whether a field that this version does not know is set.
///
/// # Safety
///
/// `pointer` points to `size` readable bytes.
pub unsafe fn has_unknown<T: Sized32>(pointer: *const T, size: u32) -> bool {
    let bytes = pointer.cast::<u8>();
    // SAFETY: all places are within the `size` bytes.
    (known::<T>(size)..size as usize).any(|place| unsafe { bytes.add(place).read() } != 0)
}

/// Writes the fields that the caller's struct has. Its `struct_size` is left unchanged.
///
/// # Safety
///
/// `pointer` points to `size` writable bytes.
pub unsafe fn copy_out<T: Sized32>(value: &T, pointer: *mut T, size: u32) {
    let first = size_of::<u32>();
    // SAFETY: both structs have the bytes from the end of `struct_size` to `known`.
    unsafe {
        ptr::copy_nonoverlapping(
            ptr::from_ref(value).cast::<u8>().add(first),
            pointer.cast::<u8>().add(first),
            known::<T>(size) - first,
        );
    }
}

/// Writes `value` into `size` bytes, zeroes the rest, and sets `struct_size`. An impossible size is not
/// set, so that later calls refuse the struct.
///
/// # Safety
///
/// `pointer` is NULL or points to `size` writable bytes.
pub unsafe fn init<T: Sized32>(value: &T, pointer: *mut T, size: u32) -> bool {
    if pointer.is_null() || size > LARGEST || (size as usize) < size_of::<u32>() {
        return false;
    }
    let stated = if is_possible::<T>(size) { size } else { 0 };
    // SAFETY: the caller's struct has `size` bytes, which is at least the size of a `u32`.
    unsafe {
        ptr::write_bytes(pointer.cast::<u8>(), 0, size as usize);
        copy_out(value, pointer, size);
        pointer.cast::<u32>().write_unaligned(stated);
    }
    stated != 0
}

/// Fails to compile unless the fields of a struct are in this order and leave no gap, on the target
/// platform. `layout.c` of the tests asserts the same in C.
macro_rules! without_gaps {
    ($type:ident: $($field:ident)*) => {
        const _: () = {
            const fn size<T, F>(_: fn(&T) -> &F) -> usize {
                size_of::<F>()
            }
            let mut end = 0;
            $(
                assert!(std::mem::offset_of!($type, $field) == end);
                end += size::<$type, _>(|value| &value.$field);
            )*
            // A 64-bit field may be aligned to 8 bytes: then the struct may have padding at its end.
            assert!(size_of::<$type>() == end.next_multiple_of(align_of::<$type>()));
        };
    };
}

without_gaps!(lp_config: struct_size test apikey login cashier_name cashier_inn target_serial ext_id
    callback_url callback_data callback_data_json base_url proxy ca_file trust connect_timeout_ms
    timeout_ms retry_for_ms retry_delays_ms on_progress user_data retry_delay_count expires_after_ms
    concurrency keep_days path document_json);
without_gaps!(lp_result: struct_size code outcome http_status attempts retry_after_ms owner uuid ext_id
    message detail reply errors error_count reserved);
without_gaps!(lp_progress: struct_size phase attempts code http_status elapsed_ms next_attempt_ms);
without_gaps!(lp_entry: struct_size code outcome flags attempts http_status submitted_at next_attempt_at
    answered_at expires_at ext_id login target_serial base_url uuid message path);
without_gaps!(lp_field_error: field message);
