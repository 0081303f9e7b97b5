import { describe, expect, test } from 'vitest';
import { apply, newServer, podText } from './server-under-test.ts';

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: pod-a
spec:
  containers:
  - name: web
    image: nginx
    ports:
    - containerPort: 80
`;

const handled =
  'Error from server (BadRequest): error when creating "x.yaml": Pod in version "v1" cannot be handled as a Pod: ';

describe('strict decoding', () => {
  test.each([
    [
      'an unknown field',
      'containers:',
      'contaners:',
      'strict decoding error: unknown field "spec.contaners"',
      6,
      3,
      'did you mean "containers"?',
    ],
    [
      'an unknown field in a list',
      'image: nginx',
      'imagee: nginx',
      'strict decoding error: unknown field "spec.containers[0].imagee"',
      8,
      5,
      'did you mean "image"?',
    ],
    [
      'another case',
      'containerPort',
      'containerport',
      'strict decoding error: unknown field "spec.containers[0].ports[0].containerport"',
      10,
      7,
      'did you mean "containerPort"?',
    ],
    [
      'a field of a part',
      'metadata:\n  name: pod-a\nspec:',
      'metadata:\n  name: pod-a\nspec:\n  image: nginx',
      'strict decoding error: unknown field "spec.image"',
      6,
      3,
      '"image" belongs in spec.containers[]',
    ],
    [
      'a field indented too far',
      'metadata:',
      'metadata:\n  spec: {}',
      'strict decoding error: unknown field "metadata.spec"',
      4,
      3,
      '"spec" belongs to the Pod around it: check the indentation',
    ],
    [
      'a key written twice',
      'image: nginx',
      'image: nginx\n    image: httpd',
      'strict decoding error: duplicate field "spec.containers[0].image"',
      9,
      5,
      'YAML keeps only the last of equal keys',
    ],
    [
      'a number for text',
      'name: web',
      'name: 8',
      'json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string',
      7,
      11,
      'put the value in quotes: it must be text',
    ],
    [
      'text for a number',
      'containerPort: 80',
      'containerPort: "80"',
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
      10,
      22,
      'write the number without quotes',
    ],
    [
      'a fraction for a number',
      'containerPort: 80',
      'containerPort: 80.5',
      'json: cannot unmarshal number 80.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
      10,
      22,
      undefined,
    ],
    [
      'a mapping for a list',
      'ports:\n    - containerPort: 80',
      'ports:\n      containerPort: 80',
      'json: cannot unmarshal object into Go struct field Container.spec.containers.ports of type []v1.ContainerPort',
      10,
      7,
      'a list is wanted here: begin each item with "- "',
    ],
    [
      'a list for a mapping',
      'metadata:\n  name: pod-a',
      'metadata:\n  - name: pod-a',
      'json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta',
      4,
      3,
      'one value is wanted here, not a list',
    ],
    [
      'a number as a label',
      'name: pod-a',
      'name: pod-a\n  labels: {v: 1}',
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
      5,
      15,
      'put the value in quotes: it must be text',
    ],
    [
      'a bool for text',
      'image: nginx',
      'image: nginx\n    args: [yes]',
      'json: cannot unmarshal bool into Go struct field Container.spec.containers.args of type string',
      9,
      12,
      'put the value in quotes: it must be text',
    ],
    [
      'a bad quantity',
      'image: nginx',
      'image: nginx\n    resources: {limits: {cpu: lots}}',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      9,
      31,
      undefined,
    ],
  ])('%s', (_, from, to, message, line, column, hint) => {
    const outcome = apply(newServer(), pod.replace(from, to));
    expect(outcome.stderr).toEqual([handled + message]);
    expect(outcome.diagnostics).toEqual([
      expect.objectContaining({
        severity: 'error',
        message,
        line,
        column,
        file: 'x.yaml',
        ...(hint === undefined ? {} : { hint }),
      }),
    ]);
  });

  test('every unknown field is told in one line, and each has its own place', () => {
    const outcome = apply(newServer(), pod.replace('image:', 'img:').replace('ports:', 'prts:'));
    expect(outcome.stderr).toEqual([
      `${handled}strict decoding error: unknown field "spec.containers[0].img", unknown field "spec.containers[0].prts"`,
    ]);
    expect(outcome.diagnostics.map(({ line }) => line)).toEqual([8, 9]);
  });

  test('a wrong type hides unknown fields, as in the server', () => {
    const outcome = apply(newServer(), pod.replace('image:', 'img:').replace('80', '"80"'));
    expect(outcome.diagnostics).toHaveLength(1);
    expect(outcome.diagnostics[0]?.code).toBe('manifest/type');
  });

  test('a merge key takes its errors to the anchor that it names', () => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: a\n  lables: {}\nspec: {containers: [{name: c, image: i}]}\n`;
    expect(apply(newServer(), text).diagnostics[0]).toMatchObject({
      line: 5,
      column: 3,
      hint: 'did you mean "labels"?',
    });
  });
});

describe('what is no object', () => {
  test.each([
    [
      'an unknown kind',
      'apiVersion: v1\nkind: Foo\nmetadata: {name: f, namespace: n}',
      2,
      'error: resource mapping not found for name: "f" namespace: "n" from "x.yaml": no matches for kind "Foo" in version "v1"\nensure CRDs are installed first',
    ],
    [
      'a kind misspelt',
      'apiVersion: v1\nkind: Servic',
      2,
      'error: resource mapping not found for name: "" namespace: "" from "x.yaml": no matches for kind "Servic" in version "v1"\nensure CRDs are installed first',
    ],
    [
      'the wrong version',
      'apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: d}',
      1,
      'error: resource mapping not found for name: "d" namespace: "" from "x.yaml": no matches for kind "Deployment" in version "extensions/v1beta1"\nensure CRDs are installed first',
    ],
    [
      'no kind',
      'apiVersion: v1\nmetadata: {name: x}',
      1,
      'error: error validating "x.yaml": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false',
    ],
    [
      'no apiVersion',
      'kind: Pod',
      1,
      'error: error validating "x.yaml": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false',
    ],
    [
      'neither',
      'foo: bar',
      1,
      'error: error validating "x.yaml": error validating data: [apiVersion not set, kind not set]; if you choose to ignore these errors, turn validation off with --validate=false',
    ],
    [
      'a bare text',
      'hello',
      1,
      'error: error validating "x.yaml": error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false',
    ],
    [
      'broken YAML',
      'a: b: c',
      1,
      'error: error parsing x.yaml: error converting YAML to JSON: yaml: line 1: mapping values are not allowed in this context',
    ],
    ['nothing', '\n# only words\n', 1, 'error: no objects passed to apply'],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}', 3, 'error: resource name may not be empty'],
    [
      'a generated name',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}',
      3,
      'error: from a-: cannot use generate name with apply',
    ],
  ])('%s', (_, text, line, stderr) => {
    const outcome = apply(newServer(), text);
    expect(outcome.stderr).toEqual([stderr]);
    expect(outcome.diagnostics[0]).toMatchObject({ severity: 'error', line });
    expect(outcome.ok).toBe(false);
  });

  test.each([
    ['apiVersion: v1\nkind: Servic', 'did you mean "Service"?'],
    ['apiVersion: v1\nkind: Deployment', 'a Deployment is in apps/v1'],
    ['apiVersion: v1\nKind: Pod', '"Kind" is written "kind"'],
    ['apiversion: v1\nkind: Pod', '"apiversion" is written "apiVersion"'],
    ['kind: Pod', 'a Pod is in v1'],
  ])('%j has a hint', (text, hint) => {
    expect(apply(newServer(), text).diagnostics[0]?.hint).toBe(hint);
  });

  test('objects around an unknown kind are applied, as kubectl goes on', () => {
    const outcome = apply(
      newServer(),
      `${podText('a')}\n---\n{apiVersion: v1, kind: Foo}\n---\n${podText('b')}`,
    );
    expect(outcome.stdout).toEqual(['pod/a created', 'pod/b created']);
    expect(outcome.stderr).toHaveLength(1);
  });

  test('objects before broken YAML are applied, those after are not read', () => {
    const outcome = apply(newServer(), `${podText('a')}\n---\na: b: c\n---\n${podText('b')}`);
    expect(outcome.stdout).toEqual(['pod/a created']);
  });
});

describe('lists', () => {
  test('a List is taken apart, and errors keep their place', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- ${podText('a')}\n- ${podText('b', 'imagee: x')}\n`;
    const outcome = apply(newServer(), text);
    expect(outcome.stdout).toEqual(['pod/a created']);
    expect(outcome.diagnostics[0]).toMatchObject({
      line: 5,
      message: 'strict decoding error: unknown field "spec.containers[0].imagee"',
    });
  });
});

test('a kind of Kubernetes that is not modelled is accepted and said to have no effect', () => {
  const outcome = apply(
    newServer(),
    '{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {anything: 1}}',
  );
  expect(outcome.stdout).toEqual(['persistentvolumeclaim/data created']);
  expect(outcome.diagnostics).toEqual([
    expect.objectContaining({ severity: 'info', code: 'manifest/no-effect', line: 1 }),
  ]);
  expect(outcome.ok).toBe(true);
});

describe('a manifest with too much wrong is bounded', () => {
  const lines = (line: (i: number) => string) => Array.from({ length: 3000 }, (_, i) => line(i)).join('\n');
  const head = (kind: string) => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: a}\n`;

  test.each([
    ['unknown fields', `${head('Pod')}spec:\n${lines((i) => `  f${i}: 1`)}`],
    ['keys written twice', `${head('ConfigMap')}data:\n${lines(() => '  f: x')}`],
    ['bad keys', `${head('ConfigMap')}data:\n${lines((i) => `  "${i}/": x`)}`],
  ])('%s', (_, text) => {
    expect(apply(newServer(), text).diagnostics).toHaveLength(100);
  });

  test('a long value is cut', () => {
    const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${'a-'.repeat(100_000)}}}`;
    for (const { message } of apply(newServer(), text).diagnostics) expect(message.length).toBeLessThan(3000);
    expect(
      apply(
        newServer(),
        podText('a', `workingDir: /, ports: [{containerPort: 1, name: ${'b'.repeat(100_000)}}]`),
      ).stderr[0]?.length,
    ).toBeLessThan(3000);
  });
});
