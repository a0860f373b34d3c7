"""The libraries, each with the few calls that peers.py needs, at M = 16 (32 links on the ground layer) and efConstruction = 200.

Sets under cosine come with vectors of length 1, so that inner product ranks as cosine does. Every library searches all
queries with its own batch call on the given number of threads where it has one, one query after another on one thread.
"""

import importlib.metadata
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

LINKS, CONSTRUCTION = 16, 200


def make(name: str, info: dict, scratch: Path):
    """The library of that name over a set."""
    peer = PEERS[name](info, scratch)
    peer.start()
    return peer


class Peer:
    """What all have in common."""

    package = ""
    settings = f"M={LINKS}, {2 * LINKS} links on the ground, efConstruction={CONSTRUCTION}"

    def __init__(self, info: dict, scratch: Path):
        self.dimension, self.rows = info["dimension"], info["rows"]
        self.is_l2, self.scratch = info["metric"] == "l2", scratch

    def start(self):
        """Imports the library, so that its own size counts for no index."""

    def describe(self) -> dict:
        version = importlib.metadata.version(self.package)
        return {"version": f"{self.package} {version}", "settings": self.settings}

    def prepare(self, base):
        """What has to be there before a build and is not part of it."""

    def convert(self, queries):
        """The queries in the form that searches take, made once and not timed."""
        return queries

    def ids(self, found):
        return found

    def save(self, path: str):
        raise NotImplementedError("cannot save")


class Hnswlib(Peer):
    package = "hnswlib"

    def start(self):
        import hnswlib

        self.index = hnswlib.Index("l2" if self.is_l2 else "ip", self.dimension)

    def build(self, base, threads):
        self.index.init_index(len(base), ef_construction=CONSTRUCTION, M=LINKS)
        self.index.add_items(base, num_threads=threads)

    def tune(self, effort, depth, threads):
        self.index.set_ef(effort)

    def search(self, queries, count, threads):
        return self.index.knn_query(queries, count, num_threads=threads)[0]

    def save(self, path):
        self.index.save_index(path)

    def load(self, path):
        self.index.load_index(path, max_elements=self.rows)


class Faiss(Peer):
    package = "faiss-cpu"
    links = LINKS

    def start(self):
        import faiss

        self.faiss = faiss
        self.metric = faiss.METRIC_L2 if self.is_l2 else faiss.METRIC_INNER_PRODUCT

    def make(self):
        return self.faiss.IndexHNSWFlat(self.dimension, LINKS, self.metric)

    def build(self, base, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index = self.make()
        self.index.hnsw.efConstruction = CONSTRUCTION
        # faiss counts M for the upper layers, as the others do: twice as many links on the ground.
        assert self.index.hnsw.nb_neighbors(0) == 2 * LINKS
        self.index.train(base)
        self.index.add(base)

    def tune(self, effort, depth, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index.hnsw.efSearch = effort

    def search(self, queries, count, threads):
        return self.index.search(queries, count)[1]

    def save(self, path):
        self.faiss.write_index(self.index, path)

    def load(self, path):
        self.index = self.faiss.read_index(path)


class FaissSq8(Faiss):
    def make(self):
        return self.faiss.IndexHNSWSQ(self.dimension, self.faiss.ScalarQuantizer.QT_8bit, LINKS, self.metric)


class FaissRabitq(Faiss):
    """Inverted lists of RaBitQ codes; the best of each search are compared anew by their vectors."""

    def start(self):
        super().start()
        lists = 1 << max(6, round(numpy.log2(2 * numpy.sqrt(self.rows))))
        self.settings = f"{lists} lists, rotated, 1 bit a dimension, depth x k rescored by vectors"
        self.factory = f"RR,IVF{lists},RaBitQ,RFlat"

    def build(self, base, threads):
        self.faiss.omp_set_num_threads(threads)
        # Both metrics rank alike on vectors of length 1.
        self.index = self.faiss.index_factory(self.dimension, self.factory, self.faiss.METRIC_L2)
        self.index.train(base)
        self.index.add(base)

    def tune(self, effort, depth, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index.k_factor = depth
        self.faiss.ParameterSpace().set_index_parameter(self.index, "nprobe", effort)


class Usearch(Peer):
    package = "usearch"
    dtype = "f32"

    def start(self):
        from usearch.index import Index

        metric = "l2sq" if self.is_l2 else "cos"
        self.settings = f"{Peer.settings}, {self.dtype}"
        self.index = Index(
            ndim=self.dimension,
            metric=metric,
            dtype=self.dtype,
            connectivity=LINKS,
            expansion_add=CONSTRUCTION,
        )

    def build(self, base, threads):
        self.index.add(numpy.arange(len(base), dtype=numpy.uint64), base, threads=threads)

    def tune(self, effort, depth, threads):
        self.index.expansion_search = effort

    def search(self, queries, count, threads):
        return self.index.search(queries, count, threads=threads)

    def ids(self, found):
        keys = found.keys.reshape(-1, found.keys.shape[-1]).astype(numpy.int64)
        counts = numpy.atleast_1d(found.counts if hasattr(found, "counts") else keys.shape[1])
        return [row[:count] for row, count in zip(keys, counts)]

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self.index.load(path)


class UsearchBf16(Usearch):
    dtype = "bf16"


class UsearchI8(Usearch):
    """Takes components of -1 to 1 for its eight bits; scaling vectors changes no ranking."""

    dtype = "i8"

    def prepare(self, base):
        self.scale = numpy.float32(1 / numpy.abs(base).max())

    def build(self, base, threads):
        super().build(base * self.scale, threads)

    def convert(self, queries):
        # After loading there is no need to find what was stored.
        return queries * getattr(self, "scale", numpy.float32(1))


class Svs(Peer):
    """Intel's Vamana graph with locally adaptive vector quantisation: `bits` of the first level and the second."""

    package = "scalable-vs"
    bits = (8, 0)

    def start(self):
        import svs

        self.svs = svs
        self.distance = svs.DistanceType.L2 if self.is_l2 else svs.DistanceType.MIP
        self.alpha = 1.2 if self.is_l2 else 0.95
        codes = "f32" if self.bits is None else f"LVQ{self.bits[0]}" + (f"x{self.bits[1]}" if self.bits[1] else "")
        self.settings = f"degree {2 * LINKS}, window {CONSTRUCTION}, alpha {self.alpha}, {codes}"

    def prepare(self, base):
        # Codes are made of a file only.
        self.file = self.scratch / "base.fvecs"
        lengths = numpy.full((len(base), 1), self.dimension, dtype="<i4")
        with open(self.file, "wb") as file:
            for start in range(0, len(base), 65536):
                rows = base[start : start + 65536]
                numpy.hstack([lengths[start : start + len(rows)].view("<f4"), rows]).tofile(file)

    def build(self, base, threads):
        svs = self.svs
        parameters = svs.VamanaBuildParameters(
            alpha=self.alpha, graph_max_degree=2 * LINKS, window_size=CONSTRUCTION
        )
        source = base
        if self.bits is not None:
            loader = svs.VectorDataLoader(str(self.file), svs.float32, self.dimension)
            source = svs.LVQLoader(loader, primary=self.bits[0], residual=self.bits[1])
        self.index = svs.Vamana.build(parameters, source, self.distance, num_threads=threads)
        self.file.unlink()

    def tune(self, effort, depth, threads):
        capacity = effort * max(depth, 1)
        parameters = self.index.search_parameters
        parameters.buffer_config = self.svs.SearchBufferConfig(effort, capacity)
        self.index.search_parameters = parameters
        if self.index.num_threads != threads:
            self.index.num_threads = threads

    def search(self, queries, count, threads):
        return self.index.search(queries, count)[0]

    def ids(self, found):
        return found.astype(numpy.int64)

    def save(self, path):
        Path(path).mkdir()
        self.index.save(*(f"{path}/{part}" for part in ("config", "graph", "data")))

    def load(self, path):
        svs, data = self.svs, f"{path}/data"
        is_plain = self.bits is None
        loader = svs.VectorDataLoader(data, svs.float32, self.dimension) if is_plain else svs.LVQLoader(data)
        graph = svs.GraphLoader(f"{path}/graph")
        self.index = svs.Vamana(f"{path}/config", graph, loader, self.distance, num_threads=1)


class SvsF32(Svs):
    bits = None


class SvsTwoLevels(Svs):
    bits = (4, 8)


def each(search, queries, threads):
    """A search for each query, for a library without a batch call that waits for one query before it takes the next."""
    if threads == 1:
        return [search(query) for query in queries]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(search, queries, chunksize=64))


class Zvec(Peer):
    package = "zvec"

    def start(self):
        import zvec

        self.zvec = zvec
        zvec.init(log_level=zvec.LogLevel.ERROR, query_threads=1, optimize_threads=os.cpu_count())
        self.folder = self.scratch / "zvec"
        self.settings = f"M={LINKS}, efConstruction={CONSTRUCTION}, f32, one query a call"

    def parameters(self, metric):
        return self.zvec.HnswIndexParam(metric_type=metric, m=LINKS, ef_construction=CONSTRUCTION)

    def build(self, base, threads):
        zvec = self.zvec
        shutil.rmtree(self.folder, ignore_errors=True)
        metric = zvec.MetricType.L2 if self.is_l2 else zvec.MetricType.IP
        field = zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, self.dimension, self.parameters(metric))
        schema = zvec.CollectionSchema("bench", vectors=field)
        self.collection = zvec.create_and_open(str(self.folder), schema)
        for start in range(0, len(base), 1000):
            rows = base[start : start + 1000]
            self.collection.insert([zvec.Doc(id=str(start + at), vectors={"v": row}) for at, row in enumerate(rows)])
        self.collection.optimize(zvec.OptimizeOption(concurrency=threads))

    def query_parameters(self, effort):
        return self.zvec.HnswQueryParam(ef=effort)

    def tune(self, effort, depth, threads):
        self.how = self.query_parameters(effort)

    def one(self, query):
        asked = self.zvec.Query(field_name="v", vector=query, param=self.how)
        return self.collection.query(asked, topk=self.count, output_fields=[])

    def search(self, queries, count, threads):
        self.count = count
        return each(self.one, queries, threads)

    def ids(self, found):
        return [[int(hit.id) for hit in hits] for hits in found]

    def save(self, path):
        self.collection.flush()
        shutil.copytree(self.folder, path)

    def load(self, path):
        self.collection = self.zvec.open(path)


class ZvecRabitq(Zvec):
    def start(self):
        super().start()
        self.settings = f"M={LINKS}, efConstruction={CONSTRUCTION}, RaBitQ of 7 bits, one query a call"

    def parameters(self, metric):
        return self.zvec.HnswRabitqIndexParam(metric_type=metric, m=LINKS, ef_construction=CONSTRUCTION)

    def query_parameters(self, effort):
        return self.zvec.HnswRabitqQueryParam(ef=effort)


class QdrantEdge(Peer):
    package = "qdrant-edge-py"

    def start(self):
        import qdrant_edge

        self.edge = qdrant_edge
        self.folder = self.scratch / "qdrant"
        self.settings = f"{Peer.settings}, f32, one segment, one query a call"

    def config(self, threads):
        edge = self.edge
        distance = edge.Distance.Euclid if self.is_l2 else edge.Distance.Dot
        graph = edge.HnswIndexConfig(m=LINKS, ef_construct=CONSTRUCTION, full_scan_threshold=10, max_indexing_threads=threads)
        optimizers = edge.EdgeOptimizersConfig(default_segment_number=1, max_segment_size=1 << 30, indexing_threshold=1)
        vectors = edge.EdgeVectorParams(size=self.dimension, distance=distance)
        return edge.EdgeConfig(vectors=vectors, hnsw_config=graph, optimizers=optimizers, wal_enabled=False, max_search_threads=1)

    def build(self, base, threads):
        edge = self.edge
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.shard = edge.EdgeShard.create(str(self.folder), self.config(threads))
        for start in range(0, len(base), 1000):
            rows = base[start : start + 1000]
            points = [edge.Point(start + at, row.tolist()) for at, row in enumerate(rows)]
            self.shard.update(edge.UpdateOperation.upsert_points(points))
        self.shard.optimize()

    def tune(self, effort, depth, threads):
        self.how = self.edge.SearchParams(hnsw_ef=effort)

    def convert(self, queries):
        return [self.edge.Query.Nearest(query.tolist()) for query in queries]

    def one(self, query):
        return self.shard.search(self.edge.SearchRequest(query, limit=self.count, params=self.how))

    def search(self, queries, count, threads):
        self.count = count
        return each(self.one, queries, threads)

    def ids(self, found):
        return [[hit.id for hit in hits] for hits in found]

    def save(self, path):
        self.shard.flush()
        shutil.copytree(self.folder, path)

    def load(self, path):
        self.shard = self.edge.EdgeShard.load(path)


PEERS = {
    "hnswlib": Hnswlib,
    "faiss-hnsw-flat": Faiss,
    "faiss-hnsw-sq8": FaissSq8,
    "faiss-ivf-rabitq": FaissRabitq,
    "usearch-f32": Usearch,
    "usearch-bf16": UsearchBf16,
    "usearch-i8": UsearchI8,
    "svs-f32": SvsF32,
    "svs-lvq8": Svs,
    "svs-lvq4x8": SvsTwoLevels,
    "zvec-hnsw": Zvec,
    "zvec-hnsw-rabitq": ZvecRabitq,
    "qdrant-edge": QdrantEdge,
}
