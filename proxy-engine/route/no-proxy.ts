import { ProxyError } from '../errors.ts';
import { compileGlob } from './glob.ts';
import { canonicalName, isInCidr, parseAnySpelling, parseCidr, parseIp } from './ip.ts';
import type { Ip } from './ip.ts';

/** Ports a pattern is meant for; every port when none was named. */
type Ports = Set<number> | 'every';
type Test = (name: string, ip: Ip | undefined) => boolean;

interface Rules {
  readonly names: Map<string, Ports>;
  readonly suffixes: Map<string, Ports>;
  readonly tests: { readonly test: Test; readonly ports: Ports }[];
}

const MAX_PATTERN = 255;

/**
 * Compiles NoProxy patterns to one test of a target, given as the client wrote it.
 * `*.corp.example` and `.corp.example` take every name below corp.example, `corp.example` that name
 * alone; `10.1.*` a glob; `10.0.0.0/8`, `fd00::/8` a block; `<local>` every name without a dot;
 * `:8080` at the end of any of them that port alone. Case and a trailing dot never matter.
 */
export function compileNoProxy(
  patterns: readonly string[],
): (host: string, port: number) => boolean {
  const rules: Rules = { names: new Map(), suffixes: new Map(), tests: [] };
  for (const pattern of patterns) addPattern(rules, pattern);
  if (patterns.length === 0) return () => false;
  return (host, port) => {
    const ip = parseAnySpelling(host);
    const name = ip?.text ?? canonicalName(host);
    return (
      takes(rules.names.get(name), port) ||
      (!ip && hasSuffix(rules.suffixes, name, port)) ||
      rules.tests.some(({ test, ports }) => takes(ports, port) && test(name, ip))
    );
  };
}

function addPattern(rules: Rules, pattern: string): void {
  const whole = pattern.trim();
  const { text, ports } = splitPort(whole) ?? refuse(pattern);
  const lower = canonicalName(text);
  const ip = parseIp(lower);
  if (ip) return allow(rules.names, ip.text, ports);
  if (lower.includes('/')) {
    const cidr = parseCidr(lower) ?? refuse(pattern);
    rules.tests.push({ ports, test: (_, other) => other !== undefined && isInCidr(other, cidr) });
    return;
  }
  if (lower === '<local>') {
    rules.tests.push({ ports, test: (name, other) => !other && !name.includes('.') });
    return;
  }
  if (!/^[-a-z0-9_.*?[\]!^]+$/.test(lower) || whole.length > MAX_PATTERN) refuse(pattern);
  const suffix = /^\*?((?:\.[-a-z0-9_]+)+)$/.exec(lower)?.[1];
  if (suffix) return allow(rules.suffixes, suffix, ports);
  if (/[*?[]/.test(lower)) {
    rules.tests.push({ ports, test: compileGlob(lower) ?? refuse(pattern) });
    return;
  }
  if (!/^[-a-z0-9_]+(\.[-a-z0-9_]+)*$/.test(lower)) refuse(pattern);
  // A name that the resolver would read as an address is that address.
  allow(rules.names, parseAnySpelling(lower)?.text ?? lower, ports);
}

/** Takes `:port` off the end; undefined if it is no port. An IPv6 address with one has brackets. */
function splitPort(pattern: string): { text: string; ports: Ports } | undefined {
  const bracketed = /^\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\](?::(.*))?$/.exec(pattern);
  const colons = pattern.split(':').length - 1;
  const [, text, port] = bracketed ??
    (colons === 1 ? /^(.+):(.*)$/s.exec(pattern) : null) ?? [pattern, pattern];
  if (text === undefined) return undefined;
  if (port === undefined) return { text, ports: 'every' };
  const number = /^[0-9]{1,5}$/.test(port) ? Number(port) : 0;
  return number > 0 && number < 65536 ? { text, ports: new Set([number]) } : undefined;
}

function hasSuffix(suffixes: Map<string, Ports>, name: string, port: number): boolean {
  if (suffixes.size === 0) return false;
  for (let dot = name.indexOf('.', 1); dot > 0; dot = name.indexOf('.', dot + 1)) {
    if (takes(suffixes.get(name.slice(dot)), port)) return true;
  }
  return false;
}

function takes(ports: Ports | undefined, port: number): boolean {
  return ports === 'every' || (ports?.has(port) ?? false);
}

function allow(rules: Map<string, Ports>, key: string, ports: Ports): void {
  const known = rules.get(key);
  const every = known === 'every' || ports === 'every';
  rules.set(key, every ? 'every' : new Set([...ports, ...(known ?? [])]));
}

function refuse(pattern: string): never {
  throw new ProxyError(
    'bad-configuration',
    `The NoProxy pattern ${JSON.stringify(pattern.slice(0, MAX_PATTERN))} is not one Gatepass can read.`,
  );
}
