import { beforeEach, describe, expect, test } from 'vitest';
import type { ResourceKind } from '../../../../src/engine/api/kinds.ts';
import { resourceOfKind } from '../../../../src/engine/api/kinds.ts';
import { Bench } from './harness.ts';

const webYaml = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: 'nginx:1.27', ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
const podYaml = (labels = '{app: a}') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: ${labels}}\nspec: {containers: [{name: c, image: nginx}]}\n`;

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
  bench.files.write('/root/web.yaml', webYaml, 'truncate');
  bench.files.write('/root/pod.yaml', podYaml(), 'truncate');
});

/** Runs lines and gives what the last one printed, errors included. */
function lines(...texts: string[]): string {
  let printed = '';
  for (const text of texts) {
    const { stdout, stderr } = bench.line(text);
    printed = stdout + stderr;
  }
  return printed;
}

const code = (text: string) => bench.line(text).code;

describe('files', () => {
  test('apply creates, then changes nothing, then configures', () => {
    expect(lines('apply -f web.yaml')).toBe('deployment.apps/web created\nservice/web created\n');
    expect(lines('apply -f web.yaml')).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
    bench.files.write('/root/web.yaml', webYaml.replace('replicas: 2', 'replicas: 3'), 'truncate');
    expect(lines('apply -f /root/web.yaml')).toBe('deployment.apps/web configured\nservice/web unchanged\n');
    expect(lines('get deploy web -o jsonpath={.spec.replicas}')).toBe('3');
  });
  test('standard input is `-`', () => {
    expect(bench.line('apply -f -', podYaml())).toEqual({ stdout: 'pod/a created\n', stderr: '', code: 0 });
  });
  test('a directory is all of its manifests', () => {
    bench = new Bench(
      {},
      { '/root/lab/1.yaml': podYaml(), '/root/lab/2.yml': podYaml().replace('name: a', 'name: b') },
    );
    expect(lines('apply -f lab')).toBe('pod/a created\npod/b created\n');
  });
  test('create twice is refused', () => {
    expect(lines('create -f pod.yaml', 'create -f pod.yaml')).toBe(
      'Error from server (AlreadyExists): error when creating "pod.yaml": pods "a" already exists\n',
    );
  });
  test('-n decides where objects without a namespace go', () => {
    expect(lines('create ns blue', 'apply -n blue -f pod.yaml', 'get pods -A -o name')).toBe('pod/a\n');
    expect(lines('get pods -n blue -o name')).toBe('pod/a\n');
    expect(lines('get pods')).toBe('No resources found in default namespace.\n');
  });
  test('a namespace that is not there is an error', () => {
    expect(lines('apply -n nope -f pod.yaml')).toBe(
      'Error from server (NotFound): error when creating "pod.yaml": namespaces "nope" not found\n',
    );
  });
  test('delete -f deletes what the file names', () => {
    expect(lines('apply -f web.yaml', 'delete -f web.yaml')).toBe(
      'deployment.apps "web" deleted\nservice "web" deleted\n',
    );
    expect(lines('delete -f web.yaml')).toBe(
      'Error from server (NotFound): deployments.apps "web" not found\nError from server (NotFound): services "web" not found\n',
    );
  });
  test('-o prints what became of them', () => {
    expect(lines('apply -f pod.yaml -o name')).toBe('pod/a\n');
    expect(lines('apply -f pod.yaml -o jsonpath={.metadata.labels.app}')).toBe('a');
  });
  test('a dry run changes nothing', () => {
    expect(lines('apply -f pod.yaml --dry-run=client')).toBe('pod/a created (dry run)\n');
    expect(lines('apply -f pod.yaml --dry-run=server')).toBe('pod/a created (server dry run)\n');
    expect(lines('get pods')).toBe('No resources found in default namespace.\n');
  });
  test('replace needs the object, unless forced', () => {
    expect(lines('replace -f pod.yaml')).toBe(
      'Error from server (NotFound): error when replacing "pod.yaml": pods "a" not found\n',
    );
    expect(lines('apply -f web.yaml', 'replace -f web.yaml')).toBe(
      'deployment.apps/web replaced\nservice/web replaced\n',
    );
  });
});

describe('changes', () => {
  beforeEach(() => {
    lines('apply -f web.yaml', 'apply -f pod.yaml');
  });
  const cases: readonly (readonly [string, string])[] = [
    ['label pod a x=y', 'pod/a labeled\n'],
    ['label pod a app=a', 'pod/a not labeled\n'],
    ['label pod a app-', 'pod/a unlabeled\n'],
    ['label pod a app=b', "error: 'app' already has a value (a), and --overwrite is false\n"],
    ['label pod a app=b --overwrite', 'pod/a labeled\n'],
    ['label pod,deploy --all x=y', 'pod/a labeled\ndeployment.apps/web labeled\n'],
    ['annotate svc/web note=x', 'service/web annotated\n'],
    ['scale deploy/web --replicas=5', 'deployment.apps/web scaled\n'],
    ['scale deploy/web --replicas=5 --current-replicas=3', 'error: Expected replicas to be 3, was 2\n'],
    [
      'scale pod/a --replicas=5',
      'Error from server (NotFound): the server could not find the requested resource\n',
    ],
    ['set image deploy/web nginx=nginx:1.28', 'deployment.apps/web image updated\n'],
    ['set image deploy/web *=nginx:1.28', 'deployment.apps/web image updated\n'],
    ['set env deploy/web A=1 B=2', 'deployment.apps/web env updated\n'],
    ['set selector svc web app=other', 'service/web selector updated\n'],
    ['rollout restart deploy/web', 'deployment.apps/web restarted\n'],
    ['rollout pause deploy/web', 'deployment.apps/web paused\n'],
    ['rollout resume deploy/web', 'error: deployments.apps "web" is not paused\n'],
    ['patch svc web -p {"spec":{"type":"NodePort"}}', 'service/web patched\n'],
    ['patch svc web -p {}', 'service/web patched (no change)\n'],
    ['patch svc web --type=merge -p {"metadata":{"labels":{"a":"b"}}}', 'service/web patched\n'],
    ['expose deploy web --name=web2 --port=80', 'service/web2 exposed\n'],
    ['expose deploy web --port=80', 'Error from server (AlreadyExists): services "web" already exists\n'],
    [
      'create deployment web --image=nginx',
      'error: failed to create deployment: deployments.apps "web" already exists\n',
    ],
    ['create ns blue', 'namespace/blue created\n'],
    ['create cm c --from-literal=a=b', 'configmap/c created\n'],
    ['run b --image=nginx', 'pod/b created\n'],
    ['run a --image=nginx', 'Error from server (AlreadyExists): pods "a" already exists\n'],
    ['delete svc --all', 'service "web" deleted\n'],
    ['delete svc,deploy web', 'service "web" deleted\ndeployment.apps "web" deleted\n'],
    ['delete pod a', 'pod "a" deleted\n'],
    ['delete pod a --grace-period=0', 'pod "a" deleted\n'],
  ];
  test.each(cases)('%s', (line, printed) => {
    expect(lines(line)).toBe(printed);
  });
  test('are what get shows then', () => {
    expect(lines('set image deploy/web nginx=nginx:1.28', 'get deploy web -o wide')).toContain(
      'nginx        nginx:1.28   app=web',
    );
    expect(
      lines('set env deploy/web A=1', 'set env deploy/web A-', 'get deploy web -o jsonpath={..env}'),
    ).toBe('');
    expect(lines('scale deploy/web --replicas=0', 'get deploy')).toBe(
      'NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    0/0     0            0           0s\n',
    );
  });
  test('a forced deletion warns', () => {
    expect(bench.line('delete pod a --force')).toEqual({
      stdout: 'pod "a" force deleted\n',
      stderr:
        'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
      code: 0,
    });
  });
  test('a JSON patch names places', () => {
    const patch = (text: string) => bench.run(['patch', 'deploy', 'web', '--type=json', '-p', text]);
    expect(patch('[{"op":"replace","path":"/spec/replicas","value":7}]').stdout).toBe(
      'deployment.apps/web patched\n',
    );
    expect(lines('get deploy web -o jsonpath={.spec.replicas}')).toBe('7');
    expect(patch('[{"op":"remove","path":"/spec/nope"}]').code).toBe(1);
  });
});

describe('a patch', () => {
  beforeEach(() => {
    lines('apply -f web.yaml');
  });
  test('with a field that does not exist is warned about, and the field dropped', () => {
    expect(lines('patch deploy web -p {"spec":{"replica":3}}')).toBe(
      'deployment.apps/web patched (no change)\nWarning: unknown field "spec.replica"\n',
    );
    expect(lines('get deploy web -o jsonpath={.spec.replica}')).toBe('');
  });
  test('with a value of the wrong type is refused', () => {
    expect(lines('patch deploy web -p {"spec":{"replicas":"three"}}')).toBe(
      'The request is invalid: patch: Invalid value: "map[spec:map[replicas:three]]": unrecognized type: int32\n',
    );
    expect(lines('patch deploy web --type=merge -p {"spec":{"replicas":"three"}}')).toBe(
      'Error from server (BadRequest): Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\n',
    );
  });
});

describe('nodes', () => {
  beforeEach(() => {
    bench.put({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node-1', uid: 'n', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {},
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });
  test('are cordoned and uncordoned', () => {
    expect(lines('cordon node-1')).toBe('node/node-1 cordoned\n');
    expect(lines('cordon node/node-1')).toBe('node/node-1 already cordoned\n');
    expect(lines('get nodes --no-headers')).toBe('node-1   Ready,SchedulingDisabled   <none>   0s    \n');
    expect(lines('uncordon node-1')).toBe('node/node-1 uncordoned\n');
  });
  test('are tainted and untainted', () => {
    expect(lines('taint nodes node-1 k=v:NoSchedule')).toBe('node/node-1 tainted\n');
    expect(lines('taint nodes node-1 k=w:NoSchedule')).toBe(
      'error: node node-1 already has k taint(s) with same effect(s) and --overwrite is false\n',
    );
    expect(lines('get node node-1 -o jsonpath={.spec.taints}')).toBe(
      '[{"effect":"NoSchedule","key":"k","value":"v"}]',
    );
    expect(lines('taint nodes node-1 k-')).toBe('node/node-1 untainted\n');
  });
});

describe('the namespace of the context', () => {
  test('is what -n was not given for', () => {
    expect(lines('config set-context --current --namespace=kube-system', 'get pods')).toBe(
      'No resources found in kube-system namespace.\n',
    );
    expect(lines('get pods -n default')).toBe('No resources found in default namespace.\n');
    expect(lines('config get-contexts')).toContain('kubernetes-admin   kube-system');
  });
});

describe('waiting', () => {
  const pods: ResourceKind | undefined = resourceOfKind('Pod');
  const setReady = (status: string) => {
    bench.api.modify('Pod', 'default', 'a', (pod) => ({
      ...pod,
      status: {
        ...pod.status,
        conditions: [{ type: 'Ready', status: status === 'True' ? 'True' : 'False' }],
      },
    }));
  };
  beforeEach(() => {
    lines('apply -f pod.yaml');
  });
  test('ends when the condition holds', () => {
    bench.world.schedule(2_000_000, () => setReady('True'));
    expect(bench.line('wait --for=condition=Ready pod/a')).toEqual({
      stdout: 'pod/a condition met\n',
      stderr: '',
      code: 0,
    });
    expect(bench.world.now).toBe(2_000_000);
  });
  test('ends with its time', () => {
    expect(bench.line('wait --for=condition=Ready pod/a --timeout=5s')).toEqual({
      stdout: '',
      stderr: 'error: timed out waiting for the condition on pods/a\n',
      code: 1,
    });
    expect(bench.world.now).toBe(5_000_000);
  });
  test('is for deletion too', () => {
    bench.world.schedule(1_000_000, () => {
      if (pods !== undefined) bench.api.delete(pods, 'default', 'a');
    });
    expect(lines('wait --for=delete pod/a')).toBe('pod/a condition met\n');
  });
  test('get -w prints each change in the columns of the first table', () => {
    bench.world.schedule(1_000_000, () => setReady('True'));
    const { stdout, code } = bench.line('get pods -w');
    expect(stdout).toBe(
      'NAME   READY   STATUS    RESTARTS   AGE\na      0/1     Pending   0          0s\na      0/1     Pending   0          1s\n',
    );
    expect(code).toBe(130);
  });
});

test('exit codes are 0 and 1', () => {
  expect(['get pods', 'get pods nope', 'foo', 'version --client', 'get -h'].map(code)).toEqual([
    0, 1, 1, 0, 0,
  ]);
});
