import type { Socket } from 'node:net';

/** What arrives on a socket, taken in the portions its reader wants. */
export interface Input {
  /** Bytes up to and including a mark; undefined at a clean end. Throws beyond the limit. */
  until(mark: string, limit: number): Promise<Buffer | undefined>;
  /** Exactly so many bytes, as they come. Throws if they do not. */
  take(length: number): AsyncGenerator<Buffer, void>;
  /** Whatever still comes, up to the end. */
  rest(): AsyncGenerator<Buffer, void>;
}

/** Reads a socket on demand, so that what is not asked for waits in the network. */
export function createInput(socket: Socket): Input {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let pending: Buffer = Buffer.alloc(0);

  async function more(): Promise<boolean> {
    const next: IteratorResult<unknown, unknown> = await chunks.next();
    if (next.done === true || !Buffer.isBuffer(next.value)) return false;
    pending = pending.length === 0 ? next.value : Buffer.concat([pending, next.value]);
    return true;
  }

  function shift(length: number): Buffer {
    const taken = pending.subarray(0, length);
    pending = pending.subarray(length);
    return taken;
  }

  return {
    async until(mark, limit) {
      for (let from = 0; ;) {
        const at = pending.indexOf(mark, from, 'latin1');
        if (at >= 0) return shift(at + mark.length);
        if (pending.length > limit) throw new Error('a line or head is too long');
        from = Math.max(0, pending.length - mark.length + 1);
        if (await more()) continue;
        if (pending.length > 0) throw new Error('the peer stopped within a line or head');
        return undefined;
      }
    },
    async *take(length) {
      for (let left = length; left > 0;) {
        if (pending.length === 0 && !(await more())) throw new Error('the peer stopped in a body');
        const piece = shift(left);
        left -= piece.length;
        yield piece;
      }
    },
    async *rest() {
      while (pending.length > 0 || (await more())) yield shift(pending.length);
    },
  };
}

/** Writes, and waits until the system has taken it. */
export function send(socket: Socket, data: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(data, 'latin1', (error) => (error ? reject(error) : resolve()));
  });
}

/** Passes on everything that comes, and then the end. */
export async function pump(source: AsyncIterable<Buffer>, sink: Socket): Promise<void> {
  for await (const chunk of source) await send(sink, chunk);
  sink.end();
}
