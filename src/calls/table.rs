//! The table of settings: each one's name in C and JSON, its name in 1C, its place, its default and its
//! limit. The keys of a JSON request and the properties of the 1C component come from this table. Tests
//! compare it with the header, the bindings and the references in the READMEs.

use super::settings::Settings;
use crate::delivery::schedule::MOST_PAUSES;
use crate::protocol::request::{CALLBACK_URL_MAX, EXT_ID_MAX, PATH_MAX};
use crate::transport::route::{DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_TIMEOUT_MS};

pub(crate) const DEFAULT_EXPIRES_AFTER_MS: u32 = 12 * 60 * 60 * 1000;
/// How many requests an outbox sends at the same time.
pub(crate) const DEFAULT_CONCURRENCY: u32 = 4;
/// Each concurrent request needs a thread.
pub(crate) const MOST_CONCURRENCY: u32 = 1000;
pub(crate) const DEFAULT_KEEP_DAYS: u32 = 30;

pub struct Setting {
    /// The field of `lp_config`, and the key in JSON.
    pub name: &'static str,
    /// The property of the 1C component: its international name and its Russian one.
    pub property: [&'static str; 2],
    pub place: Place,
    /// The default of a number; 0 if the documentation of the field gives it.
    #[cfg_attr(not(test), allow(dead_code))]
    pub default: u32,
    /// The most characters or elements, or the largest number; 0 = the limit of its type.
    #[cfg_attr(not(test), allow(dead_code))]
    pub most: usize,
}

/// The kind of a setting, and its place in [`Settings`].
#[derive(Clone, Copy)]
pub enum Place {
    Text(fn(&mut Settings) -> &mut Option<String>),
    /// A text that can be set but not read.
    Secret(fn(&mut Settings) -> &mut Option<String>),
    /// If it is not given, the library generates one and returns it in the result.
    ExtId(fn(&mut Settings) -> &mut Option<String>),
    /// A text. In JSON it may be an object or array too, which goes to the second place.
    TextOrJson(
        fn(&mut Settings) -> &mut Option<String>,
        fn(&mut Settings) -> &mut Option<String>,
    ),
    /// 0 or 1, and a Boolean in 1C.
    Flag(fn(&mut Settings) -> &mut i32),
    Signed(fn(&mut Settings) -> &mut i32),
    Unsigned(fn(&mut Settings) -> &mut u32),
    Numbers(fn(&mut Settings) -> &mut Vec<u32>),
}

use Place::{ExtId, Flag, Numbers, Secret, Signed, Text, TextOrJson, Unsigned};

/// The settings, in the order of the component's reference.
#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    setting("apikey", ["ApiKey", "КлючАПИ"], Secret(|s| &mut s.fields.apikey), 0, 0),
    setting("login", ["Login", "Логин"], Text(|s| &mut s.fields.login), 0, 0),
    setting("test", ["TestMode", "ТестовыйРежим"], Flag(|s| &mut s.fields.test), 0, 1),
    setting("cashier_name", ["CashierName", "Кассир"], Text(|s| &mut s.fields.cashier_name), 0, 0),
    setting("cashier_inn", ["CashierINN", "ИННКассира"], Text(|s| &mut s.fields.cashier_inn), 0, 0),
    setting("target_serial", ["TargetSerial", "СерийныйНомер"], Text(|s| &mut s.fields.target_serial), 0, 0),
    setting("ext_id", ["ExtId", "ВнешнийИдентификатор"], ExtId(|s| &mut s.fields.ext_id), 0, EXT_ID_MAX),
    setting("callback_url", ["CallbackURL", "АдресОбратногоВызова"], Text(|s| &mut s.fields.callback_url), 0, CALLBACK_URL_MAX),
    setting("callback_data", ["CallbackData", "ДанныеОбратногоВызова"],
        TextOrJson(|s| &mut s.fields.callback_data, |s| &mut s.fields.callback_data_json), 0, 0),
    setting("callback_data_json", ["CallbackDataJSON", "ДанныеОбратногоВызоваJSON"],
        Text(|s| &mut s.fields.callback_data_json), 0, 0),
    setting("path", ["Path", "Путь"], Text(|s| &mut s.fields.path), 0, PATH_MAX),
    setting("document_json", ["DocumentJSON", "ДокументJSON"],
        TextOrJson(|s| &mut s.fields.document_json, |s| &mut s.fields.document_json), 0, 0),
    setting("base_url", ["BaseURL", "БазовыйАдрес"], Text(|s| &mut s.connection.base_url), 0, 0),
    setting("proxy", ["Proxy", "Прокси"], Text(|s| &mut s.connection.proxy), 0, 0),
    setting("trust", ["Trust", "Доверие"], Signed(|s| &mut s.connection.trust), 0, 2),
    setting("ca_file", ["CAFile", "ФайлСертификатов"], Text(|s| &mut s.connection.ca_file), 0, 0),
    setting("connect_timeout_ms", ["ConnectTimeoutMs", "ТаймаутСоединенияМс"],
        Unsigned(|s| &mut s.connection.connect_timeout_ms), DEFAULT_CONNECT_TIMEOUT_MS, 0),
    setting("timeout_ms", ["TimeoutMs", "ТаймаутМс"], Unsigned(|s| &mut s.connection.timeout_ms), DEFAULT_TIMEOUT_MS, 0),
    setting("retry_for_ms", ["RetryForMs", "ПовторятьВТечениеМс"], Unsigned(|s| &mut s.retry_for_ms), 0, 0),
    setting("retry_delays_ms", ["RetryDelaysMs", "ПаузыМс"], Numbers(|s| &mut s.retry_delays_ms), 0, MOST_PAUSES),
    setting("expires_after_ms", ["ExpiresAfterMs", "СрокЗапросаМс"],
        Unsigned(|s| &mut s.expires_after_ms), DEFAULT_EXPIRES_AFTER_MS, 0),
    setting("concurrency", ["Concurrency", "ОдновременныхЗапросов"],
        Unsigned(|s| &mut s.concurrency), DEFAULT_CONCURRENCY, MOST_CONCURRENCY as usize),
    setting("keep_days", ["KeepDays", "ХранитьДней"], Unsigned(|s| &mut s.keep_days), DEFAULT_KEEP_DAYS, 0),
];

const fn setting(
    name: &'static str,
    property: [&'static str; 2],
    place: Place,
    default: u32,
    most: usize,
) -> Setting {
    Setting {
        name,
        property,
        place,
        default,
        most,
    }
}

/// Returns the setting with this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Wrong;

    /// Returns the text between two marks.
    fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
        let rest = text.split_once(begin).expect(begin).1;
        rest.split_once(end).expect(end).0
    }

    fn read(path: &str) -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + path).unwrap()
    }

    /// A field that is missing in the table is missing in JSON and in 1C.
    #[test]
    fn the_table_has_every_field_of_the_struct() {
        const NOT_SETTINGS: [&str; 4] = [
            "struct_size",
            "on_progress",
            "user_data",
            "retry_delay_count",
        ];
        let header = read("include/lifepay.h");
        let body = between(&header, "typedef struct lp_config {", "} lp_config;");
        let fields = body
            .lines()
            .filter_map(|line| line.trim().strip_suffix(';'));
        let mut fields: Vec<&str> = fields
            .filter_map(|field| field.rsplit([' ', '*']).next())
            .filter(|field| !NOT_SETTINGS.contains(field))
            .collect();
        let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        fields.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, fields);
    }

    /// The bindings use the C names, and the component's READMEs the 1C names.
    #[test]
    fn the_bindings_and_references_have_every_setting() {
        let camel = |name: &str| name.replace('_', "").to_lowercase();
        for (path, names_of_1c) in [
            ("include/lifepay.hpp", false),
            ("bindings/delphi/LifePay.pas", false),
            ("bindings/python/lifepay/_arguments.py", false),
            ("bindings/onec/README.md", true),
            ("docs/settings.md", false),
            ("docs/settings.ru.md", true),
            ("docs/settings.ru.md", false),
        ] {
            let text = read(path).to_lowercase();
            for setting in SETTINGS {
                let known = match names_of_1c {
                    true => setting.property.map(str::to_lowercase).to_vec(),
                    false => vec![setting.name.to_owned(), camel(setting.name)],
                };
                let is_there = known.iter().any(|name| text.contains(name.as_str()));
                assert!(is_there, "{path} lacks {}", setting.name);
            }
        }
    }

    #[test]
    fn the_limits_are_in_force() {
        for setting in SETTINGS.iter().filter(|setting| setting.most > 0) {
            let mut settings = Settings::default();
            let beyond = u32::try_from(setting.most).unwrap() + 1;
            match setting.place {
                Text(place) | Secret(place) | ExtId(place) | TextOrJson(place, _) => {
                    *place(&mut settings) = Some("ж".repeat(beyond as usize));
                }
                Flag(place) | Signed(place) => *place(&mut settings) = beyond as i32,
                Unsigned(place) => *place(&mut settings) = beyond,
                Numbers(place) => *place(&mut settings) = vec![1; beyond as usize],
            }
            let is_named = |faults: Vec<crate::fault::Fault>| {
                let mut faults = faults.iter();
                faults.any(|fault| fault.field == setting.name && fault.wrong != Wrong::Required)
            };
            let faults = match setting.name {
                "concurrency" => settings.check_outbox(Vec::new()).err(),
                "path" => settings.document(Vec::new()).err(),
                _ => settings.shift(Vec::new()).err(),
            };
            assert!(is_named(faults.unwrap_or_default()), "{}", setting.name);
        }
    }

    #[test]
    fn the_header_and_the_readme_name_the_defaults() {
        let (header, readme) = (read("include/lifepay.h"), read("docs/settings.md"));
        let body = between(&header, "typedef struct lp_config {", "} lp_config;");
        for setting in SETTINGS.iter().filter(|setting| setting.default > 0) {
            let before = body.split(&format!(" {};", setting.name)).next().unwrap();
            let comment = before.rsplit("/**").next().unwrap();
            let row = between(&readme, &format!("\n| `{}` |", setting.name), "\n");
            let hours = setting.default / 3_600_000;
            let shown = [setting.default.to_string(), format!("{hours} hours")];
            for text in [comment, row] {
                let is_there = shown.iter().any(|shown| text.contains(shown.as_str()));
                assert!(is_there, "{}: {text}", setting.name);
            }
        }
    }

    #[test]
    fn the_russian_table_names_the_defaults() {
        let table = read("docs/settings.ru.md");
        for setting in SETTINGS.iter().filter(|setting| setting.default > 0) {
            let row = between(&table, &format!("\n| `{}` |", setting.name), "\n");
            let cell = row.split(" | ").nth(2).unwrap();
            let hours = format!("{} часов", setting.default / 3_600_000);
            let is_there = cell == setting.default.to_string() || cell == hours;
            assert!(is_there, "{}: {cell}", setting.name);
        }
    }
}
