import { expect } from 'vitest';
import { fieldOf } from '#engine/testing/read-messages.ts';
import { A, END, GET, H, POST, cut, forwarded, refused, type Case } from './case.ts';
import { describeCases } from './describe-cases.ts';

const CODED = 'Transfer-Encoding: chunked\r\n';
const post = (body: string, lines = CODED): string => `${POST}${H}${lines}${END}${body}`;
const LAST = '0\r\n\r\n';
const HELLO = `5\r\nhello\r\n${LAST}`;
const coding = (value: string): string => post(HELLO, `Transfer-Encoding: ${value}\r\n`);
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

const isHello: Case['onward'] = ([request]) => expect(request?.body.toString()).toBe('hello');
/** The body is whole, and no trailer of this name went along, in whatever place. */
const without =
  (name: string, value: string): NonNullable<Case['onward']> =>
  ([request]) => {
    expect(request?.body.toString()).toBe('hello');
    expect(request?.trailers.map(([other]) => other.toLowerCase())).not.toContain(name);
    expect(request?.fields.map(([, other]) => other)).not.toContain(value);
  };

const CASES: Case[] = [
  refused('E1 a length and chunks', post(HELLO, `Content-Length: 5\r\n${CODED}`)),
  refused('E1 chunks and a length', post(HELLO, `${CODED}Content-Length: 5\r\n`)),
  ...['Chunked', 'CHUNKED', 'cHuNkEd'].map((value) =>
    forwarded(`E2 ${value}`, coding(value), (requests, facts) => {
      isHello(requests, facts);
      expect(requests[0]?.framing).toBe('chunked');
    }),
  ),
  refused('E3 chunked twice in one line', coding('chunked, chunked')),
  refused('E3 chunked in two lines', post(HELLO, CODED.repeat(2))),
  refused('E3 an empty line beside chunked', post(HELLO, `${CODED}Transfer-Encoding:\r\n`)),
  refused('E4 gzip, chunked', coding('gzip, chunked'), 501),
  refused(
    'E4 gzip and chunked in two lines',
    post(HELLO, `Transfer-Encoding: gzip\r\n${CODED}`),
    [400, 501],
  ),
  ...[
    'chunked, gzip',
    'identity',
    'xchunked',
    'chunkedx',
    'chunked;q=1',
    '"chunked"',
    ',chunked',
    'chunked,',
    '',
    'chunked identity',
    'c hunked',
    'gzip',
    'cow',
    // The Kelvin sign in UTF-8: lower-casing beyond ASCII would make a k of it.
    'chun\xe2\x84\xaaed',
  ].map((value) => refused(`E5 the coding ${JSON.stringify(value)}`, coding(value), [400, 501])),
  refused('E6 VT before chunked', coding('\x0bchunked')),
  refused('E6 a space before the colon', post(HELLO, 'Transfer-Encoding : chunked\r\n')),
  refused('E6 a TAB before the name', post(HELLO, '\tTransfer-Encoding: chunked\r\n')),
  refused('E6 a bare CR before the name', post(HELLO, 'X: y\rTransfer-Encoding: chunked\r\n')),
  refused('E6 a coding on a folded line', post(HELLO, 'Transfer-Encoding:\r\n chunked\r\n')),
  refused('E7 chunks in HTTP/1.0', post(HELLO).replace('HTTP/1.1', 'HTTP/1.0')),
  ...['5 ', ' 5', '\t5', '5\t', '5 5'].map((size) =>
    cut(`E9 the size ${JSON.stringify(size)}`, post(`${size}\r\nhello\r\n${LAST}`)),
  ),
  ...['0x5', '+5', '-1', '-5', '5_0', '5g', '', 'g', '5.', '\xb2', '5h', '0x', '"5"'].map((size) =>
    cut(`E10 the size ${JSON.stringify(size)}`, post(`${size}\r\nhello\r\n${LAST}`)),
  ),
  forwarded('E11 leading zeros', post(`0005\r\nhello\r\n000\r\n\r\n`), isHello),
  forwarded(
    'E11 digits in both cases',
    post(`a\r\n0123456789\r\nB\r\n0123456789a\r\n${LAST}`),
    ([request]) => expect(request?.body.toString()).toBe('01234567890123456789a'),
  ),
  ...[
    '1'.padStart(17, '0') + '5',
    'F'.repeat(16),
    '7FFFFFFFFFFFFFFF',
    '80000000000000000',
    '1' + '0'.repeat(15) + '5',
    'f'.repeat(300),
  ].map((size) => cut(`E12 the size ${size.slice(0, 20)}`, post(`${size}\r\nhello\r\n${LAST}`))),
  cut('E13 a size line ended by LF', post(`5\nhello\r\n${LAST}`)),
  cut('E13 a last size line ended by LF', post(`5\r\nhello\r\n0\n\r\n`)),
  cut('E13 CR and another byte', post(`5\rXhello\r\n${LAST}`)),
  cut('E13 CR alone', post(`5\rhello\r\n${LAST}`)),
  cut('E14 data that goes on', post(`5\r\nhello!${LAST}`)),
  cut('E14 two other bytes after data', post(`5\r\nhelloXY${LAST}`)),
  cut('E14 LF after data', post(`5\r\nhello\n${LAST}`)),
  cut('E14 CR and another byte after data', post(`5\r\nhello\rX${LAST}`)),
  cut('E14 data shorter than its size', post(`6\r\nhello\r\n${LAST}`)),
  ...[';a=b', ';a', ' ;a = b', ';a="q;x"', ';a="q;\\""', ';a=b;c=d', ';', ';\xe9=1', ';;;'].map(
    (extension) =>
      forwarded(
        `E15 the extension ${JSON.stringify(extension)}`,
        post(`5${extension}\r\nhello\r\n0${extension}\r\n\r\n`),
        isHello,
      ),
  ),
  ...[';a\rb', ';a\n', ';a="\r"', ';a="\n"', ';a\r', ';a\0b', ';\x7f'].map((extension) =>
    cut(`E16 the extension 0x${hex(extension)}`, post(`5${extension}\r\nhello\r\n${LAST}`)),
  ),
  cut('E17 an extension of 20 KB', post(`5;${'a'.repeat(20_000)}\r\nhello\r\n${LAST}`)),
  cut('E17 a size line without an end', post(`5;${'a'.repeat(200_000)}`)),
  cut(
    'E17 many small chunks with extensions',
    post(`1;${'e'.repeat(100)}\r\nx\r\n`.repeat(1000) + LAST),
  ),
  cut('E19 no last chunk before the end', post('5\r\nhello\r\n'), { after: 'fin' }),
  cut('E19 the end inside a chunk', post('5\r\nhel'), { after: 'fin' }),
  cut('E19 the end inside the last chunk', post('5\r\nhello\r\n0\r\n'), { after: 'fin' }),
  cut('E19 the end before a chunk', post(''), { after: 'fin' }),
  forwarded('E20 an ordinary trailer', post('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), ([request]) => {
    expect(request?.body.toString()).toBe('hello');
    expect(fieldOf(request, 'X-Sum')).toBeUndefined();
  }),
  ...[
    ['Content-Length', '3'],
    ['Transfer-Encoding', 'x-coding'],
    ['Host', 'other.example'],
    ['Authorization', 'Basic eDp5'],
    ['Proxy-Authorization', 'Basic eDp5'],
    ['Connection', 'x-late'],
    ['Expect', '100-continue'],
    ['Cookie', 'a=b'],
    ['Content-Type', 'a/b'],
    ['Trailer', 'x-other'],
  ].map(([name = '', value = '']) =>
    forwarded(
      `E21 the trailer ${name}`,
      post(`5\r\nhello\r\n0\r\n${name}: ${value}\r\n\r\n`),
      without(name.toLowerCase(), value),
    ),
  ),
  cut(
    'E22 trailers of 70 KB',
    post(`5\r\nhello\r\n0\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(70)}\r\n`),
  ),
  cut('E22 a trailer ended by LF', post('5\r\nhello\r\n0\r\nX: y\n\r\n')),
  cut('E22 trailers ended by LF', post('5\r\nhello\r\n0\r\nX: y\r\n\n')),
  cut('E22 a malformed trailer', post('5\r\nhello\r\n0\r\nX y\r\n\r\n')),
  cut('E22 a folded trailer', post('5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n')),
  cut('E22 a thousand trailers', post(`5\r\nhello\r\n0\r\n${'X: y\r\n'.repeat(1000)}\r\n`)),
  forwarded(
    'E23 a request that hides in a trailer',
    post(`0\r\nX: POST http://${A}/smuggled HTTP/1.1\r\n\r\n`),
    (requests) => expect(requests).toHaveLength(1),
  ),
  forwarded('E24 a request right after the last chunk', `${post(HELLO)}${GET}${H}${END}`, isHello, {
    methods: ['POST', 'GET'],
  }),
  forwarded(
    'E24 an empty line and a request after the last chunk',
    `${post(HELLO)}\r\n${GET}${H}${END}`,
    isHello,
    {
      methods: ['POST', 'GET'],
    },
  ),
];

describeCases(CASES);
