import { describe, expect, test } from 'vitest';
import { hasTag, imageOf } from '../../../src/engine/apps/catalog.ts';
import { parseImage } from '../../../src/engine/apps/image.ts';
import { nginxWelcome } from '../../../src/engine/apps/nginx-files.ts';
import { createCluster } from '../../../src/engine/index.ts';
import type { Cluster } from '../../../src/engine/index.ts';

describe('image names', () => {
  test.each([
    ['nginx', 'docker.io', 'library/nginx', 'latest'],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27'],
    ['hashicorp/http-echo', 'docker.io', 'hashicorp/http-echo', 'latest'],
    ['registry.k8s.io/e2e-test-images/agnhost:2.47', 'registry.k8s.io', 'e2e-test-images/agnhost', '2.47'],
    ['localhost:5000/a/b:c', 'localhost:5000', 'a/b', 'c'],
    [`nginx@sha256:${'0'.repeat(64)}`, 'docker.io', 'library/nginx', ''],
  ])('%s', (text, registry, repository, tag) => {
    expect(parseImage(text)).toMatchObject({ registry, repository, tag });
  });

  test.each(['', 'Nginx', 'nginx:', 'nginx:a b', 'a//b', '-x', 'nginx@sha256:12'])('%j is none', (text) => {
    expect(parseImage(text)).toBeUndefined();
  });

  test.each([
    ['nginx:1.27-alpine', true],
    ['nginx:stable', true],
    ['nginx:doesnotexist', false],
    ['busybox:1.36', true],
    ['example.com/mine:anything', true],
  ])('%s can be pulled: %s', (text, wanted) => {
    const reference = parseImage(text);
    expect(reference !== undefined && hasTag(reference)).toBe(wanted);
  });

  test.each([
    ['nginx', 'debian'],
    ['nginx:1.27-alpine', 'busybox'],
    ['alpine:3.20', 'busybox'],
    ['hashicorp/http-echo:1.0', 'none'],
    ['docker.io/library/busybox', 'busybox'],
    ['public.ecr.aws/docker/library/httpd:2.4', 'debian'],
  ])('%s has the userland of %s', (text, wanted) => {
    const reference = parseImage(text);
    expect(reference === undefined ? undefined : imageOf(reference).userland).toBe(wanted);
  });
});

test("nginx' welcome page has its 615 bytes", () => {
  expect(new TextEncoder().encode(nginxWelcome)).toHaveLength(615);
});

describe('containers', () => {
  interface Given {
    readonly image: string;
    readonly command?: readonly string[];
    readonly args?: readonly string[];
    readonly env?: readonly object[];
    readonly ports?: readonly object[];
  }

  function cluster(given: Given, extra: readonly object[] = [], spec: object = {}): Cluster {
    const made = createCluster({ nodes: 1 });
    if ('diagnostics' in made) throw new Error('no cluster');
    const pods = [
      {
        name: 'client',
        spec: { containers: [{ name: 'c', image: 'nicolaka/netshoot', command: ['sleep', 'infinity'] }] },
      },
      { name: 'app', spec: { containers: [{ name: 'app', ...given }], ...spec } },
    ].map(({ name, spec: podSpec }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: podSpec,
    }));
    const applied = made.cluster.apply(
      [...extra, ...pods].map((object) => JSON.stringify(object)).join('\n---\n'),
    );
    if (!applied.ok) throw new Error(applied.output);
    return made.cluster;
  }

  const curl = (target: string): string => `kubectl exec client -- curl -s -m 2 http://10.244.1.3${target}`;

  test.each<[string, Given, string, string]>([
    ['nginx', { image: 'nginx:1.27' }, curl(''), nginxWelcome],
    [
      'nginx, a page that is not there',
      { image: 'nginx:1.27' },
      `${curl('/no')} | head -n 2`,
      '<html>\r\n<head><title>404 Not Found</title></head>\r\n',
    ],
    ['httpd', { image: 'httpd:2.4' }, curl(''), '<html><body><h1>It works!</h1></body></html>\n'],
    [
      'http-echo with its flags',
      { image: 'hashicorp/http-echo', args: ['-text=hi', '-listen=:80'] },
      curl(''),
      'hi\n',
    ],
    ['http-echo without', { image: 'hashicorp/http-echo', args: ['-text', 'hi'] }, curl(':5678'), 'hi\n'],
    [
      'agnhost netexec',
      { image: 'registry.k8s.io/e2e-test-images/agnhost:2.47', args: ['netexec', '--http-port=80'] },
      curl('/hostname'),
      'app',
    ],
    [
      'agnhost serve-hostname',
      { image: 'registry.k8s.io/e2e-test-images/agnhost:2.47', args: ['serve-hostname'] },
      curl(':9376'),
      'app',
    ],
    [
      'agnhost over UDP',
      { image: 'registry.k8s.io/e2e-test-images/agnhost:2.47', args: ['netexec'] },
      'echo hostname | kubectl exec -i client -- nc -u -w 1 10.244.1.3 8081',
      'app',
    ],
    [
      'hello-app',
      { image: 'gcr.io/google-samples/hello-app:2.0' },
      curl(':8080'),
      'Hello, world!\nVersion: 2.0.0\nHostname: app\n',
    ],
    [
      'python',
      { image: 'python:3.13', command: ['python', '-m', 'http.server', '9000'] },
      `${curl(':9000')} | grep title`,
      '<title>Directory listing for /</title>\n',
    ],
    [
      'redis',
      { image: 'redis:7' },
      'printf "PING\\r\\nSET a 1\\r\\nGET a\\r\\nQUIT\\r\\n" | kubectl exec -i client -- nc 10.244.1.3 6379',
      '+PONG\r\n+OK\r\n$1\r\n1\r\n+OK\r\n',
    ],
    [
      'whoami',
      { image: 'traefik/whoami' },
      `${curl('/x')} | grep -v ^RemoteAddr | head -n 6`,
      'Hostname: app\nIP: 127.0.0.1\nIP: ::1\nIP: 10.244.1.3\nGET /x HTTP/1.1\nHost: 10.244.1.3\n',
    ],
    [
      'a script',
      { image: 'busybox', command: ['sh', '-c', 'while true; do echo one | nc -l -p 80; done'] },
      'kubectl exec client -- nc -w 1 10.244.1.3 80',
      'one\n',
    ],
  ])('%s', (_, given, command, wanted) => {
    expect(cluster(given).run(command).stdout).toBe(wanted);
  });

  test('of an image that is not known stand in for it and say so', () => {
    const made = createCluster({ nodes: 1 });
    if ('diagnostics' in made) throw new Error('no cluster');
    const applied = made.cluster.apply(
      'apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - name: app\n    image: example.com/mine:1\n    ports: [{containerPort: 8080}]\n',
    );
    expect(applied.diagnostics.map(({ severity, code, line }) => [severity, code, line])).toEqual([
      ['warning', 'image/stand-in', 7],
    ]);
    expect(made.cluster.run('ssh node-1 curl -s http://10.244.1.2:8080').stdout).toBe(
      'stand-in for example.com/mine:1: what this image really answers is not simulated\n',
    );
    expect(made.cluster.run('kubectl describe pod app').stdout).toContain(
      'Image "example.com/mine:1" is not one that is simulated',
    );
  });

  test.each<[string, Given, string]>([
    ['sleep listens on nothing', { image: 'nginx', command: ['sleep', '3600'] }, 'exit 7'],
    [
      'a port that another address has',
      { image: 'hashicorp/http-echo', args: ['-text=x', '-listen=127.0.0.1:80'] },
      'exit 7',
    ],
  ])('%s', (_, given, wanted) => {
    expect(`exit ${cluster(given).run(curl('')).exitCode}`).toBe(wanted);
  });

  test.each<[string, Given, string, string]>([
    ['busybox without a terminal ends well, again and again', { image: 'busybox' }, 'CrashLoopBackOff', ''],
    [
      'postgres wants a password',
      { image: 'postgres:17' },
      'CrashLoopBackOff',
      'superuser password is not specified',
    ],
    ['http-echo wants a text', { image: 'hashicorp/http-echo' }, 'CrashLoopBackOff', 'Missing -text option!'],
  ])('%s', (_, given, state, log) => {
    const made = cluster(given);
    made.advance(60_000_000);
    expect(made.view().pods.find(({ name }) => name === 'app')?.containers[0]?.state).toBe(state);
    expect(made.run('kubectl logs app').output).toContain(log);
  });

  test('of a program that the image lacks cannot start', () => {
    const made = cluster({ image: 'nginx', command: ['nope'] });
    expect(made.run('kubectl describe pod app').output).toContain(
      'exec: "nope": executable file not found in $PATH',
    );
  });

  test('of a tag that is not there cannot be pulled', () => {
    const made = cluster({ image: 'nginx:doesnotexist' });
    expect(['ErrImagePull', 'ImagePullBackOff']).toContain(
      made.view().pods.find(({ name }) => name === 'app')?.containers[0]?.state,
    );
  });

  test('see their environment: values, fields, ConfigMaps, Services', () => {
    const made = cluster(
      {
        image: 'busybox',
        command: ['sh', '-c', 'env; sleep 1000'],
        env: [
          { name: 'PLAIN', value: 'a' },
          { name: 'BOTH', value: '$(PLAIN)-$(MISSING)-$$(PLAIN)' },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'FROM', valueFrom: { configMapKeyRef: { name: 'config', key: 'key' } } },
        ],
      },
      [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data: { key: 'value' } },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'my-web' },
          spec: { clusterIP: '10.96.0.50', ports: [{ port: 80 }] },
        },
      ],
    );
    const lines = made.run('kubectl logs app').stdout.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'PLAIN=a',
        'BOTH=a-$(MISSING)-$(PLAIN)',
        'IP=10.244.1.3',
        'FROM=value',
        'MY_WEB_SERVICE_HOST=10.96.0.50',
        'KUBERNETES_SERVICE_PORT_HTTPS=443',
        'HOSTNAME=app',
      ]),
    );
  });

  test('serve what a ConfigMap mounts, with the configuration that it mounts', () => {
    const made = cluster(
      { image: 'nginx' },
      [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'web' },
          data: {
            'default.conf':
              'server { listen 8080; location / { root /srv; } location = /healthz { return 200 "ok\\n"; } }',
            'index.html': 'hello from a map\n',
          },
        },
      ],
      {
        containers: [
          {
            name: 'app',
            image: 'nginx',
            volumeMounts: [
              { name: 'conf', mountPath: '/etc/nginx/conf.d' },
              { name: 'conf', mountPath: '/srv/index.html', subPath: 'index.html' },
            ],
          },
        ],
        volumes: [{ name: 'conf', configMap: { name: 'web' } }],
      },
    );
    expect(made.run(curl(':8080')).stdout).toBe('hello from a map\n');
    expect(made.run(curl(':8080/healthz')).stdout).toBe('ok\n');
    expect(made.run(curl(':80')).exitCode).toBe(7);
  });

  test('serve what is written into them', () => {
    const made = cluster({ image: 'nginx' });
    made.run("kubectl exec app -- sh -c 'echo mine > /usr/share/nginx/html/index.html'");
    expect(made.run(curl('')).stdout).toBe('mine\n');
  });

  test('that ignore SIGTERM as PID 1 are waited for', () => {
    const made = cluster({ image: 'busybox', command: ['sleep', '3600'] });
    const before = made.now();
    made.run('kubectl delete pod app');
    expect(made.now() - before).toBeGreaterThan(29_000_000);
  });
});
