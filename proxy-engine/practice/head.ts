import type { Input } from './input.ts';

export type Field = readonly [name: string, value: string];

/** A start line in its three parts, and the fields behind it as they came. */
export interface Head {
  readonly start: readonly [string, string, string];
  readonly headers: readonly Field[];
}

const MAX_HEAD = 256 * 1024;

/** Reads a request or response head; undefined at a clean end. Throws if it makes no sense. */
export async function readHead(input: Input): Promise<Head | undefined> {
  const bytes = await input.until('\r\n\r\n', MAX_HEAD);
  if (!bytes) return undefined;
  const [line = '', ...fields] = bytes.toString('latin1').trimEnd().split('\r\n');
  const match = /^(\S+) (\S+)(?: (.*))?$/.exec(line);
  if (!match?.[1] || !match[2]) throw new Error('a start line makes no sense');
  return { start: [match[1], match[2], match[3] ?? ''], headers: fields.map(readField) };
}

/** Writes a head, the empty line included. */
export function writeHead(line: string, headers: readonly Field[]): string {
  return [line, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
}

/** The first value of a field. */
export function valueOf({ headers }: Pick<Head, 'headers'>, name: string): string | undefined {
  return headers.find(([candidate]) => candidate.toLowerCase() === name)?.[1];
}

/** Whether a field that is a list has this word in it. */
export function mentions({ headers }: Pick<Head, 'headers'>, name: string, word: string): boolean {
  return headers
    .filter(([candidate]) => candidate.toLowerCase() === name)
    .some(([, value]) =>
      value
        .toLowerCase()
        .split(/[\t ]*,[\t ]*/)
        .includes(word),
    );
}

/** The fields but for those named. */
export function without(headers: readonly Field[], ...names: readonly string[]): readonly Field[] {
  return headers.filter(([name]) => !names.includes(name.toLowerCase()));
}

function readField(line: string): Field {
  const colon = line.indexOf(':');
  if (colon <= 0) throw new Error('a header line makes no sense');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
