//! Faults in the host's arguments: a [`Fault`] names the field, and [`Wrong`] is the reason. [`Misuse`]
//! is the same for programs in 1C, whose values have types.

use std::borrow::Cow;
use std::net::IpAddr;

/// A field, by its name in `lp_config` or among a call's parameters, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: Cow<'static, str>,
    pub wrong: Wrong,
}

impl Fault {
    pub fn new(field: impl Into<Cow<'static, str>>, wrong: Wrong) -> Fault {
        let field = field.into();
        Fault { field, wrong }
    }
}

/// Whether one of the faults concerns this field.
pub fn is_named(faults: &[Fault], field: &str) -> bool {
    faults.iter().any(|fault| fault.field == field)
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A required setting is not given.
    Required,
    /// A parameter of the call is not given.
    NotGiven,
    Null,
    /// `byte` is the position of the first wrong byte, counted from 1.
    NotUtf8 {
        byte: usize,
        looks_like_cp1251: bool,
    },
    NotJson {
        line: usize,
        column: usize,
    },
    NotAnObject,
    NotAContainer,
    NotAString,
    NotAnInteger,
    /// A JSON array of integers is expected.
    NotIntegers,
    /// Integers separated by commas are expected.
    NotIntegerList,
    UnknownField,
    /// Only other documents have this field.
    NotForShift,
    /// The document has no ext_id, which retries need.
    NeededForRepeats,
    NotAPath,
    /// This member of a document is always a field.
    MemberOfOurs(&'static str),
    /// This member of a document was given as a field too.
    MemberGiven(&'static str),
    /// This member occurs twice in a document.
    MemberTwice(String),
    GivenTwice,
    GivenWith(&'static str),
    TooLong {
        length: usize,
        most: usize,
    },
    TooMany {
        count: usize,
        most: usize,
    },
    TooLarge {
        given: u32,
        most: u32,
    },
    NotZeroOrOne(i32),
    UnknownTrust(i32),
    NotAnLpConfig,
    UnknownFieldsGiven,
    DelaysMissing,
    InLogCallback,
    /// The outbox was opened with another value.
    NotAsOpened,
    /// The outbox has an entry with this ext_id and other values in these fields.
    Taken {
        ext_id: String,
        fields: Vec<&'static str>,
        is_accepted: bool,
    },
    BaseUrl(WrongBaseUrl),
    Proxy {
        /// The environment variable or Windows, if the host did not set the proxy.
        source: Option<ProxySource>,
        wrong: WrongProxy,
    },
    CaFile(WrongCaFile),
    LogFile,
    Misuse(Misuse),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongBaseUrl {
    /// With the parser's reason.
    NotAUrl(String),
    NoHost,
    Credentials,
    Port,
    QueryOrFragment,
    NotHttps,
    /// Plain http to another machine.
    Clear,
    /// Plain http to a name that resolves to another machine.
    ClearTo(IpAddr),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySource {
    Variable(&'static str),
    Windows,
    System,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongProxy {
    NotAUrl,
    /// A protocol other than http and https.
    Unsupported(String),
    /// A proxy on another machine, for a base_url with plain http.
    Clear,
    /// With the HTTP client's reason.
    Exceptions(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongCaFile {
    /// With the system's reason.
    Unreadable(String),
    NotAFile,
    /// With the parser's reason.
    NotPem(String),
    Empty,
    Unusable,
}

/// A wrong use of a property or a method by a program in 1C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misuse {
    ReadOnly,
    WriteOnly,
    NotAString,
    NotANumber,
    NotAnInteger,
    NotABoolean,
    NotANumberList,
    UnusableType,
    TooLong,
    HasNul,
    NotUtf16,
    NoMemory,
    /// The fault is in the parameter with this number, counted from 1.
    Argument(usize, Box<Misuse>),
    ArgumentMissing(usize),
    TooManyArguments {
        count: usize,
        most: usize,
    },
}
