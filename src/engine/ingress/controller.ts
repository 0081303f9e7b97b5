import { claimedIngresses } from './routes.ts';
import type { IngressClaim } from './routes.ts';
import { goDate } from '../apps/date.ts';
import { flag, httpListener } from '../apps/server.ts';
import type { Connection, Listener, Program, ProgramContext } from '../apps/server.ts';
import type { ApiServer } from '../api/server.ts';
import type { Ingress, KubeObject, Node, Pod } from '../api/types.ts';
import { WorkQueue } from '../control/queue.ts';
import type { Activity } from '../control/queue.ts';
import { IngressProxy } from './proxy.ts';
import { formatIp, parseIp } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import { resolveHost } from '../shell/resolve.ts';
import type { Files } from '../shell/tool.ts';

export interface IngressControllerOptions {
  readonly api: ApiServer;
  readonly netns: Netns;
  /** The pod that it runs in. */
  readonly pod: Pod;
  readonly files: () => Files;
  readonly activity: Activity;
  readonly event: (about: KubeObject, reason: string, message: string, component: string) => void;
}

/** From a change to what the controller makes of it, in virtual microseconds. */
const SYNC_DELAY = 50_000;

/**
 * ingress-nginx as a container's program. Its rules are the API's as they stand when a request comes; TLS is not
 * simulated: port 443 closes on whoever speaks, and hosts with a certificate are redirected there as in life.
 */
export function ingressController(context: ProgramContext, options: IngressControllerOptions): Program {
  const { argv } = context;
  const annotationClass = flag(argv, 'ingress-class') ?? 'nginx';
  const namespace = flag(argv, 'watch-namespace');
  const claim: IngressClaim = {
    annotationClass,
    controllerClass: flag(argv, 'controller-class') ?? 'k8s.io/ingress-nginx',
    watchWithoutClass: /^(|true)$/.test(flag(argv, 'watch-ingress-without-class') ?? 'false'),
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
  };
  const port = (name: string, otherwise: number): number => Number(flag(argv, name) ?? otherwise);
  const proxy = new IngressProxy({
    store: options.api.store,
    claim,
    netns: options.netns,
    process: { name: 'nginx' },
    *resolve(name) {
      const found = yield* resolveHost(
        { netns: options.netns, files: options.files(), name: 'nginx' },
        name,
        4,
      );
      return found.kind === 'found' ? found.ips.map(formatIp) : [];
    },
    log: (line) => context.log(line),
  });
  const plain: Listener = {
    protocol: 'TCP',
    port: port('http-port', 80),
    accept: (connection) => proxy.accept(connection),
  };
  const secure: Listener = { protocol: 'TCP', port: port('https-port', 443), accept: closeAtOnce };
  const health = httpListener({
    port: port('healthz-port', 10254),
    handle: ({ target }) =>
      target === '/healthz'
        ? { status: 200, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: 'ok' }
        : {
            status: 404,
            headers: [['Content-Type', 'text/plain; charset=utf-8']],
            body: '404 page not found\n',
          },
  });
  return {
    kind: 'server',
    process: 'nginx',
    listeners: [plain, secure, health],
    greeting: [
      '-------------------------------------------------------------------------------',
      'NGINX Ingress controller',
      `  Release:       ${context.image.tag}`,
      '-------------------------------------------------------------------------------',
      '',
    ],
    bindError: (listener) =>
      `${goDate(context.now())} [emerg] 1#1: bind() to 0.0.0.0:${listener.port} failed (98: Address already in use)`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
    begin() {
      const end = announce(claim, context, options);
      return () => {
        end();
        proxy.close();
      };
    },
  };
}

function closeAtOnce(connection: Connection): { data(): void; end(): void } {
  return { data: () => connection.close(), end: () => connection.close() };
}

/** Tells the API of every Ingress that is served: an event, and the address at which it is reached. */
function announce(
  claim: IngressClaim,
  { argv }: ProgramContext,
  { api, pod, activity, event }: IngressControllerOptions,
): () => void {
  const { store } = api;
  const told = new Map<string, string>();
  const sync = (): void => {
    const fixed = flag(argv, 'publish-status-address');
    const addresses =
      fixed === undefined
        ? publishedAddresses(api, pod, flag(argv, 'publish-service'))
        : fixed.split(',').map((one) => (parseIp(one) === undefined ? { hostname: one } : { ip: one }));
    for (const ingress of claimedIngresses(store, claim)) {
      const { uid } = ingress.metadata;
      const spec = JSON.stringify(ingress.spec);
      if (told.get(uid) !== spec) {
        told.set(uid, spec);
        event(ingress, 'Sync', 'Scheduled for sync', 'nginx-ingress-controller');
      }
      publish(api, ingress, addresses);
    }
  };
  const queue = new WorkQueue(api.clock, activity, SYNC_DELAY, () => {
    if (watches.length > 0) sync();
  });
  const changed = (): void => queue.add('all');
  const watches = [store.watch('Ingress', changed), store.watch('IngressClass', changed)];
  changed();
  return () => {
    for (const end of watches.splice(0)) end();
  };
}

function publish(
  api: ApiServer,
  ingress: Ingress,
  addresses: readonly { readonly ip?: string; readonly hostname?: string }[],
): void {
  api.updateStatus(ingress, {
    ...ingress.status,
    loadBalancer: addresses.length === 0 ? {} : { ingress: addresses },
  });
}

/** `statusAddressFromService`, or the nodes that the controller's pods run on (`internal/ingress/status`). */
function publishedAddresses(
  { store }: ApiServer,
  pod: Pod,
  publishService: string | undefined,
): readonly { readonly ip?: string; readonly hostname?: string }[] {
  const [namespace = '', name = ''] = (publishService ?? '').split('/');
  const service = store.get('Service', namespace, name);
  if (service !== undefined) {
    const { type, clusterIP, externalIPs = [] } = service.spec;
    const balanced = service.status?.loadBalancer?.ingress ?? [];
    const own = type === 'LoadBalancer' ? balanced : clusterIP === undefined ? [] : [{ ip: clusterIP }];
    return [...own, ...externalIPs.map((ip) => ({ ip }))];
  }
  const address = nodeAddress(store.get('Node', undefined, pod.spec.nodeName ?? ''));
  return address === undefined ? [] : [{ ip: address }];
}

function nodeAddress(node: Node | undefined): string | undefined {
  const addresses = node?.status?.addresses ?? [];
  const ofType = (type: string): string | undefined => addresses.find((one) => one.type === type)?.address;
  return ofType('ExternalIP') ?? ofType('InternalIP');
}
