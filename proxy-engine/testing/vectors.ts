import { readFileSync } from 'node:fs';

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const FILE: unknown = JSON.parse(
  readFileSync(new URL('ntlm-vectors.json', import.meta.url), 'utf8'),
);

/** The groups of the vector file, in its order. */
export function groupNames(): readonly string[] {
  return Object.keys(asObject(FILE));
}

/** The named group whose name starts with `start`. */
export function group(start: string): JsonObject {
  return asObject(find(start));
}

/** The list group whose name starts with `start`. */
export function list(start: string): readonly JsonObject[] {
  return asList(find(start));
}

/** A text of an object; fails the test if there is none. */
export function text(object: JsonObject, key: string): string {
  const found = object[key];
  if (typeof found !== 'string') throw new Error(`the vectors have no text at ${key}`);
  return found;
}

/** An object within an object, empty where there is none. */
export function child(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  return found === undefined ? {} : asObject(found);
}

/** The objects of a list within an object. */
export function children(object: JsonObject, key: string): readonly JsonObject[] {
  return asList(object[key]);
}

/** Bytes written as hex in an object, or as the `value` of a checked entry. */
export function bytes(object: JsonObject, key: string): Buffer {
  const found = object[key];
  const hex = isObject(found) ? text(found, 'value') : text(object, key);
  return Buffer.from(hex.replace(/^0x/, ''), 'hex');
}

/** Makes what an entry holds from our own code; `expected` is for what can only be read again. */
export type Checks = Readonly<Record<string, (expected: Buffer) => Buffer>>;

/**
 * Both sides of one entry, or undefined for one that is not ours to compute.
 * Throws for an entry that has neither a check nor a reason, so that none is skipped unseen.
 */
export function compare(
  entries: JsonObject,
  name: string,
  checks: Checks,
  notOurs: Readonly<Record<string, string>> = {},
): { readonly actual: Buffer; readonly expected: Buffer } | undefined {
  if (name in notOurs) return undefined;
  const check = checks[name];
  if (!check) throw new Error(`nothing checks the vector ${name}`);
  const expected = bytes(entries, name);
  return { actual: check(expected), expected };
}

/** The names in a group whose entries hold a checked value, not a mere input. */
export function checkedNames(entries: JsonObject): readonly string[] {
  return Object.keys(entries).filter((name) => isObject(entries[name]));
}

function find(start: string): unknown {
  const found = Object.entries(asObject(FILE)).find(([name]) => name.startsWith(start));
  if (!found) throw new Error(`the vectors have no group ${start}`);
  return found[1];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new Error('the vectors are not laid out as expected');
  return value;
}

function asList(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) throw new Error('the vectors are not laid out as expected');
  return value.map(asObject);
}
