//! The published facts about each document, by path.
//!
//! The page about opening a shift is completely known. Of the other documents' pages only parts are
//! known, so their fields are checked as far as published, and other fields are accepted unchecked.
//! Fields that are known only from programs, and fields on which stored versions of a page
//! disagree, are not listed.

use serde::Serialize;

use crate::fields::{optional, required, Field, Kind, Words, FIELDS};

/// The path that opens a shift.
pub const CREATE_SESSION: &str = "/cloud-print/create-session";

/// The folders of LifePay's documents. A path below them that is not published is unknown to the
/// sandbox, but may exist at LifePay.
pub(crate) const FOLDERS: [&str; 2] = ["/cloud-print/", "/cloud-print-ffd1_2/"];

/// The extent to which the fields of a document are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Extent {
    /// All fields are known: any other is a mistake.
    WholePage,
    /// Some fields are known.
    PartOfPage,
    /// Only apikey and login are known, which every document has.
    Credentials,
}

/// A document's published fields.
pub(crate) struct Published {
    path: &'static str,
    pub(crate) extent: Extent,
    pub(crate) fields: &'static [Field],
}

const APIKEY: Field = required("apikey", Kind::Text);
const LOGIN: Field = required("login", Kind::Text);
const TEST: Field = optional("test", Kind::Switch);
const TARGET_SERIAL: Field = optional("target_serial", Kind::Text);
const EXT_ID: Field = optional("ext_id", Kind::Text);

const CASH: &[Field] = &[
    APIKEY,
    LOGIN,
    TEST,
    required("amount", Kind::Amount),
    required("target_serial", Kind::Text),
    EXT_ID,
];

const UNKNOWN: Published = Published {
    path: "",
    extent: Extent::Credentials,
    fields: &[APIKEY, LOGIN],
};

const fn part(path: &'static str, fields: &'static [Field]) -> Published {
    Published {
        path,
        extent: Extent::PartOfPage,
        fields,
    }
}

/// Documents of which only the path is known are not listed: the receipt of FFD 1.2, whose page is
/// a list of differences, and the correction, on whose fields stored versions of its page disagree.
static DOCUMENTS: [Published; 7] = [
    Published {
        path: CREATE_SESSION,
        extent: Extent::WholePage,
        fields: &FIELDS,
    },
    part(
        "/cloud-print/create-z-report",
        &[
            APIKEY,
            LOGIN,
            TEST,
            optional("cashier_name", Kind::Text),
            optional("cashier_inn", Kind::Text),
            // The stored copy of the page ends before it says whether the field is required, so
            // it is optional here.
            TARGET_SERIAL,
        ],
    ),
    part(
        "/cloud-print/create-x-report",
        &[APIKEY, LOGIN, TEST, TARGET_SERIAL, EXT_ID],
    ),
    part("/cloud-print/cash-in", CASH),
    part("/cloud-print/cash-out", CASH),
    part(
        "/cloud-print/create-receipt",
        &[APIKEY, LOGIN, TEST, required("purchase", Kind::Purchase)],
    ),
    part(
        "/cloud-print/create-non-fiscal-receipt",
        &[APIKEY, LOGIN, TEST, required("purchase", Kind::Any)],
    ),
];

/// Returns the published facts about the document of a path; None if the path is outside the
/// folders.
pub(crate) fn of(path: &str) -> Option<&'static Published> {
    let mut below = FOLDERS
        .iter()
        .filter_map(|folder| path.strip_prefix(folder));
    below.find(|rest| !rest.is_empty())?;
    let known = DOCUMENTS.iter().find(|known| known.path == path);
    Some(known.unwrap_or(&UNKNOWN))
}

/// Whether some document has a field with this name.
pub(crate) fn is_name(name: &str) -> bool {
    let mut fields = DOCUMENTS.iter().flat_map(|known| known.fields);
    fields.any(|field| field.name == name)
}

/// Returns the beginning of a path that is LifePay's own: all of it, its folder, or nothing.
pub(crate) fn known_part(path: &str) -> &str {
    if DOCUMENTS.iter().any(|known| known.path == path) {
        return path;
    }
    let folder = FOLDERS.iter().find(|folder| path.starts_with(**folder));
    folder.map_or("", |folder| &path[..folder.len()])
}

/// A document's fields, for display.
#[derive(Clone, Serialize)]
pub(crate) struct Part {
    path: &'static str,
    fields: Vec<Words>,
}

/// Returns every document whose page is known in part.
pub(crate) fn parts() -> Vec<Part> {
    let parts = DOCUMENTS.iter();
    let parts = parts.filter(|known| known.extent == Extent::PartOfPage);
    let part = |known: &Published| Part {
        path: known.path,
        fields: known.fields.iter().map(Field::words).collect(),
    };
    parts.map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_folders_are_documents() {
        for known in &DOCUMENTS {
            assert_eq!(of(known.path).unwrap().path, known.path);
        }
        for path in [
            "/cloud-print/create-receipt-correction",
            "/cloud-print-ffd1_2/create-receipt",
            "/cloud-print/a/b",
        ] {
            assert_eq!(of(path).unwrap().extent, Extent::Credentials, "{path}");
        }
        for path in [
            "/",
            "/cloud-print",
            "/cloud-print/",
            "/cloud-print-ffd1_2/",
            "/cloud-printer/create-session",
            "/create-session",
        ] {
            assert!(of(path).is_none(), "{path}");
        }
    }

    #[test]
    fn every_document_has_an_apikey_and_a_login() {
        for known in DOCUMENTS.iter().chain([&UNKNOWN]) {
            let required = known.fields.iter().filter(|field| field.required);
            let names: Vec<_> = required.map(|field| field.name).collect();
            assert_eq!(names[..2], ["apikey", "login"], "{}", known.path);
        }
    }
}
