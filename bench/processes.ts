import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const LONGEST_START = 10_000;
const LONGEST_STOP = 3_000;

/** A process of ours, known to be alive when it was handed out. */
export interface Running {
  readonly pid: number;
  readonly process: ChildProcess;
}

const running = new Set<ChildProcess>();
process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(130));
}

/** Whatever way the bench ends, nothing it started outlives it. */
function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Standard output is a pipe when `output` is set; everything else a program says is dropped. */
export function start(
  command: string,
  words: readonly string[],
  settings: { readonly output?: boolean; readonly environment?: NodeJS.ProcessEnv } = {},
): Running {
  const child = spawn(command, words, {
    stdio: ['ignore', settings.output ? 'pipe' : 'ignore', settings.output ? 'pipe' : 'ignore'],
    env: { ...process.env, ...settings.environment },
  });
  if (child.pid === undefined) throw new Error(`${command} does not start.`);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return { pid: child.pid, process: child };
}

/** Asks it to end, and ends it after three seconds. */
export async function stop({ process: child }: Running): Promise<void> {
  if (!running.has(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_STOP);
  await ended;
  clearTimeout(timer);
}

/** Runs a client to its end and hands over what it printed. Throws when it fails or takes too long. */
export async function run(
  command: string,
  words: readonly string[],
  longestSeconds: number,
): Promise<string> {
  const client = start(command, words, { output: true });
  const { stdout, stderr } = client.process;
  let output = '';
  let complaint = '';
  stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const timer = setTimeout(() => client.process.kill('SIGKILL'), longestSeconds * 1000);
  await once(client.process, 'close');
  clearTimeout(timer);
  if (client.process.exitCode === 0) return output;
  throw new Error(complaint.trim() || `${command} did not end in ${longestSeconds} seconds.`);
}

/** The first line a program prints. */
export async function firstLine({ process: child }: Running): Promise<string> {
  let text = '';
  for await (const piece of child.stdout?.setEncoding('utf8') ?? []) {
    text += String(piece);
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error('A program of the bench ended before it was ready.');
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('No port is free.');
  return address.port;
}

/** Resolves when the process listens on the port; throws when it ends or takes ten seconds. */
export async function listening(name: string, { process: child }: Running, port: number) {
  const deadline = Date.now() + LONGEST_START;
  while (running.has(child) && Date.now() < deadline) {
    if (await accepts(port)) return;
    await wait(50);
  }
  throw new Error(`${name} does not listen on port ${port}.`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
