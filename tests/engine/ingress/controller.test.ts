import { describe, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../../../src/engine/index.ts';

const controller = `
apiVersion: v1
kind: Namespace
metadata: { name: ingress-nginx }
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx }
spec: { controller: k8s.io/ingress-nginx }
---
apiVersion: v1
kind: Service
metadata: { name: controller, namespace: ingress-nginx }
spec:
  type: NodePort
  selector: { app: ingress }
  ports: [{ name: http, port: 80, targetPort: http, nodePort: 30080 }]
---
apiVersion: v1
kind: Pod
metadata: { name: controller, namespace: ingress-nginx, labels: { app: ingress } }
spec:
  nodeName: node-2
  containers:
    - name: controller
      image: registry.k8s.io/ingress-nginx/controller:v1.12.1
      args: [/nginx-ingress-controller, --ingress-class=nginx]
      ports: [{ name: http, containerPort: 80 }]
`;

const backends = `
apiVersion: v1
kind: Pod
metadata: { name: a, labels: { app: web } }
spec: { nodeName: node-1, containers: [{ name: c, image: traefik/whoami, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: b, labels: { app: web } }
spec: { nodeName: node-1, containers: [{ name: c, image: traefik/whoami, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: other, labels: { app: other } }
spec: { nodeName: node-1, containers: [{ name: c, image: hashicorp/http-echo, args: [-text=other] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: other }
spec: { selector: { app: other }, ports: [{ port: 8080, targetPort: 5678 }] }
---
apiVersion: v1
kind: Service
metadata: { name: empty }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: refused }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 81 }] }
---
apiVersion: v1
kind: Service
metadata: { name: outside }
spec: { type: ExternalName, externalName: example.com }
`;

interface Path {
  readonly path: string;
  readonly type?: string;
  readonly service: string;
  readonly port?: number | string;
}

const ingress = (
  name: string,
  rules: Readonly<Record<string, readonly Path[]>>,
  extra: {
    readonly class?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly spec?: object;
  } = {},
): string =>
  JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, annotations: extra.annotations },
    spec: {
      ingressClassName: 'class' in extra ? extra.class : 'nginx',
      ...extra.spec,
      rules: Object.entries(rules).map(([host, paths]) => ({
        ...(host === '' ? {} : { host }),
        http: {
          paths: paths.map(({ path, type = 'Prefix', service, port = 80 }) => ({
            path,
            pathType: type,
            backend: {
              service: { name: service, port: typeof port === 'number' ? { number: port } : { name: port } },
            },
          })),
        },
      })),
    },
  });

function clusterWith(...manifests: readonly string[]): Cluster {
  const made = createCluster({ nodes: 2, limits: { output: 4_000_000 } });
  if ('diagnostics' in made) throw new Error('no cluster');
  for (const manifest of [controller, backends, ...manifests]) {
    const { diagnostics } = made.cluster.apply(manifest);
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  }
  return made.cluster;
}

const ask = (cluster: Cluster, host: string, path = '/', options = ''): string =>
  cluster.run(
    `ssh ext "curl -s ${options} -o /dev/null -w '%{http_code}' -H 'Host: ${host}' http://192.168.50.11:30080${path}"`,
    { record: false },
  ).output;
const body = (cluster: Cluster, host: string, path = '/'): string =>
  cluster.run(`ssh ext "curl -s -H 'Host: ${host}' http://192.168.50.11:30080${path}"`, { record: false })
    .output;

describe('hosts and paths choose the backend', () => {
  const cluster = clusterWith(
    ingress('web', {
      'web.example.com': [
        { path: '/', service: 'web', port: 'http' },
        { path: '/other', service: 'other', port: 8080 },
        { path: '/exact', type: 'Exact', service: 'other', port: 8080 },
        { path: '/impl', type: 'ImplementationSpecific', service: 'other', port: 8080 },
      ],
      '*.wild.example.com': [{ path: '/', service: 'other', port: 8080 }],
      'only.example.com': [{ path: '/app', service: 'other', port: 8080 }],
    }),
  );
  it.each([
    ['web.example.com', '/', /^Hostname: [ab]$/m],
    ['WEB.example.com:8080', '/deep/er', /^Hostname: [ab]$/m],
    ['web.example.com', '/other', /^other$/],
    ['web.example.com', '/other/deeper', /^other$/],
    ['web.example.com', '/otherwise', /^Hostname/],
    ['web.example.com', '/exact', /^other$/],
    ['web.example.com', '/exact/', /^Hostname/],
    ['web.example.com', '/implementation', /^other$/],
    ['web.example.com', '/other?q=1', /^other$/],
    ['a.wild.example.com', '/', /^other$/],
    ['a.b.wild.example.com', '/', /404 Not Found/],
    ['wild.example.com', '/', /404 Not Found/],
    ['only.example.com', '/', /404 Not Found/],
    ['only.example.com', '/app/x', /^other$/],
    ['nobody.example.com', '/', /404 Not Found/],
  ])('%s%s', (host, path, expected) => {
    expect(body(cluster, host, path).trimEnd()).toMatch(expected);
  });

  it('takes endpoints in turn, from the pod itself and not through the Service', () => {
    const answers = [1, 2, 3, 4].map(() => body(cluster, 'web.example.com'));
    const names = answers.map((answer) => /^Hostname: (\w)$/m.exec(answer)?.[1]);
    expect(names[0]).toBe(names[2]);
    expect(names[1]).toBe(names[3]);
    expect(names[0]).not.toBe(names[1]);
    const { record } = cluster.run(
      `ssh ext "curl -s -H 'Host: web.example.com' http://192.168.50.11:30080/"`,
    );
    const chosen = record.events.filter(
      (event) =>
        event.kind === 'decision' && event.decision.code === 'app' && event.decision.event === 'backend',
    );
    expect(chosen).toHaveLength(1);
    expect(
      record.walks.some(({ summary }) => /^10\.244\.2\.\d+:\d+ > 10\.244\.1\.\d+:80 /.test(summary)),
    ).toBe(true);
  });

  it('tells the backend who asked, and for what', () => {
    const answer = body(cluster, 'web.example.com');
    for (const line of [
      'Host: web.example.com',
      'X-Forwarded-Host: web.example.com',
      'X-Forwarded-Proto: http',
      'X-Scheme: http',
    ])
      expect(answer).toContain(`${line}\n`);
    expect(answer).toMatch(/^X-Forwarded-For: 10\.244\.\d+\.\d+$/m);
  });

  it('is published with the address of its node and an event', () => {
    expect(cluster.run('kubectl get ingress web').output).toMatch(/^web +nginx +\S+ +192\.168\.50\.12 +80 /m);
    expect(cluster.run('kubectl describe ingress web').output).toMatch(
      /Normal +Sync +\S+ +nginx-ingress-controller +Scheduled for sync/,
    );
  });
});

describe('rewrite-target and use-regex', () => {
  const annotations = (more: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(more).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]),
    );
  const seen = (cluster: Cluster, path: string): string | undefined =>
    /^GET (\S+) /m.exec(body(cluster, 'r.example.com', path))?.[1];
  const withPath = (path: string, more: Readonly<Record<string, string>>): Cluster =>
    clusterWith(
      ingress(
        'r',
        { 'r.example.com': [{ path, type: 'ImplementationSpecific', service: 'web' }] },
        { annotations: annotations(more) },
      ),
    );

  it('puts the groups of the path where the target names them, and keeps the query', () => {
    const cluster = withPath('/something(/|$)(.*)', { 'rewrite-target': '/$2', 'use-regex': 'true' });
    expect(['/something', '/something/', '/something/new?a=b'].map((path) => seen(cluster, path))).toEqual([
      '/',
      '/',
      '/new?a=b',
    ]);
    expect(ask(cluster, 'r.example.com', '/somethingelse')).toBe('404');
  });

  it('asks for the target itself where it names no group', () => {
    expect(seen(withPath('/app', { 'rewrite-target': '/' }), '/app/deep/er')).toBe('/');
  });

  it('compares patterns without regard to case, and answers 404 to a pattern that is none', () => {
    const regex = { 'use-regex': 'true' };
    expect(seen(withPath('/a[0-9]+$', regex), '/A12')).toBe('/A12');
    expect(ask(withPath('/a(', regex), 'r.example.com', '/a')).toBe('404');
  });

  it('a pattern that would take for ever takes its steps and no more', () => {
    expect(ask(withPath('/(a+)+$', { 'use-regex': 'true' }), 'r.example.com', `/${'a'.repeat(2000)}b`)).toBe(
      '404',
    );
  });
});

describe('the errors are those of a real one', () => {
  it('404 without a rule, 503 without endpoints, Service or port, 502 when every try is refused', () => {
    const cluster = clusterWith(
      ingress('errors', {
        'e.example.com': [
          { path: '/empty', service: 'empty' },
          { path: '/missing', service: 'missing' },
          { path: '/no-port', service: 'web', port: 99 },
          { path: '/refused', service: 'refused' },
        ],
      }),
    );
    const codes = ['/', '/empty', '/missing', '/no-port', '/refused'].map((path) =>
      ask(cluster, 'e.example.com', path),
    );
    expect(codes).toEqual(['404', '503', '503', '503', '502']);
    const log = cluster.run('kubectl logs -n ingress-nginx controller').output;
    expect(log).toMatch(
      /\[default-refused-80\] \[\] \S+:81, \S+:81, \S+:81 0, 0, 0 \S+, \S+, \S+ 502, 502, 502 \w{32}$/m,
    );
    expect(
      log.match(/connect\(\) failed \(111: Connection refused\) while connecting to upstream/g),
    ).toHaveLength(3);
    expect(log).toContain('[upstream-default-backend] []');
  });

  it('504 when the endpoints stay silent, after the time-outs of three tries', () => {
    const cluster = clusterWith(ingress('web', { 'w.example.com': [{ path: '/', service: 'web' }] }));
    cluster.run('ssh node-1 iptables -I FORWARD -s 10.244.2.0/24 -p tcp --dport 80 -j DROP');
    const before = cluster.now();
    expect(ask(cluster, 'w.example.com')).toBe('504');
    expect((cluster.now() - before) / 1e6).toBeGreaterThanOrEqual(15);
    cluster.run('ssh node-1 iptables -D FORWARD -s 10.244.2.0/24 -p tcp --dport 80 -j DROP');
    expect(ask(cluster, 'w.example.com')).toBe('200');
  });

  it('waits no longer than its annotations say, and tries no oftener', () => {
    const prefix = 'nginx.ingress.kubernetes.io';
    const annotations = {
      [`${prefix}/proxy-connect-timeout`]: '1',
      [`${prefix}/proxy-next-upstream-tries`]: '1',
    };
    const cluster = clusterWith(
      ingress('web', { 'w.example.com': [{ path: '/', service: 'web' }] }, { annotations }),
    );
    cluster.run('ssh node-1 iptables -I FORWARD -s 10.244.2.0/24 -p tcp --dport 80 -j DROP');
    const before = cluster.now();
    expect(ask(cluster, 'w.example.com')).toBe('504');
    expect((cluster.now() - before) / 1e6).toBeLessThan(2);
  });

  it('413 for a body over a megabyte', () => {
    const cluster = clusterWith(ingress('web', { '': [{ path: '/', service: 'web' }] }));
    cluster.run('ssh ext "seq 1 100000 > /tmp/half; cat /tmp/half /tmp/half > /tmp/body"');
    expect(ask(cluster, 'w', '/', '-T /tmp/body')).toBe('413');
  });
});

describe('which Ingresses count', () => {
  const rules = (service: string): Readonly<Record<string, readonly Path[]>> => ({
    'c.example.com': [{ path: '/', service, port: 'other' === service ? 8080 : 80 }],
  });

  it('those of its class, by field or annotation; not those of none or another', () => {
    const cluster = clusterWith(
      ingress('none', rules('web'), { class: undefined }),
      ingress('foreign', rules('web'), { class: 'traefik' }),
    );
    expect(ask(cluster, 'c.example.com')).toBe('404');
    cluster.apply(
      ingress('annotated', rules('web'), {
        class: undefined,
        annotations: { 'kubernetes.io/ingress.class': 'nginx' },
      }),
    );
    expect(ask(cluster, 'c.example.com')).toBe('200');
    expect(cluster.run('kubectl get ingress none -o jsonpath={.status.loadBalancer}').output).toBe('{}');
  });

  it('one without a class gets the class that is marked as the default', () => {
    const cluster = clusterWith();
    cluster.run('kubectl annotate ingressclass nginx ingressclass.kubernetes.io/is-default-class=true');
    cluster.apply(ingress('none', rules('web'), { class: undefined }));
    expect(cluster.run('kubectl get ingress none -o jsonpath={.spec.ingressClassName}').output).toBe('nginx');
    expect(ask(cluster, 'c.example.com')).toBe('200');
  });

  it('the older one where two claim a path; the other after it is gone', () => {
    const cluster = clusterWith(ingress('first', rules('other')));
    cluster.advance(2_000_000);
    cluster.apply(ingress('a-later', rules('web')));
    expect(body(cluster, 'c.example.com')).toBe('other\n');
    cluster.run('kubectl delete ingress first');
    expect(body(cluster, 'c.example.com')).toMatch(/^Hostname/);
  });

  it('a default backend takes what the rules leave', () => {
    const cluster = clusterWith(
      ingress(
        'web',
        { 'd.example.com': [{ path: '/app', service: 'web' }] },
        { spec: { defaultBackend: { service: { name: 'other', port: { number: 8080 } } } } },
      ),
    );
    expect(body(cluster, 'd.example.com', '/app')).toMatch(/^Hostname/);
    expect(body(cluster, 'd.example.com', '/')).toBe('other\n');
    expect(ask(cluster, 'nobody.example.com')).toBe('404');
  });
});

it('redirects to https where the host has a certificate, unless told not to', () => {
  const tls = { tls: [{ hosts: ['s.example.com'], secretName: 's' }] };
  const cluster = clusterWith(
    ingress('s', { 's.example.com': [{ path: '/', service: 'web' }] }, { spec: tls }),
  );
  const head = cluster.run(
    `ssh ext "curl -si -H 'Host: s.example.com' http://192.168.50.11:30080/x?y=1"`,
  ).output;
  expect(head).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r?$/m);
  expect(head).toMatch(/^Location: https:\/\/s\.example\.com\/x\?y=1\r?$/m);
  cluster.run('kubectl annotate ingress s nginx.ingress.kubernetes.io/ssl-redirect=false');
  expect(ask(cluster, 's.example.com')).toBe('200');
});

it('asks a name server for the address of an ExternalName', () => {
  const cluster = clusterWith(ingress('o', { 'o.example.com': [{ path: '/', service: 'outside' }] }));
  expect(body(cluster, 'o.example.com')).toContain('Example Domain');
});

it('serves nobody once its pod is gone, and everybody when it is back', () => {
  const cluster = clusterWith(ingress('web', { '': [{ path: '/', service: 'web' }] }));
  expect(ask(cluster, 'x')).toBe('200');
  cluster.run('kubectl delete pod -n ingress-nginx controller --now');
  expect(ask(cluster, 'x')).toBe('000');
  cluster.apply(controller);
  expect(ask(cluster, 'x')).toBe('200');
});

describe('installed by its address', () => {
  const address = (provider: string): string =>
    `https://raw.githubusercontent.com/kubernetes/ingress-nginx/controller-v1.13.3/deploy/static/provider/${provider}/deploy.yaml`;
  it.each([
    ['baremetal', /^web +nginx +\* +192\.168\.50\.1[12] +80 /m, 'NodePort'],
    ['cloud', /^web +nginx +\* +80 /m, 'LoadBalancer'],
    ['kind', /^web +nginx +\* +localhost +80 /m, 'NodePort'],
  ])('%s', (provider, published, type) => {
    const made = createCluster({ nodes: 2 });
    if ('diagnostics' in made) throw new Error('no cluster');
    const { cluster } = made;
    cluster.apply(backends);
    const { diagnostics } = cluster.apply(ingress('web', { '': [{ path: '/', service: 'web' }] }));
    expect(diagnostics.map(({ code }) => code)).toEqual(['ingress/no-controller']);
    expect(cluster.run(`kubectl apply -f ${address(provider)}`).output).toContain(
      'deployment.apps/ingress-nginx-controller created\n',
    );
    const wait =
      'kubectl wait -n ingress-nginx --for=condition=ready pod -l app.kubernetes.io/component=controller';
    expect(cluster.run(wait).exitCode).toBe(0);
    const service = 'kubectl get -n ingress-nginx svc ingress-nginx-controller';
    expect(cluster.run(`${service} -o jsonpath={.spec.type}`).output).toBe(type);
    expect(cluster.run('kubectl get ingress web').output).toMatch(published);
    const port = cluster.run(`${service} -o jsonpath={.spec.ports[0].nodePort}`).output;
    const node = cluster.run('kubectl get po -n ingress-nginx -o jsonpath={.items[0].status.hostIP}').output;
    expect(cluster.run(`ssh ext curl -s http://${node}:${port}/`).output).toMatch(/^Hostname: [ab]$/m);
    if (provider === 'kind')
      expect(cluster.run(`ssh ext curl -s http://${node}/`).output).toMatch(/^Hostname: [ab]$/m);
  });

  it('fetches nothing else', () => {
    const { output, exitCode } = clusterWith().run('kubectl apply -f https://example.com/x.yaml');
    expect([output, exitCode]).toEqual([
      'error: Get "https://example.com/x.yaml": dial tcp: lookup example.com: no such host\n',
      1,
    ]);
  });
});
