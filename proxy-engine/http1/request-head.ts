import { ProxyError } from '../errors.ts';
import { MAX_METHOD, MAX_REQUEST_FIELDS, MAX_REQUEST_LINE } from '../limits.ts';
import { addNames, NO_NAMES, type ConnectionNames } from './connection-names.ts';
import { readFields, listMembers, type Field } from './fields.ts';
import { CHUNKED, NO_BODY, ofLength, readLength, type Framing } from './framing.ts';

/** The head of a request as a client sent it. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** HTTP/1.minor: 0, or 1 for 1.1 and whatever later 1.x the client speaks. */
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
  readonly framing: Framing;
  /** Names the client listed in Connection, in lower case. */
  readonly connectionNames: ConnectionNames;
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  /** The protocol to switch to, where Connection: upgrade was sent with it. */
  readonly upgrade: string | undefined;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/([0-9])\.([0-9])\r\n/;
const ERRORS = {
  broken: 'bad-request',
  tooMany: 'head-too-large',
  max: MAX_REQUEST_FIELDS,
} as const;

/**
 * Reads a request head, RFC 9112 §3 to §6, with nothing forgiven.
 *
 * @param text the head as latin1, from the request line to the empty line
 * @throws ProxyError with the status to answer
 */
export function readRequestHead(text: string): RequestHead {
  const line = REQUEST_LINE.exec(text);
  if (!line) throw badRequestLine(text);
  const [whole, method = '', target = '', major, minorText] = line;
  if (whole.length > MAX_REQUEST_LINE) throw tooLong();
  if (major !== '1') {
    throw new ProxyError('version-not-supported', 'Only HTTP/1.0 and HTTP/1.1 are spoken here.');
  }
  if (method.length > MAX_METHOD) throw new ProxyError('bad-request', 'The method is too long.');
  const minor = minorText === '0' ? 0 : 1;
  const fields = readFields(text, whole.length, ERRORS);
  return readMeaning(method, target, minor, fields);
}

function tooLong(): ProxyError {
  return new ProxyError('target-too-long', `The address is longer than ${MAX_REQUEST_LINE} bytes.`);
}

function badRequestLine(text: string): ProxyError {
  if (text.indexOf('\r\n') > MAX_REQUEST_LINE) return tooLong();
  return new ProxyError('bad-request', 'The request line is malformed.');
}

/** What the fields say about this message and this connection. */
function readMeaning(
  method: string,
  target: string,
  minor: 0 | 1,
  fields: readonly Field[],
): RequestHead {
  let names = NO_NAMES;
  let length: string | undefined;
  let coding: string | undefined;
  let upgrade: string | undefined;
  let hosts = 0;
  let expectsContinue = false;
  let proxyConnection = '';
  for (const { key, value } of fields) {
    switch (key) {
      case 'host':
        hosts += 1;
        if (hosts > 1 || !isHost(value)) throw bad('The Host header is malformed or repeated.');
        break;
      case 'connection':
        names = addNames(names, value, 'bad-request');
        break;
      case 'proxy-connection':
        proxyConnection = value.toLowerCase();
        break;
      case 'content-length':
        if (length !== undefined) throw bad('Content-Length is repeated.');
        length = value;
        break;
      case 'transfer-encoding':
        if (coding !== undefined) throw bad('Transfer-Encoding is repeated.');
        coding = value;
        break;
      case 'upgrade':
        upgrade = value;
        break;
      case 'expect':
        expectsContinue = readExpect(value, minor);
        break;
      default:
        break;
    }
  }
  if (minor === 1 && hosts === 0) throw bad('The Host header is missing.');
  const framing = readFraming(length, coding, minor, names);
  const keepAlive = wantsKeepAlive(minor, names, proxyConnection);
  const switches = method !== 'CONNECT' && names.has('upgrade') && canSwitch(upgrade);
  return {
    method,
    target,
    minor,
    fields,
    framing,
    connectionNames: names,
    keepAlive,
    expectsContinue,
    upgrade: switches ? upgrade : undefined,
  };
}

function bad(message: string): ProxyError {
  return new ProxyError('bad-request', message);
}

/** The value of Host is only looked at for shape: the target decides (RFC 9112 §3.2.2). */
function isHost(value: string): boolean {
  return /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]*)(?::[0-9]{0,5})?$/.test(value);
}

function readExpect(value: string, minor: 0 | 1): boolean {
  if (value.toLowerCase() !== '100-continue') {
    throw new ProxyError('expectation-failed', 'The only expectation known here is 100-continue.');
  }
  return minor === 1;
}

/** h2c is no switch that a proxy could follow: its frames are not a tunnel's (RFC 9113 §3.1). */
function canSwitch(upgrade: string | undefined): boolean {
  return upgrade !== undefined && upgrade !== '' && !listMembers(upgrade).includes('h2c');
}

/** RFC 9112 §6.1 and §6.3; where a sender contradicts itself the request is refused. */
function readFraming(
  length: string | undefined,
  coding: string | undefined,
  minor: 0 | 1,
  names: ConnectionNames,
): Framing {
  if (names.has('content-length') || names.has('transfer-encoding')) {
    throw bad('Connection lists a header that frames the message.');
  }
  if (coding !== undefined) {
    if (length !== undefined) throw bad('Content-Length and Transfer-Encoding are both there.');
    if (minor === 0) throw bad('Transfer-Encoding is not part of HTTP/1.0.');
    return readCoding(coding);
  }
  if (length === undefined) return NO_BODY;
  const bytes = readLength(length);
  if (bytes === undefined) throw bad('Content-Length is not a number.');
  return ofLength(bytes);
}

function readCoding(value: string): Framing {
  if (value.toLowerCase() === 'chunked') return CHUNKED;
  if (listMembers(value).filter((member) => member === 'chunked').length > 1 || value === '') {
    throw bad('Transfer-Encoding is malformed.');
  }
  throw new ProxyError('not-implemented', 'The only transfer coding known here is chunked.');
}

/** `Proxy-Connection` is what clients of the nineties send to a proxy; it counts for HTTP/1.0. */
function wantsKeepAlive(minor: 0 | 1, names: ConnectionNames, proxyConnection: string): boolean {
  if (names.has('close') || proxyConnection === 'close') return false;
  return minor === 1 || names.has('keep-alive') || proxyConnection === 'keep-alive';
}
