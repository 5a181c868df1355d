import { createHash } from 'node:crypto';
import { ProxyError } from '../errors.ts';
import { md5 } from './digest.ts';

/** Signature and digest algorithms that are hashed with something other than SHA-256, as DER. */
const HASH_BY_OID: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384', // sha384WithRSAEncryption
  '2a864886f70d01010d': 'sha512', // sha512WithRSAEncryption
  '2a864886f70d01010e': 'sha224', // sha224WithRSAEncryption
  '2a8648ce3d040301': 'sha224', // ecdsa-with-SHA224
  '2a8648ce3d040303': 'sha384', // ecdsa-with-SHA384
  '2a8648ce3d040304': 'sha512', // ecdsa-with-SHA512
  '608648016503040202': 'sha384', // id-sha384, within PSS parameters
  '608648016503040203': 'sha512', // id-sha512
  '608648016503040204': 'sha224', // id-sha224
};
const RSASSA_PSS = '2a864886f70d01010a';
const PREFIX = Buffer.from('tls-server-end-point:', 'latin1');

/**
 * MsvAvChannelBindings for a parent's certificate: 16 bytes, [MS-NLMP] 2.2.2.1 over RFC 5929 §4.1.
 * MD5 and SHA-1 signatures count as SHA-256, and so does one with no hash of its own (Ed25519).
 */
export function channelBindings(certificateDer: Buffer): Buffer {
  const digest = createHash(signatureHash(certificateDer)).update(certificateDer).digest();
  const data = Buffer.concat([PREFIX, digest]);
  // gss_channel_bindings_struct: no addresses (16 zero bytes), then the length and the data.
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return md5(head, data);
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }, RFC 5280 §4.1. */
function signatureHash(certificate: Buffer): string {
  const body = readElement(certificate, 0);
  const tbs = readElement(certificate, body.start);
  const algorithm = readElement(certificate, tbs.end);
  const oid = readElement(certificate, algorithm.start);
  const name = certificate.toString('hex', oid.start, oid.end);
  if (name !== RSASSA_PSS || oid.end >= algorithm.end) return HASH_BY_OID[name] ?? 'sha256';
  return pssHash(certificate, oid.end);
}

/** RSASSA-PSS-params, RFC 4055 §3.1: the hash stands under the tag [0], if it is not SHA-1. */
function pssHash(certificate: Buffer, at: number): string {
  const parameters = readElement(certificate, at);
  if (certificate[parameters.start] !== 0xa0) return 'sha256';
  const tagged = readElement(certificate, parameters.start);
  const algorithm = readElement(certificate, tagged.start);
  const oid = readElement(certificate, algorithm.start);
  return HASH_BY_OID[certificate.toString('hex', oid.start, oid.end)] ?? 'sha256';
}

/** Where the contents of a DER element start and end. */
function readElement(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der[at + 1] ?? 0xff;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  if (lengthBytes > 4 || start > der.length) return unreadable();
  const end = start + (lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes));
  if (end > der.length || (lengthBytes === 0 && first === 0x80)) return unreadable();
  return { start, end };
}

function unreadable(): never {
  throw new ProxyError('parent-tls', "The parent proxy's certificate cannot be read.");
}
