/** `mhsm-p11 status` and `metrics`: what the agent that runs says of itself. */
import type { Command } from 'commander';
import type { AgentStatus } from '../../agent/status.ts';
import { FailedError } from '../program.ts';
import { type AgentChoice, askAgent, NoAgent, SOCKET_HELP } from '../running-agent.ts';
import { statusText } from '../status-text.ts';

interface StatusOptions extends AgentChoice {
  json?: boolean;
}

/** An agent whose configuration is wrong serves nobody: that is no good answer. */
function judge({ configuration: { problem, file } }: AgentStatus): void {
  if (problem !== null) throw new FailedError(`the agent serves nobody: ${problem}`, `correct ${file}`);
}

async function askStatus(options: StatusOptions): Promise<AgentStatus> {
  try {
    return JSON.parse(await askAgent(options, '/status')) as AgentStatus;
  } catch (error) {
    if (options.json && error instanceof NoAgent) {
      process.stdout.write(`${JSON.stringify({ running: false, sockets: error.sockets }, null, 2)}\n`);
    }
    throw error;
  }
}

async function status(options: StatusOptions): Promise<void> {
  const answer = await askStatus(options);
  const json = () => `${JSON.stringify({ running: true, ...answer }, null, 2)}\n`;
  process.stdout.write(options.json ? json() : statusText(answer, Date.now()));
  judge(answer);
}

async function metrics(options: AgentChoice): Promise<void> {
  process.stdout.write(await askAgent(options, '/metrics'));
}

export function addStatusCommands(program: Command): void {
  program
    .command('status')
    .description('how the running agent is: configuration, slots, tokens, connections, clients, last errors')
    .option('--socket <path>', SOCKET_HELP)
    .option('--json', 'as JSON')
    .action(status);
  program
    .command('metrics')
    .description("the running agent's metrics, for Prometheus")
    .option('--socket <path>', SOCKET_HELP)
    .action(metrics);
}
