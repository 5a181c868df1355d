import { expect } from 'vitest';
import { fieldOf, type Message } from '#engine/testing/read-messages.ts';
import { A, END, GET, H, POST, forwarded, refused, type Case } from './case.ts';
import { describeCases } from './describe-cases.ts';

/** A GET with these lines after Host. */
const get = (lines: string): string => `${GET}${H}${lines}${END}`;
const CONTROLS = ['\x01', '\x07', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'];
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

/** The end-to-end fields of a request that are named like this, in order. */
function like(request: Message | undefined, pattern: RegExp): string[] {
  const fields = request?.fields ?? [];
  return fields.filter(([name]) => pattern.test(name)).map(([name, value]) => `${name}: ${value}`);
}

/** Fields of `size` bytes in all, CRLFs counted, none of them long. */
function fieldsOfSize(size: number): string {
  const line = `X: ${'y'.repeat(1019)}\r\n`;
  const count = Math.floor(size / line.length) - 1;
  const rest = size - count * line.length;
  return `${line.repeat(count)}X: ${'y'.repeat(rest - 5)}\r\n`;
}

const HEAD_SIZE = 64 * 1024;
const FRAME = 'GET http://127.0.0.1:00000/ HTTP/1.1\r\nHost: 127.0.0.1:00000\r\n\r\n'.length;

const CASES: Case[] = [
  refused('C1 a space before the colon', get('X : y\r\n')),
  refused('C1 a TAB before the colon', get('X\t: y\r\n')),
  refused('C2 a first line that begins with a space', `${GET} X: y\r\n${H}${END}`),
  refused('C2 a first line that begins with a TAB', `${GET}\tX: y\r\n${H}${END}`),
  refused('C3 a folded line', get('X: y\r\n z\r\n')),
  refused('C3 a line folded by TAB', get('X: y\r\n\tz: 1\r\n')),
  refused('C3 a folded empty line', get('X: y\r\n \r\n')),
  refused('C4 a line without a colon', get('X y\r\n')),
  refused('C4 a name alone', get('X\r\n')),
  refused('C5 an empty name', get(': y\r\n')),
  ...[
    '\0',
    '\x01',
    '\x0b',
    '\x7f',
    '\x80',
    '\xa0',
    '\xe9',
    '\xff',
    '[',
    ']',
    '(',
    ')',
    '"',
    '@',
    '/',
    '{',
    ',',
    ';',
    '=',
    '?',
    '<',
  ].map((character) => refused(`C6 0x${hex(character)} in a name`, get(`X${character}Y: z\r\n`))),
  refused('C6 a space inside a name', get('X Y: z\r\n')),
  refused('C7 NUL in a value', get('X: a\0b\r\n')),
  refused('C7 NUL as a whole value', get('X: \0\r\n')),
  refused('C8 a bare CR in a value', get('X: a\rb\r\n')),
  refused('C8 a bare CR that hides a field', get('X: a\rTransfer-Encoding: chunked\r\n')),
  refused('C8 CR CR LF', get('X: a\r\r\n')),
  refused('C9 LF for all line ends', get('X: y\r\n').replaceAll('\r\n', '\n')),
  refused('C10 one LF among CRLF', get('X: y\nZ: a\r\n')),
  refused('C10 LF before the empty line', `${GET}${H}X: y\n\r\n`),
  refused('C10 LF as the empty line', `${GET}${H}X: y\r\n\n`),
  refused('C11 CR and another byte in place of the empty line', `${GET}${H}\rX`),
  ...CONTROLS.map((control) =>
    refused(`C12 0x${hex(control)} in a value`, get(`X: a${control}b\r\n`)),
  ),
  forwarded('C13 obs-text in a value', get('X: caf\xe9\r\n'), ([request]) =>
    expect(fieldOf(request, 'X')).toBe('caf\xe9'),
  ),
  forwarded('C13 UTF-8 in a value', get('X: \xc3\xa9\xff\r\n'), ([request]) =>
    expect(fieldOf(request, 'X')).toBe('\xc3\xa9\xff'),
  ),
  forwarded('C14 blanks around a value', get('X: \t y \t\r\n'), ([request]) =>
    expect(fieldOf(request, 'X')).toBe('y'),
  ),
  forwarded(
    'C14 blanks around a length',
    `${POST}${H}Content-Length: \t 5\t \r\n\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
  forwarded(
    'C14 blanks around chunked',
    `${POST}${H}Transfer-Encoding:  chunked\t\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
  forwarded('C15 a TAB after the colon', get('X:\ty\r\n'), ([request]) =>
    expect(fieldOf(request, 'X')).toBe('y'),
  ),
  forwarded('C15 nothing after the colon', get('X:\r\nY: \r\nZ:z\r\n'), ([request]) =>
    expect(like(request, /^[XYZ]$/)).toEqual(['X: ', 'Y: ', 'Z: z']),
  ),
  ...['\xa0chunked', 'chunked\xa0', '\x85chunked', 'chunked\x85', '\xa0chunked\xa0'].map((value) =>
    refused(
      `C16 0x${hex(value)} as coding`,
      `${POST}${H}Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`,
      [400, 501],
    ),
  ),
  forwarded('C17 256 fields', get('X: y\r\n'.repeat(255)), ([request]) =>
    expect(like(request, /^X$/)).toHaveLength(255),
  ),
  refused('C17 257 fields', get('X: y\r\n'.repeat(256)), 431),
  refused('C17 10,000 fields', get('X: y\r\n'.repeat(10_000)), 431),
  refused('C18 a value of 70 KB', get(`X: ${'y'.repeat(70_000)}\r\n`), 431),
  refused('C18 a head of 65 KiB and one byte', get(fieldsOfSize(65 * 1024 + 1 - FRAME)), 431),
  {
    name: 'C18 a head of 1 MB without an end',
    send: `${GET}${H}${'X: yyyyyyyyyyy\r\n'.repeat(65_536)}`,
    outcome: 'closed',
  },
  forwarded('C18 a head just below the limit', get(fieldsOfSize(HEAD_SIZE - FRAME - 16))),
  {
    name: 'C21 the end in the middle of a line',
    send: `${GET}Ho`,
    outcome: 'closed',
    after: 'fin',
  },
  {
    name: 'C21 the end before the empty line',
    send: `${GET}${H}`,
    outcome: 'closed',
    after: 'fin',
  },
  { name: 'C21 the end after one byte', send: 'G', outcome: 'closed', after: 'fin' },
  forwarded('C21 the end in the middle of the next head', `${get('')}GET htt`, undefined, {
    after: 'fin',
  }),
  forwarded(
    'C22 twins with an underscore frame nothing',
    get('Content_Length: 5\r\nTransfer_Encoding: chunked\r\n'),
    ([request]) => {
      expect(request?.framing).toBe('none');
      expect(like(request, /_/)).toEqual(['Content_Length: 5', 'Transfer_Encoding: chunked']);
    },
  ),
  forwarded(
    'C23 repeated fields stay apart and in order',
    get('X: 1\r\nY: 2\r\nX: 3\r\nx: 1\r\nAccept: a\r\nAccept: b\r\n'),
    ([request]) =>
      expect(like(request, /^(x|y|accept)$/i)).toEqual([
        'X: 1',
        'Y: 2',
        'X: 3',
        'x: 1',
        'Accept: a',
        'Accept: b',
      ]),
  ),
  forwarded(
    'C25 names keep their case',
    get('x-lower: 1\r\nX-UPPER: 2\r\nX-mIxEd: 3\r\ncOOKIE: a=b\r\n'),
    ([request]) =>
      expect(like(request, /^(x-|cookie)/i)).toEqual([
        'x-lower: 1',
        'X-UPPER: 2',
        'X-mIxEd: 3',
        'cOOKIE: a=b',
      ]),
  ),
  forwarded(
    'C25 framing fields count in any case',
    `POST http://${A}/ HTTP/1.1\r\nhOST: ${A}\r\ncONTENT-lENGTH: 5\r\n\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
];

describeCases(CASES);
