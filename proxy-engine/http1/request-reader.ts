import { ProxyError } from '../errors.ts';
import { MAX_EMPTY_LINES, MAX_REQUEST_HEAD, MAX_REQUEST_LINE } from '../limits.ts';
import { createHeadScan } from './head-scan.ts';
import { readRequestHead, type RequestHead } from './request-head.ts';

/** Reads one request head after another from what a client sends. */
export interface RequestReader {
  /** Bytes given and not yet taken. */
  held(): Buffer;
  add(bytes: Buffer): void;
  /**
   * Reads the next head.
   *
   * @returns 'more' while it is incomplete; 'other-protocol' for what never was HTTP
   * @throws ProxyError with the status to answer
   */
  next(): RequestHead | 'more' | 'other-protocol';
  /** Moves what is held to memory of its own: the bytes given were only lent. */
  keep(): void;
  /** Drops the first n bytes: they were a body's. */
  skip(count: number): void;
  takeRest(): Buffer;
}

const ERRORS = {
  broken: 'bad-request',
  tooLarge: 'head-too-large',
  max: MAX_REQUEST_HEAD,
} as const;
const CR = 0x0d;
const LF = 0x0a;

export function createRequestReader(): RequestReader {
  const scan = createHeadScan(ERRORS);
  let emptyLines = 0;

  /** RFC 9112 §2.2 lets old clients put an empty line first. */
  function skipEmptyLines(): void {
    while (scan.held()[0] === CR && scan.held().length > 1) {
      if (scan.held()[1] !== LF || emptyLines === MAX_EMPTY_LINES) {
        throw new ProxyError('bad-request', 'Something else than a request came first.');
      }
      emptyLines += 1;
      scan.skip(2);
    }
  }

  return {
    held: () => scan.held(),
    add: (bytes) => scan.add(bytes),
    next() {
      skipEmptyLines();
      const [first] = scan.held();
      if (first === undefined || (first === CR && scan.held().length === 1)) return 'more';
      if (isOtherProtocol(first)) return 'other-protocol';
      const text = scan.take();
      if (text === undefined) {
        requireShortLine(scan.held());
        return 'more';
      }
      emptyLines = 0;
      return readRequestHead(text);
    },
    keep: () => scan.keep(),
    skip: (count) => scan.skip(count),
    takeRest: () => scan.takeRest(),
  };
}

/** A line that is too long is refused as such before the whole head is. */
function requireShortLine(held: Buffer): void {
  if (held.length <= MAX_REQUEST_LINE) return;
  if (held.subarray(0, MAX_REQUEST_LINE).includes('\r\n')) return;
  throw new ProxyError('target-too-long', `The address is longer than ${MAX_REQUEST_LINE} bytes.`);
}

/** A TLS hello, SOCKS 4 or 5, SSL 2, or plain binary. No method and no blank begins like that. */
function isOtherProtocol(byte: number): boolean {
  return byte < 0x09 || byte >= 0x7f || (byte > CR && byte < 0x20);
}
