//! What is wrong with a field that a host has given: a [`Fault`] names the field, and [`Wrong`] says
//! what it is. [`Misuse`] is the same for a program in 1C, whose values have types.

use std::borrow::Cow;
use std::net::IpAddr;

/// A field, by its name in `lp_config` or in a call's parameters, and what is wrong with it.
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

/// Whether one of the faults is of this field.
pub fn is_named(faults: &[Fault], field: &str) -> bool {
    faults.iter().any(|fault| fault.field == field)
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A setting that is required is not given.
    Required,
    /// A parameter of the call is not given.
    NotGiven,
    Null,
    /// `byte` is the first wrong one, counted from 1.
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
    /// A JSON array of them is expected.
    NotIntegers,
    /// Integers with commas between them are expected.
    NotIntegerList,
    UnknownField,
    /// Only other documents have it.
    NotForShift,
    /// The document has no ext_id, and is to be repeated.
    NeededForRepeats,
    NotAPath,
    /// This member of a document is always a field.
    MemberOfOurs(&'static str),
    /// This member of a document was given as a field too.
    MemberGiven(&'static str),
    /// This member stands twice in a document.
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
    /// The outbox has this ext_id with other values of these fields.
    Taken {
        ext_id: String,
        fields: Vec<&'static str>,
        is_accepted: bool,
    },
    BaseUrl(WrongBaseUrl),
    Proxy {
        /// The environment variable or Windows, if the host did not give it.
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
    /// Plain http to a name that leads to another machine.
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
    /// On another machine, for a base_url with plain http.
    Clear,
    /// With the reason of the HTTP client.
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

/// What a program in 1C must not do with a property or a method.
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
    /// Of the parameter with this number, counted from 1.
    Argument(usize, Box<Misuse>),
    ArgumentMissing(usize),
    TooManyArguments {
        count: usize,
        most: usize,
    },
}
