import { ProxyError } from '../errors.ts';
import { hmacMd5 } from './digest.ts';
import { FLAGS, hasFlag } from './flags.ts';
import { MESSAGE_TYPE, SIGNATURE, writeField } from './message.ts';

const HEADER = 64;
const MIC_AT = 72;
const MIC_LENGTH = 16;
const MAX_FIELD = 0xffff;

export interface AuthenticateFields {
  readonly flags: number;
  /** 8 bytes; written if the flags say so, and as zeros where only the MIC needs the room. */
  readonly version: Buffer;
  readonly domain: Buffer;
  readonly user: Buffer;
  readonly workstation: Buffer;
  readonly lm: Buffer;
  readonly nt: Buffer;
  readonly sessionKey?: Buffer;
}

/** The earlier messages as they went over the wire, and the key of the MIC. */
export interface Integrity {
  readonly key: Buffer;
  readonly negotiate: Buffer;
  readonly challenge: Buffer;
}

/**
 * Lays out an AUTHENTICATE_MESSAGE, [MS-NLMP] 2.2.1.3, its payload in the order Windows uses.
 *
 *      0         8      12   20   28       36     44            52    60      64        72    88
 *     | NTLMSSP | type | LM | NT | domain | user | workstation | key | flags | version | MIC |
 */
export function layOutAuthenticate(fields: AuthenticateFields, integrity?: Integrity): Buffer {
  const hasVersion = hasFlag(fields.flags, FLAGS.VERSION);
  const header = Buffer.alloc(integrity ? MIC_AT + MIC_LENGTH : hasVersion ? MIC_AT : HEADER);
  header.set(SIGNATURE);
  header.writeUInt32LE(MESSAGE_TYPE.authenticate, 8);
  header.writeUInt32LE(fields.flags >>> 0, 60);
  if (hasVersion) header.set(fields.version, HEADER);

  const { domain, user, workstation, lm, nt, sessionKey = Buffer.alloc(0) } = fields;
  const payload = [
    { at: 28, bytes: domain },
    { at: 36, bytes: user },
    { at: 44, bytes: workstation },
    { at: 12, bytes: lm },
    { at: 20, bytes: nt },
    { at: 52, bytes: sessionKey },
  ];
  let offset = header.length;
  for (const { at, bytes } of payload) {
    if (bytes.length > MAX_FIELD) {
      throw new ProxyError(
        'challenge-unreadable',
        'The NTLM challenge is too long to be answered.',
      );
    }
    writeField(header, at, bytes.length, offset);
    offset += bytes.length;
  }
  const message = Buffer.concat([header, ...payload.map(({ bytes }) => bytes)]);
  if (integrity) integrityCode(integrity, message).copy(message, MIC_AT);
  return message;
}

/** The MIC, [MS-NLMP] 3.1.5.1.2, of a message whose own MIC field counts as zeros. */
export function integrityCode({ key, negotiate, challenge }: Integrity, message: Buffer): Buffer {
  const before = message.subarray(0, MIC_AT);
  const after = message.subarray(MIC_AT + MIC_LENGTH);
  return hmacMd5(key, negotiate, challenge, before, Buffer.alloc(MIC_LENGTH), after);
}
