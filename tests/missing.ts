/** `missing.ts packages`: Debian's packages that would complete this machine. Otherwise: sentences. */
import { allComponents, howToGet, missing, packagesOf } from './components.ts';

const names = missing(allComponents());
const lines = process.argv[2] === 'packages' ? packagesOf(names) : names.map(howToGet);
for (const line of lines) console.log(line);
