import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const CLI = join(import.meta.dirname, '..', 'cli.ts');
/** Milliseconds; a machine may be busy. */
const PATIENCE = 30_000;

/** The command line in a process of its own. */
export interface Cli {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits until a pattern stands in what was printed; gives its match. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  write(text: string): void;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; -1 where a signal ended it. */
  readonly ended: Promise<number>;
}

export interface CliOptions {
  /** Everything that is typed, and then the end; left out, the input stays open. */
  readonly input?: string;
  /** Where state is kept; a folder of the test's own, unless told. */
  readonly state?: string;
  /** Runs on a terminal, as far as it can tell. */
  readonly terminal?: boolean;
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatepass-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function startCli(words: readonly string[], options: CliOptions = {}): Cli {
  const { input, state = temporaryFolder(), terminal = false } = options;
  const env = { ...process.env, XDG_STATE_HOME: state, NO_COLOR: '1' };
  const command = [process.execPath, CLI, ...words];
  const [program = '', ...rest] = terminal
    ? ['script', '-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null']
    : command;
  const child = spawn(program, rest, { env, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((watch) => watch());
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString('utf8');
    changed();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString('utf8');
    changed();
  });
  child.stdin.on('error', () => undefined);
  if (input !== undefined) child.stdin.end(input);

  return {
    pid: child.pid ?? 0,
    stdout: () => out,
    stderr: () => err,
    until(pattern) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`${pattern} was not printed, but: ${out}${err}`));
        }, PATIENCE);
        function watch(): void {
          const match = pattern.exec(out + err);
          if (!match) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve(match);
        }
        watchers.add(watch);
        watch();
      });
    },
    write: (text) => void child.stdin.write(text),
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => {
      child.once('close', (code) => resolve(code ?? -1));
    }),
  };
}

/** Runs a command to its end. */
export async function runCli(
  words: readonly string[],
  options: CliOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const cli = startCli(words, { input: '', ...options });
  const code = await cli.ended;
  return { code, stdout: cli.stdout(), stderr: cli.stderr() };
}
