import { METHODS } from 'node:http';
import { expect } from 'vitest';
import { fieldOf, readRequests, type Message } from '#engine/testing/read-messages.ts';
import type { Recorded } from '#engine/testing/recording-origin.ts';
import type { Facts } from './case.ts';
import type { Oracle } from './oracle.ts';

/** Reads everything recorded as whole requests, and expects the foreign parsers to agree. */
export async function judgeForwarded(
  connections: readonly Recorded[],
  oracles: readonly Oracle[],
  { way, authority }: Facts,
): Promise<Message[]> {
  const all: Message[] = [];
  for (const connection of connections) {
    const bytes = connection.bytes();
    const { messages, rest, problem } = readRequests(bytes);
    expect({ problem, rest: rest.toString('latin1') }).toEqual({ problem: undefined, rest: '' });
    const ours = messages.map((message) => {
      const [method = '', target = ''] = message.start.split(' ');
      return { method, target, body: message.body.toString('latin1'), complete: message.complete };
    });
    for (const oracle of oracles) {
      const seen = oracle.name === 'llhttp' ? withKnownMethods(bytes, ours) : { bytes, ours };
      const verdict = await oracle.understand(seen.bytes, true);
      expect({ oracle: oracle.name, ...verdict }).toEqual({
        oracle: oracle.name,
        messages: seen.ours,
        problem: null,
      });
    }
    for (const message of messages) judgeOne(message, way, authority);
    all.push(...messages);
  }
  return all;
}

/** Expects that no oracle takes the last message of a connection for whole. */
export async function judgeCut(
  connections: readonly Recorded[],
  oracles: readonly Oracle[],
): Promise<void> {
  for (const connection of connections) {
    for (const oracle of oracles) {
      const { messages } = await oracle.understand(connection.bytes(), true);
      expect({ oracle: oracle.name, complete: messages.at(-1)?.complete ?? false }).toEqual({
        oracle: oracle.name,
        complete: false,
      });
    }
  }
}

const ENDS_HERE = ['keep-alive', 'te', 'upgrade', 'proxy-authorization', 'proxy-authenticate'];

function judgeOne(message: Message, way: Facts['way'], authority: string): void {
  const [, target = ''] = message.start.split(' ');
  expect(message.complete).toBe(true);
  expect(fieldOf(message, 'Host')).toBe(
    new URL(way === 'direct' ? `http://${authority}` : target).host,
  );
  expect(fieldOf(message, 'Via')).toBeDefined();
  if (way === 'direct') expect(target).toMatch(/^[/*]/);
  else expect(target).toMatch(/^http:\/\//);
  for (const name of ENDS_HERE) expect([name, fieldOf(message, name)]).toEqual([name, undefined]);
}

/** llhttp knows a closed list of methods; the others have to be read as one of it. */
function withKnownMethods<T extends { readonly method: string }>(
  bytes: Buffer,
  ours: readonly T[],
): { bytes: Buffer; ours: readonly T[] } {
  const [first] = ours;
  if (!first || METHODS.includes(first.method) || ours.length > 1) return { bytes, ours };
  const rest = bytes.subarray(Buffer.byteLength(first.method));
  return {
    bytes: Buffer.concat([Buffer.from('POST'), rest]),
    ours: [{ ...first, method: 'POST' }],
  };
}
