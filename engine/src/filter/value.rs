//! Values that fields hold and conditions compare with, and their order.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

/// A number compared by its exact mathematical value: 1 equals 1.0, and integers beyond 2^53 keep every digit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Every whole number that fits, however it was written.
    Whole(i128),
    /// What is left: fractions and numbers of 2^127 and beyond. Never NaN.
    Float(f64),
}

impl Number {
    /// The number in JSON, `None` for what no JSON number is (NaN, infinities).
    pub(crate) fn from_json(number: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = number.as_i128() {
            return Some(Self::Whole(whole));
        }
        number.as_f64().filter(|float| float.is_finite()).map(Self::from_f64)
    }

    fn from_f64(float: f64) -> Self {
        if float.fract() == 0.0 && in_whole_range(float) { Self::Whole(float as i128) } else { Self::Float(float) }
    }
}

/// Whether every whole number at this size fits into 128 bits.
fn in_whole_range(float: f64) -> bool {
    const TWO_TO_127: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    (-TWO_TO_127..TWO_TO_127).contains(&float)
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(&b),
            (Self::Whole(a), Self::Float(b)) => whole_and_float(a, b),
            (Self::Float(a), Self::Whole(b)) => whole_and_float(b, a).reverse(),
        }
    }
}

/// `float` is a fraction or out of range, so it never equals `whole`.
fn whole_and_float(whole: i128, float: f64) -> Ordering {
    if !in_whole_range(float) {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    if whole <= float.floor() as i128 { Ordering::Less } else { Ordering::Greater }
}

/// A value; values of different types are never equal and never compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Bool(bool),
    Number(Number),
    Time(Timestamp),
    Text(Arc<str>),
}

impl Value {
    /// The scalar in `json`; `None` for null, arrays and objects.
    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Number(number) => Number::from_json(number).map(Self::Number),
            Json::String(text) => Some(Self::Text(text.as_str().into())),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// The smallest value of the same type, from which an open range starts.
    pub(crate) fn floor(&self) -> Self {
        match self {
            Self::Bool(_) => Self::Bool(false),
            Self::Number(_) => Self::Number(Number::Float(f64::MIN)),
            Self::Time(_) => Self::Time(Timestamp::MIN),
            Self::Text(_) => Self::Text("".into()),
        }
    }

    /// Whether both are of one type.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_their_exact_value() {
        let written = [
            "-1e308",
            "-1e39",
            "-9223372036854775809",
            "-9007199254740993",
            "-9007199254740992.0",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "1e-320",
            "0.5",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e39",
            "1e308",
        ];
        let numbers: Vec<Number> =
            written.iter().map(|text| Number::from_json(&serde_json::from_str(text).unwrap()).unwrap()).collect();
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{} and {}", written[i], written[j]);
            }
        }
        let parse = |text: &str| Number::from_json(&serde_json::from_str(text).unwrap());
        assert_eq!(parse("1.0"), parse("1"));
        assert_eq!(parse("-0.0"), parse("0"));
        assert_eq!(parse("1e3"), parse("1000"));
    }
}
