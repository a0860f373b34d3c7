//! What the checked files name of files that share nothing between threads.

pub(crate) mod codes {
    use crate::rows::Bytes;

    /// No codes: they are rows, written before a point is linked as vectors are.
    #[derive(Debug)]
    pub(crate) struct Codes;

    impl Codes {
        pub(crate) fn bytes(&self, _count: usize) -> Bytes {
            Bytes::default()
        }
    }
}

pub(crate) mod metric {
    /// Compares the first numbers.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Metric;

    impl Metric {
        pub(crate) fn distance(self, a: &[f32], b: &[f32]) -> f32 {
            (a[0] - b[0]).abs()
        }
    }
}

pub(crate) mod select {
    /// A point with its distance.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Scored {
        pub(crate) distance: f32,
        pub(crate) point: u32,
    }
}
