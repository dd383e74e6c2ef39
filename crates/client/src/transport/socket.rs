//! TCP: ureq's own waits for the system, and neither for signals nor for whoever watches.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ureq::Error as U;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use super::exchange;
use super::waiting::Waiting;

#[derive(Debug, Default)]
pub(super) struct Sockets;

impl<In: Transport> Connector<In> for Sockets {
    type Out = Either<In, Socket>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, U> {
        if let Some(way) = chained {
            return Ok(Some(Either::A(way)));
        }
        let stream = first(&details.addrs, details.timeout, open)?;
        stream.set_nodelay(details.config.no_delay())?;
        exchange::connected();
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Socket { stream, buffers, read: None, write: None, is_done: false })))
    }
}

/// The first address that answers. Each has its part of the time.
fn first<T>(
    addresses: &[SocketAddr],
    timeout: NextTimeout,
    open: impl Fn(SocketAddr, NextTimeout) -> Result<T, U>,
) -> Result<T, U> {
    let mut last = None;
    let count = addresses.len();
    let end = timeout.not_zero().and_then(|timeout| Instant::now().checked_add(*timeout));
    for (index, address) in addresses.iter().enumerate() {
        let mut timeout = timeout;
        if let (Some(left), Ok(others)) =
            (end.map(|end| end.saturating_duration_since(Instant::now())), u32::try_from(count - index))
        {
            timeout.after = left.checked_div(others).unwrap_or_default().into();
        }
        match open(*address, timeout) {
            Ok(stream) => return Ok(stream),
            // Another may do better, whatever it was: a machine without IPv6 says so in many ways.
            Err(failed @ (U::Io(_) | U::Timeout(_))) => last = Some(failed),
            // Whoever waited has given up.
            Err(other) => return Err(other),
        }
    }
    Err(last.unwrap_or(U::HostNotFound))
}

fn open(address: SocketAddr, timeout: NextTimeout) -> Result<TcpStream, U> {
    let waiting = Waiting::new(timeout);
    let connect = move |timeout: Option<Duration>| match timeout {
        Some(timeout) => TcpStream::connect_timeout(&address, timeout),
        None => TcpStream::connect(address),
    };
    let left = timeout.not_zero().map(|timeout| *timeout);
    let stream = if waiting.is_watched() { waiting.beside(move || connect(left))? } else { connect(left) };
    stream.map_err(
        |error| if error.kind() == io::ErrorKind::TimedOut { U::Timeout(timeout.reason) } else { error.into() },
    )
}

/// Whether it says that an address was not reached.
pub(super) fn is_of_address(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(
        error.kind(),
        E::ConnectionRefused | E::HostUnreachable | E::NetworkUnreachable | E::NetworkDown | E::AddrNotAvailable
    )
}

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    buffers: LazyBuffers,
    /// The limits that the stream has.
    read: Option<Duration>,
    write: Option<Duration>,
    /// Whether the server has answered and takes no more.
    is_done: bool,
}

impl Socket {
    fn set_read(&mut self, slice: Option<Duration>) -> io::Result<()> {
        if self.read != slice {
            self.stream.set_read_timeout(slice)?;
            self.read = slice;
        }
        Ok(())
    }

    fn set_write(&mut self, slice: Option<Duration>) -> io::Result<()> {
        if self.write != slice {
            self.stream.set_write_timeout(slice)?;
            self.write = slice;
        }
        Ok(())
    }

    /// Whether the server closed the connection after it had answered: it may refuse a body that it has not read.
    fn has_refused(&self, error: &io::Error) -> bool {
        use io::ErrorKind as E;
        let is_closed = matches!(error.kind(), E::BrokenPipe | E::ConnectionReset | E::ConnectionAborted);
        is_closed && self.look().is_ok_and(|count| count > 0)
    }

    /// How much there is to be read now, up to one byte; none at its end.
    fn look(&self) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let there = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        there
    }
}

/// Whether a wait was only so long, or a signal came.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), U> {
        exchange::used_socket();
        let waiting = Waiting::new(timeout.for_write());
        let mut sent = 0;
        while sent < amount && !self.is_done {
            self.set_write(waiting.slice()?)?;
            let rest = self.buffers.output().get(sent..amount).unwrap_or_default();
            match self.stream.write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => {
                    exchange::wrote();
                    sent += count;
                }
                Err(error) if is_pause(&error) => waiting.check()?,
                // Then what is left of the body goes nowhere, and the answer is read.
                Err(error) if self.has_refused(&error) => self.is_done = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, U> {
        exchange::used_socket();
        let waiting = Waiting::new(timeout.for_read());
        loop {
            self.set_read(waiting.slice()?)?;
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    if count > 0 {
                        exchange::read();
                    }
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) if is_pause(&error) => waiting.check()?,
                // ureq takes it for an end, and a body without a length for whole.
                Err(error) if is_reset(&error) && !self.is_done => return Err(io::Error::other(error).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // What was not asked for, or an end, makes it useless.
        !self.is_done && matches!(self.look(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use xacct_sign::{Error, ErrorKind};

    use super::super::waiting::GivenUp;
    use super::*;

    fn addresses() -> [SocketAddr; 2] {
        [SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80)), SocketAddr::from(([127, 0, 0, 1], 80))]
    }

    #[test]
    fn what_a_machine_without_ipv6_says_leads_to_the_next_address() {
        // EPERM, ECONNRESET, EACCES, EAFNOSUPPORT, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED as Linux has them.
        for number in [1, 104, 13, 97, 99, 101, 113, 111] {
            let open = |address: SocketAddr, _| match address {
                SocketAddr::V6(_) => Err(io::Error::from_raw_os_error(number).into()),
                SocketAddr::V4(_) => Ok(address),
            };
            assert!(
                first(&addresses(), NextTimeout::default(), open).is_ok_and(|address| address.is_ipv4()),
                "{number}"
            );
        }
    }

    #[test]
    fn whoever_has_given_up_waits_for_no_other_address() {
        let tried = RefCell::new(0);
        let open = |_, _| -> Result<(), U> {
            *tried.borrow_mut() += 1;
            Err(U::Other(Box::new(GivenUp(Error::new(ErrorKind::Interrupted, "enough")))))
        };
        assert!(matches!(first(&addresses(), NextTimeout::default(), open), Err(U::Other(_))));
        assert_eq!(tried.into_inner(), 1);
    }
}
