#!/usr/bin/env python3
"""Makes vectors.json: what all-MiniLM-L6-v2 says about the texts of texts.json.

    python3 ingest/tests/reference/make_reference.py [model directory]

An evaluation of the model's definition in double precision, written apart from the product and
sharing no code or library with it: BERT's tokenizer and word pieces after Devlin et al. (2018),
the encoder after Vaswani et al. (2017) with exact gelu, mean pooling over the real tokens, unit
length. One text at a time, so there is no padding to get wrong. Needs numpy; takes a few seconds.
"""

import json
import math
import os
import struct
import sys
import unicodedata
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
HEADS = 12
LAYERS = 6
EPSILON = 1e-12
LIMIT = 256


def default_model():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    given = os.environ.get("CODITECT_MODEL_DIR")
    return Path(given or Path(cache) / "coditect" / "models" / "all-MiniLM-L6-v2")


def load_tensors(path):
    with open(path, "rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        header = json.loads(source.read(length))
        body = source.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(body[begin:end], dtype="<f4").astype(np.float64)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


# --- BERT's uncased tokenizer -------------------------------------------------------------------

def is_control(char):
    if char in "\t\n\r":
        return False
    return unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co")


def is_space(char):
    return char in " \t\n\r" or unicodedata.category(char) == "Zs"


def is_punctuation(char):
    code = ord(char)
    ascii_sign = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_sign or unicodedata.category(char).startswith("P")


def is_cjk(char):
    code = ord(char)
    ranges = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
    return any(low <= code <= high for low, high in ranges)


def words(text):
    cleaned = []
    for char in text:
        if char in "\0\ufffd" or is_control(char):
            continue
        cleaned.append(" " if is_space(char) else f" {char} " if is_cjk(char) else char)
    for word in "".join(cleaned).split(" "):
        plain = unicodedata.normalize("NFD", word)
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn").lower()
        current = ""
        for char in plain:
            if is_punctuation(char):
                if current:
                    yield current
                yield char
                current = ""
            else:
                current += char
        if current:
            yield current


def pieces(word, vocabulary):
    if len(word) > 100:
        return ["[UNK]"]
    found, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start:
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
            end -= 1
        if end == start:
            return ["[UNK]"]
        found.append(piece)
        start = end
    return found


def tokenize(text, vocabulary):
    tokens = [piece for word in words(text) for piece in pieces(word, vocabulary)]
    return [vocabulary[token] for token in ["[CLS]"] + tokens[: LIMIT - 2] + ["[SEP]"]]


# --- the encoder --------------------------------------------------------------------------------

def layer_norm(x, tensors, name):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred ** 2).mean(axis=-1, keepdims=True) + EPSILON)
    return scaled * tensors[name + ".weight"] + tensors[name + ".bias"]


def dense(x, tensors, name):
    return x @ tensors[name + ".weight"].T + tensors[name + ".bias"]


def gelu(x):
    return 0.5 * x * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def attention(x, tensors, at):
    size = x.shape[1] // HEADS
    query, key, value = (dense(x, tensors, f"{at}.attention.self.{part}")
                         for part in ("query", "key", "value"))
    mixed = np.empty_like(x)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed[:, part] = weights / weights.sum(axis=1, keepdims=True) @ value[:, part]
    return dense(mixed, tensors, f"{at}.attention.output.dense")


def embed(ids, tensors):
    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = x + tensors["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, tensors, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        x = layer_norm(x + attention(x, tensors, at), tensors, f"{at}.attention.output.LayerNorm")
        wide = gelu(dense(x, tensors, f"{at}.intermediate.dense"))
        x = layer_norm(x + dense(wide, tensors, f"{at}.output.dense"), tensors,
                       f"{at}.output.LayerNorm")
    vector = x.mean(axis=0)
    return vector / np.linalg.norm(vector)


def main():
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else default_model()
    tensors = load_tensors(model / "model.safetensors")
    vocabulary = json.loads((model / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    texts = json.loads((HERE / "texts.json").read_text("utf-8"))
    rows = []
    for text in texts:
        ids = tokenize(text, vocabulary)
        vector = embed(ids, tensors)
        rows.append({"tokens": len(ids), "vector": [float(f"{value:.9e}") for value in vector]})
    lines = ",\n".join(json.dumps(row) for row in rows)
    (HERE / "vectors.json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
