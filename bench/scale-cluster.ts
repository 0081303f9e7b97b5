/** One cluster of a size, in a process of its own: what it cost, as a line of JSON. */
import { createCluster } from '../src/engine/index.ts';

export interface ScaleResult {
  readonly pods: number;
  readonly nodes: number;
  readonly services: number;
  /** Processor seconds, the collector's and the compiler's threads included. */
  readonly ready: number;
  /** Of the process at its largest until then, in MB. */
  readonly memory: number;
  /** Processor milliseconds of a traced `curl` through a Service: the first one, and the median once its neighbours know it. */
  readonly firstCurl: number;
  readonly curl: number;
  /** Rules that the kernel would have compared for that, and those it has to have in all for its Services. */
  readonly walked: number;
}

const POD_TEMPLATE = `spec:
      containers:
        - name: web
          image: nginx:1.27
          ports:
            - containerPort: 80
          resources:
            requests:
              cpu: 50m
              memory: 32Mi
`;

const namespaceOf = (i: number): string => `team-${i % 50}`;

function namespaces(services: number): string {
  return Array.from(
    { length: Math.min(50, services) },
    (_, i) => `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespaceOf(i)}\n`,
  ).join('---\n');
}

/** Services with a Deployment each, of five, fifteen or twenty-five pods, in fifty namespaces. */
function manifest(services: number, pods: number): string {
  const documents: string[] = [];
  let left = pods;
  for (let i = 0; i < services; i++) {
    const metadata = `metadata:\n  name: web-${i}\n  namespace: ${namespaceOf(i)}\n  labels:\n    app: web-${i}\n`;
    const replicas = i === services - 1 ? left : Math.min(left, [15, 5, 25][i % 3] ?? 15);
    left -= replicas;
    documents.push(
      `apiVersion: apps/v1\nkind: Deployment\n${metadata}spec:\n  replicas: ${replicas}\n  selector:\n    matchLabels:\n      app: web-${i}\n  template:\n    metadata:\n      labels:\n        app: web-${i}\n    ${POD_TEMPLATE}`,
      `apiVersion: v1\nkind: Service\n${metadata}spec:\n  selector:\n    app: web-${i}\n  ports:\n    - port: 80\n`,
    );
  }
  return documents.join('---\n');
}

const client = `apiVersion: v1
kind: Pod
metadata:
  name: client
spec:
  containers:
    - name: c
      image: nicolaka/netshoot
      command: ["sleep", "infinity"]
`;

function cpuOf<T>(run: () => T): { readonly value: T; readonly ms: number } {
  const before = process.cpuUsage();
  const value = run();
  const { user, system } = process.cpuUsage(before);
  return { value, ms: (user + system) / 1000 };
}

function measure(pods: number): ScaleResult {
  const nodes = Math.max(1, Math.round(pods / 30));
  const services = Math.max(1, Math.round(pods / 15));
  const text = manifest(services, pods);
  const limits = { objects: 1_000_000, commandTime: 3_600_000_000, events: Number.MAX_SAFE_INTEGER };
  const { value: cluster, ms } = cpuOf(() => {
    const made = createCluster({ nodes, limits });
    if ('diagnostics' in made) throw new Error(JSON.stringify(made.diagnostics));
    for (const part of [namespaces(services), text]) {
      const { ok, diagnostics } = made.cluster.apply(part);
      if (!ok) throw new Error(JSON.stringify(diagnostics.slice(0, 3)));
    }
    return made.cluster;
  });
  const memory = process.resourceUsage().maxRSS / 1000;
  const ready = cluster
    .run('kubectl get deployments -A --no-headers', { record: false })
    .stdout.trim()
    .split('\n')
    .filter((line) => /\s(\d+)\/\1\s/.test(line)).length;
  if (ready !== services + 1) throw new Error(`${ready} of ${services + 1} Deployments are ready`);
  cluster.apply(client);
  const address = cluster
    .run(`kubectl get service -n team-0 web-0 -o jsonpath={.spec.clusterIP}`, { record: false })
    .stdout.trim();
  const curl = (): { readonly ms: number; readonly walked: number } => {
    const { value: result, ms: took } = cpuOf(() =>
      cluster.run(`kubectl exec client -- curl -sf -o /dev/null http://${address}`),
    );
    if (result.exitCode !== 0) throw new Error(`curl: exit code ${result.exitCode} ${result.output}`);
    const walked = result.record.events.reduce(
      (sum, event) =>
        sum + (event.kind === 'decision' && 'walked' in event.decision ? event.decision.walked : 0),
      0,
    );
    return { ms: took, walked };
  };
  const first = curl();
  // The compiler's warm-up is the process's, not the cluster's.
  for (let i = 0; i < 60; i++) curl();
  const later = Array.from({ length: 41 }, () => curl().ms).sort((a, b) => a - b);
  return {
    pods,
    nodes,
    services,
    ready: ms / 1000,
    memory,
    firstCurl: first.ms,
    curl: later[20] ?? NaN,
    walked: first.walked,
  };
}

if (process.argv[2] !== undefined) console.log(JSON.stringify(measure(Number(process.argv[2]))));
