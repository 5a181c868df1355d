import { randomBytes } from 'node:crypto';
import type { Quirks } from './quirks.ts';

const UNICODE = 0x1;
const OEM = 0x2;
const REQUEST_TARGET = 0x4;
const TARGET_TYPE_DOMAIN = 0x10000;
const EXTENDED_SESSION_SECURITY = 0x80000;
const TARGET_INFO = 0x800000;
/** UNICODE, OEM, REQUEST_TARGET, SIGN, NTLM, ALWAYS_SIGN, ESS, VERSION, 128, KEY_EXCH, 56. */
const SUPPORTED = 0xe2088217;
const VERSION = Buffer.from('0a0063450000000f', 'hex');

export interface ChallengeNames {
  readonly domain: string;
  readonly computer: string;
}

/**
 * Writes a CHALLENGE_MESSAGE, [MS-NLMP] 2.2.1.2, for the flags a client asked for, which a server
 * mirrors as far as it can.
 */
export function writeChallengeMessage(
  asked: number,
  names: ChallengeNames,
  quirks: Quirks,
): Buffer {
  const flags = grantFlags(asked, quirks);
  const wantsTarget = (flags & REQUEST_TARGET) !== 0;
  const unicode = (flags & UNICODE) !== 0;
  const target = Buffer.from(wantsTarget ? names.domain : '', unicode ? 'utf16le' : 'latin1');
  const hasList = (flags & TARGET_INFO) !== 0 && !quirks.emptyTargetInfo;
  const list = hasList ? writeList(names, quirks) : Buffer.alloc(0);

  const header = Buffer.alloc(56);
  header.write('NTLMSSP\0', 'latin1');
  header.writeUInt32LE(2, 8);
  header.writeUInt16LE(target.length, 12);
  header.writeUInt16LE(target.length, 14);
  header.writeUInt32LE(header.length, 16);
  header.writeUInt32LE(flags, 20);
  randomBytes(8).copy(header, 24);
  header.writeUInt16LE(list.length, 40);
  header.writeUInt16LE(list.length, 42);
  header.writeUInt32LE(quirks.emptyTargetInfo ? 0 : header.length + target.length, 44);
  VERSION.copy(header, 48);
  return Buffer.concat([header, target, list]);
}

function grantFlags(asked: number, quirks: Quirks): number {
  let flags = asked & SUPPORTED;
  if ((flags & UNICODE) !== 0 && !quirks.oemChallenge) flags &= ~OEM;
  else flags = (flags & ~UNICODE) | OEM;
  if (quirks.noEss) flags &= ~EXTENDED_SESSION_SECURITY;
  if ((flags & REQUEST_TARGET) !== 0) {
    flags |= TARGET_TYPE_DOMAIN;
    if (!quirks.noTargetInfo) flags |= TARGET_INFO;
  }
  return flags >>> 0;
}

/** The domain before the computer, as every server has it. */
function writeList({ domain, computer }: ChallengeNames, quirks: Quirks): Buffer {
  const suffix = `${domain.toLowerCase()}.example`;
  return Buffer.concat([
    writePair(2, Buffer.from(domain, 'utf16le')),
    writePair(1, Buffer.from(computer, 'utf16le')),
    writePair(4, Buffer.from(suffix, 'utf16le')),
    writePair(3, Buffer.from(`${computer.toLowerCase()}.${suffix}`, 'utf16le')),
    quirks.avFlagsPresent ? writePair(6, Buffer.alloc(4)) : Buffer.alloc(0),
    quirks.noTimestamp ? Buffer.alloc(0) : writePair(7, writeNow()),
    writePair(0, Buffer.alloc(0)),
  ]);
}

function writePair(id: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(value.length, 2);
  return Buffer.concat([header, value]);
}

/** 100 ns since 1601. */
function writeNow(): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Date.now()) + 11_644_473_600_000n) * 10_000n);
  return time;
}
