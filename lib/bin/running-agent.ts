/** The agent that runs for the configuration of a program. */
import { type Asked, ask } from '../agent/ask.ts';
import { type AgentPlace, agentPlaces, isSafe } from '../agent/location.ts';
import { configurationFile } from '../config/load.ts';
import { FailedError } from './program.ts';

export interface AgentChoice {
  socket?: string;
}

export const SOCKET_HELP = 'socket of the agent (default: where the module looks for that of MHSM_PKCS11_CONF)';

const START_HINT = 'a server starts one when it loads the module: nginx -t, or mhsm-p11 doctor for what hinders it';

function placesOf({ socket }: AgentChoice): readonly AgentPlace[] {
  if (socket !== undefined) return [{ socket, isPrivate: false }];
  return agentPlaces(configurationFile(process.env), process.env, process.getuid?.() ?? -1);
}

async function askAt(place: AgentPlace, path: '/metrics' | '/status'): Promise<Asked> {
  if (isSafe(place, process.getuid?.() ?? -1)) return ask(place.socket, path);
  return { outcome: 'failed', why: 'its folder belongs to another user, or others may write to it' };
}

/** No agent runs. */
export class NoAgent extends FailedError {
  readonly sockets: readonly string[];

  constructor(sockets: readonly string[]) {
    super(`no agent runs: nobody listens at ${sockets.join(' or ')}`, START_HINT);
    this.sockets = sockets;
  }
}

/** What the agent answers. Throws NoAgent when none runs, FailedError when it does not answer. */
export async function askAgent(choice: AgentChoice, path: '/metrics' | '/status'): Promise<string> {
  const places = placesOf(choice);
  for (const place of places) {
    const asked = await askAt(place, path);
    if (asked.outcome === 'answered') return asked.text;
    if (asked.outcome === 'failed') {
      throw new FailedError(
        `the agent at ${place.socket} does not say how it is: ${asked.why}`,
        'ask as root, as its user, or as one of agent.observers in its configuration',
      );
    }
  }
  throw new NoAgent(places.map(({ socket }) => socket));
}
