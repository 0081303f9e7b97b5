import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, test } from 'vitest';
import { en } from '../../components/strings/en.ts';
import { commands } from '../../src/cli/commands.ts';
import { everyDecision } from '../components/fixtures/decisions.ts';

const schema = JSON.parse(readFileSync(new URL('../../src/cli/run.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv({ allErrors: true });
const validate = ajv.compile(schema);

async function json(line: string, ...options: string[]): Promise<unknown> {
  let out = '';
  await commands('run', [...options, '--json', '--', line], {
    out: (text) => void (out += text),
    err: (text) => expect.unreachable(text),
  });
  return JSON.parse(out);
}

const pod = (name: string, node: string) =>
  `kubectl run ${name} --image=nginx --overrides='{"spec":{"nodeName":"${node}"}}'; kubectl wait --for=condition=Ready pod/${name} >/dev/null`;
const pods = `${pod('a', 'node-1')}; ${pod('b', 'node-2')}; B=$(kubectl get pod b -o jsonpath={.status.podIP})`;

describe('run.schema.json', () => {
  test.each([
    ['nothing', ['true']],
    ['an error', ['echo out; nosuchcommand; exit 7']],
    ['a limit', ['while true; do sleep 9; done']],
    ['HTTP over VXLAN', [`${pods}; kubectl exec a -- curl -s http://$B; kubectl exec a -- curl -s http://b`]],
    ['HTTP over IPIP', [`${pods}; kubectl exec a -- curl -s http://$B`, '--cni', 'calico-ipip']],
    [
      'ICMP and its errors',
      [
        `${pods}; ssh node-1 'ping -c 1 -s 3000 '$B'; ping -c 1 -t 1 203.0.113.10; ping -c 1 -W 4 10.244.2.99'`,
      ],
    ],
    ['names', ['ssh node-1 dig @10.96.0.10 kubernetes.default.svc.cluster.local']],
  ])('describes what is printed of %s', async (_what, [line = '', ...options]) => {
    const printed = await json(line, ...options);
    expect(validate(printed), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
  });

  test('knows every decision by its code', () => {
    const { decision } = schema.definitions;
    expect(decision.properties.code.enum.toSorted()).toEqual(Object.keys(en.decision).toSorted());
    const one = ajv.compile({ ...decision, $id: 'decision' });
    expect(everyDecision.filter((made) => one(made) !== true)).toEqual([]);
  });

  test.each([
    ['a field more', { extra: 1 }],
    ['a hop that is no line', { hops: [1] }],
    ['a piece without its place', { pieces: [{ stream: 'stdout', text: '' }] }],
  ])('refuses %s', async (_what, change) => {
    const printed = await json('true');
    expect(validate({ ...Object(printed), ...change })).toBe(false);
  });
});
