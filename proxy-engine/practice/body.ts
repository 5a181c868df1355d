import { mentions, valueOf } from './head.ts';
import type { Head } from './head.ts';
import type { Input } from './input.ts';

/** How a body ends; `none` is also a length of 0. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** A piece as it came; the framing of chunks is marked as no content. */
export interface Piece {
  readonly bytes: Buffer;
  readonly isContent: boolean;
}

const MAX_LINE = 16 * 1024;

/** The framing of a request's body. Throws for a length that is none. */
export function requestFraming(head: Head): Framing {
  if (mentions(head, 'transfer-encoding', 'chunked')) return { kind: 'chunked' };
  return lengthFraming(head) ?? { kind: 'none' };
}

/** The framing of the body that answers a request with this method. */
export function responseFraming(head: Head, method: string): Framing {
  const status = Number(head.start[1]);
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200)
    return { kind: 'none' };
  if (mentions(head, 'transfer-encoding', 'chunked')) return { kind: 'chunked' };
  return lengthFraming(head) ?? { kind: 'until-close' };
}

/** Reads a body piece by piece, and exactly to its end. */
export async function* readBody(input: Input, framing: Framing): AsyncGenerator<Piece, void> {
  switch (framing.kind) {
    case 'none':
      return;
    case 'length':
      for await (const bytes of input.take(framing.length)) yield { bytes, isContent: true };
      return;
    case 'until-close':
      for await (const bytes of input.rest()) yield { bytes, isContent: true };
      return;
    case 'chunked':
      yield* readChunks(input);
  }
}

async function* readChunks(input: Input): AsyncGenerator<Piece, void> {
  for (;;) {
    const line = await readLine(input);
    yield { bytes: line, isContent: false };
    const length = Number.parseInt(line.toString('latin1'), 16);
    if (!Number.isSafeInteger(length) || length < 0) throw new Error('a chunk has no length');
    if (length === 0) break;
    for await (const bytes of input.take(length)) yield { bytes, isContent: true };
    yield { bytes: await readLine(input), isContent: false };
  }
  for (;;) {
    const trailer = await readLine(input);
    yield { bytes: trailer, isContent: false };
    if (trailer.length === 2) return;
  }
}

async function readLine(input: Input): Promise<Buffer> {
  const line = await input.until('\r\n', MAX_LINE);
  if (!line) throw new Error('the peer stopped in a chunked body');
  return line;
}

function lengthFraming(head: Head): Framing | undefined {
  const text = valueOf(head, 'content-length');
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error('a length makes no sense');
  const length = Number(text);
  return length === 0 ? { kind: 'none' } : { kind: 'length', length };
}
