import { ProxyError } from '../errors.ts';

/** Where a request wants to go, RFC 9112 §3.2. */
export interface Target {
  /** Without brackets, in lower case. */
  readonly host: string;
  readonly port: number;
  /** Host and port as the client wrote them, fit for a Host field. */
  readonly authority: string;
  /** Path and query byte for byte; `/` where the client sent none, `*` for a bare OPTIONS. */
  readonly path: string;
}

const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)(.*)$/;
const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9A-Za-z._~-]{1,254}))(?::([0-9]{0,5}))?$/;
/** Up to 20 labels of up to 11 characters: nearly every name and every IPv4 address. */
const SIMPLE_NAME = /^[0-9A-Za-z_~-]{1,11}(?:\.[0-9A-Za-z_~-]{1,11}){0,19}$/;
const MAX_NAME = 253;
const MAX_LABEL = 63;

/**
 * Reads the target of a request to a proxy.
 *
 * @throws ProxyError 'bad-request' or 'not-implemented', with a sentence that names the fix
 */
export function readAbsoluteTarget(text: string, method: string): Target {
  const match = ABSOLUTE.exec(text);
  if (!match) {
    throw new ProxyError(
      'bad-request',
      'This is a proxy: it expects a whole address such as http://host/path, or CONNECT host:port.',
    );
  }
  const [, scheme = '', authority = '', rest = ''] = match;
  requireHttp(scheme);
  if (rest.includes('#')) throw new ProxyError('bad-request', 'The address holds a fragment (#).');
  return readAuthority(authority, 80, toPath(rest, method));
}

/** Reads `host:port` of a CONNECT request; the port must be there (RFC 9110 §9.3.6). */
export function readConnectTarget(text: string): Target {
  return readAuthority(text, undefined, '');
}

function requireHttp(scheme: string): void {
  const known = scheme.toLowerCase();
  if (known === 'http') return;
  if (known === 'https') {
    throw new ProxyError(
      'not-implemented',
      'This program asked the proxy for an https address in plain text. Turn on its tunnelling ' +
        '(CONNECT) for https, or update it: current versions tunnel by themselves.',
    );
  }
  throw new ProxyError('not-implemented', 'Only http addresses and CONNECT are served here.');
}

function toPath(rest: string, method: string): string {
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * Reads `host[:port]`. User names, percent-encoding and zones are refused, not removed: what is
 * checked here must be what is sent on.
 */
export function readAuthority(text: string, defaultPort: number | undefined, path = ''): Target {
  const match = AUTHORITY.exec(text);
  if (!match) throw new ProxyError('bad-request', 'The host or port of the address is malformed.');
  const [, address, name, portText] = match;
  const port = readPort(portText, defaultPort);
  if (address !== undefined) {
    if (!isIpv6(address)) throw new ProxyError('bad-request', 'The IPv6 address is malformed.');
    return {
      host: address.toLowerCase(),
      port,
      authority: withPort(`[${address}]`, portText),
      path,
    };
  }
  const host = name ?? '';
  if (!isName(host)) throw new ProxyError('bad-request', 'The host name is malformed.');
  return { host: host.toLowerCase(), port, authority: withPort(host, portText), path };
}

/** `A:` means the default port; a Host field is better off without the lone colon. */
function withPort(host: string, portText: string | undefined): string {
  return portText ? `${host}:${portText}` : host;
}

function readPort(text: string | undefined, defaultPort: number | undefined): number {
  const port = text ? Number(text) : defaultPort;
  if (port === undefined || port < 1 || port > 65535 || text?.startsWith('0')) {
    throw new ProxyError('bad-request', 'The port must be a number from 1 to 65535.');
  }
  return port;
}

/** RFC 1035 §2.3.4; one dot at the end is allowed. */
function isName(host: string): boolean {
  if (SIMPLE_NAME.test(host)) return true;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name === '' || name.length > MAX_NAME) return false;
  return name.split('.').every((label) => label !== '' && label.length <= MAX_LABEL);
}

/** RFC 4291 §2.2: eight groups, one run of them short-cut by `::`, the last two perhaps IPv4. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const all = groups.flat();
  const last = all.at(-1) ?? '';
  const hasIpv4 = last.includes('.');
  if (hasIpv4 && (!isIpv4(last) || text.endsWith('::'))) return false;
  const words = hasIpv4 ? all.slice(0, -1) : all;
  if (!words.every((word) => /^[0-9A-Fa-f]{1,4}$/.test(word))) return false;
  const count = words.length + (hasIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return (
    parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) < 256)
  );
}
