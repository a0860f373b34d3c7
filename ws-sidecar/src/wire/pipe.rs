//! Bytes that pass from one socket to another without coming into this process: a pipe of the kernel's between them (splice(2)). On Linux alone; elsewhere there is none.

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use parking_lot::Mutex;
    use rustix::io::ioctl_fionread;
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    use crate::limits;

    /// Empty pipes, and how many there are besides.
    static PIPES: Mutex<Pool> = Mutex::new(Pool { spare: Vec::new(), used: 0 });

    struct Pool {
        spare: Vec<Ends>,
        used: usize,
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
            let ends = match pool.spare.pop() {
                Some(ends) => ends,
                None if pool.used < limits::PIPES => Ends::new()?,
                None => return Err(io::ErrorKind::QuotaExceeded.into()),
            };
            pool.used += 1;
            Ok(Self { ends: Some(ends), held: 0 })
        }

        /// Takes up to `most` bytes from a socket. Answers how many; 0 when the socket has ended.
        ///
        /// # Errors
        /// `StorageFull` when the pipe is, though there is something to be read.
        pub(crate) fn fill(&mut self, from: impl AsFd, most: usize) -> io::Result<usize> {
            let Some(ends) = &self.ends else { return Ok(0) };
            match splice(&from, None, &ends.writer, None, most, SpliceFlags::NONBLOCK) {
                // It is the pipe that has no room.
                Err(error) if error == rustix::io::Errno::AGAIN && self.held > 0 && ioctl_fionread(&from)? > 0 => {
                    Err(io::ErrorKind::StorageFull.into())
                }
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
            pool.spare.extend(self.ends.take().filter(|_| self.held == 0));
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
