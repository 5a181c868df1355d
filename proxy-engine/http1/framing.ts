/** How the end of a message body is found, RFC 9112 §6.3. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

export const NO_BODY: Framing = { kind: 'none' };
export const CHUNKED: Framing = { kind: 'chunked' };
export const UNTIL_CLOSE: Framing = { kind: 'until-close' };

/** Up to 15 digits, so that no length loses precision; `Number` alone would take `0x5` or `1e3`. */
const LENGTH = /^[0-9]{1,15}$/;

/** The value of one Content-Length field, or nothing where it is not a plain decimal number. */
export function readLength(value: string): number | undefined {
  return LENGTH.test(value) ? Number(value) : undefined;
}

/** Frames a body of known length. */
export function ofLength(length: number): Framing {
  return length === 0 ? NO_BODY : { kind: 'length', length };
}
