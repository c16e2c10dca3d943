//! Values that any host may pass, and the component's reaction to them.

use std::ffi::{c_ulong, c_void};
use std::ptr;

use super::component::Component;
use super::dispatch;
use super::host::{Memory, DESTRUCTORS};
use super::method::METHODS;
use super::property::PROPERTIES;
use super::variant::Variant;

/// More bytes than a variant has on any platform.
const ROOM: usize = 128;

/// 1C's `IMemoryManager`, with malloc, so that leaks and double frees are found.
#[repr(C)]
struct Manager {
    table: *const Table,
}

#[repr(C)]
struct Table {
    destructors: [*const c_void; DESTRUCTORS],
    allocate: unsafe extern "system" fn(*mut c_void, *mut *mut c_void, c_ulong) -> u8,
    free: unsafe extern "system" fn(*mut c_void, *mut *mut c_void),
}

unsafe extern "system" fn allocate(_: *mut c_void, block: *mut *mut c_void, bytes: c_ulong) -> u8 {
    // SAFETY: the component passes a pointer for the block.
    unsafe {
        *block = libc::malloc(bytes as libc::size_t);
        u8::from(!(*block).is_null())
    }
}

unsafe extern "system" fn free(_: *mut c_void, block: *mut *mut c_void) {
    // SAFETY: the block came from `allocate`.
    unsafe { libc::free(*block) };
}

/// A generated variant: its bytes, and a text that has the stated length.
struct MadeUp {
    bytes: [u8; ROOM],
    units: Vec<u16>,
}

impl MadeUp {
    /// Returns None if there are no more bytes.
    fn take(data: &mut &[u8]) -> Option<MadeUp> {
        let (kind, rest) = data.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_first_chunk::<8>()?;
        let mut made = MadeUp {
            bytes: [0x5a; ROOM],
            units: Vec::new(),
        };
        made.bytes[..8].copy_from_slice(value);
        *data = rest;
        // SAFETY: there is room for a variant.
        let variant = unsafe { Variant::at(made.bytes.as_mut_ptr().cast()) }?;
        let kind = u16::from_le_bytes(*kind);
        // Every second variant is a text, because texts would otherwise be rare.
        let kind = if kind % 2 == 0 {
            kind / 2
        } else {
            Variant::TEXT
        };
        if kind == Variant::TEXT {
            let length = usize::from(value[0]).min(data.len() / 2);
            let (text, rest) = data.split_at(2 * length);
            *data = rest;
            let unit = |two: &[u8]| u16::from_le_bytes([two[0], two[1]]);
            made.units = text.chunks_exact(2).map(unit).collect();
            let stated = u32::try_from(length).ok()?;
            variant.point(made.units.as_ptr(), stated);
        }
        variant.label(kind);
        Some(made)
    }

    fn variant(&mut self) -> Variant {
        // SAFETY: as above.
        unsafe { Variant::at(self.bytes.as_mut_ptr().cast()) }.expect("not NULL")
    }
}

/// Sets and gets every property, reads every default, and calls the methods that send nothing.
pub fn variants(mut data: &[u8]) {
    let table = Table {
        destructors: [ptr::null(); DESTRUCTORS],
        allocate,
        free,
    };
    let manager = Manager { table: &table };
    // SAFETY: the object has the functions of an IMemoryManager, and exists until the component is
    // destroyed.
    let memory = unsafe { Memory::at(ptr::from_ref(&manager).cast_mut().cast()) };
    let object = Component::create();
    // SAFETY: the component exists until it is destroyed below.
    let component = unsafe { &*object };
    component.set_memory(memory);

    while let Some((place, rest)) = data.split_first() {
        data = rest;
        let Some(mut made) = MadeUp::take(&mut data) else {
            break;
        };
        let place = usize::from(*place) % (PROPERTIES.len() + 1);
        dispatch::set_property(component, place, Some(made.variant()));
        let mut shown = [0_u8; ROOM];
        // SAFETY: there is room for a variant.
        let shown = unsafe { Variant::at(shown.as_mut_ptr().cast()) }.expect("not NULL");
        if dispatch::get_property(component, place, Some(shown)) {
            let _ = shown.read();
            shown.release(memory);
        }
        for parameter in 0..4 {
            if dispatch::default_value(component, place, parameter, Some(shown)) {
                shown.release(memory);
            }
        }
        call(component, place, &mut made, memory);
    }
    let _ = component.settings();
    Component::destroy(object.cast());
}

/// Calls a method that neither sends nor opens a file, with one argument or with too many.
fn call(component: &Component, place: usize, made: &mut MadeUp, memory: Option<Memory>) {
    const HARMLESS: [&str; 5] = [
        "NewExtId",
        "GetLastError",
        "CodeName",
        "CodeText",
        "PendingInOutbox",
    ];
    let place = place % METHODS.len();
    let [name, _] = METHODS[place].names;
    if !HARMLESS.contains(&name) {
        return;
    }
    if name == "GetLastError" {
        // The variable's block is freed, so it must be the host's.
        made.variant().label(0);
    }
    let mut answer = [0_u8; ROOM];
    // SAFETY: there is room for a variant.
    let answer = unsafe { Variant::at(answer.as_mut_ptr().cast()) }.expect("not NULL");
    // SAFETY: one variant is passed.
    if unsafe { dispatch::call(component, place, Some(answer), Some(made.variant()), 1) } {
        answer.release(memory);
    }
    if name == "GetLastError" {
        made.variant().release(memory);
        made.variant().label(0);
    }
    // SAFETY: no variant is passed.
    if unsafe { dispatch::call(component, place, Some(answer), None, 0) } {
        answer.release(memory);
    }
}
