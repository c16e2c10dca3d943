//! Texts of failures.

use super::{advice, as_many_as_fit, join, text, wrong, GOES_ON, LONGEST, LONGEST_ERROR};
use crate::code::{Code, Kind, Outcome};
use crate::failure::{Failure, Network, Outbox, Refusal, Reply, Stage, Tls};
use crate::fault::Fault;
use crate::report::{cut_short, MOST_ERRORS};

/// The most characters of a field's name in a message.
const LONGEST_NAME: usize = 200;

/// Returns what happened and what to do about a request with this outcome. `has_ext_id`: a retry is
/// safe.
pub fn failure(failure: &Failure, outcome: Outcome, has_ext_id: bool) -> String {
    let code = Code::Failed(failure.kind());
    let what = match failure {
        Failure::Argument(faults) => return arguments(faults),
        Failure::Refused(refusal) => return refused(*refusal).to_owned(),
        Failure::Network { cause, .. } => network(*cause).to_owned(),
        Failure::Tls { cause, .. } => tls(*cause).to_owned(),
        Failure::Reply { cause, .. } => reply(*cause).to_owned(),
        Failure::Outbox { cause, .. } => outbox(*cause).to_owned(),
        Failure::Http { status } => http(*status),
        Failure::Timeout { stage, limit } => {
            let what = match stage {
                Stage::Connecting => "соединение не установлено",
                Stage::Exchanging => "ответ не получен",
            };
            format!("За {:.1} с {what}.", limit.as_secs_f64())
        }
        _ => String::new(),
    };
    join(&[text(code).utf8(), &what, advice(code, outcome, has_ext_id)])
}

/// Returns the text about wrong arguments.
fn arguments(faults: &[Fault]) -> String {
    // An unknown field's name may be long. It is shortened, so that the reason still fits.
    let one = |fault: &Fault| {
        let text = match cut_short(fault.field.to_string(), LONGEST_NAME, "…") {
            field if field.is_empty() => wrong(&fault.wrong),
            field => format!("{field} — {}", wrong(&fault.wrong)),
        };
        cut_short(text, LONGEST_ERROR, "…")
    };
    let first: Vec<String> = faults.iter().take(MOST_ERRORS).map(one).collect();
    let more = faults.len() - first.len();
    as_many_as_fit(first, more, |listed, more| {
        let more = match more {
            0 => String::new(),
            count => format!("Ещё ошибок: {count}."),
        };
        let begin = text(Code::Failed(Kind::Argument)).utf8();
        let message = join(&[begin, &listed.join("; "), &more]);
        match message.ends_with(['.', '…']) {
            true => message,
            false => message + ".",
        }
    })
}

/// Returns the text about a pending request, with the failure of its last attempt, for a cashier.
pub fn pending(last: &Failure) -> String {
    let last = text(Code::Failed(last.kind())).utf8();
    join(&[text(Code::Pending).utf8(), "Последняя попытка:", last])
}

/// Appends to a message about an entry the reason why it is not sent. A long message is shortened.
pub fn with_refusal(message: String, refusal: Refusal) -> String {
    let why = refused(refusal);
    let room = LONGEST - why.chars().count() - 2;
    join(&[&cut_short(message, room, GOES_ON), why])
}

fn network(cause: Network) -> &'static str {
    match cause {
        Network::NameNotFound => "Не найден адрес сервера: нет интернета или не работает DNS.",
        Network::ServerRefused => "Сервер не принял соединение.",
        Network::Broken => "Соединение оборвалось.",
        Network::ProxyRefused => "Прокси не принял соединение, проверьте настройку proxy.",
        Network::ProxyCredentials => "Прокси требует имя и пароль, проверьте настройку proxy.",
        Network::ProxyFailed => "Прокси не соединил с сервером.",
        Network::ProxySetting => {
            "Прокси, который задан в системе, не годится: исправьте его или задайте настройку proxy."
        }
        Network::Other => "",
    }
}

fn tls(cause: Tls) -> &'static str {
    match cause {
        Tls::Expired => {
            "Срок действия сертификата сервера истёк. Проверьте дату и время на этом компьютере."
        }
        Tls::NotValidYet => {
            "Сертификат сервера ещё не действует. Проверьте дату и время на этом компьютере."
        }
        Tls::WrongName => {
            "Сертификат выдан другому серверу: запрос перехвачен (портал сети, прокси) или неверен base_url."
        }
        Tls::UnknownIssuer => {
            "Сертификат сервера выдан неизвестным центром. Если соединение проверяет антивирус или прокси, укажите его корневой сертификат в ca_file."
        }
        Tls::SelfSigned => {
            "Сервер сам выдал себе сертификат. Если это ваш сервер или прокси, укажите его сертификат в ca_file; если нет, запрос перехвачен."
        }
        Tls::BadSignature => {
            "Сертификат сервера подписан не тем ключом, что у корневого с этим именем: обновите ca_file."
        }
        Tls::Revoked => "Сертификат сервера отозван.",
        Tls::AuthorityAsServer => {
            "Сервер показывает сертификат центра вместо своего: выпустите ему отдельный сертификат (CA:FALSE), а в ca_file укажите сертификат центра."
        }
        Tls::Unverified => "Сертификат сервера не прошёл проверку.",
        Tls::NoRoots => "В системе не найдено ни одного корневого сертификата.",
        Tls::UnusableName => "Имя сервера не годится для TLS.",
        Tls::OldVersion => {
            "Сервер предлагает только устаревший TLS, а нужен TLS 1.2 или 1.3: обновите сервер или прокси по этому адресу."
        }
        Tls::OtherProtocol => "По этому адресу отвечает не TLS-сервер.",
        Tls::Interrupted => "Сервер прервал установку защищённого соединения.",
        Tls::NothingInCommon => {
            "Сервер и программа не договорились о защите соединения: у сервера нет общих с ней шифров или версий TLS. Обновите сервер или прокси по этому адресу."
        }
    }
}

fn reply(cause: Reply) -> &'static str {
    match cause {
        Reply::TooLarge => "Ответ слишком велик.",
        Reply::CutOff => "Ответ оборвался.",
        Reply::NotHttp => "Ответ не является ответом HTTP.",
        Reply::NotLifePays => "",
    }
}

fn outbox(cause: Outbox) -> &'static str {
    match cause {
        Outbox::Busy => "Файл занят другой программой.",
        Outbox::Io => "Сбой чтения или записи: проверьте диск.",
        Outbox::Damaged => {
            "Файл повреждён. Сохраните его копию, укажите другой путь и сверьте документы в личном кабинете LifePay."
        }
        Outbox::DiskFull => "На диске нет места, освободите его.",
        Outbox::ReadOnly => "Нет прав на запись в файл или его папку.",
        Outbox::CannotOpen => "Файл не открывается: проверьте путь и права на папку.",
        Outbox::NoFolder => "Нет такой папки, создайте её.",
        Outbox::FolderReadOnly => "Нет прав на запись в эту папку.",
        Outbox::Unopenable => "Файл не открывается.",
        Outbox::IsFolder => "Указана папка, а нужен файл.",
        Outbox::OnNetworkDisk => {
            "Файл на сетевом диске, а нужен местный: сетевой не сохраняет данные при сбое."
        }
        Outbox::UnfitDisk => "Диск не подходит для очереди, укажите путь на другом.",
        Outbox::ForeignFile => "Это файл другой программы, укажите другой путь.",
        Outbox::OfLaterVersion => "Файл создан более новой версией библиотеки, обновите её.",
        Outbox::OpenInParent => {
            "Файл открыт процессом-родителем: откройте его после fork в одном процессе или в новой программе."
        }
        Outbox::ForkedMidway => {
            "Процесс создан (fork) посреди работы с очередью: откройте её в новой программе."
        }
        Outbox::Gone => {
            "Файл очереди удалён или заменён другой программой: закройте очередь и откройте её снова."
        }
        Outbox::NoThread => "Система не дала запустить поток.",
        Outbox::Other => "",
    }
}

/// Returns the text about an entry's state and what to do.
fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Accepted => "LifePay уже принял этот запрос, повторять его не нужно.",
        Refusal::Cancelled => {
            "Запрос отменён. Если он ещё нужен, поставьте его в очередь снова с тем же ext_id."
        }
        Refusal::Expired => {
            "Срок запроса истёк. Если он ещё нужен, поставьте его в очередь снова с тем же ext_id."
        }
        Refusal::Pending => {
            "Запрос ещё ждёт ответа LifePay, удалить его нельзя. Сначала отмените его."
        }
        Refusal::OfAnotherBaseUrl => {
            "Запрос поставлен в очередь для другого base_url, эта очередь его не отправляет."
        }
        Refusal::OfLaterVersion => {
            "Запрос сохранён более новой версией библиотеки. Обновите её на этой кассе."
        }
    }
}

/// Returns what an HTTP status other than 200 usually means for a request to LifePay.
fn http(status: u16) -> String {
    let meaning = match status {
        300..=399 => {
            "кто-то перенаправляет запросы: портал сети требует входа или неверен base_url"
        }
        401 | 403 => "доступ не разрешён сервером или прокси",
        404 | 405 => "по этому адресу нет такого метода, проверьте base_url и path",
        407 => "прокси требует имя и пароль",
        429 => "сервер просит повторять реже",
        500..=599 => "сбой на стороне сервера",
        _ => "сервер ответил необычно",
    };
    format!("Код HTTP {status}: {meaning}.")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::Wrong;

    #[test]
    fn an_argument_error_names_every_field() {
        let faults = ["apikey", "login"].map(|field| Fault::new(field, Wrong::NotGiven));
        assert_eq!(
            failure(&Failure::Argument(faults.into()), Outcome::NotSent, true),
            "Неверные параметры, сейчас ничего не отправлено. apikey — не задан; login — не задан."
        );
    }

    #[test]
    fn the_reason_at_the_end_is_never_cut() {
        for length in [0, 100, 1900, 2000] {
            let message = with_refusal("ы".repeat(length), Refusal::Expired);
            assert!(message.chars().count() <= LONGEST);
            assert!(message.ends_with(refused(Refusal::Expired)), "{message}");
        }
    }

    #[test]
    fn a_failure_that_may_pass_says_to_repeat_with_the_same_ext_id() {
        for passing in [
            Failure::network(Network::Other, ""),
            Failure::Timeout {
                stage: Stage::Connecting,
                limit: Duration::from_millis(1500),
            },
            Failure::Http { status: 503 },
            Failure::reply(Reply::NotLifePays, ""),
        ] {
            assert!(passing.is_repeatable());
            for outcome in [Outcome::NotSent, Outcome::Unknown] {
                let message = failure(&passing, outcome, true);
                assert!(message.contains("с тем же ext_id"), "{message}");
            }
        }
    }
}
