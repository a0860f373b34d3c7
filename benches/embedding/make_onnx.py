#!/usr/bin/env python3
"""Writes the model as plain ONNX (no fused operators, no mask) for runtimes that need a file.

    python3 -m pip install onnx numpy
    python3 benches/embedding/make_onnx.py <model directory> <onnx file>
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HIDDEN, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12


def load(path):
    with open(path, "rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        header = json.loads(source.read(length))
        body = source.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if entry["dtype"] == "F32"}


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind, inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output


def build(tensors):
    g = Graph()

    def dense(x, name):
        product = g.node("MatMul", [x, g.weight(name + ".w", tensors[name + ".weight"].T)])
        return g.node("Add", [product, g.weight(name + ".b", tensors[name + ".bias"])])

    def norm(x, name):
        scale, bias = (g.weight(f"{name}.{part}", tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return g.node("LayerNormalization", [x, scale, bias], axis=-1, epsilon=EPSILON)

    def heads(x, order):
        split = g.node("Reshape", [x, "split"])
        return g.node("Transpose", [split], perm=order)

    g.weight("split", np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64))
    g.weight("join", np.array([0, 0, HIDDEN], np.int64))
    g.weight("scale", np.array((HIDDEN // HEADS) ** -0.5, np.float32))
    g.weight("half", np.array(0.5, np.float32))
    g.weight("one", np.array(1, np.float32))
    g.weight("root", np.array(2 ** -0.5, np.float32))
    words = g.node("Gather", [g.weight("words", tensors["embeddings.word_embeddings.weight"]), "ids"])
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    shape = g.node("Shape", ["ids"], start=1, end=2)
    begin, axis = g.weight("zero", np.array([0], np.int64)), g.weight("axis", np.array([0], np.int64))
    near = g.node("Slice", [g.weight("positions", positions), begin, shape, axis])
    x = norm(g.node("Add", [words, near]), "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        query = heads(dense(x, f"{at}.attention.self.query"), [0, 2, 1, 3])
        key = heads(dense(x, f"{at}.attention.self.key"), [0, 2, 3, 1])
        value = heads(dense(x, f"{at}.attention.self.value"), [0, 2, 1, 3])
        scores = g.node("Mul", [g.node("MatMul", [query, key]), "scale"])
        mixed = g.node("MatMul", [g.node("Softmax", [scores], axis=-1), value])
        mixed = g.node("Reshape", [g.node("Transpose", [mixed], perm=[0, 2, 1, 3]), "join"])
        x = norm(g.node("Add", [x, dense(mixed, f"{at}.attention.output.dense")]), f"{at}.attention.output.LayerNorm")
        wide = dense(x, f"{at}.intermediate.dense")
        error = g.node("Add", [g.node("Erf", [g.node("Mul", [wide, "root"])]), "one"])
        wide = g.node("Mul", [g.node("Mul", [wide, "half"]), error])
        x = norm(g.node("Add", [x, dense(wide, f"{at}.output.dense")]), f"{at}.output.LayerNorm")
    output = helper.make_tensor_value_info(x, TensorProto.FLOAT, ["texts", "tokens", HIDDEN])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])
    graph = helper.make_graph(g.nodes, "encoder", [ids], [output], g.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


if __name__ == "__main__":
    save(build(load(Path(sys.argv[1]) / "model.safetensors")), sys.argv[2])
