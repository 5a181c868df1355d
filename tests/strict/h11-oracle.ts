import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Oracle, Verdict } from './oracle.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('h11-oracle.py', import.meta.url));

/** Whether Debian's python3-h11 is there. */
export function hasH11(): boolean {
  return spawnSync(PYTHON, ['-c', 'import h11']).status === 0;
}

/** Python's h11, in one process for all questions. */
export function createH11Oracle(): Oracle {
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: ((verdict: Verdict) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const verdict: unknown = JSON.parse(line);
    if (isVerdict(verdict)) waiting.shift()?.(verdict);
  });
  return {
    name: 'h11',
    understand(bytes, end) {
      return new Promise((resolve) => {
        waiting.push(resolve);
        child.stdin.write(`${JSON.stringify({ bytes: bytes.toString('base64'), end })}\n`);
      });
    },
    async close() {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
}

function isVerdict(value: unknown): value is Verdict {
  return typeof value === 'object' && value !== null && 'messages' in value && 'problem' in value;
}
