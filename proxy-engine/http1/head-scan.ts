import { ProxyError, type ProxyErrorCode } from '../errors.ts';

const CR = 0x0d;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);

export interface HeadErrors {
  readonly broken: ProxyErrorCode;
  readonly tooLarge: ProxyErrorCode;
  readonly max: number;
}

/** Collects bytes until a whole head is there. */
export interface HeadScan {
  /** All bytes held: those given to `add` and not yet taken. */
  held(): Buffer;
  add(bytes: Buffer): void;
  /**
   * Takes one head, up to and with its empty line, as latin1.
   *
   * @returns undefined while it is incomplete
   * @throws ProxyError on a line end that is not CRLF, or beyond the limit
   */
  take(): string | undefined;
  /** Moves what is held to memory of its own: the bytes given were only lent. */
  keep(): void;
  /** Takes whatever is held. */
  takeRest(): Buffer;
  /** Drops the first n bytes. */
  skip(count: number): void;
}

/**
 * A head usually arrives whole, so the chunk it came in is used as it is. One that arrives in
 * pieces goes to a buffer that doubles: a drip of single bytes then costs linear time.
 */
export function createHeadScan(errors: HeadErrors): HeadScan {
  let held: Buffer = EMPTY;
  let room: Buffer = EMPTY;
  /** Bytes of `held` already known to hold no end of head and no bad line end. */
  let seen = 0;

  function reset(rest: Buffer): void {
    held = rest;
    seen = 0;
  }

  return {
    held: () => held,
    add(bytes) {
      if (held.length === 0) return reset(bytes);
      const size = held.length + bytes.length;
      const isOurs = held.buffer === room.buffer && held.byteOffset === room.byteOffset;
      if (!isOurs || room.length < size) {
        room = Buffer.allocUnsafeSlow(size * 2);
        held.copy(room);
      }
      bytes.copy(room, held.length);
      held = room.subarray(0, size);
      return undefined;
    },
    take() {
      const from = Math.max(0, seen - 3);
      const at = held.indexOf('\r\n\r\n', from, 'latin1');
      if (at === -1) {
        requireCleanLineEnds(held, seen, errors.broken);
        seen = Math.max(0, held.length - 1);
        if (held.length > errors.max) throw tooLarge(errors);
        return undefined;
      }
      const end = at + 4;
      if (end > errors.max) throw tooLarge(errors);
      const text = held.toString('latin1', 0, end);
      reset(end === held.length ? EMPTY : held.subarray(end));
      return text;
    },
    keep() {
      if (held.length === 0 || held.buffer === room.buffer) return;
      room = Buffer.allocUnsafeSlow(held.length * 2);
      held.copy(room);
      held = room.subarray(0, held.length);
    },
    takeRest() {
      const rest = held;
      reset(EMPTY);
      return rest;
    },
    skip(count) {
      reset(held.subarray(count));
    },
  };
}

function tooLarge(errors: HeadErrors): ProxyError {
  return new ProxyError(errors.tooLarge, `The head is larger than ${errors.max} bytes.`);
}

/**
 * Refuses a lone CR or LF as soon as it is seen: the sender of a head that ends in LF LF waits for
 * an answer, and would otherwise get it only when a timer ends.
 */
function requireCleanLineEnds(bytes: Buffer, from: number, broken: ProxyErrorCode): void {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) throw badLineEnd(broken);
  }
  for (let at = bytes.indexOf(CR, from); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (at + 1 < bytes.length && bytes[at + 1] !== LF) throw badLineEnd(broken);
  }
}

function badLineEnd(broken: ProxyErrorCode): ProxyError {
  return new ProxyError(broken, 'A line ends in something else than CR LF.');
}
