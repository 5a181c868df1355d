import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a reader needs to judge the figures: one line per fact. */
export function describeMachine(): readonly string[] {
  const model = cpus()[0]?.model ?? 'unknown';
  const memory = Math.round(totalmem() / 1e9);
  return [
    `${cpus().length} cores, ${model}, ${memory} GB, Linux ${release()}`,
    `load of the last minute before the run: ${(loadavg()[0] ?? 0).toFixed(1)}`,
    `Gatepass ${gatepassVersion()} on Node ${process.versions.node}`,
    `cntlm ${version('cntlm', ['-h'])}, HAProxy ${version('haproxy', ['-v'])} (nbthread 1)`,
    `wrk ${version('wrk', ['-v'])} (1 thread)`,
  ];
}

/** The first thing that looks like a version in what a program says about itself. */
function version(program: string, words: readonly string[]): string {
  return /(?:version |wrk )\D*(\d[\w.+-]*)/.exec(says(program, words))?.[1] ?? 'unknown';
}

function says(program: string, words: readonly string[]): string {
  try {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    // cntlm -h and wrk -v end with status 1.
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  }
}

function gatepassVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
