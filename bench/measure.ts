import type { Peer, PeerName } from './peers.ts';
import type { Options } from './options.ts';
import type { Row } from './rows.ts';
import { cpuSeconds, family, watchMemory } from './usage.ts';

/** The median of the rounds of one row and one proxy. */
export interface Figure {
  readonly rate: number;
  /** CPU seconds per 10,000 requests or tunnels, or per GB. */
  readonly cpu: number;
  /** The largest resident memory of all rounds, in kB. */
  readonly residentKilobytes: number;
  readonly complaint: string;
}

export type RowFigures = ReadonlyMap<PeerName, Figure>;

/** Interleaves the peers round by round, so that a disturbance of the machine meets all of them. */
export async function measureRow(
  row: Row,
  peers: readonly Peer[],
  { rounds, seconds, warmUpSeconds }: Options,
): Promise<RowFigures> {
  const samples = new Map(peers.map((peer) => [peer, new Array<Figure>()] as const));
  for (const peer of peers) await row.drive(peer.port, warmUpSeconds);
  for (let round = 0; round < rounds; round += 1) {
    for (const [peer, figures] of samples) figures.push(await measureOnce(row, peer, seconds));
  }
  return new Map([...samples].map(([peer, figures]) => [peer.name, toMedian(figures)]));
}

async function measureOnce(row: Row, peer: Peer, seconds: number): Promise<Figure> {
  const pids = family(peer.running.pid);
  const before = cpuSeconds(pids);
  const largestMemory = watchMemory(pids);
  const { rate, amount, complaint } = await row.drive(peer.port, seconds);
  const pieces = amount / (row.unit === 'MB/s' ? 1000 : 10_000);
  const cpu = (cpuSeconds(pids) - before) / pieces;
  return { rate, cpu, residentKilobytes: largestMemory(), complaint };
}

function toMedian(figures: readonly Figure[]): Figure {
  return {
    rate: median(figures.map((figure) => figure.rate)),
    cpu: median(figures.map((figure) => figure.cpu)),
    residentKilobytes: Math.max(...figures.map((figure) => figure.residentKilobytes)),
    complaint: figures.find((figure) => figure.complaint !== '')?.complaint ?? '',
  };
}

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN;
  return (low + high) / 2;
}
