/** What one place of a pattern takes: any run of characters, or one that passes the test. */
type Place = 'run' | ((character: string) => boolean);

/**
 * Compiles `*`, `?`, `[a-z]` and `[!a-z]` to a test of a whole text; undefined if a set is not
 * closed. Time is bounded by pattern × text: a failed match goes back to the last star only.
 */
export function compileGlob(pattern: string): ((text: string) => boolean) | undefined {
  const places: Place[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    if (character === '[') {
      // A `]` straight after the opening is a member.
      const end = pattern.indexOf(']', at + (/^\[[!^]/.test(pattern.slice(at)) ? 3 : 2));
      if (end < 0) return undefined;
      places.push(compileSet(pattern.slice(at + 1, end)));
      at = end;
    } else if (character !== '*') {
      places.push(character === '?' ? () => true : (other) => other === character);
    } else if (places.at(-1) !== 'run') {
      places.push('run');
    }
  }
  return (text) => matches(places, text);
}

function compileSet(members: string): (character: string) => boolean {
  const negated = /^[!^]/.test(members);
  const ranges: [string, string][] = [];
  for (let at = negated ? 1 : 0; at < members.length; at += 1) {
    const first = members.charAt(at);
    const isRange = members.charAt(at + 1) === '-' && at + 2 < members.length;
    ranges.push([first, isRange ? members.charAt(at + 2) : first]);
    if (isRange) at += 2;
  }
  return (character) =>
    ranges.some(([first, last]) => first <= character && character <= last) !== negated;
}

function matches(places: readonly Place[], text: string): boolean {
  let place = 0;
  let at = 0;
  let starPlace = -1;
  let starAt = 0;
  while (at < text.length) {
    const current = places[place];
    if (current === 'run') {
      starPlace = place;
      starAt = at;
      place += 1;
    } else if (current?.(text.charAt(at))) {
      place += 1;
      at += 1;
    } else if (starPlace >= 0) {
      place = starPlace + 1;
      starAt += 1;
      at = starAt;
    } else {
      return false;
    }
  }
  return places.slice(place).every((rest) => rest === 'run');
}
