// The services of docker-compose.yml under a project name of the test run, through testcontainers.
import { join } from 'node:path';
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment, Wait } from 'testcontainers';

export const CHECKOUT = join(import.meta.dirname, '../..');
const PROJECT = process.env.CONTAINERS_PROJECT ?? `mhsm-containers-${process.pid}`;
/** What compose gives to all that is of a project, and whoever cleans up goes by. */
export const PROJECT_LABEL = { 'com.docker.compose.project': PROJECT };
const PORT = 8443;

export type Service = 'mock-hsm' | 'nginx';

export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** nginx with its keys in a mock HSM, both healthy by their own checks. */
export class ContainerSite {
  readonly #environment: StartedDockerComposeEnvironment;

  private constructor(environment: StartedDockerComposeEnvironment) {
    this.#environment = environment;
  }

  static async start(): Promise<ContainerSite> {
    const environment = await new DockerComposeEnvironment(CHECKOUT, 'docker-compose.yml')
      .withProjectName(PROJECT)
      // Free ports, so that nothing that runs already is in the way.
      .withEnvironment({ HTTPS_PORT: '0', MOCK_HSM_PORT: '0' })
      .withWaitStrategy('mock-hsm-1', Wait.forHealthCheck())
      .withWaitStrategy('nginx-1', Wait.forHealthCheck())
      .withStartupTimeout(120_000)
      .up(['mock-hsm', 'nginx']);
    return new ContainerSite(environment);
  }

  #container(service: Service) {
    return this.#environment.getContainer(`${service}-1`);
  }

  /** Where the service is reached from this machine. */
  address(service: Service): { readonly host: string; readonly port: number } {
    const container = this.#container(service);
    return { host: container.getHost(), port: container.getMappedPort(PORT) };
  }

  id(service: Service): string {
    return this.#container(service).getId();
  }

  /** In the service's container, as its user. */
  async run(service: Service, ...command: readonly string[]): Promise<Ran> {
    const { exitCode, stdout, stderr } = await this.#container(service).exec([...command]);
    return { status: exitCode, output: exitCode === 0 ? stdout : `${stdout}${stderr}` };
  }

  /** The text of a file in it. */
  async read(service: Service, file: string): Promise<string> {
    const { status, output } = await this.run(service, 'cat', file);
    if (status !== 0) throw new Error(`${service}: ${output.trim()}`);
    return output;
  }

  /** Stops it and starts it again; resolves when it is healthy. */
  async restart(service: Service): Promise<void> {
    await this.#container(service).restart();
  }

  async stop(): Promise<void> {
    await this.#environment.down({ removeVolumes: true });
  }
}
