//! Skips interim answers, such as `100 Continue` and `103 Early Hints`.

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use ureq::Error;

use super::exchange_state::ExchangeState;
use super::head::{self, Head};

/// The connection to the server, without its interim answers. ureq treats a `100 Continue` with headers
/// as a protocol error.
#[derive(Debug)]
pub struct WithoutInterim {
    transport: Box<dyn Transport>,
    /// The next bytes are the beginning of an answer.
    at_head: bool,
}

impl WithoutInterim {
    pub fn new(transport: Box<dyn Transport>) -> WithoutInterim {
        WithoutInterim {
            transport,
            at_head: true,
        }
    }

    /// Drops the interim answers that have arrived, and returns whether any input is left.
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
                // ureq reports what is wrong with the head.
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
            // Not in the TCP transport, where the bytes may be TLS's own, such as its close.
            ExchangeState::current()?.received();
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
