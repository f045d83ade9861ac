# Three images from one file: `docker build --target mock-hsm|nginx|bench .`; docs/containers.md says what for.

FROM node:24-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ gcc libc6-dev libp11-kit-dev make \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /opt/mhsm-pkcs11
COPY package.json package-lock.json ./
COPY docs/generator/package.json docs/generator/
# Scripts of packages would compile with headers from the network; nothing here needs theirs.
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY native native
COPY lib lib
COPY scripts scripts
COPY tsconfig.json ./
RUN make -s -C native && node scripts/bundle.ts

# Node without npm, which the programs do not need.
FROM node:24-bookworm-slim AS node
FROM debian:bookworm-slim AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libatomic1 libstdc++6 openssl \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
WORKDIR /opt/mhsm-pkcs11
COPY package.json LICENSE ./
COPY bin bin

# The module, its launcher and its agent, where the documentation has them: /usr/lib and /opt/mhsm-pkcs11.
FROM runtime AS library
RUN apt-get update \
 && apt-get install -y --no-install-recommends libengine-pkcs11-openssl nginx \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /opt/mhsm-pkcs11/native/build/libmhsm-pkcs11.so /opt/mhsm-pkcs11/native/build/mhsm-pkcs11-launcher \
  /opt/mhsm-pkcs11/native/build/mhsm-pkcs11-agent /opt/mhsm-pkcs11/native/build/mhsm_addon.node native/build/
COPY --from=build /opt/mhsm-pkcs11/dist/*.* dist/
RUN ln -s /opt/mhsm-pkcs11/native/build/libmhsm-pkcs11.so /usr/lib/libmhsm-pkcs11.so \
 && for program in mhsm-p11 mhsm_p11_create_key mhsm_p11_list_keys mhsm_p11_validate_config_file; do \
      ln -s /opt/mhsm-pkcs11/bin/run "/usr/local/bin/$program" || exit; \
    done \
 && useradd --system --uid 991 --user-group --no-create-home --shell /usr/sbin/nologin mhsm-pkcs11

FROM library AS nginx
COPY examples/nginx/openssl-mhsm.cnf /etc/nginx/
# The credential is in the configuration, so there is no PIN; the engine's folder has the processor's name.
RUN sed -i -e '/^PIN = /d' -e "s|^dynamic_path = .*|dynamic_path = $(ls /usr/lib/*/engines-3/pkcs11.so)|" \
  /etc/nginx/openssl-mhsm.cnf
COPY containers/nginx/mhsm-pkcs11.conf /etc/
COPY containers/nginx/nginx.conf /etc/nginx/
COPY containers/nginx/serve containers/nginx/healthy containers/nginx/
ENV OPENSSL_CONF=/etc/nginx/openssl-mhsm.cnf
EXPOSE 8443
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["/opt/mhsm-pkcs11/containers/nginx/healthy"]
ENTRYPOINT ["/opt/mhsm-pkcs11/containers/nginx/serve"]

# The mock has no use for Azure's clients, half of what is left without packages for development.
FROM build AS mock-packages
RUN npm uninstall --no-save --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error @azure/identity @azure/msal-node

FROM runtime AS mock-hsm
COPY --from=mock-packages /opt/mhsm-pkcs11/node_modules node_modules
COPY mock-hsm mock-hsm
COPY containers/mock-hsm containers/mock-hsm
# /var/lib/mock-hsm has the keys; /run/tls-offload what a client of the principal tls-offload needs, for root's group too.
RUN ln -s /opt/mhsm-pkcs11/bin/run /usr/local/bin/mock-hsm \
 && useradd --system --uid 990 --gid root --no-create-home --shell /usr/sbin/nologin mock-hsm \
 && install -d -m 0700 -o mock-hsm -g root /var/lib/mock-hsm \
 && install -d -m 0750 -o mock-hsm -g root /run/tls-offload \
 && mock-hsm --help >/dev/null
USER mock-hsm
ENV MOCK_HSM_DATA_DIR=/var/lib/mock-hsm
VOLUME ["/var/lib/mock-hsm", "/run/tls-offload"]
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["/opt/mhsm-pkcs11/containers/mock-hsm/healthy"]
ENTRYPOINT ["/opt/mhsm-pkcs11/containers/mock-hsm/serve"]

FROM build AS load-programs
RUN apt-get update \
 && apt-get install -y --no-install-recommends libssl-dev \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
RUN make -s -C native bench

# Its report is bundled when it is written, of packages for development.
FROM build AS bench-packages
RUN npm uninstall --no-save --ignore-scripts --no-audit --no-fund --loglevel=error $(node -p \
  "Object.keys(require('./package.json').devDependencies).filter((name) => !/^(esbuild|@observablehq.plot)$/.test(name)).join(' ')")

# The whole benchmark in one container: a mock, nginx and the baselines are started for each point that is measured.
FROM library AS bench
RUN apt-get update \
 && apt-get install -y --no-install-recommends procps softhsm2 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=bench-packages /opt/mhsm-pkcs11/node_modules node_modules
COPY --from=load-programs /opt/mhsm-pkcs11/native/build/bench native/build/bench
COPY --from=load-programs /opt/mhsm-pkcs11/native/addon native/addon
COPY secret-watch secret-watch
COPY examples examples
COPY mock-hsm mock-hsm
COPY lib lib
COPY demo demo
COPY tsconfig.json ./
COPY bench bench
RUN for program in mhsm_p11_create_key mhsm_p11_list_keys mhsm_p11_validate_config_file mhsm-p11 mock-hsm; do \
      ln -sf ../../bin/run "node_modules/.bin/$program" || exit; \
    done \
 && node bench/run.ts --help >/dev/null
VOLUME /opt/mhsm-pkcs11/.bench
ENTRYPOINT ["node", "bench/run.ts"]
