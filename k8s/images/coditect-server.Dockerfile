# The image of the gateway: the program with FoundationDB's client library, the local embedding model and ONNX Runtime, on a base without a shell.
#
#     docker build -f k8s/images/coditect-server.Dockerfile -t coditect-server:dev .
#
# Needs BuildKit (for the cache mounts), Docker's default since version 23. Tags name versions; for builds that are the same bit by bit put digests behind
# them (`docker buildx imagetools inspect <image>` shows one).
ARG RUST_VERSION=1.95.0
ARG PYTHON_VERSION=3.13.9
# The newest client of API version 730 for which there is an image; a client works with every cluster of its minor version.
ARG FDB_VERSION=7.3.63
ARG VERSION=0.1.0

# The client library alone is taken from it.
FROM foundationdb/foundationdb:${FDB_VERSION} AS fdb

# The model, ONNX Runtime and libclang, by the same scripts and with the same hashes as everywhere else.
FROM python:${PYTHON_VERSION}-slim-bookworm AS fetched
WORKDIR /fetch
COPY scripts/fetch_model.py scripts/fetch_libclang.py ./
RUN XDG_CACHE_HOME=/model python3 fetch_model.py && XDG_CACHE_HOME=/clang python3 fetch_libclang.py

# Debian 12 here and 13 below: what is built against an older libc runs on a newer one, and 12 is what the tests run on.
FROM rust:${RUST_VERSION}-bookworm AS build
COPY --from=fdb /usr/lib/libfdb_c.so /usr/lib/libfdb_c.so
COPY --from=fetched /clang/coditect/libclang /opt/libclang
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
# Every member of the workspace, since cargo reads all their manifests.
COPY auth auth
COPY benches benches
COPY engine engine
COPY ingest ingest
COPY server server
COPY store store
COPY workspaces workspaces
COPY ws-sidecar ws-sidecar
COPY xtask xtask
# The templates of workspaces are built in.
COPY k8s/base/workspace k8s/base/workspace
# Registry and compiled crates stay on the builder; the program leaves the mount for /out.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    LIBCLANG_PATH="$(echo /opt/libclang/*)" cargo build --release --locked -p coditect-server --features fdb --bin coditect-server \
    && install -D -m 0755 target/release/coditect-server /out/coditect-server

# `cc` has glibc, libgcc and libstdc++ (for ONNX Runtime), and certificates of public authorities.
FROM gcr.io/distroless/cc-debian13:nonroot
ARG VERSION
LABEL org.opencontainers.image.title="coditect-server" \
      org.opencontainers.image.description="The gateway of the Coditect Knowledge Engine" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=fdb /usr/lib/libfdb_c.so /usr/lib/libfdb_c.so
# The folder that the server looks in by itself, laid out by fetch_model.py: so the version of ONNX Runtime stands in that script and in the server alone.
ENV XDG_CACHE_HOME=/opt/cache
COPY --from=fetched /model/coditect /opt/cache/coditect
COPY --from=build /out/coditect-server /usr/local/bin/coditect-server
# It writes to CODITECT_DATA_DIR and, on a cluster, to /tmp: volumes, where the root file system is read-only.
USER 10001:10001
EXPOSE 8080 9090
ENTRYPOINT ["/usr/local/bin/coditect-server"]
