import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ntHash } from '#engine/ntlm/hashes.ts';
import type { LabParent, LabUser } from './lab.ts';

const CLI = join(import.meta.dirname, '../../main/headless/cli.ts');

/** The command line `gatepass run`, as people start it, in a process of its own. */
export interface Gatepass {
  readonly port: number;
  /** Resident memory in bytes: now, and the most it ever was. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>;
  /** As Ctrl-C does. Resolves to the exit code. */
  stop(): Promise<number>;
}

/** What a start came to: a running Gatepass, or how it ended instead. */
export type Start =
  { readonly gatepass: Gatepass } | { readonly exitCode: number; readonly stderr: string };

/** A folder that keeps the hash of one user, and Gatepass's own state from start to start. */
export interface Home {
  start(parent: LabParent): Promise<Start>;
  remove(): Promise<void>;
}

/** Writes the user's hash where `--hash-file` finds it, readable to nobody else. */
export async function createHome(domain: string, { name, password }: LabUser): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'gatepass-home-'));
  const hashes = join(folder, 'hashes');
  await writeFile(hashes, `PassNT ${ntHash(password).toString('hex')}\n`, { mode: 0o600 });
  const account = ['--user', `${domain}\\${name}`, '--hash-file', hashes, '--state-dir', folder];
  return {
    start: (parent) =>
      start(['--parent', `${parent.host}:${parent.port}`, '--listen', '127.0.0.1:0', ...account]),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Starts one that must come up, with a home of its own. */
export async function startGatepass(
  parent: LabParent,
  domain: string,
  user: LabUser,
): Promise<Gatepass> {
  const home = await createHome(domain, user);
  const started = await home.start(parent);
  if (!('gatepass' in started)) throw new Error(`gatepass run: ${started.stderr}`);
  const { gatepass } = started;
  return {
    ...gatepass,
    async stop() {
      const code = await gatepass.stop();
      await home.remove();
      return code;
    },
  };
}

async function start(options: readonly string[]): Promise<Start> {
  const child = spawn(process.execPath, [CLI, 'run', '--json', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? -1);
    });
  });
  const ready = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = portOfReady(line);
      if (port !== undefined) resolve(port);
    });
  });
  const first = await Promise.race([
    ready.then((port) => ({ port })),
    ended.then((exitCode) => ({ exitCode, stderr })),
  ]);
  if ('exitCode' in first) return first;
  return {
    gatepass: {
      port: first.port,
      memory: () => memoryOf(child.pid ?? 0),
      async stop() {
        child.kill('SIGINT');
        return ended;
      },
    },
  };
}

function portOfReady(line: string): number | undefined {
  const event: unknown = JSON.parse(line);
  if (typeof event !== 'object' || event === null || !('listeners' in event)) return undefined;
  const { listeners } = event;
  const first: unknown = Array.isArray(listeners) ? listeners[0] : undefined;
  return typeof first === 'string' ? Number(first.split(':').at(-1)) : undefined;
}

async function memoryOf(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status);
    return Number(found?.[1]) * 1024;
  };
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}
