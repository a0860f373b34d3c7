//! The few messages of ONNX's `onnx.proto3` that a graph without inline weights needs, with the
//! field numbers of that file (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>).

use prost::Message;

/// `TensorProto.DataType`.
pub(super) mod data_type {
    pub(in crate::embed::local) const FLOAT: i32 = 1;
    pub(in crate::embed::local) const INT8: i32 = 3;
    pub(in crate::embed::local) const INT32: i32 = 6;
}

const ATTRIBUTE_FLOAT: i32 = 1;
const ATTRIBUTE_INT: i32 = 2;
const LOCATION_EXTERNAL: i32 = 1;
const IR_VERSION: i64 = 9;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetId>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSetId {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    f: f32,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(int32, tag = "20")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<StringEntry>,
    #[prost(int32, tag = "14")]
    data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
struct StringEntry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShape>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(oneof = "Extent", tags = "1, 2")]
    extent: Option<Extent>,
}

/// The length of one axis.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Extent {
    /// Known when the graph is built.
    #[prost(int64, tag = "1")]
    Fixed(i64),
    /// Known when the graph is run.
    #[prost(string, tag = "2")]
    Named(String),
}

/// Where a weight's values are: a file beside the model, and a range of it.
pub(super) struct External<'a> {
    pub(super) location: &'a str,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl ModelProto {
    /// A model that uses `ai.onnx` at `opset` and ONNX Runtime's own operators.
    pub(super) fn new(graph: GraphProto, opset: i64, extension_domain: &str) -> Self {
        let import = |domain: &str, version| OperatorSetId { domain: domain.to_owned(), version };
        Self {
            ir_version: IR_VERSION,
            producer_name: "coditect".to_owned(),
            graph: Some(graph),
            opset_import: vec![import("", opset), import(extension_domain, 1)],
        }
    }
}

impl NodeProto {
    pub(super) fn new(domain: &str, op_type: &str, input: &[&str], output: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            input: owned(input),
            output: owned(output),
            name: output.first().map_or_else(String::new, |name| format!("{op_type}:{name}")),
            op_type: op_type.to_owned(),
            attribute: Vec::new(),
            domain: domain.to_owned(),
        }
    }

    pub(super) fn int(mut self, name: &str, value: i64) -> Self {
        self.attribute.push(AttributeProto { name: name.to_owned(), f: 0.0, i: value, kind: ATTRIBUTE_INT });
        self
    }

    pub(super) fn float(mut self, name: &str, value: f32) -> Self {
        self.attribute.push(AttributeProto { name: name.to_owned(), f: value, i: 0, kind: ATTRIBUTE_FLOAT });
        self
    }
}

impl TensorProto {
    /// A weight whose values are not in the graph.
    pub(super) fn external(name: &str, data_type: i32, dims: &[usize], place: &External<'_>) -> Self {
        let entry = |key: &str, value: String| StringEntry { key: key.to_owned(), value };
        Self {
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type,
            name: name.to_owned(),
            external_data: vec![
                entry("location", place.location.to_owned()),
                entry("offset", place.offset.to_string()),
                entry("length", place.bytes.to_string()),
            ],
            data_location: LOCATION_EXTERNAL,
        }
    }
}

impl ValueInfo {
    pub(super) fn tensor(name: &str, elem_type: i32, extents: Vec<Extent>) -> Self {
        let dim = extents.into_iter().map(|extent| Dimension { extent: Some(extent) }).collect();
        let tensor = TensorType { elem_type, shape: Some(TensorShape { dim }) };
        Self { name: name.to_owned(), kind: Some(TypeProto { tensor: Some(tensor) }) }
    }
}
