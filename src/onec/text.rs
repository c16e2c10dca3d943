//! UTF-16, and case-insensitive names.

/// Converts `text` to UTF-16 with a NUL at its end.
pub fn to_wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Reads the name at `pointer`. Returns None for NULL and for invalid UTF-16, since no member has such
/// a name.
///
/// # Safety
///
/// `pointer` is NULL or points to UTF-16 that ends in NUL.
pub unsafe fn read_name(pointer: *const u16) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    let units = (0..)
        // SAFETY: all units up to the NUL are readable. They need not be aligned.
        .map(|place| unsafe { pointer.add(place).read_unaligned() })
        .take_while(|unit| *unit != 0);
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

/// Whether two names are equal in 1C, which ignores the case of letters.
pub fn same_name(one: &str, other: &str) -> bool {
    let lower = |name: &str| name.to_lowercase();
    lower(one) == lower(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_any_letter_case_of_both_alphabets() {
        assert!(same_name("КлючАПИ", "КЛЮЧапи"));
        assert!(same_name("ApiKey", "APIKEY"));
        assert!(!same_name("ApiKey", "ApiKe"));
    }

    #[test]
    fn a_name_is_read_up_to_its_nul() {
        let read = |units: &[u16]| {
            // SAFETY: the units end in NUL.
            unsafe { read_name(units.as_ptr()) }
        };
        assert_eq!(read(&to_wide("Логин")).as_deref(), Some("Логин"));
        assert_eq!(read(&[0]).as_deref(), Some(""));
        assert_eq!(read(&[0xd800, 0]), None);
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { read_name(std::ptr::null()) }, None);
    }
}
