//! From JSON to a checked filter.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::error::FilterError;
use super::limits::{MAX_DEPTH, MAX_FIELD, MAX_IN, MAX_NODES, MAX_STRING};
use super::value::Value;

const OPERATORS: &str = "eq, ne, in, gt, gte, lt, lte, exists, prefix";
const TEXT_FIELDS: [&str; 6] = ["document_id", "kind", "language", "title", "source", "path"];
const TIME_FIELDS: [&str; 2] = ["created_at", "updated_at"];
const METADATA: &str = "metadata.";

/// A checked filter; see the [module](super) for the grammar.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub(crate) root: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Test { field: String, test: Test },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Exists,
    In(Vec<Value>),
    Greater { than: Value, or_equal: bool },
    Less { than: Value, or_equal: bool },
    Prefix(String),
}

/// What a field can hold, as far as that is known before looking at documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldType {
    Text,
    Time,
    Any,
}

/// The key under which a field is indexed: built-in names as they are, metadata under `metadata.`.
fn resolve(name: &str) -> (String, FieldType) {
    if TEXT_FIELDS.contains(&name) {
        return (name.to_owned(), FieldType::Text);
    }
    if TIME_FIELDS.contains(&name) {
        return (name.to_owned(), FieldType::Time);
    }
    let path = name.strip_prefix(METADATA).unwrap_or(name);
    (format!("{METADATA}{path}"), FieldType::Any)
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first offending place and what is allowed there.
    pub fn parse(json: &Json) -> Result<Self, FilterError> {
        let mut parser = Parser { nodes: 0 };
        Ok(Self { root: parser.filter(json, &Place::root(), 0)? })
    }
}

struct Parser {
    nodes: usize,
}

impl Parser {
    fn filter(&mut self, json: &Json, place: &Place<'_>, depth: usize) -> Result<Node, FilterError> {
        if depth > MAX_DEPTH {
            return Err(place.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let Json::Object(object) = json else {
            return Err(place.error("expected an object such as {\"field\": value}".to_owned()));
        };
        let mut nodes = Vec::with_capacity(object.len());
        for (key, operand) in object {
            let place = place.child(key);
            nodes.push(match key.as_str() {
                "and" => Node::And(self.list(operand, &place, depth)?),
                "or" => Node::Or(self.list(operand, &place, depth)?),
                "not" => Node::Not(Box::new(self.filter(operand, &place, depth + 1)?)),
                field => self.field(field, operand, &place)?,
            });
        }
        self.count(nodes.len(), place)?;
        Ok(one_or_all(nodes))
    }

    fn list(&mut self, json: &Json, place: &Place<'_>, depth: usize) -> Result<Vec<Node>, FilterError> {
        let items = json.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| place.error("expected a list of at least one filter".to_owned()))?;
        let parse = |(i, item): (usize, &Json)| self.filter(item, &place.child(&i.to_string()), depth + 1);
        items.iter().enumerate().map(parse).collect()
    }

    fn count(&mut self, more: usize, place: &Place<'_>) -> Result<(), FilterError> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(place.error(format!("filter has more than {MAX_NODES} conditions")));
        }
        Ok(())
    }

    fn field(&mut self, name: &str, operand: &Json, place: &Place<'_>) -> Result<Node, FilterError> {
        if name.is_empty() || name == METADATA || name.len() > MAX_FIELD {
            return Err(place.error(format!("a field name has 1 to {MAX_FIELD} bytes")));
        }
        let (field, kind) = resolve(name);
        let Json::Object(tests) = operand else {
            let hint = format!(
                "; for several values use {{\"in\": [..]}}, for other operators {{\"<operator>\": value}} with {OPERATORS}"
            );
            let value = scalar(operand, kind, place).map_err(|error| error.with(&hint))?;
            return Ok(Node::Test { field, test: Test::In(vec![value]) });
        };
        self.tests(&field, kind, tests, place)
    }

    fn tests(
        &mut self,
        field: &str,
        kind: FieldType,
        tests: &Map<String, Json>,
        place: &Place<'_>,
    ) -> Result<Node, FilterError> {
        if tests.is_empty() {
            return Err(place.error(format!("expected an operator: {OPERATORS}")));
        }
        self.count(tests.len() - 1, place)?;
        let node =
            |(operator, operand): (&String, &Json)| condition(field, kind, operator, operand, &place.child(operator));
        Ok(one_or_all(tests.iter().map(node).collect::<Result<_, _>>()?))
    }
}

fn one_or_all(mut nodes: Vec<Node>) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => Node::And(nodes.into_iter().chain(last).collect()),
    }
}

fn condition(
    field: &str,
    kind: FieldType,
    operator: &str,
    operand: &Json,
    place: &Place<'_>,
) -> Result<Node, FilterError> {
    let mut negated = false;
    let test = match operator {
        "eq" => Test::In(vec![scalar(operand, kind, place)?]),
        "ne" => {
            negated = true;
            Test::In(vec![scalar(operand, kind, place)?])
        }
        "in" => Test::In(values(operand, kind, place)?),
        "gt" | "gte" => Test::Greater { than: ordered(operand, kind, place)?, or_equal: operator == "gte" },
        "lt" | "lte" => Test::Less { than: ordered(operand, kind, place)?, or_equal: operator == "lte" },
        "prefix" => Test::Prefix(prefix(operand, kind, place)?),
        "exists" => {
            let wanted = operand.as_bool().ok_or_else(|| place.error("expected true or false".to_owned()))?;
            negated = !wanted;
            Test::Exists
        }
        other => {
            return Err(place.error(format!("unknown operator {other:?}; expected one of {OPERATORS}")));
        }
    };
    let node = Node::Test { field: field.to_owned(), test };
    Ok(if negated { Node::Not(Box::new(node)) } else { node })
}

fn values(operand: &Json, kind: FieldType, place: &Place<'_>) -> Result<Vec<Value>, FilterError> {
    let items = operand.as_array().ok_or_else(|| place.error("expected a list of values".to_owned()))?;
    if items.len() > MAX_IN {
        return Err(place.error(format!("at most {MAX_IN} values, got {}", items.len())));
    }
    items.iter().enumerate().map(|(i, item)| scalar(item, kind, &place.child(&i.to_string()))).collect()
}

fn ordered(operand: &Json, kind: FieldType, place: &Place<'_>) -> Result<Value, FilterError> {
    match scalar(operand, kind, place)? {
        Value::Bool(_) => Err(place.error("expected a number or a string to compare with".to_owned())),
        value => Ok(value),
    }
}

fn prefix(operand: &Json, kind: FieldType, place: &Place<'_>) -> Result<String, FilterError> {
    if kind == FieldType::Time {
        return Err(place.error("a time has no prefix; use gte and lt".to_owned()));
    }
    match scalar(operand, FieldType::Text, place)? {
        Value::Text(text) => Ok(text.to_string()),
        _ => Err(place.error("expected a string".to_owned())),
    }
}

fn scalar(json: &Json, kind: FieldType, place: &Place<'_>) -> Result<Value, FilterError> {
    if json.is_null() {
        return Err(place.error("null is not a value; use {\"exists\": false}".to_owned()));
    }
    if json.as_str().is_some_and(|text| text.len() > MAX_STRING) {
        return Err(place.error(format!("string is longer than {MAX_STRING} bytes")));
    }
    match kind {
        FieldType::Any => {
            Value::from_json(json).ok_or_else(|| place.error("expected a string, number or boolean".to_owned()))
        }
        FieldType::Text => {
            let text = json.as_str().ok_or_else(|| place.error("expected a string".to_owned()))?;
            Ok(Value::Text(text.into()))
        }
        FieldType::Time => {
            let time = json.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            time.map(Value::Time)
                .ok_or_else(|| place.error("expected an RFC 3339 time such as \"2026-01-31T12:00:00Z\"".to_owned()))
        }
    }
}

/// Where in the filter we are, for error messages.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    token: &'a str,
}

impl<'a> Place<'a> {
    fn root() -> Self {
        Self { parent: None, token: "" }
    }

    fn child<'b>(&'b self, token: &'b str) -> Place<'b>
    where
        'a: 'b,
    {
        Place { parent: Some(self), token }
    }

    fn pointer(&self) -> String {
        let Some(parent) = self.parent else {
            return String::new();
        };
        format!("{}/{}", parent.pointer(), self.token.replace('~', "~0").replace('/', "~1"))
    }

    fn error(&self, message: String) -> FilterError {
        FilterError { pointer: self.pointer(), message }
    }
}

impl FilterError {
    fn with(mut self, hint: &str) -> Self {
        self.message.push_str(hint);
        self
    }
}
