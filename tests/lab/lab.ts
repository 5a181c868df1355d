import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { run } from './run.ts';

export interface LabUser {
  readonly name: string;
  readonly password: string;
}

export interface LabParent {
  readonly host: string;
  readonly port: number;
}

export type PolicyLevel =
  'ntlmv1-permitted' | 'mschapv2-and-ntlmv2-only' | 'ntlmv2-only' | 'disabled';

/** The domain of the Samba parents; Apache's users are in `LAB`. */
export const DOMAIN = 'CORPLAB';
export const DNS_DOMAIN = 'corp.lab.test';

const PARENTS = {
  ntlm: 0,
  negotiate: 1,
  basic: 2,
  digest: 3,
  all: 4,
  open: 5,
  tls: 6,
  any: 7,
  web: 8,
  closing: 11,
  echo: 15,
} as const;

/** A way into the lab: what its port demands is told in samba-squid.sh. */
export function parent(name: keyof typeof PARENTS | 'apache'): LabParent {
  const { squid, apache } = inject('lab');
  if (name === 'apache') return { host: '127.0.0.1', port: apache };
  return { host: name === 'tls' ? 'localhost' : '127.0.0.1', port: squid + PARENTS[name] };
}

/** The certificate of the TLS parent, in PEM. */
export function parentCertificate(): Promise<string> {
  return readFile(join(home(), 'etc/proxy.crt'), 'utf8');
}

/** One of the users in users.json. */
export function user(name: string): LabUser {
  const users: unknown = JSON.parse(readFileSync(join(import.meta.dirname, 'users.json'), 'utf8'));
  const found = Array.isArray(users)
    ? users.filter(isUser).find((one) => one.name === name)
    : undefined;
  if (found === undefined) throw new Error(`no user ${name} in the lab`);
  return found;
}

function isUser(value: unknown): value is LabUser {
  return typeof value === 'object' && value !== null && 'name' in value && 'password' in value;
}

/** A user of one test's own, so that no other test counts or locks it. */
export async function createUser(): Promise<LabUser> {
  const name = `u${randomBytes(5).toString('hex')}`;
  const password = `Passw0rd-${randomBytes(5).toString('hex')}`;
  await domain('create', name, { input: password });
  return { name, password };
}

/** What the domain itself counts: refused logons of a user. */
export async function badPasswordCount(name: string): Promise<number> {
  const answer: unknown = JSON.parse(await domain('count', name));
  if (typeof answer === 'object' && answer !== null && 'badPwdCount' in answer) {
    return Number(answer.badPwdCount);
  }
  throw new Error(`the domain does not count for ${name}`);
}

export async function unlock(name: string): Promise<void> {
  await domain('unlock', name);
}

export async function setPassword(name: string, password: string): Promise<void> {
  await domain('password', name, { input: password });
}

/** Changes what the domain accepts. Restarts Samba; put it back afterwards. */
export async function policy(level: PolicyLevel): Promise<void> {
  await run(script(), ['policy', home(), level]);
}

function domain(command: string, name: string, settings?: { input: string }): Promise<string> {
  return run(script(), ['domain', home(), command, name], settings);
}

const script = (): string => join(import.meta.dirname, 'samba-squid.sh');
const home = (): string => join(inject('lab').directory, 'samba-squid');
