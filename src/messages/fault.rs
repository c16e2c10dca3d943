//! Texts of faults.

use crate::fault::{ProxySource, Wrong, WrongBaseUrl, WrongCaFile, WrongProxy};

/// Returns the text of a fault, without a full stop. The caller puts the name of the field before it.
pub fn wrong(wrong: &Wrong) -> String {
    let text = match wrong {
        Wrong::Required => "обязательное поле не задано",
        Wrong::NotGiven => "не задан",
        Wrong::Null => "NULL",
        Wrong::NotUtf8 {
            byte,
            looks_like_cp1251,
        } => {
            let guess = match looks_like_cp1251 {
                true => "; похоже на CP1251, переведите строку в UTF-8",
                false => "",
            };
            return format!("не UTF-8 (байт {byte}){guess}");
        }
        Wrong::NotJson { line, column } => {
            return format!("не JSON: строка {line}, столбец {column}");
        }
        Wrong::NotAnObject => "нужен объект JSON",
        Wrong::NotAContainer => "должен быть объект или массив JSON; для строки есть callback_data",
        Wrong::NotAString => "нужна строка",
        Wrong::NotAnInteger => "нужно целое число в допустимых пределах",
        Wrong::NotIntegers => "нужен массив целых чисел",
        Wrong::NotIntegerList => "нужны целые числа через запятую",
        Wrong::UnknownField => "неизвестное поле",
        Wrong::NotForShift => "не для открытия смены: другие документы отправляет lp_send",
        Wrong::NeededForRepeats => {
            "без него запрос нельзя повторять: LifePay не узнает его и может сделать второй документ"
        }
        Wrong::NotAPath => {
            "путь начинается с одной косой черты, состоит из латинских букв, цифр и знаков -._~!$&'()*+,;=:@ и не содержит двух точек подряд"
        }
        Wrong::MemberOfOurs(name) => {
            return format!("{name} задаётся полем {name}, а не в документе");
        }
        Wrong::MemberGiven(name) => return format!("{name} задан и полем, и в документе"),
        Wrong::MemberTwice(name) => return format!("{name} стоит в документе дважды"),
        Wrong::GivenTwice => "поле задано дважды",
        Wrong::GivenWith(other) => {
            return format!("задано вместе с {other}, а допустимо только одно из двух");
        }
        Wrong::TooLong { length, most } => {
            return format!("{length} символов, а допустимо не более {most}");
        }
        Wrong::TooMany { count, most } => {
            return format!("{count} пауз, а допустимо не более {most}");
        }
        Wrong::TooLarge { given, most } => {
            return format!("{given}, а допустимо не более {most}");
        }
        Wrong::NotZeroOrOne(given) => return format!("{given}, а допустимы 0 и 1"),
        Wrong::UnknownTrust(given) => {
            return format!("{given}, а допустимы значения LP_TRUST_... от 0 до 2");
        }
        Wrong::NotAnLpConfig => {
            "не размер lp_config: нужен вызов lp_config_init(&config, sizeof config)"
        }
        Wrong::UnknownFieldsGiven => {
            "заданы поля, которых эта версия библиотеки не знает: обновите библиотеку"
        }
        Wrong::DelaysMissing => "NULL, а retry_delay_count не 0",
        Wrong::InLogCallback => "Этот вызов недопустим в обработчике журнала",
        Wrong::NotAsOpened => "не тот, с которым открыта очередь",
        Wrong::Taken {
            ext_id,
            fields,
            is_accepted,
        } => {
            let fields = fields.join(", ");
            return match is_accepted {
                // The text must not suggest that a second shift is needed.
                true => format!(
                    "LifePay уже принял запрос с ext_id {ext_id}, его данные отличаются ({fields}); новый ext_id нужен только для другого документа"
                ),
                false => format!(
                    "{ext_id} уже есть в очереди с другими данными ({fields}); для нового документа нужен новый ext_id"
                ),
            };
        }
        Wrong::BaseUrl(wrong) => return base_url(wrong),
        Wrong::Proxy { source, wrong } => return proxy(source.as_ref(), wrong),
        Wrong::CaFile(wrong) => return ca_file(wrong),
        Wrong::Misuse(misuse) => return super::misuse(misuse),
        Wrong::LogFile => "в файл нельзя писать, или уровень не от 0 до 5",
    };
    text.to_owned()
}

fn base_url(wrong: &WrongBaseUrl) -> String {
    let text = match wrong {
        WrongBaseUrl::NotAUrl(why) => return format!("не URL: {why}"),
        WrongBaseUrl::NoHost => "в URL нет имени сервера",
        WrongBaseUrl::Credentials => "имя и пароль в URL не допускаются",
        WrongBaseUrl::Port => "порт в URL не от 1 до 65535",
        WrongBaseUrl::QueryOrFragment => "после адреса сервера не должно быть ? и #",
        WrongBaseUrl::NotHttps => "URL должен начинаться с https://",
        WrongBaseUrl::Clear => {
            "http допустим только к этому компьютеру (127.0.0.1, localhost): ключ не должен идти открыто; нужен https"
        }
        WrongBaseUrl::ClearTo(address) => {
            return format!("http допустим только к этому компьютеру, а имя ведёт к {address}");
        }
    };
    text.to_owned()
}

fn proxy(source: Option<&ProxySource>, wrong: &WrongProxy) -> String {
    let text = match wrong {
        WrongProxy::NotAUrl => "не URL прокси: нужен вид http://имя:пароль@сервер:порт или none",
        WrongProxy::Unsupported(protocol) => {
            let whose = match source {
                Some(_) => " (он задан в системе)",
                None => "",
            };
            return format!(
                "прокси вида {protocol}{whose} не поддерживается: нужен http или https, либо none"
            );
        }
        WrongProxy::Clear => {
            "с base_url вида http прокси допустим только на этом компьютере: ключ не должен идти открыто"
        }
        WrongProxy::Exceptions(why) => why,
    };
    match source {
        Some(ProxySource::Variable(name)) => format!("{name}: {text}"),
        Some(ProxySource::Windows) => format!("настройка прокси Windows: {text}"),
        Some(ProxySource::System) | None => text.to_owned(),
    }
}

fn ca_file(wrong: &WrongCaFile) -> String {
    let text = match wrong {
        WrongCaFile::Unreadable(why) => return format!("файл не открывается: {why}"),
        WrongCaFile::NotAFile => "это не файл",
        WrongCaFile::NotPem(why) => return format!("не читается как PEM: {why}"),
        WrongCaFile::Empty => "в файле нет ни одного сертификата PEM",
        WrongCaFile::Unusable => "ни один сертификат в файле не пригоден",
    };
    text.to_owned()
}
