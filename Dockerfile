# poolgate in an image without a shell.
#
#   docker build -t poolgate .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:50051:50051 -p 127.0.0.1:9464:9464 \
#     -e POOLGATE_SERVER__LISTEN=0.0.0.0:50051 \
#     -e POOLGATE_SERVER__UNAUTHENTICATED=everywhere \
#     -e POOLGATE_SERVER__PLAINTEXT=everywhere \
#     -e POOLGATE_ADMIN__LISTEN=0.0.0.0:9464 \
#     poolgate
#
# The image sets none of these. By itself poolgate listens on the container's loopback
# only, where nobody outside reaches it; beyond loopback it does not start unless
# POOLGATE_SERVER__UNAUTHENTICATED=everywhere says that everybody who reaches it may
# do everything, and, without a certificate, POOLGATE_SERVER__PLAINTEXT=everywhere
# that nothing is encrypted. Whoever runs it decides that, and where the ports lead.
#
# Without `emulator.data_dir` and `audit.file` it writes nothing. It needs no capability, and
# runs as user 65532 or any other.

FROM rust:1.95-bookworm AS build
# This path and that of cargo's registry get into the binary; `deploy/build` writes the same
# ones wherever it runs. The flags change nothing here but names that cargo gives.
ENV RUSTFLAGS="--remap-path-prefix=/build=/build --remap-path-prefix=/usr/local/cargo=/usr/local/cargo"
WORKDIR /build

# The dependencies have a layer of their own, which only the manifests change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it benches \
    && echo 'fn main() {}' | tee build.rs src/main.rs tests/it/main.rs \
      benches/audit.rs benches/audit_cost.rs benches/callers.rs benches/calls.rs \
      benches/emulator.rs benches/journal_files.rs benches/loop_cost.rs \
      benches/policy.rs benches/quota.rs \
    && touch src/lib.rs \
    && cargo build --locked --profile ship

COPY build.rs ./
COPY proto proto
COPY src src
# Cargo compares times, and those of the copies may be older than the stand-ins'.
RUN touch build.rs src/lib.rs src/main.rs \
    && cargo build --locked --profile ship

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="poolgate" \
      org.opencontainers.image.description="A gRPC facade in front of Amazon Cognito Identity (identity pools)" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE /usr/share/doc/poolgate/LICENSE
COPY --from=build /build/target/ship/poolgate /usr/local/bin/poolgate
USER 65532:65532
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
# The admin port of `admin.listen`, which wants no certificate. A configuration that moves it
# is named by POOLGATE_CONFIG: flags of `serve` are not known here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/poolgate", "healthcheck", "--admin"]
ENTRYPOINT ["/usr/local/bin/poolgate"]
