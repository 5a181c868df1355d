/** A word as it has to be typed into a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The lines that make programs of a terminal use a proxy; the system's own way to say it. */
export function exportLines(address: string, platform: NodeJS.Platform): readonly string[] {
  const url = `http://${address}`;
  if (platform === 'win32') return [`set http_proxy=${url}`, `set https_proxy=${url}`];
  return [`export http_proxy=${url} https_proxy=${url}`];
}
