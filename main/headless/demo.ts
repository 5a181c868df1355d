import type { DetectionResult } from '#engine/detect/step.ts';
import type { Endpoint } from '#engine/protocol.ts';
import { showAccount } from './credential.ts';
import { getThrough, getThroughTunnel, type Page } from './demo-client.ts';
import { setStage, type Stage } from './demo-stage.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { firstInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';
import { showEndpoint } from './parse.ts';

/** `gatepass demo`: the whole product on one computer, without a corporate network. */
export async function demo(once: boolean, output: Output): Promise<ExitCode> {
  const stage = await setStage();
  const interrupt = once ? undefined : firstInterrupt();
  try {
    const { worked, proxy } = await perform(stage, output);
    if (once) return worked ? EXIT.worked : EXIT.failed;
    invite(proxy, stage, output);
    await interrupt;
    output.say('\nStopped.');
    return worked ? EXIT.worked : EXIT.failed;
  } finally {
    await stage.close();
  }
}

async function perform(
  stage: Stage,
  output: Output,
): Promise<{ readonly worked: boolean; readonly proxy: Endpoint }> {
  const { parent, url, account } = stage;
  const tell = createTeller(output);
  tell(`A practice parent proxy listens on ${showEndpoint(parent)}. Like a company's, it lets`);
  output.say(
    '   nothing through without a Windows sign-in (NTLMv2). A web server waits behind it.',
  );
  tell('Gatepass finds out how to sign in to it:');
  const detection = await stage.detect(({ kind, sentence }) => {
    if (kind !== 'trying') output.say(`     ${sentence}`);
  });

  const engine = await stage.startEngine((event) => {
    if (event.type === 'log') output.note(event.entry.text);
  });
  const proxy = engine.addresses[0] ?? { host: '', port: 0 };
  tell(`Gatepass listens on ${showEndpoint(proxy)}. Programs use it without a password:`);
  const page = await getThrough(proxy, url);
  output.say(`     GET      ${url}  ${tellPage(page, output)}`);
  const tunnel = await getThroughTunnel(proxy, url);
  output.say(`     CONNECT  ${new URL(url).host}, then GET inside  ${tellPage(tunnel, output)}`);

  const direct = await getThrough(parent, url);
  output.say(`     Without Gatepass the parent answers  ${direct.status}: sign in first.`);
  const worked = detection.outcome === 'found' && isHello(page) && isHello(tunnel);
  tell(tellCount(stage, detection, showAccount(account)));
  output.event({
    event: 'demo',
    worked,
    proxy: showEndpoint(proxy),
    parent: showEndpoint(parent),
    url,
    detection,
    get: page.status,
    connect: tunnel.status,
    withoutGatepass: direct.status,
    signIns: parent.stats.accepted,
    failedLogons: parent.stats.refusals,
  });
  return { worked, proxy };
}

function createTeller(output: Output): (sentence: string) => void {
  let number = 0;
  return (sentence) => {
    number += 1;
    output.say(`${output.style('bold', `${number}.`)} ${sentence}`);
  };
}

function tellPage({ status, body }: Page, output: Output): string {
  return output.style(status === 200 ? 'green' : 'red', `${status} ${body.trim()}`);
}

function isHello({ status, body }: Page): boolean {
  return status === 200 && body.startsWith('Hello');
}

function tellCount({ parent }: Stage, detection: DetectionResult, account: string): string {
  const { accepted, refusals } = parent.stats;
  return (
    `The parent counted ${accepted} sign-ins of ${account}, the detection's included, and ` +
    `${refusals + detection.failedLogons} failed logons.`
  );
}

function invite(proxy: Endpoint, { url }: Stage, output: Output): void {
  // Where loopback is exempt, curl would go past the proxy.
  const exempt = process.env['no_proxy'] ?? process.env['NO_PROXY'];
  const insist = exempt === undefined ? '' : "--noproxy '' ";
  output.say();
  output.say('Try it yourself, in another terminal:');
  output.say(`     curl ${insist}-x http://${showEndpoint(proxy)} ${url}`);
  output.say('Ctrl-C ends the demonstration.');
}
