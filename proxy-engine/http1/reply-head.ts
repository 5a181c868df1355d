import { ProxyError } from '../errors.ts';
import { MAX_REASON, MAX_REPLY_FIELDS } from '../limits.ts';
import { addNames, NO_NAMES, type ConnectionNames } from './connection-names.ts';
import { readFields, trimBlanks, type Field } from './fields.ts';
import { CHUNKED, NO_BODY, UNTIL_CLOSE, readLength, type Framing } from './framing.ts';

/** The head of a reply as a parent or an origin sent it. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
  /** As the fields say; what the request was decides whether there is a body at all. */
  readonly framing: Framing;
  readonly connectionNames: ConnectionNames;
  /** Whether the sender lets the connection be used again, RFC 9112 §9.3. */
  readonly keepAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;
const ERRORS = {
  broken: 'reply-broken',
  tooMany: 'reply-head-too-large',
  max: MAX_REPLY_FIELDS,
} as const;

/**
 * Reads a reply head, RFC 9112 §4 to §6.
 *
 * @throws ProxyError 'reply-broken' or 'reply-head-too-large'
 */
export function readReplyHead(text: string): ReplyHead {
  const line = STATUS_LINE.exec(text);
  if (!line) throw broken('The answer does not begin like HTTP/1.1.');
  const [whole, minorText, statusText, reason = ''] = line;
  const minor = minorText === '0' ? 0 : 1;
  const status = Number(statusText);
  if (status > 599) throw broken(`The answer has the unknown status ${status}.`);
  const fields = readFields(text, whole.length, ERRORS);
  return readMeaning(status, reason.slice(0, MAX_REASON), minor, fields);
}

function broken(message: string): ProxyError {
  return new ProxyError('reply-broken', message);
}

function readMeaning(
  status: number,
  reason: string,
  minor: 0 | 1,
  fields: readonly Field[],
): ReplyHead {
  let names = NO_NAMES;
  let length: number | undefined;
  let coding: string | undefined;
  let proxyConnection = '';
  for (const { key, value } of fields) {
    switch (key) {
      case 'connection':
        names = addNames(names, value, 'reply-broken');
        break;
      case 'proxy-connection':
        proxyConnection = value.toLowerCase();
        break;
      case 'content-length':
        length = sameLength(length, value);
        break;
      case 'transfer-encoding':
        coding = coding === undefined ? value : `${coding},${value}`;
        break;
      default:
        break;
    }
  }
  const framing = readFraming(length, coding);
  const persists = wantsKeepAlive(minor, names, proxyConnection);
  // A sender that contradicts itself is not asked a second time (RFC 9112 §6.3).
  const isClean = coding === undefined || (length === undefined && minor === 1);
  const keepAlive = persists && isClean;
  return { status, reason, minor, fields, framing, connectionNames: names, keepAlive };
}

/** Equal repeated lengths are one length; anything else is unusable (RFC 9110 §8.6). */
function sameLength(known: number | undefined, value: string): number {
  const single = known === undefined ? readLength(value) : undefined;
  if (single !== undefined) return single;
  const lengths = value.split(',').map((part) => readLength(trimBlanks(part)));
  const [first] = lengths;
  const isSame = lengths.every((length) => length === first) && (known ?? first) === first;
  if (first === undefined || !isSame) throw broken('The answer has a malformed Content-Length.');
  return first;
}

function readFraming(length: number | undefined, coding: string | undefined): Framing {
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return CHUNKED;
    throw broken('The answer has a transfer coding that was not asked for.');
  }
  return length === undefined ? UNTIL_CLOSE : { kind: 'length', length };
}

function wantsKeepAlive(minor: 0 | 1, names: ConnectionNames, proxyConnection: string): boolean {
  if (names.has('close') || proxyConnection === 'close') return false;
  return minor === 1 || names.has('keep-alive') || proxyConnection === 'keep-alive';
}

/** The body a reply really has, given the request it answers (RFC 9112 §6.3, items 1 and 2). */
export function bodyOf(reply: ReplyHead, method: string): Framing {
  const { status } = reply;
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) return NO_BODY;
  return reply.framing;
}
