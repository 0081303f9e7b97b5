import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { netnsScript } from '../../../src/engine/index.ts';

const pod = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'nginx:1.27' }] },
  });

function exported(...commands: readonly string[]): string {
  const { script } = netnsScript({
    title: "a lab's title; rm -rf /",
    options: { nodes: 1 },
    steps: [
      { kind: 'apply', manifest: `${pod('a')}\n---\n${pod('b')}` },
      ...commands.map((command) => ({ kind: 'run', command }) as const),
    ],
  });
  return script ?? '';
}

describe('a lab as a script of network namespaces', () => {
  test('is the same every time', () => {
    expect(exported('kubectl get pods')).toBe(exported('kubectl get pods'));
  });

  test.each([
    ['a command that ends the heredoc', 'echo x\nPODWALK\nrm -rf /'],
    ['quotes of all kinds', `kubectl get pod a -o jsonpath='{.spec}' "it's" \`date\` $HOME`],
    ['what no shell reads', `kubectl exec a -- sh -c 'echo "`],
  ])('can be read by bash whatever is in it: %s', (_, command) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: exported(command) });
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
  });

  test('hands a command over as one word', () => {
    expect(exported('echo x\nPODWALK\nrm -rf /')).toContain("run 1 'echo x\nPODWALK\nrm -rf /'\n");
  });

  test('makes every link with the names and addresses of the engine', () => {
    const script = exported('kubectl get pods');
    expect(script).toMatch(
      /link add veth\w{8} address \S+ netns \$\{p\}node-1 type veth peer name eth0 address 0a:58:0a:f4:01:02 netns \$\{p\}a/,
    );
    expect(script).toMatch(/addr add 10\.244\.1\.2\/24 dev eth0/);
    expect(script).toContain('link add flannel.1');
  });

  test('takes a deleted pod away where kubectl deletes it, and prints what kubectl printed', () => {
    const script = exported('kubectl delete pod b');
    const call = script.slice(script.indexOf('call_1_1() {'), script.indexOf('p=${PODWALK_PREFIX'));
    expect(call).toMatch(/link del veth\w{8}/);
    expect(call).toContain('netns del ${p}b');
    expect(call).toContain('pod "b" deleted');
  });

  test('does not do for a command on a node what the command does itself', () => {
    const script = exported('ssh node-1 ip route add blackhole 192.0.2.0/24');
    const steps = script.slice(script.indexOf('calls_1() {'), script.indexOf('p=${PODWALK_PREFIX'));
    expect(steps).not.toContain('route add blackhole 192.0.2.0/24 ');
    expect(steps).toContain("inside node-1 bash -c 'ip route add blackhole 192.0.2.0/24'");
  });

  test('says what is wrong with the options', () => {
    const { script, diagnostics } = netnsScript({ title: '', options: { cni: 'flanel' }, steps: [] });
    expect(script).toBeUndefined();
    expect(diagnostics[0]?.hint).toBe('did you mean "flannel"?');
  });
});
