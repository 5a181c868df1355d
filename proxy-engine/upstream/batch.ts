import type { Socket } from 'node:net';

/** Pieces up to this size together are copied into one buffer; larger ones are gathered. */
const COPY_UP_TO = 32 * 1024;

/**
 * Gathers what one read of the other side produces, so that it leaves as one packet: a head and
 * the first bytes of its body sent apart cost a delayed acknowledgement (some 40 ms a request).
 */
export interface Batch {
  text(latin1: string): void;
  bytes(view: Buffer): void;
  /**
   * Writes what was gathered.
   *
   * @returns false when the system has not taken all of it: the views given must stay as they are,
   *   and no more be given, until `drained` is called.
   */
  flush(): boolean;
}

export function createBatch(socket: Socket, drained: () => void): Batch {
  let pieces: (string | Buffer)[] = [];
  let size = 0;
  let isWaiting = false;

  function gather(): void {
    if (size <= COPY_UP_TO) {
      socket.write(copyTogether(pieces, size));
      return;
    }
    socket.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') socket.write(piece, 'latin1');
      else socket.write(piece);
    }
    socket.uncork();
  }

  return {
    text(latin1) {
      pieces.push(latin1);
      size += latin1.length;
    },
    bytes(view) {
      pieces.push(view);
      size += view.length;
    },
    flush() {
      const [only] = pieces;
      if (only === undefined) return !isWaiting;
      if (pieces.length > 1) gather();
      else if (typeof only === 'string') socket.write(only, 'latin1');
      else socket.write(only);
      pieces = [];
      size = 0;
      if (socket.writableLength === 0) return true;
      if (!isWaiting) {
        isWaiting = true;
        whenWritten(socket, () => {
          isWaiting = false;
          drained();
        });
      }
      return false;
    },
  };
}

/** Calls back when all that was written so far is with the system; not on a socket that failed. */
export function whenWritten(socket: Socket, done: () => void): void {
  socket.write('', (error) => {
    if (!error) done();
  });
}

/** Every byte of the new buffer is filled: none of another exchange can be sent. */
function copyTogether(pieces: readonly (string | Buffer)[], size: number): Buffer {
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    at += typeof piece === 'string' ? whole.write(piece, at, 'latin1') : piece.copy(whole, at);
  }
  return whole;
}
