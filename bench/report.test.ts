import { expect, test } from 'vitest';
import { type MeasuredRow, toCpuLine, toMemoryLines, toRateLine } from './lines.ts';
import type { Figure } from './measure.ts';
import type { Row } from './rows.ts';
import { formatNumber, formatReport, formatTable } from './table.ts';

const ROW: Row = {
  title: 'Keep-alive',
  unit: 'requests/s',
  goals: [
    { peer: 'cntlm', atLeast: 50 },
    { peer: 'haproxy', atLeast: 0.8 },
  ],
  keepAlive: true,
  drive: () => Promise.reject(new Error('not driven here')),
};

function figure(rate: number, complaint = ''): Figure {
  return { rate, cpu: 0.25, residentKilobytes: 100_000, complaint };
}

function measured(gatepass: Figure): MeasuredRow {
  const peers = { cntlm: figure(100), haproxy: figure(10_000), parent: figure(40_000) };
  return {
    row: ROW,
    figures: new Map([
      ['gatepass', gatepass],
      ['cntlm', peers.cntlm],
      ['haproxy', peers.haproxy],
      ['parent', peers.parent],
    ]),
  };
}

const IDLE = new Map([['gatepass', { fresh: 50_000, perTunnel: 20 }]] as const);

test.for([
  { rate: 9000, met: [true, true] },
  { rate: 7000, met: [true, false] },
  { rate: 4000, met: [false, false] },
])('$rate requests/s beside 100 of cntlm and 10,000 of HAProxy: $met', ({ rate, met }) => {
  expect(toRateLine(measured(figure(rate))).goals.map((goal) => goal.met)).toEqual(met);
});

test('memory is told in decimal units, and judged by them', () => {
  const lines = toMemoryLines([measured(figure(1))], IDLE);

  expect(lines.map(({ gatepass }) => gatepass)).toEqual([51.2, 102.4, 102.4, 20.48]);
  expect(lines.flatMap(({ goals }) => goals.map(({ met }) => met))).toEqual([true, true, false]);
});

test('CPU time has no goal', () => {
  expect(toCpuLine(measured(figure(1)))).toMatchObject({ gatepass: 0.25, goals: [] });
});

test('a figure that was not taken is a dash', () => {
  expect(formatNumber(Number.NaN, 0)).toBe('–');
  expect(formatNumber(12345.678, 1)).toBe('12,345.7');
});

test('columns line up as plain text', () => {
  expect(formatTable(['', 'Rate'], [['one', '1,000,000']])).toEqual([
    '|     |      Rate |',
    '| --- | --------: |',
    '| one | 1,000,000 |',
  ]);
});

test('the report shows the headroom of the parent and every complaint', () => {
  const options = { rounds: 1, seconds: 1, warmUpSeconds: 1 };

  const report = formatReport([], options, [measured(figure(9000, 'Non-2xx: 7'))], IDLE);

  expect(report).toContain('4.0 ×');
  expect(report).toContain('- Keep-alive, gatepass: Non-2xx: 7');
});
