FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# The dependencies first, so that a change of ours does not build them again.
COPY Cargo.toml Cargo.lock build.rs sqlx.toml ./
RUN mkdir -p src migrations locales static/widget benches tests \
    && echo 'fn main() {}' > src/main.rs && touch src/lib.rs tests/main.rs \
    && SQLX_OFFLINE=true cargo build --release --bin sportello
COPY . .
# What was copied may be older than the layer before.
RUN touch build.rs src/main.rs src/lib.rs && SQLX_OFFLINE=true cargo build --release --bin sportello

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin sportello \
    && install -d -o sportello -g sportello /data
COPY --from=build /src/target/release/sportello /usr/local/bin/sportello
USER sportello
ENV SPORTELLO_DATA=/data
VOLUME /data
EXPOSE 8080 2525
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD curl -fsS http://127.0.0.1:8080/healthz || exit 1
STOPSIGNAL SIGTERM
ENTRYPOINT ["sportello"]
CMD ["serve"]
