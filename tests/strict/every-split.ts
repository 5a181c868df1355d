import { expect } from 'vitest';
import { ProxyError } from '#engine/errors.ts';
import { createBodyReader } from '#engine/http1/body.ts';
import { createHeadScan } from '#engine/http1/head-scan.ts';
import { bodyOf, readReplyHead } from '#engine/http1/reply-head.ts';
import { readRequestHead } from '#engine/http1/request-head.ts';
import { readAbsoluteTarget, readConnectTarget } from '#engine/http1/target.ts';
import type { Framing } from '#engine/http1/framing.ts';
import { MAX_REPLY_HEAD, MAX_REQUEST_HEAD } from '#engine/limits.ts';
import { splitAt } from '#engine/testing/raw-client.ts';

const REQUEST_ERRORS = {
  broken: 'bad-request',
  tooLarge: 'head-too-large',
  max: MAX_REQUEST_HEAD,
} as const;
const REPLY_ERRORS = {
  broken: 'reply-broken',
  tooLarge: 'reply-head-too-large',
  max: MAX_REPLY_HEAD,
} as const;
/** Every position of an input up to this; of a longer one some. */
const SHORT = 2048;
const FEW = 64;

type Kind = 'request' | 'reply';

/** Expects the readers to come to the same verdict however the bytes are cut in two, or in ones. */
export function expectSameAtEverySplit(bytes: Buffer, kind: Kind = 'request'): void {
  const whole = read([bytes], kind);
  const wholeText = JSON.stringify(whole);
  const step = bytes.length > SHORT ? Math.ceil(bytes.length / FEW) : 1;
  for (let at = 1; at < bytes.length; at += step) {
    const parted = read(splitAt(bytes, at), kind);
    // Text is compared first: a deep comparison of large heads takes its time.
    if (JSON.stringify(parted) !== wholeText) expect({ at, ...parted }).toEqual({ at, ...whole });
  }
  if (bytes.length > SHORT * FEW) return;
  const ones = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  expect(read(ones, kind)).toEqual(whole);
}

interface Reading {
  readonly heads: readonly unknown[];
  readonly bodies: readonly string[];
  readonly status: number | undefined;
}

function read(pieces: readonly Buffer[], kind: Kind): Reading {
  const heads: unknown[] = [];
  const bodies: string[] = [];
  const scan = createHeadScan(kind === 'request' ? REQUEST_ERRORS : REPLY_ERRORS);
  const body = createBodyReader();
  const emit = (data: Buffer): void => {
    bodies.push((bodies.pop() ?? '') + data.toString('latin1'));
  };

  function onHead(text: string): Framing {
    if (kind === 'reply') {
      const reply = readReplyHead(text);
      heads.push(reply);
      return bodyOf(reply, 'GET');
    }
    const head = readRequestHead(text);
    const target =
      head.method === 'CONNECT'
        ? readConnectTarget(head.target)
        : readAbsoluteTarget(head.target, head.method);
    heads.push({ ...head, target });
    return head.framing;
  }

  let inBody = false;
  function readHeld(): void {
    for (;;) {
      if (inBody) {
        scan.skip(body.push(scan.held(), emit));
        if (!body.isDone()) return;
        heads.push(body.trailers());
        inBody = false;
      }
      const text = scan.take();
      if (text === undefined) return;
      body.begin(onHead(text));
      bodies.push('');
      inBody = true;
    }
  }

  try {
    for (const piece of pieces) {
      scan.add(piece);
      readHeld();
    }
    return { heads, bodies, status: undefined };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { heads, bodies, status: error.status };
  }
}
