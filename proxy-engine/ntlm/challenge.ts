import { ProxyError } from '../errors.ts';
import { MAX_CHALLENGE } from '../limits.ts';
import { AV, findPair, readPairs } from './av-pairs.ts';
import type { AvPair } from './av-pairs.ts';
import { FLAGS, hasFlag } from './flags.ts';
import { FIELD, MESSAGE_TYPE, SIGNATURE, readField } from './message.ts';

const MINIMUM = 32;
const WITH_TARGET_INFO = 48;
const WITH_VERSION = 56;

export interface Challenge {
  /** The message exactly as received: a MIC covers every byte of it. */
  readonly raw: Buffer;
  readonly flags: number;
  /** 8 bytes. */
  readonly serverChallenge: Buffer;
  readonly targetName: string;
  /** The AV_PAIR list as received, end mark and all; empty if the parent sent none. */
  readonly targetInfo: Buffer;
  /** The same list, pair by pair, without the end mark. */
  readonly pairs: readonly AvPair[];
  /** The parent's clock as a FILETIME of 8 bytes. */
  readonly timestamp?: Buffer;
  /** What the parent calls itself and its domain; a hint for a person, free of any log-on. */
  readonly names: {
    readonly netbiosDomain?: string;
    readonly netbiosComputer?: string;
    readonly dnsDomain?: string;
    readonly dnsComputer?: string;
  };
  readonly version?: { readonly major: number; readonly minor: number; readonly build: number };
}

/**
 * Reads a CHALLENGE_MESSAGE, [MS-NLMP] 2.2.1.2. Throws `challenge-unreadable`.
 *
 *      0         8      12       20      24          32      40            48        56
 *     | NTLMSSP | type | target | flags | challenge | spare | target info | version |
 *
 * Old parents end it at 32 (no target info) or 48 (no version).
 */
export function readChallenge(message: Buffer): Challenge {
  checkKind(message);
  const flags = message.readUInt32LE(20);
  const targetInfo = readTargetInfo(message, flags);
  const pairs = readPairs(targetInfo) ?? unreadable('a target information list that is broken');
  const timestamp = findPair(pairs, AV.TIMESTAMP);
  if (pairs.some(({ id, value }) => id === AV.TIMESTAMP && value.length !== 8)) {
    return unreadable('a timestamp that is not 8 bytes long');
  }
  if (pairs.some(({ id, value }) => id === AV.FLAGS && value.length !== 4)) {
    return unreadable('a flags pair that is not 4 bytes long');
  }
  const version = readVersion(message, flags);
  return {
    raw: message,
    flags,
    serverChallenge: message.subarray(24, 32),
    targetName: readTargetName(message, flags),
    targetInfo,
    pairs,
    names: readNames(pairs),
    ...(timestamp && { timestamp }),
    ...(version && { version }),
  };
}

function checkKind(message: Buffer): void {
  if (message.length > MAX_CHALLENGE) unreadable('more than any challenge needs');
  if (message[0] === 0x60 || message[0] === 0xa1) unreadable('a Negotiate token instead of NTLM');
  if (message.length < MINIMUM) unreadable('a message that is too short');
  if (!message.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    unreadable('something that is not NTLM');
  }
  if (message.readUInt32LE(8) !== MESSAGE_TYPE.challenge) {
    unreadable('an NTLM message of another kind');
  }
}

/** Nothing depends on the target's name, so a broken one reads as none. */
function readTargetName(message: Buffer, flags: number): string {
  const name = readField(message, 12);
  return name?.toString(hasFlag(flags, FLAGS.UNICODE) ? 'utf16le' : 'latin1') ?? '';
}

function readTargetInfo(message: Buffer, flags: number): Buffer {
  if (message.length < WITH_TARGET_INFO || !hasFlag(flags, FLAGS.TARGET_INFO)) {
    return Buffer.alloc(0);
  }
  // Some appliances set the flag and send nothing, whatever the offset says.
  if (message.readUInt16LE(40) === 0) return Buffer.alloc(0);
  if (message.readUInt32LE(44) < WITH_TARGET_INFO) {
    return unreadable('target information that overlaps its own header');
  }
  return readField(message, 40) ?? unreadable('target information beyond the end of the message');
}

function readVersion(message: Buffer, flags: number): Challenge['version'] {
  if (!hasFlag(flags, FLAGS.VERSION) || payloadStart(message) < WITH_VERSION) return undefined;
  return {
    major: message.readUInt8(48),
    minor: message.readUInt8(49),
    build: message.readUInt16LE(50),
  };
}

function payloadStart(message: Buffer): number {
  if (message.length < WITH_TARGET_INFO) return message.length;
  const offsets = [12, 40]
    .filter((at) => message.readUInt16LE(at) > 0)
    .map((at) => message.readUInt32LE(at + FIELD / 2));
  return Math.min(message.length, ...offsets);
}

/** AV strings are UTF-16 even where the rest is OEM. */
function readNames(pairs: readonly AvPair[]): Challenge['names'] {
  const netbiosDomain = findPair(pairs, AV.NETBIOS_DOMAIN)?.toString('utf16le');
  const netbiosComputer = findPair(pairs, AV.NETBIOS_COMPUTER)?.toString('utf16le');
  const dnsDomain = findPair(pairs, AV.DNS_DOMAIN)?.toString('utf16le');
  const dnsComputer = findPair(pairs, AV.DNS_COMPUTER)?.toString('utf16le');
  return {
    ...(netbiosDomain && { netbiosDomain }),
    ...(netbiosComputer && { netbiosComputer }),
    ...(dnsDomain && { dnsDomain }),
    ...(dnsComputer && { dnsComputer }),
  };
}

function unreadable(what: string): never {
  throw new ProxyError(
    'challenge-unreadable',
    `The parent proxy sent ${what} as its NTLM challenge.`,
  );
}
