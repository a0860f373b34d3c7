# The image of a workspace's sidecar, in two variants on a base without a shell:
#
#     docker build -f k8s/images/coditect-websocket.Dockerfile -t coditect-websocket:dev .
#     docker build -f k8s/images/coditect-websocket.Dockerfile -t coditect-websocket:dev-store --target store .
#
# The first asks the gateway about sessions and needs no FoundationDB; the second looks into the store (components/workspace-store-access).
#
# Why not `scratch` with musl: the tests and measurements of the sidecar are those of a glibc build, musl's allocator is slow where threads share it, which
# is what a relay does, its resolver reads less of resolv.conf, and libfdb_c.so needs glibc in any case. aws-lc-rs does build for musl with a C compiler
# alone, so it would be possible. What it would save is some 30 MB of layers that the gateway's image shares.
#
# Needs BuildKit (for the cache mounts), Docker's default since version 23.
ARG RUST_VERSION=1.95.0
ARG PYTHON_VERSION=3.13.9
ARG FDB_VERSION=7.3.63
ARG VERSION=0.1.0

FROM foundationdb/foundationdb:${FDB_VERSION} AS fdb

FROM python:${PYTHON_VERSION}-slim-bookworm AS fetched
WORKDIR /fetch
COPY scripts/fetch_model.py scripts/fetch_libclang.py ./
RUN XDG_CACHE_HOME=/clang python3 fetch_libclang.py

FROM rust:${RUST_VERSION}-bookworm AS source
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

FROM source AS build
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --profile dist --locked -p coditect-websocket --bin coditect-websocket \
    && install -D -m 0755 target/dist/coditect-websocket /out/coditect-websocket

FROM source AS build-store
COPY --from=fdb /usr/lib/libfdb_c.so /usr/lib/libfdb_c.so
COPY --from=fetched /clang/coditect/libclang /opt/libclang
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    LIBCLANG_PATH="$(echo /opt/libclang/*)" cargo build --profile dist --locked -p coditect-websocket --features fdb --bin coditect-websocket \
    && install -D -m 0755 target/dist/coditect-websocket /out/coditect-websocket

FROM gcr.io/distroless/cc-debian13:nonroot AS runtime
ARG VERSION
LABEL org.opencontainers.image.title="coditect-websocket" \
      org.opencontainers.image.description="The sidecar of a workspace pod of the Coditect Knowledge Engine" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
USER 10001:10001
EXPOSE 8765 8766
ENTRYPOINT ["/usr/local/bin/coditect-websocket"]

# It writes the cluster file to /tmp: a volume, where the root file system is read-only.
FROM runtime AS store
COPY --from=fdb /usr/lib/libfdb_c.so /usr/lib/libfdb_c.so
COPY --from=build-store /out/coditect-websocket /usr/local/bin/coditect-websocket

# The last stage is what is built without --target. It writes to no file.
FROM runtime AS gateway
COPY --from=build /out/coditect-websocket /usr/local/bin/coditect-websocket
