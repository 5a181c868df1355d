import { spawn } from 'node:child_process';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds until it is killed; 60 s unless told. */
  readonly time?: number;
}

/** Runs a program to its end, whatever its exit code; -1 when it was killed. */
export async function tryRun(
  program: string,
  options: readonly string[],
  { input = '', env, cwd, time = 60_000 }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(program, options, { env: env ?? process.env, cwd, timeout: time });
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      resolve(status ?? -1);
    });
  });
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Runs a program that must succeed, and returns what it printed. */
export async function run(
  program: string,
  options: readonly string[],
  settings?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, options, settings);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return () => Buffer.concat(pieces).toString('utf8');
}
