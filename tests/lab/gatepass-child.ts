import { startEngine } from '../strict/start-engine.ts';
import { credentialOf, through } from './engine.ts';
const [parent, domain, user] = JSON.parse(process.argv[2] ?? '');
const e = await startEngine(through(parent, credentialOf(user, domain)));
console.log(JSON.stringify({ port: e.port }));
