/**
 * An address in one canonical form: `bytes` has 4 or 16 of them, `text` is what RFC 5952 asks for.
 * An IPv4-mapped IPv6 address is the IPv4 address it reaches.
 */
export interface Ip {
  readonly bytes: readonly number[];
  readonly text: string;
}

/** A block of addresses of one family. */
export interface Cidr {
  readonly bytes: readonly number[];
  readonly bits: number;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Reads the usual spellings only: four decimal numbers, or RFC 4291 §2.2; no zone, no brackets. */
export function parseIp(text: string): Ip | undefined {
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes && toIp(bytes);
}

/**
 * Reads whatever the system's resolver takes for an address: `127.1`, `2130706433`, `0x7f.1`,
 * `0177.0.0.1`, with brackets, a zone or a trailing dot. A name gives undefined.
 */
export function parseAnySpelling(host: string): Ip | undefined {
  const open = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (open.includes(':')) return parseIp(open.replace(/%.*$/s, ''));
  const bytes = parseAton(withoutTrailingDot(open));
  return bytes && toIp(bytes);
}

/** Reads `10.0.0.0/8` or `fd00::/8`; an address without a length is a block of one. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const ip = parseIp(address);
  if (!ip || rest.length > 0) return undefined;
  const most = ip.bytes.length * 8;
  if (length === undefined) return { bytes: ip.bytes, bits: most };
  if (!/^[0-9]{1,3}$/.test(length)) return undefined;
  // The length of a mapped block (::ffff:10.0.0.0/104) counts the 96 bits in front.
  const bits = Number(length) - (address.includes(':') && most === 32 ? 96 : 0);
  return bits >= 0 && bits <= most ? { bytes: ip.bytes, bits } : undefined;
}

/** True if the address lies in the block; never across families. */
export function isInCidr(ip: Ip, cidr: Cidr): boolean {
  if (ip.bytes.length !== cidr.bytes.length) return false;
  const whole = cidr.bits >> 3;
  const mask = 0xff00 >> (cidr.bits & 7);
  return cidr.bytes.every((byte, index) => {
    const difference = byte ^ (ip.bytes[index] ?? 0);
    if (index < whole) return difference === 0;
    return index > whole || (difference & mask & 0xff) === 0;
  });
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: Ip): boolean {
  return ip.bytes.length === 4 ? ip.bytes[0] === 127 : ip.text === '::1';
}

/** 0.0.0.0 and ::, which connect to this very machine. */
export function isUnspecified(ip: Ip): boolean {
  return ip.bytes.every((byte) => byte === 0);
}

/** A host as comparisons want it: lower case in ASCII alone, without the root's dot. */
export function canonicalName(host: string): string {
  return withoutTrailingDot(host).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function withoutTrailingDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

function toIp(bytes: readonly number[]): Ip {
  if (bytes.length === 16 && MAPPED.every((byte, index) => bytes[index] === byte)) {
    return toIp(bytes.slice(12));
  }
  return { bytes, text: bytes.length === 4 ? bytes.join('.') : formatV6(bytes) };
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (!left) return undefined;
  if (halves.length === 1) return left.length === 16 ? left : undefined;
  if (!right || left.length + right.length > 14) return undefined;
  return [...left, ...Array<number>(16 - left.length - right.length).fill(0), ...right];
}

/** Colon-separated groups as bytes; only the end of an address may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const v4 = last && index === groups.length - 1 ? parseV4(group) : undefined;
    if (!v4) return undefined;
    bytes.push(...v4);
  }
  return bytes;
}

/** The spellings of inet_aton(3): one to four numbers, the last of which fills what is left. */
function parseAton(text: string): number[] | undefined {
  if (text.length > 64) return undefined;
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  const numbers = parts.map(parseAtonNumber);
  const last = numbers.pop();
  const free = 4 - numbers.length;
  if (last === undefined || last >= 256 ** free) return undefined;
  const bytes: number[] = [];
  for (const number of numbers) {
    if (number === undefined || number > 255) return undefined;
    bytes.push(number);
  }
  for (let place = free - 1; place >= 0; place -= 1)
    bytes.push(Math.floor(last / 256 ** place) % 256);
  return bytes;
}

function parseAtonNumber(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]*$/.test(text)) return Number.parseInt(`0${text.slice(2)}`, 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9][0-9]*$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of zero groups as `::`. */
function formatV6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  let start = 0;
  let length = 1;
  for (let from = 0; from < 8; from += 1) {
    let to = from;
    while (groups[to] === '0') to += 1;
    if (to - from > length) [start, length] = [from, to - from];
  }
  if (length === 1) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
