//! UTF-16, and names in either letter case.

/// `text` in UTF-16 with a NUL at its end.
pub fn to_wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The name at `pointer`; nothing for NULL and for what is not UTF-16, which no member is called.
///
/// # Safety
///
/// `pointer` is NULL or points to UTF-16 that ends in NUL.
pub unsafe fn read_name(pointer: *const u16) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    let units = (0..)
        // SAFETY: up to the NUL all places can be read. The host need not have aligned them.
        .map(|place| unsafe { pointer.add(place).read_unaligned() })
        .take_while(|unit| *unit != 0);
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

/// Whether two names are the same to 1C, which looks at no letter's case.
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
        // SAFETY: NULL is what is tested.
        assert_eq!(unsafe { read_name(std::ptr::null()) }, None);
    }
}
