export const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
export const MESSAGE_TYPE = { negotiate: 1, challenge: 2, authenticate: 3 } as const;

/** VERSION, [MS-NLMP] 2.2.2.10: Windows 10.0.17763, NTLM revision 15. */
export const VERSION = Buffer.from('0a0063450000000f', 'hex');

/** Bytes of a field: length, allocated length, offset. */
export const FIELD = 8;

/** A field's payload, or undefined where it points outside its message. */
export function readField(message: Buffer, at: number): Buffer | undefined {
  const length = message.readUInt16LE(at);
  const offset = message.readUInt32LE(at + 4);
  if (offset + length > message.length) return undefined;
  return message.subarray(offset, offset + length);
}

/** Writes a field that announces `length` bytes at `offset`. */
export function writeField(message: Buffer, at: number, length: number, offset: number): void {
  message.writeUInt16LE(length, at);
  message.writeUInt16LE(length, at + 2);
  message.writeUInt32LE(offset, at + 4);
}
