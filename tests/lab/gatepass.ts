import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { LabParent, LabUser } from './lab.ts';

/** Gatepass as people start it, in a process of its own. */
export interface Gatepass {
  readonly port: number;
  /** Resident memory in bytes: now, and the most it ever was. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>;
  stop(): Promise<void>;
}

export async function startGatepass(
  parent: LabParent,
  domain: string,
  user: LabUser,
): Promise<Gatepass> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'gatepass-child.ts'), JSON.stringify([parent, domain, user])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, 'line');
  const port = Number(JSON.parse(String(line)).port);
  return {
    port,
    async memory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      const kilobytes = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
      return { now: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
