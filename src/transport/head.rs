//! The head of an HTTP answer: the part that the library must know before ureq reads it.

use crate::failure::{Failure, Reply};

/// A complete head: status line, headers and the empty line after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// In bytes.
    pub length: usize,
}

impl Head {
    /// Reads the head at the beginning of `input`. Returns None if the head is not complete yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Reply`] if `input` does not begin like an HTTP/1 answer.
    pub fn read(input: &[u8]) -> Result<Option<Head>, Failure> {
        // HTTP/1.x SSS
        const BEGIN: &[u8] = b"HTTP/1.";
        let not_http = || Failure::reply(Reply::NotHttp, "not HTTP/1");
        let known = input.len().min(BEGIN.len());
        if input[..known] != BEGIN[..known] {
            return Err(not_http());
        }
        let mut length = 0;
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            length += line.len();
            if matches!(line, b"\r\n" | b"\n") {
                let status = input.get(BEGIN.len() + 1..BEGIN.len() + 5);
                let status = status.and_then(|status| status.strip_prefix(b" "));
                let status = status.and_then(|digits| std::str::from_utf8(digits).ok());
                let status = status.and_then(|digits| digits.parse().ok());
                let status = status.ok_or_else(not_http)?;
                return Ok(Some(Head { status, length }));
            }
        }
        Ok(None)
    }

    /// Whether another answer to the same request follows.
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// Whether `input` is the beginning of a final answer. Its status shows that before its head is
/// complete.
pub fn is_of_final(input: &[u8]) -> bool {
    input
        .get("HTTP/1.1 ".len())
        .is_some_and(|digit| *digit != b'1')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_an_empty_line() {
        for (input, status, length) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\n", 200, 25),
            ("HTTP/1.0 404\n\nbody", 404, 14),
            ("HTTP/1.1 103 \r\n\r\n", 103, 17),
        ] {
            let head = Some(Head { status, length });
            assert_eq!(Head::read(input.as_bytes()).unwrap(), head, "{input}");
            for end in 0..length {
                assert_eq!(Head::read(&input.as_bytes()[..end]).unwrap(), None);
            }
        }
    }

    #[test]
    fn an_answer_is_known_to_be_final_by_its_status() {
        assert!(is_of_final(b"HTTP/1.1 2"));
        assert!(!is_of_final(b"HTTP/1.1 1"));
        assert!(!is_of_final(b"HTTP/1.1 "));
    }

    #[test]
    fn bytes_that_do_not_begin_like_http_are_not_http() {
        for input in [
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "h",
            "\x15\x03",
        ] {
            assert!(Head::read(input.as_bytes()).is_err(), "{input}");
        }
    }
}
