import { expect } from 'vitest';
import { A, END, GET, H, forwarded, refused, type Case } from './case.ts';
import { describeCases } from './describe-cases.ts';

const good = `${GET}${H}${END}`;
const line = (text: string): string => `${text}\r\n${H}${END}`;
const CLIENT_HELLO =
  '\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03' +
  '\x5a'.repeat(32) +
  '\x00\x00\x02\x13\x01\x01\x00';

const CASES: Case[] = [
  forwarded('A1 an empty line before the request line is ignored', `\r\n${good}`),
  forwarded('A2 eight empty lines before it are ignored', `${'\r\n'.repeat(8)}${good}`),
  refused('A2 a hundred empty lines before it', `${'\r\n'.repeat(100)}${good}`),
  refused('A3 a lone LF before the request line', `\n${good}`),
  refused('A4 two spaces after the method', line(`GET  http://${A}/ HTTP/1.1`)),
  refused('A4 two spaces after the target', line(`GET http://${A}/  HTTP/1.1`)),
  refused('A5 a TAB after the method', line(`GET\thttp://${A}/ HTTP/1.1`)),
  refused('A5 a TAB after the target', line(`GET http://${A}/\tHTTP/1.1`)),
  refused('A6 a space before the method', line(` GET http://${A}/ HTTP/1.1`)),
  refused('A7 a space after the version', line(`GET http://${A}/ HTTP/1.1 `)),
  refused('A8 a space inside the target', line(`GET http://${A}/a b HTTP/1.1`)),
  ...['G(T', 'G,T', 'G"T', 'G\xc9T', 'G/T', 'G@T', '{}', 'GET:'].map((method) =>
    refused(`A9 the method ${method}`, line(`${method} http://${A}/ HTTP/1.1`)),
  ),
  forwarded('A10 a method in lower case stays so', line(`get http://${A}/ HTTP/1.1`), ([request]) =>
    expect(request?.start).toMatch(/^get /),
  ),
  forwarded(
    'A11 an unknown method with a length',
    `FOO-1 http://${A}/ HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\nhello`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
  forwarded(
    'A11 an unknown method with chunks',
    `FOO-1 http://${A}/ HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ([request]) => expect(request?.body.toString()).toBe('hello'),
  ),
  refused(
    'A12 a method of 300 bytes',
    line(`${'M'.repeat(300)} http://${A}/ HTTP/1.1`),
    [400, 501],
  ),
  refused('A13 NUL in the method', line(`G\0T http://${A}/ HTTP/1.1`)),
  refused('A13 NUL in the target', line(`GET http://${A}/a\0b HTTP/1.1`)),
  refused('A14 0xE9 in the target', line(`GET http://${A}/caf\xe9 HTTP/1.1`)),
  refused('A14 UTF-8 in the target', line(`GET http://${A}/caf\xc3\xa9 HTTP/1.1`)),
  refused('A14 0x80 and 0x7F in the target', line(`GET http://${A}/\x80\x7f HTTP/1.1`)),
  refused('A15 a target of 33 KiB', line(`GET http://${A}/${'a'.repeat(33 * 1024)} HTTP/1.1`), 414),
  refused(
    'A15 a target of 100 KiB',
    line(`GET http://${A}/${'a'.repeat(102400)} HTTP/1.1`),
    [414, 431],
  ),
  forwarded(
    'A16 a target of 8,000 bytes',
    line(`GET http://${A}/${'a'.repeat(8000)} HTTP/1.1`),
    ([request]) => expect(request?.start).toContain(`/${'a'.repeat(8000)} `),
  ),
  forwarded('A17 HTTP/1.2 is sent on as 1.1', line(`GET http://${A}/ HTTP/1.2`), ([request]) =>
    expect(request?.start).toMatch(/ HTTP\/1\.1$/),
  ),
  refused('A18 HTTP/2.0', line(`GET http://${A}/ HTTP/2.0`), 505),
  refused('A18 HTTP/9.9', line(`GET http://${A}/ HTTP/9.9`), 505),
  refused('A18 HTTP/0.9', line(`GET http://${A}/ HTTP/0.9`), [400, 505]),
  ...'HTTP/1.10 HTTP/01.1 http/1.1 HTP/1.1 HTTP/1. HTTP/.1 HTTP/1 HTTP/1.1x HTTP/1,1 HTTP/-1.1 1.1'
    .split(' ')
    .map((version) => refused(`A19 the version ${version}`, line(`GET http://${A}/ ${version}`))),
  refused('A19 a space inside the version', line(`GET http://${A}/ HTTP/ 1.1`)),
  refused('A20 no version', `GET /\r\n${END}`),
  refused('A20 no version, with a whole address', `GET http://${A}/\r\n${END}`),
  refused('A20 a method alone', `GET\r\n${END}`),
  refused('A21 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]),
  refused('A22 a bare CR before the version', line(`GET http://${A}/\r HTTP/1.1`)),
  refused('A22 a bare CR after the method', line(`GET\rhttp://${A}/ HTTP/1.1`)),
  refused('A22 a bare CR at the end of the line', `GET http://${A}/ HTTP/1.1\r\r\n${H}${END}`),
  { name: 'A23 a TLS ClientHello', send: CLIENT_HELLO, outcome: 'closed' },
  { name: 'A24 a SOCKS5 greeting', send: '\x05\x01\x00', outcome: 'closed' },
  { name: 'A24 a SOCKS4 request', send: '\x04\x01\x00\x50\x7f\x00\x00\x01u\0', outcome: 'closed' },
  { name: 'A25 NUL first', send: '\0', outcome: 'closed' },
  { name: 'A25 0x80 first', send: '\x80\x2e\x01\x00\x02', outcome: 'closed' },
  { name: 'A25 0x16 alone', send: '\x16', outcome: 'closed' },
  refused('A25 NUL in place of a space', line(`GET\0http://${A}/ HTTP/1.1`)),
];

describeCases(CASES);
