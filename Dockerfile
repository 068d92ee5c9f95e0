# Builds and runs Relsum. The result runs as a user without rights, and knows how to tell its health.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin relsum

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/relsum --create-home relsum
COPY --from=build /src/target/release/relsum /usr/local/bin/relsum
USER relsum
WORKDIR /var/lib/relsum
# The allocator takes memory as it is used, not ahead.
ENV RELSUM_MODE=production RELSUM_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["relsum", "healthcheck"]
ENTRYPOINT ["relsum"]
CMD ["serve"]
