#!/bin/sh
# Starts the agent of this checkout, in this process: the launcher told it its process id. The Node it was tested with
# comes first, the system's second.
here=${0%/*}
for root in "$here/../.." "$here/../../.."; do
  if [ -e "$root/dist/agent.cjs" ]; then
    node=$root/node_modules/node/bin/node
    # Nobody opens a debugger before the agent sees to that itself; Node before 22.14 does not know the option.
    debugger=--disable-sigusr1
    if ! [ -x "$node" ]; then
      node=node
      "$node" $debugger --version >/dev/null 2>&1 || debugger=
    fi
    exec "$node" $debugger --max-semi-space-size=2 "$root/dist/agent.cjs" "$@"
  fi
done
echo "dist/agent.cjs is missing above $here: build it (npm run build)" >&2
exit 127
