import type { Field } from './fields.ts';
import type { Framing } from './framing.ts';
import { createChunkedReader, type ChunkedReader } from './chunked.ts';

/** Finds the end of one body after another on the same connection. */
export interface BodyReader {
  begin(framing: Framing): void;
  /**
   * Hands body data to `emit`, as views of `bytes`.
   *
   * @returns how many of the bytes belonged to the body
   */
  push(bytes: Buffer, emit: (data: Buffer) => void): number;
  /** Whether the last byte has been seen; a body until close never is, before the close. */
  isDone(): boolean;
  /** Whether the end of the stream is this body's proper end. */
  endsWithStream(): boolean;
  trailers(): readonly Field[];
}

const NO_FIELDS: readonly Field[] = [];

export function createBodyReader(): BodyReader {
  let kind: Framing['kind'] = 'none';
  let left = 0;
  /** Made for the first chunked body: most connections never see one. */
  let chunked: ChunkedReader | undefined;

  function pushLength(bytes: Buffer, emit: (data: Buffer) => void): number {
    const count = Math.min(left, bytes.length);
    left -= count;
    if (count > 0) emit(count === bytes.length ? bytes : bytes.subarray(0, count));
    return count;
  }

  return {
    begin(framing) {
      kind = framing.kind;
      left = framing.kind === 'length' ? framing.length : 0;
      if (framing.kind !== 'chunked') return;
      chunked ??= createChunkedReader();
      chunked.begin();
    },
    push(bytes, emit) {
      switch (kind) {
        case 'none':
          return 0;
        case 'length':
          return pushLength(bytes, emit);
        case 'chunked':
          return chunked?.push(bytes, emit) ?? 0;
        case 'until-close':
          emit(bytes);
          return bytes.length;
      }
    },
    isDone() {
      switch (kind) {
        case 'none':
          return true;
        case 'length':
          return left === 0;
        case 'chunked':
          return chunked?.isDone() ?? false;
        case 'until-close':
          return false;
      }
    },
    endsWithStream: () => kind === 'until-close',
    trailers: () => (kind === 'chunked' ? (chunked?.trailers() ?? NO_FIELDS) : NO_FIELDS),
  };
}
