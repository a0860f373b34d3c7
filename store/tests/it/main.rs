//! Tests of the store from outside.

mod smoke;
