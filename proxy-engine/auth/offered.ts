import { MAX_CHALLENGE } from '../limits.ts';

/** One challenge of a Proxy-Authenticate or WWW-Authenticate header. */
export interface Offer {
  /** In lower case. */
  readonly scheme: string;
  readonly token?: Buffer;
  /** Something stands where a token belongs, and it is not Base64. */
  readonly tokenUnreadable?: true;
  readonly realm?: string;
}

const MAX_TOKEN = Math.ceil(MAX_CHALLENGE / 3) * 4;
const SCHEME = /^[!#$%&'*+.^_`|~\w-]+$/;
const PARAMETER = /^([!#$%&'*+.^_`|~\w-]+)[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([^\s"=]+))$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads the values of all such headers: several headers, or lists with commas between challenges
 * as well as between the parameters of one (RFC 9110 §11.6.1). What makes no sense is left out.
 */
export function readOffers(values: readonly string[]): Offer[] {
  return values.flatMap(readValue);
}

function readValue(value: string): Offer[] {
  const offers: Offer[] = [];
  for (const item of splitList(value)) {
    const current = offers.at(-1);
    const parameter = readParameter(item);
    if (!parameter) offers.push(...readOffer(item));
    else if (current) offers.splice(-1, 1, { ...current, ...parameter });
  }
  return offers;
}

/** `Scheme`, `Scheme token`, or `Scheme parameter`: what stands between two commas. */
function readOffer(item: string): Offer[] {
  const gap = item.search(/[\t ]/);
  const name = gap < 0 ? item : item.slice(0, gap);
  if (!SCHEME.test(name)) return [];
  const scheme = name.toLowerCase();
  if (gap < 0) return [{ scheme }];
  const rest = item.slice(gap).trim();
  return [{ scheme, ...(readParameter(rest) ?? readToken(rest)) }];
}

function readParameter(text: string): { realm?: string } | undefined {
  const match = PARAMETER.exec(text);
  if (!match) return undefined;
  if (match[1]?.toLowerCase() !== 'realm') return {};
  return { realm: match[3] ?? match[2]?.replaceAll(/\\(.)/g, '$1') ?? '' };
}

/** Base64 with or without its padding. */
function readToken(text: string): Pick<Offer, 'token' | 'tokenUnreadable'> {
  const digits = text.replace(/={1,2}$/, '').length;
  if (text.length > MAX_TOKEN || digits % 4 === 1 || !BASE64.test(text)) {
    return { tokenUnreadable: true };
  }
  return { token: Buffer.from(text, 'base64') };
}

/** Splits at commas outside of quotes; empty items are legal and left out. */
function splitList(value: string): string[] {
  const items: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      items.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  items.push(value.slice(start).trim());
  return items.filter((item) => item !== '');
}
