//! Opens the sandbox's port, or explains why it cannot be opened.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener};

use crate::addresses;

/// # Errors
/// The system's error kind, with a text for display.
pub(crate) fn listen(ip: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::new(ip, port);
    TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), explanation(address, &error)))
}

fn explanation(address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    let other = match port {
        1024..=65534 => port + 1,
        _ => 8080,
    };
    let way_out = format!("lifepay-sandbox --port {other} (--port 0 выберет свободный порт)");
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "порт {port} занят другой программой. Если это тоже lifepay-sandbox, в браузере по адресу \
             http://{}/ откроется её страница: пользуйтесь ею или закройте её окно. Если нет, закройте \
             ту программу или запустите песочницу на другом порту: {way_out}.",
            addresses::reachable(address)[0],
        ),
        ErrorKind::PermissionDenied if cfg!(unix) => format!(
            "порт {port}: для портов меньше 1024 нужны права администратора. Запустите песочницу на \
             другом порту: {way_out}.",
        ),
        ErrorKind::PermissionDenied => format!(
            "порт {port}: Windows его не даёт. Его держит другая программа или сама система (какие \
             порты она оставила себе, покажет netsh interface ipv4 show excludedportrange tcp). \
             Запустите песочницу на другом порту: {way_out}.",
        ),
        ErrorKind::AddrNotAvailable => format!(
            "адреса {ip} у этого компьютера нет. Без --listen песочница слушает 127.0.0.1, только для \
             этого компьютера; --listen 0.0.0.0 значит все его адреса.",
        ),
        _ => format!("не удалось открыть порт {port} по адресу {ip}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation_of(kind: ErrorKind, address: &str) -> String {
        explanation(address.parse().unwrap(), &kind.into())
    }

    #[test]
    fn each_error_says_what_to_do() {
        for (kind, address, part) in [
            (ErrorKind::AddrInUse, "127.0.0.1:8080", "--port 8081 "),
            (ErrorKind::AddrInUse, "127.0.0.1:65535", "--port 8080 "),
            (ErrorKind::AddrInUse, "0.0.0.0:81", "http://127.0.0.1:81/"),
            (ErrorKind::AddrInUse, "[::1]:81", "http://[::1]:81/"),
            (ErrorKind::PermissionDenied, "127.0.0.1:80", "--port 8080 "),
            (ErrorKind::AddrNotAvailable, "192.0.2.1:80", "192.0.2.1 у"),
            (ErrorKind::OutOfMemory, "127.0.0.1:80", "out of memory"),
        ] {
            let text = explanation_of(kind, address);
            assert!(text.contains(part), "{text}");
        }
    }
}
