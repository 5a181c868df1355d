import { expect } from 'vitest';
import { exchangeRaw, splitAt, type RawAnswer } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf, type Message } from '#engine/testing/read-messages.ts';
import type { Recorded } from '#engine/testing/recording-origin.ts';
import { setImmediate } from 'node:timers/promises';
import type { Way } from './case.ts';
import type { Stand } from './stand.ts';

/**
 * What has to happen.
 * A status: that reply of the engine's own, whole.
 * `relayed`: the reply arrives whole. `abort`: the client can tell that it is not whole.
 */
export type ReplyOutcome = number | 'relayed' | 'abort';

/** One row of the table of replies: what the origin or the parent sends, as latin1. */
export interface ReplyCase {
  readonly name: string;
  readonly reply: string;
  /** What the sender does next; `keep` leaves the connection open. */
  readonly end: 'fin' | 'reset' | 'keep';
  readonly outcome: ReplyOutcome;
  readonly method?: string;
  /** The version the client speaks. */
  readonly minor?: 0 | 1;
  readonly ways?: readonly Way[];
  /** More to be true of what the client got: interim replies, then the final one. */
  readonly client?: (replies: readonly Message[], answer: RawAnswer) => void;
}

/** Asks for one reply, sent in pieces cut at the given positions, and checks what the client got. */
export async function checkReply(
  stand: Stand,
  row: ReplyCase,
  way: Way,
  cuts: readonly number[] = [],
): Promise<void> {
  const hop = stand.hop(way);
  const { method = 'GET', minor = 1, outcome } = row;
  hop.answerWith((_, connection) => {
    void sendApart(connection, splitAt(Buffer.from(row.reply, 'latin1'), ...cuts), row.end);
    return undefined;
  });
  const request = `${method} http://%A%/ HTTP/1.${minor}\r\nHost: %A%\r\n\r\n`;
  const answer = await exchangeRaw(stand.engine(way).port, [stand.fill(request, way)], {
    ...(outcome !== 'abort' && minor === 1 && { until: (got) => isWhole(got, method) }),
  });
  hop.answerWith();
  expect(answer.ended).not.toBe('hung');
  const { messages, problem } = readReplies(answer.bytes, [method], answer.ended === 'fin');
  const final = messages.at(-1);
  expect(problem).toBeUndefined();
  if (outcome === 'abort') {
    expect({ whole: answer.ended !== 'reset' && final?.complete === true }).toEqual({
      whole: false,
    });
  } else {
    expect(final?.complete).toBe(true);
    expect(answer.ended).not.toBe('reset');
    const isOwn = fieldOf(final, 'Proxy-Status')?.startsWith('gatepass;') ?? false;
    expect(isOwn).toBe(outcome !== 'relayed');
    if (outcome !== 'relayed') expect(statusOf(final)).toBe(outcome);
  }
  row.client?.(messages, answer);
}

async function sendApart(
  { socket }: Recorded,
  pieces: readonly Buffer[],
  end: ReplyCase['end'],
): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.write(piece, () => resolve());
      socket.once('close', () => resolve());
    });
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
  }
  if (end === 'fin') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
}

function isWhole(bytes: Buffer, method: string): boolean {
  const final = readReplies(bytes, [method], false).messages.at(-1);
  return final !== undefined && statusOf(final) >= 200 && final.complete;
}
