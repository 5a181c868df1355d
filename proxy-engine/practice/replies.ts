import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeHead } from './head.ts';
import type { Field } from './head.ts';
import { send } from './input.ts';
import type { Quirks } from './quirks.ts';
import { offeredSchemes } from './rules.ts';

const PAGE_SIZE = 3_500;
const HUGE_PAGE_SIZE = 2 * 1024 * 1024;

/** One answer of the parent itself. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly fields?: readonly Field[];
  readonly page: Quirks['body407'];
  readonly close: boolean;
  /** Whether the request was a HEAD, whose answer has no page. */
  readonly headOnly: boolean;
}

/** The Proxy-Authenticate fields of a 407. */
export function authenticateFields(quirks: Quirks, challenge: string | undefined): Field[] {
  if (quirks.noAuthenticateHeader) return [];
  const values = challenge === undefined ? offeredSchemes(quirks) : [challenge];
  return values.map((value) => ['Proxy-Authenticate', value]);
}

/** Sends an answer of the parent itself, in whatever odd way its quirks ask for. */
export async function sendReply(socket: Socket, quirks: Quirks, reply: Reply): Promise<void> {
  const { status, reason, fields = [], close, headOnly } = reply;
  const page = quirks.http10 && reply.page === 'chunked' ? 'until-close' : reply.page;
  const head: Field[] = [
    ...fields,
    ['Content-Type', 'text/html'],
    ...frameFields(page),
    ...connectionFields(quirks, close || page === 'until-close'),
  ];
  const line = `${quirks.http10 ? 'HTTP/1.0' : 'HTTP/1.1'} ${status} ${reason}`;
  await sendHead(socket, quirks, line, head, headOnly ? '' : writePage(page));
}

/** Sends a head of our own with what follows it at once. */
export async function sendHead(
  socket: Socket,
  quirks: Quirks,
  line: string,
  fields: readonly Field[],
  after = '',
): Promise<void> {
  const dressed = fields.map(([name, value]): Field => [
    quirks.lowerCaseNames ? name.toLowerCase() : name,
    quirks.extraSpaces ? `  ${value.replace(' ', '   ')}  ` : value,
  ]);
  const head = writeHead(line, dressed);
  if (quirks.splitHeaders === 0) return send(socket, head + after);
  for (let at = 0; at < head.length; at += quirks.splitHeaders) {
    await send(socket, head.slice(at, at + quirks.splitHeaders));
    await nextTurn();
  }
  if (after !== '') await send(socket, after);
}

/** `Connection` or its elder, whichever this parent speaks. */
export function connectionFields(quirks: Quirks, close: boolean): Field[] {
  const name = quirks.proxyConnectionOnly ? 'Proxy-Connection' : 'Connection';
  return [[name, close ? 'close' : 'keep-alive']];
}

function frameFields(page: Quirks['body407']): Field[] {
  switch (page) {
    case 'none':
      return [['Content-Length', '0']];
    case 'length':
      return [['Content-Length', String(PAGE_SIZE)]];
    case 'huge':
      return [['Content-Length', String(HUGE_PAGE_SIZE)]];
    case 'chunked':
      return [['Transfer-Encoding', 'chunked']];
    case 'until-close':
      return [];
  }
}

function writePage(page: Quirks['body407']): string {
  const html = '<html><body>The practice parent wants to know who you are.</body></html>';
  switch (page) {
    case 'none':
      return '';
    case 'length':
    case 'until-close':
      return html.padEnd(PAGE_SIZE);
    case 'huge':
      return html.padEnd(HUGE_PAGE_SIZE);
    case 'chunked': {
      const [first, second] = [html.slice(0, 20), html.slice(20)];
      const chunk = (text: string) => `${text.length.toString(16)};note="x"\r\n${text}\r\n`;
      return `${chunk(first)}${chunk(second)}0\r\nX-Trailer: yes\r\n\r\n`;
    }
  }
}
