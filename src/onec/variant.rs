//! 1C's `tVariant`: a union of values, and the number of its type.
//!
//! It is read and written as bytes at fixed offsets, and its type as a number, because 1C may pass
//! types that this component does not know.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::host::Memory;
use crate::fault::Misuse;

/// The size of the union: the size of C's `struct tm`, its largest member; 40 on Windows.
const UNION: usize = if cfg!(windows) {
    40
} else {
    size_of::<libc::tm>()
};
/// The offset of the type. Between the union and the type is the number of elements of an array, 32
/// bits.
const TYPE: usize = UNION + 4;
/// The size of a variant. The type has 16 bits, followed by padding up to the alignment of the variant.
const SIZE: usize =
    (TYPE + 2).next_multiple_of(if cfg!(all(not(windows), target_pointer_width = "32")) {
        4
    } else {
        8
    });
/// The offset of a text's length, which follows the pointer.
const LENGTH: usize = size_of::<*const u16>();

const _: () = assert!(!cfg!(windows) || (TYPE == 44 && SIZE == 48));
const _: () = assert!(
    !cfg!(all(target_os = "linux", target_pointer_width = "64")) || (TYPE == 60 && SIZE == 64)
);

const EMPTY: u16 = 0;
const NULL: u16 = 1;
const I2: u16 = 2;
const I4: u16 = 3;
const R4: u16 = 4;
const R8: u16 = 5;
const PSTR: u16 = 8;
const BOOL: u16 = 11;
const I1: u16 = 13;
const UI1: u16 = 14;
const UI2: u16 = 15;
const UI4: u16 = 16;
const I8: u16 = 17;
const UI8: u16 = 18;
const INT: u16 = 19;
const UINT: u16 = 20;
const PWSTR: u16 = 22;
const BLOB: u16 = 23;

/// The largest plausible length, in UTF-16 units; a larger one is garbage.
const LONGEST: u32 = 16 * 1024 * 1024;
/// Up to this number, a floating-point number represents every whole number.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The values of 1C that this component accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Value {
    /// Неопределено or Null.
    #[default]
    Nothing,
    Text(String),
    Number(i64),
    Bool(bool),
}

impl Value {
    /// Returns the text; None for "" and for other types, which mean "not given".
    pub fn text(&self) -> Option<String> {
        match self {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }

    /// Returns the number; 0, which means "not given", for other types.
    pub fn number(&self) -> i64 {
        match self {
            Value::Number(number) => *number,
            _ => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Value {
        Value::Number(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Value {
        Value::Number(number.into())
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Value {
        Value::Text(text.clone().unwrap_or_default())
    }
}

/// A `tVariant` of 1C's.
#[derive(Clone, Copy)]
pub struct Variant(NonNull<u8>);

impl Variant {
    /// # Safety
    ///
    /// `pointer` is NULL or a `tVariant` that may be read and written during the call. Its contents
    /// may be anything, but a text must have the length that it states.
    pub unsafe fn at(pointer: *mut c_void) -> Option<Variant> {
        NonNull::new(pointer.cast()).map(Variant)
    }

    /// Returns the variant at index `place` of an array that begins with this one.
    ///
    /// # Safety
    ///
    /// The array has more than `place` elements.
    pub unsafe fn element(self, place: usize) -> Variant {
        // SAFETY: the caller guarantees it.
        Variant(unsafe { self.0.add(place * SIZE) })
    }

    fn get<T: Copy>(self, place: usize) -> T {
        // SAFETY: all offsets that are used are within SIZE bytes. `T` is a number or a pointer, for
        // which all bytes are valid.
        unsafe { self.0.add(place).cast::<T>().read_unaligned() }
    }

    fn set<T: Copy>(self, place: usize, value: T) {
        // SAFETY: as above.
        unsafe { self.0.add(place).cast::<T>().write_unaligned(value) };
    }

    /// Returns the value.
    ///
    /// # Errors
    ///
    /// The reason why no member accepts the value.
    pub fn read(self) -> Result<Value, Misuse> {
        let number = |number: i64| Ok(Value::Number(number));
        match self.get::<u16>(TYPE) {
            EMPTY | NULL => Ok(Value::Nothing),
            I1 => number(self.get::<i8>(0).into()),
            UI1 => number(self.get::<u8>(0).into()),
            I2 => number(self.get::<i16>(0).into()),
            UI2 => number(self.get::<u16>(0).into()),
            I4 | INT => number(self.get::<i32>(0).into()),
            UI4 | UINT => number(self.get::<u32>(0).into()),
            I8 => number(self.get(0)),
            // A number that is too large for i64 exceeds the limit of every setting.
            UI8 => number(i64::try_from(self.get::<u64>(0)).unwrap_or(i64::MAX)),
            R4 => whole(self.get::<f32>(0).into()),
            R8 => whole(self.get(0)),
            BOOL => Ok(Value::Bool(self.get::<u8>(0) != 0)),
            PWSTR => self.read_text(),
            _ => Err(Misuse::UnusableType),
        }
    }

    fn read_text(self) -> Result<Value, Misuse> {
        let (pointer, length) = (self.get::<*const u16>(0), self.get::<u32>(LENGTH));
        if pointer.is_null() {
            return Ok(Value::from(""));
        }
        if length > LONGEST {
            return Err(Misuse::TooLong);
        }
        let units = (0..length as usize)
            // SAFETY: the text has the length that it states. It need not be aligned.
            .map(|place| unsafe { pointer.add(place).read_unaligned() });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        match text {
            // Some hosts include the final NUL in the length.
            Ok(text) => match text.trim_end_matches('\0') {
                text if text.contains('\0') => Err(Misuse::HasNul),
                text => Ok(Value::from(text)),
            },
            Err(_) => Err(Misuse::NotUtf16),
        }
    }

    /// Writes `value`. If 1C provides no memory for a text, the variant is empty and the call returns
    /// false.
    #[must_use]
    pub fn write(self, value: &Value, memory: Option<Memory>) -> bool {
        // SAFETY: a variant has SIZE bytes.
        unsafe { self.0.write_bytes(0, SIZE) };
        let kind = match value {
            Value::Nothing => EMPTY,
            Value::Bool(value) => {
                self.set(0, u8::from(*value));
                BOOL
            }
            Value::Number(number) => match i32::try_from(*number) {
                Ok(number) => {
                    self.set(0, number);
                    I4
                }
                Err(_) => {
                    self.set(0, *number as f64);
                    R8
                }
            },
            Value::Text(text) => match memory.and_then(|memory| memory.text(text)) {
                Some((pointer, length)) => {
                    self.set(0, pointer);
                    self.set(LENGTH, length);
                    PWSTR
                }
                None => return false,
            },
        };
        self.set(TYPE, kind);
        true
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) const TEXT: u16 = PWSTR;

    /// Sets the type, regardless of the contents.
    #[cfg(any(test, fuzzing))]
    pub fn label(self, kind: u16) {
        self.set(TYPE, kind);
    }

    /// Sets the pointer and the length of a text.
    #[cfg(any(test, fuzzing))]
    pub fn point(self, text: *const u16, length: u32) {
        self.set(0, text);
        self.set(LENGTH, length);
    }

    /// Frees 1C's memory that a parameter holds, before a new value is written to it.
    pub fn release(self, memory: Option<Memory>) {
        let has_memory = matches!(self.get::<u16>(TYPE), PSTR | PWSTR | BLOB);
        let block = NonNull::new(self.get::<*mut c_void>(0));
        if let (true, Some(block), Some(memory)) = (has_memory, block, memory) {
            // SAFETY: a parameter's block is from 1C's memory, and the pointer is overwritten next.
            unsafe { memory.free(block) };
        }
    }
}

/// Converts a whole number from floating point: 1C has one type of numbers, and passes large ones so.
fn whole(number: f64) -> Result<Value, Misuse> {
    if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT {
        Ok(Value::Number(number as i64))
    } else {
        Err(Misuse::NotAnInteger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a variant of type `kind` with these bytes at its beginning.
    fn read(kind: u16, bytes: &[u8]) -> Result<Value, Misuse> {
        let mut memory = [0xaa_u8; SIZE];
        memory[..bytes.len()].copy_from_slice(bytes);
        memory[TYPE..TYPE + 2].copy_from_slice(&kind.to_ne_bytes());
        // SAFETY: `memory` has the size of a variant.
        let variant = unsafe { Variant::at(memory.as_mut_ptr().cast()) };
        variant.unwrap().read()
    }

    #[test]
    fn numbers_of_every_type_are_numbers() {
        let number = |number| Ok(Value::Number(number));
        assert_eq!(read(I1, &[0xff]), number(-1));
        assert_eq!(read(UI1, &[0xff]), number(255));
        assert_eq!(read(I2, &(-2_i16).to_ne_bytes()), number(-2));
        assert_eq!(read(UI2, &u16::MAX.to_ne_bytes()), number(65535));
        assert_eq!(read(I4, &i32::MIN.to_ne_bytes()), number(i32::MIN.into()));
        assert_eq!(read(INT, &5_i32.to_ne_bytes()), number(5));
        assert_eq!(read(UI4, &u32::MAX.to_ne_bytes()), number(u32::MAX.into()));
        assert_eq!(read(UINT, &6_u32.to_ne_bytes()), number(6));
        assert_eq!(read(I8, &i64::MIN.to_ne_bytes()), number(i64::MIN));
        assert_eq!(read(UI8, &u64::MAX.to_ne_bytes()), number(i64::MAX));
        assert_eq!(read(R4, &7_f32.to_ne_bytes()), number(7));
        assert_eq!(
            read(R8, &4294967295_f64.to_ne_bytes()),
            number(4_294_967_295)
        );
    }

    #[test]
    fn fractions_and_other_types_are_refused() {
        for number in [0.5, 1e300, f64::NAN, f64::INFINITY] {
            assert!(read(R8, &number.to_ne_bytes()).is_err(), "{number}");
        }
    }

    #[test]
    fn every_byte_but_zero_is_true() {
        assert_eq!(read(BOOL, &[0]), Ok(Value::Bool(false)));
        assert_eq!(read(BOOL, &[0xff]), Ok(Value::Bool(true)));
    }

    #[test]
    fn every_other_type_is_refused() {
        let known = [
            EMPTY, NULL, I2, I4, R4, R8, BOOL, I1, UI1, UI2, UI4, I8, UI8, INT, UINT, PWSTR,
        ];
        for kind in (0..=u16::MAX).filter(|kind| !known.contains(kind)) {
            assert!(read(kind, &[]).is_err(), "{kind}");
        }
    }

    #[test]
    fn an_absurd_length_and_broken_utf16_are_refused() {
        let text = |units: &[u16], length: u32| {
            let mut bytes = (units.as_ptr() as usize).to_ne_bytes().to_vec();
            bytes.extend(length.to_ne_bytes());
            read(PWSTR, &bytes)
        };
        assert_eq!(text(&[0x44f, 0x31], 2), Ok(Value::from("я1")));
        assert_eq!(text(&[0x44f, 0], 2), Ok(Value::from("я")));
        assert!(text(&[0xd800, 0x31], 2).is_err());
        assert!(text(&[0x31, 0, 0x31], 3).is_err());
        assert!(text(&[0x31], u32::MAX).is_err());
        assert_eq!(read(PWSTR, &[0; 16]), Ok(Value::from("")));
    }
}
