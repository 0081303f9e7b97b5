import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { present, readScenario, scenarioNames } from './scenario.ts';
import type { Probe, Scenario } from './scenario.ts';

/**
 * Every scenario as somebody makes it who has its file and a terminal: the manifests in one file, `args` as options, and
 * `setup`, `before`, `during` and the probes as one line for `podwalk run --hops`. Only what is printed is read.
 */

/** Frames that another packet's copies bring into another order, with the reason. */
const unordered: ReadonlySet<string> = new Set(['arp-stale-permanent-entry/tcp']);

/** What the recorded tools did and no tool does, with the reason. */
const notByCommands: Readonly<Record<string, string>> = {};

const folder = mkdtempSync(join(tmpdir(), 'podwalk-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!present)('podwalk run, as the kernel did it', () => {
  const scenarios = scenarioNames().map((name) => ({ name, scenario: readScenario(name) }));
  describe.each(scenarios.filter(({ scenario }) => pathed(scenario).length > 0))(
    '$name',
    ({ name, scenario }) => {
      const lines = run(name, scenario);
      const compared = pathed(scenario);
      test.each(compared.map(({ id }) => id))('%s prints the frames of the measurement', async (id) => {
        const probe = compared.find((one) => one.id === id);
        const told = (await lines()).get(id) ?? [];
        const { request = [], reply = [], icmpErrors = [] } = probe?.path ?? {};
        const differences = [request, reply, icmpErrors].flatMap((wanted) =>
          missing(wanted, told, unordered.has(`${name}/${id}`) ? 'any' : 'kept'),
        );
        if (notByCommands[`${name}/${id}`] === undefined) expect(differences, told.join('\n')).toEqual([]);
        else expect(differences, 'the exception is no longer needed').not.toEqual([]);
      });
    },
  );
});

function pathed({ probes }: Scenario): Probe[] {
  return probes.filter(({ path }) => path !== undefined);
}

/** What is printed between a probe's mark and the next one's. */
function run(name: string, scenario: Scenario): () => Promise<ReadonlyMap<string, readonly string[]>> {
  let told: Promise<ReadonlyMap<string, readonly string[]>> | undefined;
  return () => {
    told ??= tell(name, scenario);
    return told;
  };
}

async function tell(name: string, scenario: Scenario): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, scenario.manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
  const line = [
    ...scenario.topology.pods.flatMap(hostEnd),
    ...scenario.setup.map((command) => variables(scenario, command)),
    ...scenario.probes.flatMap((probe) => [
      // What a server answers may lack its newline.
      `echo; echo "@ ${probe.id}"`,
      ...(probe.before ?? []).map((command) => variables(scenario, command)),
      ...probeLines(scenario, probe),
    ]),
  ].join('; ');
  let out = '';
  let err = '';
  await commands('run', [file, ...scenario.args, '--hops', '--', line], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  expect(err).not.toMatch(/not found|usage|syntax/i);
  const names = new Map<string, string>();
  const found = new Map<string, string[]>();
  let current: string[] = [];
  for (const printed of out.split('\n')) {
    const [mark, first = '', second = ''] = printed.split(' ');
    if (mark === '@') found.set(first, (current = []));
    else if (mark === '@link') names.set(second, first);
    else if (/^[\w./-]+:[\w.@-]+ (in|out) /.test(printed))
      current.push(printed.replace(/:([\w.-]+) /, (whole, dev: string) => `:${names.get(dev) ?? dev} `));
  }
  return found;
}

type Pod = Scenario['topology']['pods'][number];

/** The host end of a pod's link, found as one finds it on a real node. */
function hostEnd({ name, node, hostIf }: Pod): string[] {
  if (hostIf === undefined) return [];
  const variable = variableOf(hostIf);
  return [
    `${variable}=$(ssh ${node} ip -o link | sed -n "s/^$(kubectl exec ${name} -- cat /sys/class/net/eth0/iflink): \\([^@:]*\\).*/\\1/p")`,
    `echo "@link ${hostIf} $${variable}"`,
  ];
}

function variableOf(name: string): string {
  return name.replaceAll(/\W/g, '_');
}

function variables({ topology: { pods } }: Scenario, command: string): string {
  return pods
    .flatMap(({ hostIf }) => hostIf ?? [])
    .toSorted((a, b) => b.length - a.length)
    .reduce(
      (text, name) =>
        text.replaceAll(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'g'), `$${variableOf(name)}`),
      command,
    );
}

function probeLines(scenario: Scenario, probe: Probe): string[] {
  const { kind, to, options, clientPort, fromNetns } = probe;
  const pods = scenario.topology.pods.map(({ name }) => name);
  const place = pods.includes(fromNetns) ? `kubectl exec -i ${fromNetns} --` : `ssh ${fromNetns}`;
  const timeout = String(options.timeout ?? 4);
  const port = clientPort === undefined ? '' : ` --local-port ${clientPort}`;
  const source = options.source === undefined ? '' : ` --interface ${options.source}`;
  switch (kind) {
    case 'tcp': {
      if (probe.during !== undefined)
        return [
          `(sleep 1; echo hi) | ${place} nc -w ${Math.ceil(options.timeout ?? 4)} -p ${clientPort} ${to.ip} ${to.port} & sleep 0.5`,
          ...probe.during,
          'wait',
        ];
      const url = `http://${to.ip}:${to.port}/`;
      const curl = `curl -s -m ${timeout}${port}${source}`;
      return options.post === undefined
        ? [`${place} ${curl} ${url}`]
        : [`printf %s ${'x'.repeat(options.post)} | ${place} ${curl} --data-binary @- ${url}`];
    }
    case 'udp': {
      const size = options.size;
      // Only a question is answered there.
      if (to.port === 53)
        return [
          `${place} dig -b 0.0.0.0#${clientPort ?? 0} +tries=1 +time=${Math.ceil(options.timeout ?? 4)} @${to.ip} example.com`,
        ];
      const payload = size === undefined ? 'printf hostname' : `printf 'echo %s' ${'x'.repeat(size - 5)}`;
      return [
        `${payload} | ${place} nc -u -w ${Math.ceil(options.timeout ?? 4)}${clientPort === undefined ? '' : ` -p ${clientPort}`} ${to.ip} ${to.port}`,
      ];
    }
    case 'ping': {
      const size = options.size === undefined ? '' : ` -s ${options.size}`;
      const df = options.df === true ? ' -M do' : '';
      const ttl = options.ttl === undefined ? '' : ` -t ${options.ttl}`;
      return [`${place} ping -c 1 -W ${timeout}${size}${df}${ttl} ${to.ip}`];
    }
    case 'traceroute':
      return [`${place} traceroute -n -w ${timeout} ${to.ip}`];
    case 'spread':
    case 'fn':
      return [];
  }
}

/** The lines that are not there, in the order in which they should be. */
function missing(wanted: readonly string[], told: readonly string[], order: 'kept' | 'any'): string[] {
  let from = 0;
  return wanted.filter((line) => {
    const pattern = new RegExp(
      `^${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('RND', '\\d+')}$`,
    );
    const at = told.findIndex((one, i) => i >= (order === 'kept' ? from : 0) && pattern.test(one));
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}
