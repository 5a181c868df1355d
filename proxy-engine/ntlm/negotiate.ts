import { DIALECTS } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import { MESSAGE_TYPE, SIGNATURE, VERSION } from './message.ts';

/**
 * Writes a NEGOTIATE_MESSAGE, [MS-NLMP] 2.2.1.1, always in its 40-byte form: gss-ntlmssp refuses
 * shorter ones. Domain and workstation stay empty, as from Windows.
 *
 *      0         8      12      16       24            32        40
 *     | NTLMSSP | type | flags | domain | workstation | version |
 */
export function writeNegotiate(dialect: Dialect, flags = DIALECTS[dialect].flags): Buffer {
  const message = Buffer.alloc(40);
  message.set(SIGNATURE);
  message.writeUInt32LE(MESSAGE_TYPE.negotiate, 8);
  message.writeUInt32LE(flags >>> 0, 12);
  message.set(VERSION, 32);
  return message;
}
