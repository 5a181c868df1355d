import type { IdleFigures } from './idle.ts';
import { type Line, type MeasuredRow, toCpuLine, toMemoryLines, toRateLine } from './lines.ts';
import type { Options } from './options.ts';

const HEAD = ['', 'Gatepass', 'cntlm', 'HAProxy', '÷ cntlm', '÷ HAProxy', 'Goal', 'Met'] as const;
const NOTES = [
  '¹ Gatepass and cntlm sign in (a whole NTLM handshake) for each tunnel; HAProxy cannot and passes a plain CONNECT to',
  'an open port of the parent, as in all its rows.',
  '² 1,000 tunnels; 400 with cntlm, whose select(2) ends at 1,024 descriptors.',
];

/** The report in Markdown: the machine, the one table, and the proof that the parent was not the limit. */
export function formatReport(
  machine: readonly string[],
  options: Options,
  measured: readonly MeasuredRow[],
  idle: IdleFigures,
): string {
  const lines = [
    ...measured.map(toRateLine),
    ...measured.map(toCpuLine),
    ...toMemoryLines(measured, idle),
  ];
  return [
    '# Gatepass beside cntlm and HAProxy',
    '',
    `Medians of ${options.rounds} interleaved rounds of ${options.seconds} s each; same run, same parent, same client, 127.0.0.1.`,
    '',
    ...machine.map((fact) => `- ${fact}`),
    '',
    ...formatTable(HEAD, lines.map(toCells)),
    '',
    ...NOTES,
    '',
    'The parent when the client drives it directly, in the same rounds:',
    '',
    ...formatTable(['', 'Parent alone', 'Fastest proxy', 'Headroom'], measured.map(toParentCells)),
    ...complaints(measured),
    '',
  ].join('\n');
}

function toCells({ title, gatepass, cntlm, haproxy, digits, goals }: Line): readonly string[] {
  return [
    title,
    ...[gatepass, cntlm, haproxy].map((value) => formatNumber(value, digits)),
    formatNumber(gatepass / cntlm, 2),
    formatNumber(gatepass / haproxy, 2),
    goals.map(({ text }) => text).join(', '),
    goals.map(({ met }) => (met ? 'yes' : 'no')).join(', '),
  ];
}

function toParentCells({ row, figures }: MeasuredRow): readonly string[] {
  const parent = figures.get('parent')?.rate ?? NaN;
  const proxies = [...figures].filter(([name]) => name !== 'parent').map(([, { rate }]) => rate);
  const fastest = Math.max(...proxies);
  return [
    `${row.title.replace(' ¹', '')}, ${row.unit}`,
    formatNumber(parent, 0),
    formatNumber(fastest, 0),
    `${formatNumber(parent / fastest, 1)} ×`,
  ];
}

function complaints(measured: readonly MeasuredRow[]): readonly string[] {
  const found = measured.flatMap(({ row, figures }) =>
    [...figures]
      .filter(([, figure]) => figure.complaint !== '')
      .map(([name, { complaint }]) => `- ${row.title}, ${name}: ${complaint}`),
  );
  return found.length === 0 ? [] : ['', 'Not every answer was right:', '', ...found];
}

/** Grouped digits; a dash for what was not measured. */
export function formatNumber(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A Markdown table whose columns also line up as plain text; the first one is text, the rest right. */
export function formatTable(
  head: readonly string[],
  body: readonly (readonly string[])[],
): readonly string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const format = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [format(head), format(rule), ...body.map(format)];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
