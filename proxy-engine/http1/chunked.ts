import { ProxyError } from '../errors.ts';
import { MAX_CHUNK_EXTENSIONS, MAX_CHUNK_LINE, MAX_TRAILERS } from '../limits.ts';
import { readFields, type Field } from './fields.ts';

const CR = 0x0d;
const LF = 0x0a;
/** 13 hexadecimal digits stay below 2^52; leading zeros beyond that are no honest sender's. */
const SIZE_LINE = /^([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const ERRORS = { broken: 'bad-request', tooMany: 'bad-request', max: 64 } as const;
const NO_FIELDS: readonly Field[] = [];

/** Takes a chunked body apart, RFC 9112 §7.1. One reader serves all messages of a connection. */
export interface ChunkedReader {
  begin(): void;
  /**
   * Hands the data of chunks to `emit`, as views of `bytes`.
   *
   * @returns how many bytes belonged to the body
   * @throws ProxyError 'bad-request' at the first byte that is not as it must be
   */
  push(bytes: Buffer, emit: (data: Buffer) => void): number;
  isDone(): boolean;
  trailers(): readonly Field[];
}

type State = 'size' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'done';

export function createChunkedReader(): ChunkedReader {
  let state: State = 'size';
  let line = '';
  let left = 0;
  let extensions = 0;
  let trailerText = '';
  let trailers = NO_FIELDS;

  /** Adds to the current line up to its CRLF; tells how far it went and whether it is whole. */
  function readLine(bytes: Buffer, at: number, limit: number): { next: number; whole: boolean } {
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    if (line.length + end - at > limit) throw broken('is too long');
    line += bytes.toString('latin1', at, end);
    if (lf === -1) {
      if (/\r[^]/.test(line)) throw broken('holds a bare CR');
      return { next: end, whole: false };
    }
    if (!line.endsWith('\r\n') || line.indexOf('\r') !== line.length - 2) {
      throw broken('ends in something else than CR LF');
    }
    return { next: end, whole: true };
  }

  function endSizeLine(): void {
    const text = line.slice(0, -2);
    line = '';
    const match = SIZE_LINE.exec(text);
    if (!match) throw broken('has no readable size');
    const [, digits = ''] = match;
    extensions += text.length - digits.length;
    if (extensions > MAX_CHUNK_EXTENSIONS) throw broken('carries too many extensions');
    left = Number.parseInt(digits, 16);
    state = left === 0 ? 'trailers' : 'data';
  }

  function endTrailerLine(): void {
    const text = line;
    line = '';
    trailerText += text;
    if (trailerText.length > MAX_TRAILERS) throw broken('has trailers that are too long');
    if (text !== '\r\n') return;
    trailers = readFields(trailerText, 0, ERRORS);
    state = 'done';
  }

  function push(bytes: Buffer, emit: (data: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && state !== 'done') {
      switch (state) {
        case 'size':
        case 'trailers': {
          const limit = state === 'size' ? MAX_CHUNK_LINE : MAX_TRAILERS;
          const read = readLine(bytes, at, limit);
          at = read.next;
          if (!read.whole) break;
          if (state === 'size') endSizeLine();
          else endTrailerLine();
          break;
        }
        case 'data': {
          const end = Math.min(bytes.length, at + left);
          left -= end - at;
          emit(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
          at = end;
          if (left === 0) state = 'data-cr';
          break;
        }
        case 'data-cr':
        case 'data-lf': {
          if (bytes[at] !== (state === 'data-cr' ? CR : LF)) throw broken('is longer than it said');
          at += 1;
          state = state === 'data-cr' ? 'data-lf' : 'size';
          break;
        }
      }
    }
    return at;
  }

  return {
    begin() {
      state = 'size';
      line = '';
      left = 0;
      extensions = 0;
      trailerText = '';
      trailers = NO_FIELDS;
    },
    push,
    isDone: () => state === 'done',
    trailers: () => trailers,
  };
}

function broken(what: string): ProxyError {
  return new ProxyError('bad-request', `A chunk of the body ${what}.`);
}
