//! Fields of requests, and those of LifePay's page about opening a shift, in its order and wording.

use serde::Serialize;
use serde_json::Value;

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// 0 or 1.
    Switch,
    /// A string, an object or an array.
    Data,
    /// A number or a string.
    Amount,
    /// An object with `products`.
    Purchase,
    /// Its type is not published.
    Any,
}

impl Kind {
    /// Returns the text in the page's column "Тип"; empty if it is not published.
    const fn words(self) -> &'static str {
        match self {
            Kind::Text => "Строка",
            Kind::Switch => "Целое",
            Kind::Data => "Строка | Объект | Массив",
            Kind::Amount => "Число | Строка",
            Kind::Purchase => "Объект с products",
            Kind::Any => "",
        }
    }

    /// Returns the fault in the type of a value, if any.
    pub(crate) fn fault(self, value: &Value) -> Option<&'static str> {
        let (is_right, text) = match self {
            Kind::Text => (value.is_string(), "Должно быть строкой."),
            Kind::Switch => (
                matches!(value.as_u64(), Some(0 | 1)),
                "Должно быть целым числом: 0 или 1.",
            ),
            Kind::Data => (
                value.is_string() || value.is_object() || value.is_array(),
                "Должно быть строкой, объектом или массивом.",
            ),
            Kind::Amount => (
                value.is_number() || value.is_string(),
                "Должно быть числом или строкой.",
            ),
            Kind::Purchase => (value.is_object(), "Должно быть объектом."),
            Kind::Any => (true, ""),
        };
        (!is_right).then_some(text)
    }
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// In characters, not bytes.
    pub(crate) longest: Option<usize>,
    /// The page's column "Описание"; None if only a part of the page is known.
    words: Option<&'static str>,
}

impl Field {
    pub(crate) fn words(&self) -> Words {
        Words {
            name: self.name,
            kind: Some(self.kind.words()),
            required: self.required,
            page: self.words,
        }
    }
}

/// An optional field of a document whose page is known in part.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
        longest: None,
        words: None,
    }
}

/// A required field of a document whose page is known in part.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        required: true,
        ..optional(name, kind)
    }
}

const fn field(name: &'static str, kind: Kind, words: &'static str) -> Field {
    Field {
        words: Some(words),
        ..optional(name, kind)
    }
}

/// All fields of the page about opening a shift.
pub(crate) const FIELDS: [Field; 9] = [
    Field {
        required: true,
        ..field(
            "apikey",
            Kind::Text,
            "АПИ-ключ компании в системе Lifepay. Узнать свой АПИ-ключ можно в личном кабинете Lifepay.",
        )
    },
    Field {
        required: true,
        ..field(
            "login",
            Kind::Text,
            "Логин администратора компании или торговой точки в системе Lifepay. Если логин относится к торговой точке, к которой привязан принтер, документ будет отправлен на этот принтер. Как правило, логин - номер телефона в формате 7xxxxxxxxxx.",
        )
    },
    field(
        "test",
        Kind::Switch,
        "Тестовый режим отправки запроса без фискализации. Может принимать значения 0, 1, или отсутствовать (фискализировать по умолчанию). В тестовом режиме uuid сгенерирован не будет, оповещения о результате фискализации отправляться не будут.",
    ),
    field("cashier_name", Kind::Text, "Имя кассира."),
    field("cashier_inn", Kind::Text, "ИНН кассира."),
    field(
        "target_serial",
        Kind::Text,
        "Серийный номер принтера, на котором необходимо открыть смену. Если не задан, смена будет открыта на одном из подключенных (активных) фискальных принтеров.",
    ),
    Field {
        longest: Some(50),
        ..field(
            "ext_id",
            Kind::Text,
            "Идентификатор в сторонней системе. Максимум 50 символов. В случае, если в систему повторно передан запрос с одинаковым ext_id, документ создан не будет, сервер вернет uuid первого документа.",
        )
    },
    Field {
        longest: Some(255),
        ..field(
            "callback_url",
            Kind::Text,
            "URL для отправки уведомления об обработке документа. Максимум 255 символов. Уведомление будет сформировано при смене статуса обработки документа на “обработан”, “ожидает повтора”, “ошибка”.",
        )
    },
    field(
        "callback_data",
        Kind::Data,
        "Пользовательские данные, которые будут отправлены обратно на URL, указанный в параметре callback_url.",
    ),
];

/// The page's texts about other parts of a request.
const OTHERS: [(&str, &str); 4] = [
    ("method", "Тип запроса: POST"),
    (
        "path",
        "Адрес URL: https://sapi.life-pay.ru/cloud-print/create-session",
    ),
    (
        "Content-Type",
        "Формат данных: Данные в теле запроса предварительно сериализуются в json-формат",
    ),
    (
        "body",
        "Формат данных: Данные в теле запроса предварительно сериализуются в json-формат",
    ),
];

/// The page's text about a field or another part of a request.
#[derive(Clone, Serialize)]
pub(crate) struct Words {
    name: &'static str,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    required: bool,
    /// Null if only a part of the page is known.
    page: Option<&'static str>,
}

/// Returns the page's texts about all fields and other parts of a request.
pub(crate) fn words() -> Vec<Words> {
    let fields = FIELDS.iter().map(Field::words);
    let others = OTHERS.iter().map(|(name, page)| Words {
        name,
        kind: None,
        required: true,
        page: Some(page),
    });
    fields.chain(others).collect()
}
