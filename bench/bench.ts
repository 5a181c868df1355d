import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IdleFigure, measureIdle } from './idle.ts';
import type { MeasuredRow } from './lines.ts';
import { describeMachine } from './machine.ts';
import { measureRow } from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { type Parent, type Peer, type ProxyName, startParent, startPeer } from './peers.ts';
import { rows } from './rows.ts';
import { formatReport } from './table.ts';

const RESULTS = 'bench/results.md';
/** In the order of the rounds. */
const PROXIES: readonly ProxyName[] = ['gatepass', 'cntlm', 'haproxy'];
const MOST_IDLE_REPEATS = 3;

/** Takes every figure and writes the report; what it started ends with this process. */
async function bench(options: Options, folder: string): Promise<void> {
  const machine = describeMachine();
  const parent = await startParent();

  const idle = new Map<ProxyName, IdleFigure>();
  for (const name of PROXIES) {
    progress(`idle: ${name}`);
    const repeats = Math.min(options.rounds, MOST_IDLE_REPEATS);
    idle.set(name, await measureIdle(name, parent, folder, repeats));
  }

  const peers = await startAll(parent, folder);
  const measured: MeasuredRow[] = [];
  for (const row of rows) {
    progress(row.title);
    measured.push({ row, figures: await measureRow(row, peers, options) });
  }

  const report = formatReport(machine, options, measured, idle);
  writeFileSync(RESULTS, report);
  process.stdout.write(report);
}

async function startAll(parent: Parent, folder: string): Promise<readonly Peer[]> {
  const peers: Peer[] = [];
  for (const name of PROXIES) peers.push(await startPeer(name, parent, folder));
  return [...peers, { name: 'parent', port: parent.openPort, running: parent.running }];
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'gatepass-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
try {
  await bench(parseOptions(process.argv.slice(2)), folder);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
