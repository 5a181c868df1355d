import { expect } from 'vitest';
import { exchangeRaw, type RawAnswer } from '#engine/testing/raw-client.ts';
import { readReplies, statusOf } from '#engine/testing/read-messages.ts';

export const GET = 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n';

/** One request on a connection of its own, read to the end of its reply; it must not hang. */
export async function ask(
  port: number,
  text = GET,
  method = 'GET',
): Promise<RawAnswer & { status: number }> {
  const answer = await exchangeRaw(port, [Buffer.from(text, 'latin1')], {
    until: (got) => {
      const final = readReplies(got, [method], false).messages.at(-1);
      return final !== undefined && statusOf(final) >= 200 && final.complete;
    },
    deadline: 8000,
  });
  expect(answer.ended).not.toBe('hung');
  return {
    ...answer,
    status: statusOf(readReplies(answer.bytes, [method], false).messages.at(-1)),
  };
}
