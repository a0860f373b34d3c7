//! What goes wrong between the engine and its bucket, and when.

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is answered with this status and does not reach the bucket.
    Status(u16),
    /// It is never answered.
    Silence,
    /// The connection is reset when half of its body has come; the bucket hears nothing of it.
    CutUpload,
    /// The connection is reset when half of the answer has gone.
    CutDownload,
    /// The answer is half as long, and says so.
    Truncate,
    /// One bit of the answer is another.
    Flip,
}

/// Requests to which a fault happens.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) fault: Fault,
    pub(crate) method: &'static str,
    /// What the path of the object, or the query behind it, contains.
    pub(crate) path: String,
    /// So many such requests pass first.
    pub(crate) after: usize,
    /// It happens so often.
    pub(crate) times: usize,
}

impl Rule {
    /// A fault that happens for ever.
    pub(crate) fn new(fault: Fault, method: &'static str, path: impl Into<String>) -> Self {
        Self { fault, method, path: path.into(), after: 0, times: usize::MAX }
    }

    /// What happens to this request, if anything.
    pub(crate) fn apply(&mut self, method: &str, path: &str) -> Option<Fault> {
        if method != self.method || !path.contains(&self.path) {
            return None;
        }
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        Some(self.fault)
    }
}
