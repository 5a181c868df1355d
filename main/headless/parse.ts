import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ProxyError } from '#engine/errors.ts';
import { readAuthority } from '#engine/http1/target.ts';
import { parseAccount, toWorkstation } from '#engine/ntlm/names.ts';
import type { Account, Endpoint, ParentConfig } from '#engine/protocol.ts';
import { wrongUse } from './exit.ts';

const LISTEN = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:\s[\]]+)):)?(\d{1,5})$/;
const MAX_PORT = 65_535;

/** `host:port`, or a whole address of http or https as environments have it. */
export function parseParent(text: string): { readonly endpoint: Endpoint; readonly tls: boolean } {
  const [, scheme = '', rest = ''] = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(text.trim()) ?? [];
  if (rest.includes('@')) {
    throw wrongUse(
      'A parent is given without user and password. Use --user; the password is asked for.',
    );
  }
  try {
    const { host, port } = readAuthority(rest, undefined);
    return { endpoint: { host, port }, tls: scheme.toLowerCase() === 'https' };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    throw wrongUse(
      `The parent "${text}" is not understood. Write it as host:port, for example proxy.example:8080.`,
    );
  }
}

/** `[address:]port`; without an address it is loopback. */
export function parseListen(text: string): Endpoint {
  const [, v6, name, digits = ''] = LISTEN.exec(text.trim()) ?? [];
  const port = Number(digits);
  if (digits === '' || port > MAX_PORT) {
    throw wrongUse(
      `The address "${text}" is not understood. Write --listen 3128 or --listen 127.0.0.1:3128.`,
    );
  }
  return { host: v6 ?? name ?? '127.0.0.1', port };
}

/** Whether only programs on this computer can connect to an address. */
export function isLoopback({ host }: Endpoint): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** `host:port`, an IPv6 address in brackets. */
export function showEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** One of a list of words, in any case. */
export function parseWord<T extends string>(option: string, words: readonly T[], text: string): T {
  const word = words.find((candidate) => candidate === text.trim().toLowerCase());
  if (word !== undefined) return word;
  throw wrongUse(`${option} does not know "${text}". Choose one of ${words.join(', ')}.`);
}

/** A whole number from 0. */
export function parseCount(option: string, text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw wrongUse(`${option} takes a number, not "${text}". Write ${option} 1.`);
}

/** What `--user`, `--domain` and `--workstation` say together. */
export function toAccount(
  user: string,
  domain: string | undefined,
  workstation: string | undefined,
): Account {
  const parsed = parseAccount(user);
  if (parsed.user === '') throw wrongUse("The user name is empty. Write --user 'DOMAIN\\user'.");
  if (domain !== undefined && parsed.domain !== '' && domain !== parsed.domain) {
    throw wrongUse('The domain is given twice. Leave out --domain, or write --user without it.');
  }
  return {
    user: parsed.user,
    domain: domain ?? parsed.domain,
    workstation: workstation ?? toWorkstation(hostname()),
  };
}

/** The parents with their TLS settings; `caFile` holds certificates in PEM. */
export async function toParents(
  texts: readonly string[],
  tls: boolean,
  caFile: string | undefined,
): Promise<readonly ParentConfig[]> {
  const parsed = texts.map(parseParent);
  if (caFile !== undefined && !tls && !parsed.some((parent) => parent.tls)) {
    throw wrongUse('--ca is for parents that speak TLS. Add --tls.');
  }
  const ca = caFile === undefined ? undefined : await readCertificates(caFile);
  return parsed.map(({ endpoint, tls: own }) => ({
    ...endpoint,
    ...((tls || own) && { tls: ca === undefined ? {} : { ca } }),
  }));
}

async function readCertificates(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw wrongUse(`The certificate file ${path} cannot be read. Check its name.`);
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw wrongUse(`${path} holds no certificate in PEM. Convert it with openssl x509.`);
}

/** Flags of an NTLM message in hex, with or without `0x`. */
export function parseFlags(text: string | undefined): { readonly flags?: number } {
  if (text === undefined) return {};
  if (/^(?:0x)?[0-9a-f]{1,8}$/i.test(text)) return { flags: Number.parseInt(text, 16) };
  throw wrongUse(`--flags takes a number in hex, not "${text}". Write --flags 0xa2088207.`);
}
