import { expect, test } from 'vitest';
import { fieldOf } from '#engine/testing/read-messages.ts';
import { readAbsoluteTarget } from '#engine/http1/target.ts';
import { A, END, GET, H, forwarded, refused, type Case } from './case.ts';
import { describeCases } from './describe-cases.ts';

const get = (target: string, host = H): string => `GET ${target} HTTP/1.1\r\n${host}${END}`;
const OWN = (
  '127.0.0.1 127.1 127.0.0.2 2130706433 0x7f.1 0x7f000001 0177.0.0.1 0 0.0.0.0 127.0.0.1. ' +
  'localhost LOCALHOST localhost. x.localhost [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] ' +
  '[0:0:0:0:0:0:0:1]'
).split(' ');
const ODD_PATH = '/../a/%2e%2e/./b;c=[d]|"<>^`{}\\~!$&\'()*+,:@?q=[1]&&=?/%zz%';

const CASES: Case[] = [
  refused('B1 a path alone', `GET / HTTP/1.1\r\n${H}${END}`),
  refused('B1 a path alone for our own name', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:%P%\r\n\r\n'),
  forwarded('B2 another Host than the target', `${GET}Host: other.example\r\n\r\n`),
  refused('B3 HTTP/1.1 without Host', `${GET}${END}`),
  forwarded('B4 HTTP/1.0 without Host', `GET http://${A}/ HTTP/1.0\r\n\r\n`, ([request]) =>
    expect(request?.start).toMatch(/ HTTP\/1\.1$/),
  ),
  refused('B5 two equal Host lines', `${GET}${H}${H}${END}`),
  refused('B5 two different Host lines', `${GET}${H}Host: other.example\r\n\r\n`),
  refused('B5 two Host lines around another', `${GET}${H}X: y\r\nhost: ${A}\r\n\r\n`),
  ...['a b', 'a/b', 'u@a', 'a:1:2', 'a,b', 'a?b', 'a#b', 'a\\b', 'a:x', '[::1', '::1'].map((host) =>
    refused(`B6 Host: ${host}`, `${GET}Host: ${host}\r\n\r\n`),
  ),
  forwarded('B7 an empty Host', `${GET}Host:\r\n\r\n`),
  { name: 'B8 OPTIONS *', send: `OPTIONS * HTTP/1.1\r\n${H}${END}`, outcome: 'answered' },
  forwarded(
    'B9 OPTIONS without a path',
    `OPTIONS http://${A} HTTP/1.1\r\n${H}${END}`,
    ([request], { way, authority }) =>
      expect(request?.start).toBe(
        `OPTIONS ${way === 'direct' ? '*' : `http://${authority}`} HTTP/1.1`,
      ),
  ),
  refused('B10 GET *', get('*')),
  refused('B10 GET with host and port alone', get(A)),
  refused('B10 GET with a name and port alone', get('name.example:80')),
  forwarded('B11 no path', get(`http://${A}`), ([request], { way, authority }) =>
    expect(request?.start).toBe(`GET ${way === 'direct' ? '' : `http://${authority}`}/ HTTP/1.1`),
  ),
  forwarded('B11 no path but a query', get(`http://${A}?q=1`), ([request], { way, authority }) =>
    expect(request?.start).toBe(
      `GET ${way === 'direct' ? '' : `http://${authority}`}/?q=1 HTTP/1.1`,
    ),
  ),
  forwarded('B11 a scheme in upper case', get(`HTTP://${A}/`)),
  refused('B12 a fragment', get(`http://${A}/#x`)),
  refused('B12 a fragment without a path', get(`http://${A}#x`)),
  refused('B13 a user and password', get(`http://u:p@${A}/`)),
  refused('B13 a user alone', get(`http://u@${A}/`)),
  refused('B13 an empty user', get(`http://@${A}/`)),
  refused('B13 a host that hides behind a user', get(`http://${A}@other.example/`)),
  ...['https', 'ftp', 'ws', 'gopher'].map((scheme) =>
    refused(`B14 ${scheme}:`, get(`${scheme}://${A}/`), [400, 501]),
  ),
  refused('B14 file:', get('file:///etc/passwd'), [400, 501]),
  refused('B14 javascript:', get('javascript:alert(1)'), [400, 501]),
  refused('B14 http: with one slash', get(`http:/${A}/`)),
  refused('B14 http: with three slashes', get(`http:///${A}/`)),
  refused('B14 an address without a scheme', get(`//${A}/`)),
  refused('B14 no host at all', get('http:///')),
  ...['0', '65536', '-1', '08080', '+80', '8a', '0x50', '99999999999', '80:80', '000080'].map(
    (port) => refused(`B15 port ${port}`, get(`http://127.0.0.1:${port}/`)),
  ),
  refused('B15 a space in the port', get('http://127.0.0.1:8 0/')),
  forwarded(
    'B15 an empty port',
    get('http://name.example:/'),
    ([request]) => expect(fieldOf(request, 'Host')).toBe('name.example'),
    { ways: ['parent'] },
  ),
  forwarded(
    'B16 an IPv6 address',
    get('http://[2001:db8::1]:8080/'),
    ([request]) => expect(fieldOf(request, 'Host')).toBe('[2001:db8::1]:8080'),
    { ways: ['parent'] },
  ),
  ...[
    '[::1:80',
    '::1:80',
    '[fe80::1%eth0]',
    '[fe80::1%25eth0]',
    '[::g]',
    '[]',
    '[1::2::3]',
    '[127.0.0.1]',
    '[::1]x',
    '[v1.a]',
  ].map((host) => refused(`B16 the host ${host}`, get(`http://${host}/`))),
  refused('B17 a host in percent escapes', get('http://%31%32%37.0.0.1/')),
  refused('B17 one escaped letter', get('http://loc%61lhost:%P%/')),
  refused(
    'B19 a name of 254 bytes',
    get(`http://${'a'.repeat(49)}${`.${'a'.repeat(40)}`.repeat(5)}/`),
    [400, 502],
  ),
  refused('B19 a label of 64 bytes', get(`http://${'a'.repeat(64)}.example/`), [400, 502]),
  refused('B19 an empty label', get('http://a..b/'), [400, 502]),
  refused('B19 a dot in front', get('http://.example/'), [400, 502]),
  refused('B19 a dot alone', get('http://./'), [400, 502]),
  refused('B19 a backslash in the host', get(`http://${A}\\@other.example/`)),
  ...OWN.flatMap((host) => [
    refused(`B18, B20 GET to ${host} on our own port`, get(`http://${host}:%P%/`), [403, 508]),
    refused(
      `B18, B20 CONNECT to ${host} on our own port`,
      `CONNECT ${host}:%P% HTTP/1.1\r\nHost: ${host}:%P%\r\n\r\n`,
      [403, 508],
    ),
  ]),
  forwarded('B21 an odd path, byte for byte', get(`http://${A}${ODD_PATH}`), ([request]) =>
    expect(request?.start).toContain(`${ODD_PATH} HTTP/1.1`),
  ),
];

describeCases(CASES);

test('B15 a lone colon means the default port', () => {
  expect(readAbsoluteTarget('http://name.example:/', 'GET')).toMatchObject({ port: 80 });
});
