//! The functions of the four interfaces, in the order in which 1C declares them.

use std::ffi::{c_long, c_void};
use std::ptr;

use super::component::Component;
use super::dispatch;
use super::host::{Connection, Memory};
use super::method::{self, Method, METHODS};
use super::property::{self, Property, PROPERTIES};
use super::text::read_name;
use super::variant::Variant;
use super::vtable::{entry, table, Table, This};
use super::CLASS;

/// 1C's number for components of the Native API technology.
const TECHNOLOGY: c_long = 2000;

/// 1C's `IInitDoneBase`.
#[repr(C)]
pub struct InitDone {
    init: unsafe extern "system" fn(This, *mut c_void) -> bool,
    set_memory: unsafe extern "system" fn(This, *mut c_void) -> bool,
    get_info: unsafe extern "system" fn(This) -> c_long,
    done: unsafe extern "system" fn(This),
}

pub static INIT_DONE: Table<InitDone> = table::<0, _>(InitDone {
    init,
    set_memory,
    get_info,
    done,
});

unsafe extern "system" fn init(this: This, connection: *mut c_void) -> bool {
    // SAFETY: 1C passes an object of this class, and an interface that exists until it calls `done`.
    unsafe {
        let connection = Connection::at(connection);
        entry::<0, _>(this, false, |object| object.set_connection(connection))
    }
}

unsafe extern "system" fn set_memory(this: This, memory: *mut c_void) -> bool {
    // SAFETY: as above.
    unsafe {
        let memory = Memory::at(memory);
        entry::<0, _>(this, false, |object| object.set_memory(memory))
    }
}

unsafe extern "system" fn get_info(this: This) -> c_long {
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<0, _>(this, TECHNOLOGY, |_| TECHNOLOGY) }
}

unsafe extern "system" fn done(this: This) {
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<0, _>(this, (), Component::release) };
}

/// 1C's `ILanguageExtenderBase`. A `tVariant *` is a `c_void` here.
#[repr(C)]
pub struct LanguageExtender {
    register_extension_as: unsafe extern "system" fn(This, *mut *mut u16) -> bool,
    get_n_props: unsafe extern "system" fn(This) -> c_long,
    find_prop: unsafe extern "system" fn(This, *const u16) -> c_long,
    get_prop_name: unsafe extern "system" fn(This, c_long, c_long) -> *const u16,
    get_prop_val: unsafe extern "system" fn(This, c_long, *mut c_void) -> bool,
    set_prop_val: unsafe extern "system" fn(This, c_long, *mut c_void) -> bool,
    is_prop_readable: unsafe extern "system" fn(This, c_long) -> bool,
    is_prop_writable: unsafe extern "system" fn(This, c_long) -> bool,
    get_n_methods: unsafe extern "system" fn(This) -> c_long,
    find_method: unsafe extern "system" fn(This, *const u16) -> c_long,
    get_method_name: unsafe extern "system" fn(This, c_long, c_long) -> *const u16,
    get_n_params: unsafe extern "system" fn(This, c_long) -> c_long,
    get_param_def_value: unsafe extern "system" fn(This, c_long, c_long, *mut c_void) -> bool,
    has_ret_val: unsafe extern "system" fn(This, c_long) -> bool,
    call_as_proc: unsafe extern "system" fn(This, c_long, *mut c_void, c_long) -> bool,
    call_as_func: unsafe extern "system" fn(This, c_long, *mut c_void, *mut c_void, c_long) -> bool,
}

pub static LANGUAGE_EXTENDER: Table<LanguageExtender> = table::<1, _>(LanguageExtender {
    register_extension_as,
    get_n_props,
    find_prop,
    get_prop_name,
    get_prop_val,
    set_prop_val,
    is_prop_readable,
    is_prop_writable,
    get_n_methods,
    find_method,
    get_method_name,
    get_n_params,
    get_param_def_value,
    has_ret_val,
    call_as_proc,
    call_as_func,
});

/// Converts a number of 1C to an index in a table. A negative number becomes an index beyond the end.
fn place(number: c_long) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Converts an index in a table to a number of 1C; -1 for None.
fn number(place: Option<usize>) -> c_long {
    place
        .and_then(|place| c_long::try_from(place).ok())
        .unwrap_or(-1)
}

fn property(number: c_long) -> Option<&'static Property> {
    PROPERTIES.get(place(number))
}

fn method(number: c_long) -> Option<&'static Method> {
    METHODS.get(place(number))
}

/// Copies a name to 1C's memory. Returns NULL if there is no such name.
fn name(object: &Component, names: Option<&[&'static str; 2]>, alias: c_long) -> *const u16 {
    let name = names.and_then(|names| names.get(place(alias)));
    let memory = object.memory();
    let text = name.and_then(|name| memory?.text(name));
    text.map_or(ptr::null(), |(text, _)| text.as_ptr())
}

unsafe extern "system" fn register_extension_as(this: This, name: *mut *mut u16) -> bool {
    // SAFETY: 1C passes an object of this class and a writable pointer.
    unsafe {
        entry::<1, _>(this, false, |object| {
            let text = object.memory().filter(|_| !name.is_null());
            let text = text.and_then(|memory| memory.text(CLASS));
            if let Some((text, _)) = text {
                name.write_unaligned(text.as_ptr());
            }
            text.is_some()
        })
    }
}

unsafe extern "system" fn get_n_props(this: This) -> c_long {
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, 0, |_| number(Some(PROPERTIES.len()))) }
}

unsafe extern "system" fn find_prop(this: This, name: *const u16) -> c_long {
    // SAFETY: 1C passes an object of this class and a name that ends in NUL.
    unsafe {
        entry::<1, _>(this, -1, |_| {
            let name = read_name(name);
            number(name.and_then(|name| property::find(&name)))
        })
    }
}

unsafe extern "system" fn get_prop_name(this: This, number: c_long, alias: c_long) -> *const u16 {
    // SAFETY: 1C passes an object of this class.
    unsafe {
        entry::<1, _>(this, ptr::null(), |object| {
            let names = property(number).map(|property| &property.names);
            name(object, names, alias)
        })
    }
}

unsafe extern "system" fn get_prop_val(this: This, number: c_long, value: *mut c_void) -> bool {
    // SAFETY: 1C passes an object of this class and a variant.
    unsafe {
        let value = Variant::at(value);
        entry::<1, _>(this, false, |object| {
            dispatch::get_property(object, place(number), value)
        })
    }
}

unsafe extern "system" fn set_prop_val(this: This, number: c_long, value: *mut c_void) -> bool {
    // SAFETY: as above.
    unsafe {
        let value = Variant::at(value);
        entry::<1, _>(this, false, |object| {
            dispatch::set_property(object, place(number), value)
        })
    }
}

unsafe extern "system" fn is_prop_readable(this: This, number: c_long) -> bool {
    let is_readable = |property: &Property| property.role.is_readable();
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, false, |_| property(number).is_some_and(is_readable)) }
}

unsafe extern "system" fn is_prop_writable(this: This, number: c_long) -> bool {
    let is_writable = |property: &Property| property.role.is_writable();
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, false, |_| property(number).is_some_and(is_writable)) }
}

unsafe extern "system" fn get_n_methods(this: This) -> c_long {
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, 0, |_| number(Some(METHODS.len()))) }
}

unsafe extern "system" fn find_method(this: This, name: *const u16) -> c_long {
    // SAFETY: 1C passes an object of this class and a name that ends in NUL.
    unsafe {
        entry::<1, _>(this, -1, |_| {
            let name = read_name(name);
            number(name.and_then(|name| method::find(&name)))
        })
    }
}

unsafe extern "system" fn get_method_name(this: This, number: c_long, alias: c_long) -> *const u16 {
    // SAFETY: 1C passes an object of this class.
    unsafe {
        entry::<1, _>(this, ptr::null(), |object| {
            let names = method(number).map(|method| &method.names);
            name(object, names, alias)
        })
    }
}

unsafe extern "system" fn get_n_params(this: This, number: c_long) -> c_long {
    let count = |method: &Method| self::number(Some(method.parameters.len()));
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, 0, |_| method(number).map_or(0, count)) }
}

unsafe extern "system" fn get_param_def_value(
    this: This,
    number: c_long,
    parameter: c_long,
    value: *mut c_void,
) -> bool {
    // SAFETY: 1C passes an object of this class and a variant.
    unsafe {
        let value = Variant::at(value);
        entry::<1, _>(this, false, |object| {
            dispatch::default_value(object, place(number), place(parameter), value)
        })
    }
}

unsafe extern "system" fn has_ret_val(this: This, number: c_long) -> bool {
    // SAFETY: 1C passes an object of this class.
    unsafe { entry::<1, _>(this, false, |_| method(number).is_some()) }
}

unsafe extern "system" fn call_as_proc(
    this: This,
    number: c_long,
    parameters: *mut c_void,
    count: c_long,
) -> bool {
    // SAFETY: 1C passes an object of this class and `count` variants.
    unsafe { call_as_func(this, number, ptr::null_mut(), parameters, count) }
}

unsafe extern "system" fn call_as_func(
    this: This,
    number: c_long,
    answer: *mut c_void,
    parameters: *mut c_void,
    count: c_long,
) -> bool {
    // SAFETY: as above, and a variant for the answer.
    unsafe {
        let (answer, given) = (Variant::at(answer), Variant::at(parameters));
        entry::<1, _>(this, false, |object| {
            dispatch::call(object, place(number), answer, given, place(count))
        })
    }
}

/// 1C's `LocaleBase`.
#[repr(C)]
pub struct Locale {
    set_locale: unsafe extern "system" fn(This, *const u16),
}

pub static LOCALE: Table<Locale> = table::<2, _>(Locale { set_locale: ignore });

/// 1C's `UserLanguageBase`.
#[repr(C)]
pub struct UserLanguage {
    set_user_interface_language_code: unsafe extern "system" fn(This, *const u16),
}

pub static USER_LANGUAGE: Table<UserLanguage> = table::<3, _>(UserLanguage {
    set_user_interface_language_code: ignore,
});

/// The language is ignored, because all texts are in Russian.
unsafe extern "system" fn ignore(_this: This, _language: *const u16) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_takes_null() {
        let none = ptr::null_mut();
        let object = Component::create();
        let second = object
            .wrapping_byte_add(size_of::<*const c_void>())
            .cast::<c_void>();
        // SAFETY: the test passes NULL and the object's own pointers.
        unsafe {
            for this in [none, object.cast()] {
                assert!(!init(this, none));
                assert!(!set_memory(this, none));
                assert_eq!(get_info(this), TECHNOLOGY);
                done(this);
            }
            for this in [none, second] {
                let count = [get_n_props(this), get_n_methods(this)];
                assert_eq!(count.contains(&0), this.is_null());
                assert!(!register_extension_as(this, ptr::null_mut()));
                assert_eq!(find_prop(this, ptr::null()), -1);
                assert_eq!(find_method(this, ptr::null()), -1);
                for number in [c_long::MIN, -1, 0, c_long::MAX] {
                    for alias in [c_long::MIN, -1, 0, 1, 2, c_long::MAX] {
                        assert!(get_prop_name(this, number, alias).is_null());
                        assert!(get_method_name(this, number, alias).is_null());
                        assert!(!get_param_def_value(this, number, alias, none));
                    }
                    assert!(!get_prop_val(this, number, none));
                    assert!(!set_prop_val(this, number, none));
                    let is_one = number == 0 && !this.is_null();
                    assert!(!is_prop_readable(this, number) || is_one);
                    assert_eq!(is_prop_writable(this, number), is_one);
                    assert_eq!(get_n_params(this, number), 0);
                    assert_eq!(has_ret_val(this, number), is_one);
                    for count in [c_long::MIN, -1, 1, c_long::MAX] {
                        assert!(!call_as_proc(this, number, none, count));
                        assert!(!call_as_func(this, number, none, none, count));
                    }
                }
            }
            ignore(none, ptr::null());
        }
        assert!(Component::destroy(object.cast()));
    }
}
