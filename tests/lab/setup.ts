import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { missing } from '../components.ts';
import { run } from './run.ts';

/** What the suites need to find the running lab. */
export interface LabPlace {
  readonly directory: string;
  /** The first port of Samba and Squid, and that of Apache. */
  readonly squid: number;
  readonly apache: number;
}

declare module 'vitest' {
  interface ProvidedContext {
    lab: LabPlace;
  }
}

const SQUID_PORTS = 16;
const APACHE_PORTS = 2;

const script = (name: string): string => join(import.meta.dirname, `${name}.sh`);

let stop: (() => Promise<void>) | undefined;

/** Starts the real parents once for all suites. */
export async function setup(project: TestProject): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepass-lab-'));
  await chmod(directory, 0o755);
  const squid = await freePorts(23_300, SQUID_PORTS + APACHE_PORTS);
  const place = { directory, squid, apache: squid + SQUID_PORTS };
  const parents = [
    { name: 'samba-squid', port: place.squid, here: missing(['samba', 'squid']).length === 0 },
    { name: 'apache', port: place.apache, here: missing(['apache']).length === 0 },
  ].filter(({ here }) => here);

  stop = stopWithThisProcess(directory);
  await Promise.all(
    parents.map(({ name, port }) =>
      run(script(name), ['start', join(directory, name)], {
        env: { ...process.env, LAB_PORT: String(port) },
      }),
    ),
  );
  project.provide('lab', place);
}

export async function teardown(): Promise<void> {
  await stop?.();
}

/**
 * Waits beside the tests, holding the other end of a pipe, so that the lab ends with them even
 * where they are killed. The returned function ends it before.
 */
function stopWithThisProcess(directory: string): () => Promise<void> {
  const stopper = spawn(script('stop-at-end'), [directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return async () => {
    stopper.stdin.end();
    await once(stopper, 'exit');
  };
}

/** The first of so many ports in a row that nobody listens on, below the ephemeral range. */
async function freePorts(from: number, count: number): Promise<number> {
  for (let first = from; first < 32_000; first += 20) {
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports for the lab');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () =>
      server.close(() => {
        resolve(true);
      }),
    );
  });
}
