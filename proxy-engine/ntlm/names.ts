const MAX_WORKSTATION = 15;

/**
 * Reads what a person typed as a user name. Only `DOMAIN\user` is split: a `user@dns.domain` name
 * may have a suffix that is not the account's domain, so it stays whole, with an empty domain.
 */
export function parseAccount(text: string): { user: string; domain: string } {
  const trimmed = text.trim();
  const at = trimmed.indexOf('\\');
  if (at < 0) return { user: trimmed, domain: '' };
  return { user: trimmed.slice(at + 1).trim(), domain: trimmed.slice(0, at).trim() };
}

/** A host name as NetBIOS would have it: its first label in capitals, at most 15 characters. */
export function toWorkstation(host: string): string {
  const [label = ''] = host.trim().split('.', 1);
  return toUpperCase(label).slice(0, MAX_WORKSTATION);
}

/**
 * Upper case as domain controllers have it, one character for one: `ß`, `ı` and `µ` stay.
 * JavaScript's own `toUpperCase` would turn them into letters no account was hashed with.
 */
export function toUpperCase(text: string): string {
  let upper = '';
  for (let index = 0; index < text.length; index += 1) upper += upperCaseUnit(text.charAt(index));
  return upper;
}

function upperCaseUnit(unit: string): string {
  if (unit === 'ς') return 'Σ';
  const upper = unit.toUpperCase();
  return upper.length === 1 && upper.toLowerCase() === unit ? upper : unit;
}
