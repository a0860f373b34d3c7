//! Bytes that pass from one socket to another without coming into this process: a pipe of the kernel's between them (splice(2)). On Linux alone; elsewhere there is none.

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use std::time::Instant;

    use parking_lot::Mutex;
    use rustix::io::Errno;
    use rustix::net::{RecvFlags, recv};
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    use crate::limits;

    static PIPES: Mutex<Pool> = Mutex::new(Pool { spare: Vec::new(), used: 0, refused: None });

    struct Pool {
        /// Empty ones.
        spare: Vec<Ends>,
        /// How many there are besides.
        used: usize,
        /// When the system had none.
        refused: Option<Instant>,
    }

    impl Pool {
        fn take(&mut self) -> io::Result<Ends> {
            if let Some(ends) = self.spare.pop() {
                return Ok(ends);
            }
            if self.used >= limits::PIPES || self.refused.is_some_and(|at| at.elapsed() < limits::PIPE_RETRY) {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            let ends = Ends::new();
            self.refused = ends.is_err().then(Instant::now);
            ends.inspect_err(|error| tracing::debug!(%error, "there is no pipe, so large frames are copied"))
        }
    }

    #[derive(Debug)]
    struct Ends {
        reader: OwnedFd,
        writer: OwnedFd,
    }

    impl Ends {
        fn new() -> io::Result<Self> {
            let (reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
            fcntl_setpipe_size(&writer, limits::PIPE_BYTES)?;
            Ok(Self { reader, writer })
        }
    }

    /// See the module.
    #[derive(Debug)]
    pub(crate) struct Pipe {
        /// There until it is dropped.
        ends: Option<Ends>,
        held: usize,
    }

    impl Pipe {
        /// An empty pipe.
        ///
        /// # Errors
        /// When there are too many, or the system has none left.
        pub(crate) fn take() -> io::Result<Self> {
            let mut pool = PIPES.lock();
            let ends = pool.take()?;
            pool.used += 1;
            Ok(Self { ends: Some(ends), held: 0 })
        }

        /// Takes up to `most` bytes from a socket. Answers how many; 0 when the socket has ended.
        ///
        /// # Errors
        /// `WouldBlock` when nothing is there; `StorageFull` when something is, and the pipe takes no more of it.
        pub(crate) fn fill(&mut self, from: impl AsFd, most: usize) -> io::Result<usize> {
            let Some(ends) = &self.ends else { return Ok(0) };
            match splice(&from, None, &ends.writer, None, most, SpliceFlags::NONBLOCK) {
                // It may be the pipe that has no room: that is found out before the socket is looked at.
                Err(Errno::AGAIN) => match recv(&from, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT)? {
                    (0, _) => Ok(0),
                    _ => Err(io::ErrorKind::StorageFull.into()),
                },
                Err(error) => Err(error.into()),
                Ok(taken) => {
                    self.held += taken;
                    Ok(taken)
                }
            }
        }

        /// Gives what it holds to a socket, as far as that takes it.
        pub(crate) fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
            let Some(ends) = &self.ends else { return Ok(0) };
            let given = splice(&ends.reader, None, to, None, self.held, SpliceFlags::NONBLOCK)?;
            self.held -= given;
            Ok(given)
        }

        /// Bytes that are in it.
        pub(crate) fn held(&self) -> usize {
            self.held
        }
    }

    impl Drop for Pipe {
        fn drop(&mut self) {
            let mut pool = PIPES.lock();
            pool.used -= 1;
            // What is in it is of a connection that has ended.
            let keeps = self.held == 0 && pool.spare.len() < limits::SPARE_PIPES;
            pool.spare.extend(self.ends.take().filter(|_| keeps));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;

    /// There is none on this system.
    #[derive(Debug)]
    pub(crate) struct Pipe;

    impl Pipe {
        pub(crate) fn take() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn fill<T>(&mut self, _: T, _: usize) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn drain<T>(&mut self, _: T) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn held(&self) -> usize {
            0
        }
    }
}

pub(crate) use kernel::Pipe;
