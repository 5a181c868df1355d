import type { IdleFigures } from './idle.ts';
import type { RowFigures } from './measure.ts';
import type { ProxyName } from './peers.ts';
import type { RateGoal, Row } from './rows.ts';

export interface MeasuredRow {
  readonly row: Row;
  readonly figures: RowFigures;
}

/** One line of the table; a figure that was not taken is NaN. */
export interface Line {
  readonly title: string;
  readonly gatepass: number;
  readonly cntlm: number;
  readonly haproxy: number;
  readonly digits: number;
  readonly goals: readonly Verdict[];
}

export interface Verdict {
  readonly text: string;
  readonly met: boolean;
}

const MOST_IDLE_MEGABYTES = 70;
const MOST_LOADED_MEGABYTES = 110;
const MOST_TUNNEL_KILOBYTES = 16;

/** Requests, tunnels or megabytes per second, with the goals that are multiples of a peer. */
export function toRateLine({ row, figures }: MeasuredRow): Line {
  const rates = pick((peer) => figures.get(peer)?.rate);
  const goals = row.goals.map((goal) => judgeRate(goal, rates.gatepass / rates[goal.peer]));
  return { title: `${row.title}, ${row.unit}`, ...rates, digits: 0, goals };
}

/** CPU seconds per 10,000 requests or tunnels, or per GB. */
export function toCpuLine({ row, figures }: MeasuredRow): Line {
  const per = row.unit === 'MB/s' ? 'GB' : '10,000';
  const title = `CPU seconds per ${per}: ${row.title}`;
  return { title, ...pick((peer) => figures.get(peer)?.cpu), digits: 2, goals: [] };
}

/** Resident memory: fresh, under load, and per idle tunnel. */
export function toMemoryLines(
  measured: readonly MeasuredRow[],
  idle: IdleFigures,
): readonly Line[] {
  const keepAlive = measured.filter(({ row }) => row.keepAlive);
  const fresh = pick((peer) => toMegabytes(idle.get(peer)?.fresh));
  const loaded = pick((peer) => toMegabytes(largest(keepAlive, peer)));
  const any = pick((peer) => toMegabytes(largest(measured, peer)));
  const tunnel = pick((peer) => kibibytesToKilobytes(idle.get(peer)?.perTunnel));
  return [
    {
      title: 'RSS before any load, MB',
      ...fresh,
      digits: 0,
      goals: [judgeSize(fresh.gatepass, MOST_IDLE_MEGABYTES, 'MB')],
    },
    {
      title: 'RSS under keep-alive load, MB',
      ...loaded,
      digits: 0,
      goals: [judgeSize(loaded.gatepass, MOST_LOADED_MEGABYTES, 'MB')],
    },
    { title: 'RSS under the heaviest row, MB', ...any, digits: 0, goals: [] },
    {
      title: 'RSS per idle tunnel, kB ²',
      ...tunnel,
      digits: 1,
      goals: [judgeSize(tunnel.gatepass, MOST_TUNNEL_KILOBYTES, 'kB')],
    },
  ];
}

function judgeRate({ peer, atLeast }: RateGoal, ratio: number): Verdict {
  const name = peer === 'cntlm' ? 'cntlm' : 'HAProxy';
  return { text: `≥ ${atLeast} × ${name}`, met: ratio >= atLeast };
}

function judgeSize(size: number, most: number, unit: string): Verdict {
  return { text: `≤ ${most} ${unit}`, met: size <= most };
}

function pick(read: (peer: ProxyName) => number | undefined) {
  const value = (peer: ProxyName) => read(peer) ?? NaN;
  return { gatepass: value('gatepass'), cntlm: value('cntlm'), haproxy: value('haproxy') };
}

function largest(measured: readonly MeasuredRow[], peer: ProxyName): number {
  return Math.max(...measured.map(({ figures }) => figures.get(peer)?.residentKilobytes ?? NaN));
}

/** /proc says kB and means 1,024 bytes; the table's MB and kB are decimal. */
function kibibytesToKilobytes(value: number | undefined): number {
  return (value ?? NaN) * 1.024;
}

function toMegabytes(value: number | undefined): number {
  return kibibytesToKilobytes(value) / 1000;
}
