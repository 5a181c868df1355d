import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';

const PIECE = 64 * 1024;
const BASE = Buffer.from(Array.from({ length: PIECE }, (_, at) => (at * 31 + (at >> 8)) & 0xff));

/** Bytes of a long content that differs everywhere, piece by piece. */
export function* pieces(size: number): Generator<Buffer, void> {
  for (let at = 0; at < size; at += PIECE) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, size - at));
    BASE.copy(piece);
    for (let offset = 0; offset + 4 <= piece.length; offset += 128) {
      piece.writeUInt32LE((at + offset) >>> 0, offset);
    }
    yield piece;
  }
}

/** The same as a stream that is read on demand; `given` is told how many bytes were asked for. */
export function patternStream(size: number, given: (bytes: number) => void = noted): Readable {
  function* counted(): Generator<Buffer, void> {
    for (const piece of pieces(size)) {
      given(piece.length);
      yield piece;
    }
  }
  return Readable.from(counted(), { objectMode: false, highWaterMark: PIECE });
}

function noted(): void {
  // Nobody counts.
}

/** Length and SHA-256 of what has come. */
export interface Sum {
  readonly length: number;
  add(bytes: Buffer): void;
  digest(): string;
}

export function createSum(): Sum {
  const hash: Hash = createHash('sha256');
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(bytes) {
      length += bytes.length;
      hash.update(bytes);
    },
    digest: () => hash.digest('hex'),
  };
}

/** The SHA-256 that a whole content of this size has. */
export function sumOfPattern(size: number): string {
  const sum = createSum();
  for (const piece of pieces(size)) sum.add(piece);
  return sum.digest();
}

/** Waits until a figure has not changed for a while: whoever makes it grow has been stopped. */
export async function settled(read: () => number): Promise<number> {
  let last = read();
  let since = performance.now();
  while (performance.now() - since < 300) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const now = read();
    if (now === last) continue;
    last = now;
    since = performance.now();
  }
  return last;
}
