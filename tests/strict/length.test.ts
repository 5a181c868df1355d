import { expect } from 'vitest';
import { fieldOf } from '#engine/testing/read-messages.ts';
import { A, END, GET, H, POST, cut, forwarded, refused, type Case } from './case.ts';
import { describeCases } from './describe-cases.ts';

const post = (lines: string, body = 'hello'): string => `${POST}${H}${lines}${END}${body}`;
const length = (value: string): string => `Content-Length: ${value}\r\n`;
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const smuggled = `GET http://${A}/smuggled HTTP/1.1\r\n${H}${END}`;

const CASES: Case[] = [
  refused('D1 two equal lengths', post(length('5').repeat(2))),
  refused('D2 two different lengths', post(length('5') + length('6'))),
  refused('D2 two different lengths apart', post(`${length('0')}X: y\r\n${length('5')}`)),
  ...['5, 5', '5,5', '5, 6', ',5', '5,', ','].map((value) =>
    refused(`D3, D4 the list "${value}"`, post(length(value))),
  ),
  ...[
    '+5',
    '-5',
    '0x5',
    '5_0',
    '5e0',
    '5.0',
    '5 5',
    'five',
    '',
    '5;',
    '"5"',
    '0b101',
    '5\t5',
    '1e1',
    '-0',
    'NaN',
    'Infinity',
  ].map((value) => refused(`D5 the length "${value}"`, post(length(value)))),
  forwarded('D6 leading zeros', post(length('005')), ([request]) => {
    expect(fieldOf(request, 'Content-Length')).toBe('5');
    expect(request?.body.toString()).toBe('hello');
  }),
  ...[
    '9'.repeat(20),
    String(2 ** 53),
    '9223372036854775808',
    '18446744073709551621',
    '0'.repeat(40) + '5',
  ].map((value) => refused(`D7 the length ${value}`, post(length(value)), [400, 413])),
  ...['\x0b5', '5\xa0', '\xa05', '\x0c5', '\x855', '5\0', '\xb2', '\xd9\xa5'].map((value) =>
    refused(`D8 the length 0x${hex(value)}`, post(length(value))),
  ),
  cut('D9 a body cut by the end', post(length('10'), 'four'), { after: 'fin' }),
  cut('D9 a body that never begins', post(length('10'), ''), { after: 'fin' }),
  forwarded(
    'D10 a second request behind the body',
    `${post(length('4'), 'four')}${GET}${H}${END}`,
    ([first, second]) => {
      expect(first?.body.toString()).toBe('four');
      expect(second?.start).toMatch(/^GET /);
    },
    { methods: ['POST', 'GET'] },
  ),
  forwarded(
    'D11 a GET with a length keeps its framing',
    `${GET}${H}${length('5')}\r\nhello`,
    ([request]) => {
      expect(request?.start).toMatch(/^GET /);
      expect(request?.body.toString()).toBe('hello');
    },
  ),
  forwarded(
    'D11 a GET with chunks keeps its framing',
    `${GET}${H}Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n`,
    ([request]) => expect(request?.body.toString()).toBe('0123456789'),
  ),
  forwarded('D11 a GET with the length 0', `${GET}${H}${length('0')}\r\n`, ([request]) =>
    expect(request?.body.length).toBe(0),
  ),
  forwarded('D11 a POST with the length 0 keeps it', post(length('0'), ''), ([request]) =>
    expect(fieldOf(request, 'Content-Length')).toBe('0'),
  ),
  refused(
    'D12 Content-Length listed in Connection',
    post(`${length('5')}Connection: content-length\r\n`),
  ),
  refused(
    'D12 Transfer-Encoding listed in Connection',
    post(
      'Transfer-Encoding: chunked\r\nConnection: keep-alive, Transfer-Encoding\r\n',
      '0\r\n\r\n',
    ),
  ),
  forwarded(
    'D13 HEAD with a body',
    `HEAD http://${A}/ HTTP/1.1\r\n${H}${length('5')}\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
    { methods: ['HEAD'] },
  ),
  forwarded(
    'D13 DELETE with a body',
    `DELETE http://${A}/ HTTP/1.1\r\n${H}${length('5')}\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
  refused(
    'D14 the body of a request that is refused is never a request',
    `POST http://127.0.0.1:%P%/ HTTP/1.1\r\n${H}${length(String(smuggled.length + 10))}\r\n${smuggled}0123456789`,
    [403, 508],
  ),
  refused(
    'D14 nor is a chunked one',
    `POST http://127.0.0.1:%P%/ HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    [403, 508],
  ),
  refused(
    'D14 nor one behind an unknown expectation',
    `POST http://${A}/ HTTP/1.1\r\n${H}Expect: foo\r\n${length('500')}\r\n${smuggled}`,
    417,
  ),
];

describeCases(CASES);
