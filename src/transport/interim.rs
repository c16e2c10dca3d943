//! Interim answers: `100 Continue`, `103 Early Hints` and their like, which say nothing yet.

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use ureq::Error;

use super::head::{self, Head};
use super::under_way::UnderWay;

/// The connection to the server, without its interim answers: ureq takes a `100 Continue` that has
/// headers for a breach of the protocol.
#[derive(Debug)]
pub struct WithoutInterim {
    transport: Box<dyn Transport>,
    /// What comes next is the beginning of an answer.
    at_head: bool,
}

impl WithoutInterim {
    pub fn new(transport: Box<dyn Transport>) -> WithoutInterim {
        WithoutInterim {
            transport,
            at_head: true,
        }
    }

    /// Drops the interim answers that have come, and returns whether anything is left.
    fn skip_interim(&mut self) -> bool {
        while self.at_head {
            let buffers = self.transport.buffers();
            if head::is_of_final(buffers.input()) {
                self.at_head = false;
                break;
            }
            match Head::read(buffers.input()) {
                Ok(Some(head)) if head.is_interim() => buffers.input_consume(head.length),
                Ok(None) => break,
                // ureq says what is wrong with it.
                Ok(Some(_)) | Err(_) => self.at_head = false,
            }
        }
        !self.transport.buffers().input().is_empty()
    }
}

impl Transport for WithoutInterim {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.at_head = true;
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        loop {
            if !self.transport.await_input(timeout)? {
                return Ok(false);
            }
            // Not where the bytes come in: over TLS they may be its own, such as that of its end.
            UnderWay::current()?.received();
            if self.skip_interim() {
                return Ok(true);
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}
