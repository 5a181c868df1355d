import { expect } from 'vitest';
import { exchangeRaw, splitAt, type RawAnswer } from '#engine/testing/raw-client.ts';
import { fieldOf, readReplies, statusOf } from '#engine/testing/read-messages.ts';
import type { Case, Facts, Way } from './case.ts';
import { judgeCut, judgeForwarded } from './judge.ts';
import type { Stand } from './stand.ts';

/** Must never be seen onward behind something that was refused. */
const SMUGGLED = 'GET http://%A%/smuggled HTTP/1.1\r\nHost: %A%\r\n\r\n';

/** Sends one case one way, in pieces cut at the given positions, and checks all there is to see. */
export async function checkCase(
  stand: Stand,
  row: Case,
  way: Way,
  cuts: readonly number[] = [],
): Promise<void> {
  const hop = stand.hop(way);
  stand.origin.reset();
  stand.parent.reset();
  const { outcome } = row;
  const isRefusal = typeof outcome === 'number' || Array.isArray(outcome);
  const bytes = stand.fill(row.send + (isRefusal && !row.after ? SMUGGLED : ''), way);
  const methods = row.methods ?? ['GET'];
  const answer = await exchangeRaw(stand.engine(way).port, splitAt(bytes, ...cuts), {
    ...(row.after && { after: row.after }),
    // A client that has ended its side waits for the end of the other one, too.
    ...(outcome === 'forwarded' &&
      !row.after && { until: (got) => countWhole(got, methods) >= methods.length }),
    ...(outcome === 'answered' && { until: (got) => countWhole(got, methods) >= 1 }),
  });
  expect(answer.ended).not.toBe('hung');
  const facts = { way, authority: stand.origin.authority };
  switch (outcome) {
    case 'forwarded':
      return checkForwarded(stand, row, facts, answer);
    case 'answered':
      expect(statusOf(onlyReply(answer, methods))).toBeLessThan(500);
      return expectOnlyProbe(stand, way);
    case 'cut':
      checkRefusal(answer, [400, 408, 413, 431, 501], true);
      return judgeCut(hop.connections, stand.oracles);
    case 'closed':
      checkRefusal(answer, [400, 408, 431], true);
      return expectOnlyProbe(stand, way);
    default:
      checkRefusal(answer, typeof outcome === 'number' ? [outcome] : outcome, false);
      return expectOnlyProbe(stand, way);
  }
}

async function checkForwarded(
  stand: Stand,
  row: Case,
  facts: Facts,
  answer: RawAnswer,
): Promise<void> {
  const methods = row.methods ?? ['GET'];
  const { messages, problem } = readReplies(answer.bytes, methods, answer.ended === 'fin');
  expect({ problem, statuses: messages.map(statusOf) }).toEqual({
    problem: undefined,
    statuses: methods.map(() => 200),
  });
  const hop = stand.hop(facts.way);
  const requests = await judgeForwarded(hop.connections, stand.oracles, facts);
  expect(requests).toHaveLength(methods.length);
  row.onward?.(requests, facts);
}

/** One reply with one of these statuses, or none where that is allowed, and then the end. */
function checkRefusal(answer: RawAnswer, allowed: readonly number[], silenceIsFine: boolean): void {
  if (silenceIsFine && answer.bytes.length === 0) return;
  const reply = onlyReply(answer, ['GET']);
  expect(allowed).toContain(statusOf(reply));
  expect(fieldOf(reply, 'Connection')).toBe('close');
  expect(fieldOf(reply, 'Proxy-Status')).toMatch(/^gatepass; error=[a-z_]+/);
  if (!silenceIsFine) expect(answer.ended).toBe('fin');
}

function onlyReply(answer: RawAnswer, methods: readonly string[]) {
  const { messages, rest, problem } = readReplies(answer.bytes, methods, answer.ended === 'fin');
  const whole = messages.filter(({ complete }) => complete).length;
  expect({ problem, rest: rest.toString('latin1'), whole }).toEqual({
    problem: undefined,
    rest: '',
    whole: 1,
  });
  return messages[0];
}

/** A good request goes through, and is all that went onward since the case began. */
async function expectOnlyProbe(stand: Stand, way: Way): Promise<void> {
  const probe = stand.fill('GET http://%A%/probe HTTP/1.1\r\nHost: %A%\r\n\r\n', way);
  const answer = await exchangeRaw(stand.engine(way).port, [probe], {
    until: (bytes) => countWhole(bytes, ['GET']) === 1,
  });
  expect(answer.bytes.toString('latin1', 0, 15)).toBe('HTTP/1.1 200 OK');
  const facts = { way, authority: stand.origin.authority };
  const requests = await judgeForwarded(stand.hop(way).connections, stand.oracles, facts);
  expect(requests.map(({ start }) => start)).toEqual([
    expect.stringMatching(/\/probe HTTP\/1\.1$/),
  ]);
  if (way === 'parent') expect(stand.origin.connections).toEqual([]);
}

function countWhole(bytes: Buffer, methods: readonly string[]): number {
  const { messages } = readReplies(bytes, methods, false);
  return messages.filter((message) => message.complete && statusOf(message) >= 200).length;
}
