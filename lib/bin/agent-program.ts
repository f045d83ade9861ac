/** The agent: started by the launcher or a service manager with the listening socket as descriptor 3. */
// First of all.
import '../agent/early-signals.ts';
import { parseArgs } from 'node:util';
import { startAgent } from '../agent/start.ts';
import { configurationFile } from '../config/load.ts';

const FIRST_PASSED_DESCRIPTOR = 3;

// The launcher's --idle is for agents without a configuration of their own; this one has it there.
const { values } = parseArgs({ options: { config: { type: 'string' }, idle: { type: 'string' } } });
const { LISTEN_FDS, LISTEN_PID, MHSM_CONTROL_FD } = process.env;

// For a proxy's connections, which take no other word for it. The configuration has a switch for the HSM alone.
delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;

if (LISTEN_FDS !== '1' || (LISTEN_PID !== undefined && LISTEN_PID !== String(process.pid))) {
  process.stderr.write('mhsm-pkcs11 agent: no listening socket was passed: it is started by the module, not by hand\n');
  process.exit(2);
}

startAgent({
  configurationFile: values.config ?? configurationFile(process.env),
  listenDescriptor: FIRST_PASSED_DESCRIPTOR,
  controlDescriptor: MHSM_CONTROL_FD === undefined ? undefined : Number(MHSM_CONTROL_FD),
}).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`mhsm-pkcs11 agent: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
