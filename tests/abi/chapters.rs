//! The order and the form of the header's declarations. cbindgen writes them in the order of the
//! sources. This module puts them into chapters, in the order in which a programmer needs them.

use std::collections::BTreeMap;

const LINE: usize = 100;
const INDENT: &str = "    ";

struct Chapter {
    title: &'static str,
    /// A comment at its beginning; may be empty.
    intro: &'static str,
    /// The names of the declarations.
    items: &'static [&'static str],
}

const CHAPTERS: [Chapter; 12] = [
    Chapter {
        title: "Settings",
        intro: "",
        items: &[
            "LP_FOREVER",
            "lp_progress_fn",
            "lp_config",
            "lp_config_init",
            "LP_TRUST_DEFAULT",
            "LP_TRUST_BUNDLED",
            "LP_TRUST_SYSTEM",
        ],
    },
    Chapter {
        title: "The result of a call",
        intro: "",
        items: &[
            "lp_field_error",
            "lp_result",
            "lp_result_init",
            "lp_result_free",
        ],
    },
    Chapter {
        title: "Codes: return values, and lp_result.code",
        intro: "\
/*
 * 0 and positive codes are LifePay's own, documented or not: LifePay answered; do not retry the
 * request unchanged. Negative codes are the library's. Codes are never reused.
 */
",
        items: &[
            "LP_OK",
            "LP_DATA_ERROR",
            "LP_SERVER_ERROR",
            "LP_FORMAT_ERROR",
            "LP_LOGIN_UNKNOWN",
            "LP_CREDENTIALS_UNKNOWN",
            "LP_FISCALIZATION_FORBIDDEN",
            "LP_ACCESS_DENIED",
            "LP_PENDING",
            "LP_ERR_ARGUMENT",
            "LP_ERR_NETWORK",
            "LP_ERR_TIMEOUT",
            "LP_ERR_TLS",
            "LP_ERR_HTTP",
            "LP_ERR_REPLY",
            "LP_ERR_CANCELLED",
            "LP_ERR_OUTBOX",
            "LP_ERR_NOT_FOUND",
            "LP_ERR_INTERNAL",
            "LP_ERR_CLOSED",
            "LP_ERR_EXPIRED",
        ],
    },
    Chapter {
        title: "Outcomes: whether LifePay may have the request",
        intro: "",
        items: &[
            "LP_OUTCOME_NOT_SENT",
            "LP_OUTCOME_UNKNOWN",
            "LP_OUTCOME_ANSWERED",
        ],
    },
    Chapter {
        title: "Opening a shift",
        intro: "",
        items: &["lp_open_shift"],
    },
    Chapter {
        title: "Other documents: closing the shift, receipts",
        intro: "",
        items: &["lp_send"],
    },
    Chapter {
        title: "Generating an ext_id",
        intro: "",
        items: &["lp_ext_id_new"],
    },
    Chapter {
        title: "Progress",
        intro: "",
        items: &[
            "LP_PHASE_CONNECT",
            "LP_PHASE_EXCHANGE",
            "LP_PHASE_FAILED",
            "LP_PHASE_PAUSE",
            "lp_progress",
        ],
    },
    Chapter {
        title: "JSON instead of structs",
        intro: "",
        items: &["lp_open_shift_json", "lp_send_json", "lp_string_free"],
    },
    Chapter {
        title: "The outbox: requests that survive a crash",
        intro: "",
        items: &[
            "lp_outbox",
            "lp_outbox_open",
            "lp_outbox_submit",
            "lp_outbox_wait",
            "lp_outbox_cancel",
            "lp_outbox_retry_now",
            "lp_outbox_forget",
            "lp_outbox_pending",
            "LP_ENTRY_PENDING",
            "LP_ENTRY_SENDING",
            "LP_ENTRY_FOREIGN",
            "lp_entry",
            "lp_entry_fn",
            "lp_outbox_each",
            "lp_outbox_close",
            "lp_outbox_open_json",
            "lp_outbox_submit_json",
            "lp_outbox_wait_json",
            "lp_outbox_cancel_json",
            "lp_outbox_list_json",
        ],
    },
    Chapter {
        title: "The log",
        intro: "",
        items: &[
            "lp_log_fn",
            "LP_LOG_OFF",
            "LP_LOG_ERROR",
            "LP_LOG_WARN",
            "LP_LOG_INFO",
            "LP_LOG_DEBUG",
            "LP_LOG_TRACE",
            "lp_set_log",
            "lp_log_to_file",
        ],
    },
    Chapter {
        title: "Texts and versions",
        intro: "",
        items: &[
            "lp_code_name",
            "lp_code_text",
            "LP_VERSION_MAJOR",
            "LP_VERSION_MINOR",
            "LP_VERSION_PATCH",
            "lp_version",
            "lp_version_number",
        ],
    },
];

/// The declarations that cbindgen cannot generate.
const WRITTEN: [(&str, &str); 4] = [
    (
        "LP_FOREVER",
        "\
/** A time without a limit, in milliseconds. */
#define LP_FOREVER 0xFFFFFFFFu
",
    ),
    (
        "lp_progress_fn",
        "\
struct lp_progress;

/**
 * The callback on_progress of lp_config.
 *
 * - progress: valid only during the callback.
 * - user_data: that of the config.
 *
 * Return 0 to continue, any other value to stop the call.
 */
typedef int32_t (LP_CALL *lp_progress_fn)(const struct lp_progress *progress, void *user_data);
",
    ),
    (
        "lp_entry_fn",
        "\
/**
 * The callback of lp_outbox_each.
 *
 * - entry: valid only during the callback.
 * - user_data: that of lp_outbox_each.
 *
 * Return 0 to continue, any other value to end the iteration.
 */
typedef int32_t (LP_CALL *lp_entry_fn)(const lp_entry *entry, void *user_data);
",
    ),
    (
        "lp_log_fn",
        "\
/**
 * The callback of lp_set_log.
 *
 * - level: the line's level, LP_LOG_....
 * - message: one line in UTF-8, valid only during the callback.
 * - user_data: that of lp_set_log.
 */
typedef void (LP_CALL *lp_log_fn)(int32_t level, const char *message, void *user_data);
",
    ),
];

/// Returns the header in chapters. The declarations of `generated` are between `begins` and `ends`.
pub fn in_chapters(generated: &str, begins: &str, ends: &str) -> String {
    let (head, rest) = generated.split_once(begins).expect("the head");
    let (body, tail) = rest.rsplit_once(ends).expect("the tail");
    let mut items = items(body);
    items.extend(WRITTEN.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let mut text = format!("{head}{begins}");
    for chapter in CHAPTERS {
        let line = "-".repeat(LINE - 6);
        text += &format!("\n/* {line}\n * {}\n * {line} */\n\n", chapter.title);
        if !chapter.intro.is_empty() {
            text += chapter.intro;
            text.push('\n');
        }
        for name in chapter.items {
            let item = items.remove(*name);
            text +=
                &item.unwrap_or_else(|| panic!("{name} is in a chapter but not in the sources"));
            text.push('\n');
        }
    }
    let left: Vec<_> = items.keys().collect();
    assert!(left.is_empty(), "not in any chapter: {left:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= LINE, "too long: {line}");
    }
    format!("{text}{ends}{tail}")
}

/// Returns each declaration with its documentation, by name.
fn items(body: &str) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    let mut item = String::new();
    let (mut depth, mut in_comment) = (0, false);
    for line in body.lines() {
        if item.is_empty() && line.is_empty() {
            continue;
        }
        item += line;
        item.push('\n');
        let trimmed = line.trim();
        in_comment |= trimmed.starts_with("/*");
        if in_comment {
            in_comment = !trimmed.ends_with("*/");
            continue;
        }
        depth += trimmed.matches('{').count();
        depth -= trimmed.matches('}').count();
        if depth == 0 && (trimmed.starts_with("#define") || trimmed.ends_with(';')) {
            let (name, item) = format_item(&std::mem::take(&mut item));
            items.insert(name, item);
        }
    }
    assert_eq!(item, "", "a declaration without an end");
    items
}

/// Returns a declaration's name and its text in the header.
fn format_item(item: &str) -> (String, String) {
    let (comment, code) = match item.find("*/\n") {
        Some(end) => item.split_at(end + 3),
        None => ("", item),
    };
    if let Some(define) = code.strip_prefix("#define ") {
        let (name, value) = define
            .trim_end()
            .split_once(' ')
            .expect("a name and a value");
        let value = match value.starts_with('-') {
            true => format!("({value})"),
            false => value.to_owned(),
        };
        return (
            name.to_owned(),
            format!("{comment}#define {name} {value}\n"),
        );
    }
    if let Some(rest) = code.strip_prefix("typedef struct ") {
        let name = rest.split_whitespace().next().expect("a name");
        let (first, fields) = code.split_once('\n').expect("lines");
        let code = format!("{first}\n{}", fields.replace("struct lp_", "lp_"));
        return (name.to_owned(), format!("{comment}{code}"));
    }
    let (before, parameters) = code.split_once('(').expect("a function");
    let (kind, name) = before.rsplit_once([' ', '*']).expect("a type and a name");
    let kind = &before[..kind.len() + usize::from(before[kind.len()..].starts_with('*'))];
    let parameters = parameters.trim_end().trim_end_matches(");");
    let parameters: Vec<_> = parameters.split(',').map(str::trim).collect();
    let separator = format!(",\n{INDENT}");
    let parameters = match &parameters[..] {
        [one] => (*one).to_owned(),
        _ => format!("\n{INDENT}{}", parameters.join(&separator)),
    };
    let space = if kind.ends_with('*') { "" } else { " " };
    let code = format!("LP_API {kind}{space}LP_CALL {name}({parameters});\n");
    (
        name.to_owned(),
        comment.to_owned() + &code.replace("struct lp_", "lp_"),
    )
}
