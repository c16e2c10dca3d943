//! Texts about programming errors in 1C.

use crate::fault::Misuse;

pub fn misuse(misuse: &Misuse) -> String {
    let text = match misuse {
        Misuse::ReadOnly => "доступно только для чтения",
        Misuse::WriteOnly => "доступно только для записи",
        Misuse::NotAString => "ожидается строка",
        Misuse::NotANumber => "ожидается число",
        Misuse::NotAnInteger => "ожидается целое число",
        Misuse::NotABoolean => "ожидается булево",
        Misuse::NotANumberList => "ожидается строка с числами через запятую",
        Misuse::UnusableType => "значение такого типа не принимается",
        Misuse::TooLong => "слишком длинная строка",
        Misuse::HasNul => "в строке есть символ с кодом 0",
        Misuse::NotUtf16 => "строка повреждена: не UTF-16",
        Misuse::NoMemory => "1С не выделила память",
        Misuse::Argument(number, what) => {
            return format!("параметр {number}: {}", self::misuse(what));
        }
        Misuse::ArgumentMissing(number) => return format!("не передан параметр {number}"),
        Misuse::TooManyArguments { count, most } => {
            return format!("передано параметров: {count}, а допустимо не более {most}");
        }
    };
    text.to_owned()
}
