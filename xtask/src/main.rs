//! Checks of the repository structure.
fn main() {}
