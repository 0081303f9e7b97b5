import { formatIp, internIpv6, parseIp } from '../net/address.ts';
import { absolute } from './message.ts';
import type { DnsMessage, Question, Rdata, ResourceRecord } from './message.ts';

/** What the names of a cluster stand for, as CoreDNS' `kubernetes` plugin sees the API: namespaces, Services and their endpoints. */
export interface ServiceDirectory {
  hasNamespace(namespace: string): boolean;
  service(namespace: string, name: string): ServiceEntry | undefined;
  /** Endpoints that are ready, of all slices of the Service. */
  endpoints(namespace: string, name: string): readonly EndpointEntry[];
  serviceAt(clusterIP: string): { readonly namespace: string; readonly name: string } | undefined;
  /** An endpoint of a headless Service. */
  endpointAt(
    ip: string,
  ): { readonly namespace: string; readonly name: string; readonly endpoint: EndpointEntry } | undefined;
}

export interface ServiceEntry {
  readonly kind: 'clusterIP' | 'headless' | 'externalName';
  readonly clusterIPs: readonly string[];
  readonly externalName?: string;
  readonly ports: readonly PortEntry[];
}

export interface PortEntry {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

export interface EndpointEntry {
  readonly ip: string;
  readonly hostname?: string;
  readonly ports: readonly PortEntry[];
}

export interface ZoneAnswer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN';
  readonly answers: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
  /** A CNAME's target outside the cluster, still to be asked of the upstream. */
  readonly follow?: string;
}

/** Seconds; the Corefile that kubeadm writes says `ttl 30`. */
const ttl = 30;

/**
 * Answers for the cluster's zone after the Kubernetes DNS specification 1.1.0 and CoreDNS' `kubernetes` plugin with
 * `pods insecure`. `undefined` when the name is not of the zone, or is a reverse name that nothing in the cluster has
 * (`fallthrough in-addr.arpa ip6.arpa`): then the upstream is asked.
 */
export function answerQuestion(
  directory: ServiceDirectory,
  question: Question,
  zone: string,
): ZoneAnswer | undefined {
  const name = absolute(question.name).toLowerCase();
  const reversed = reverseAddress(name);
  if (reversed !== undefined) return answerReverse(directory, question, reversed, zone);
  const apex = absolute(zone).toLowerCase();
  if (name !== apex && !name.endsWith(`.${apex}`)) return undefined;
  const labels = name === apex ? [] : name.slice(0, -apex.length - 1).split('.');
  return new ZoneLookup(directory, question, zone).answer(labels);
}

/** The SOA that goes with a name that does not exist, or has no such record. */
export function soa(zone: string, serial: number): ResourceRecord {
  const apex = absolute(zone);
  const data: Rdata = {
    type: 'SOA',
    mname: `ns.dns.${apex}`,
    rname: `hostmaster.${apex}`,
    serial,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: ttl,
  };
  return { name: apex, ttl, data };
}

export function respond(query: DnsMessage, parts: Partial<DnsMessage>): DnsMessage {
  return {
    id: query.id,
    response: true,
    authoritative: false,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable: true,
    rcode: 'NOERROR',
    questions: query.questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...(query.udpSize === undefined ? {} : { udpSize: query.udpSize }),
    ...parts,
  };
}

class ZoneLookup {
  readonly #directory: ServiceDirectory;
  readonly #question: Question;
  readonly #zone: string;

  constructor(directory: ServiceDirectory, question: Question, zone: string) {
    this.#directory = directory;
    this.#question = question;
    this.#zone = absolute(zone);
  }

  answer(labels: readonly string[]): ZoneAnswer {
    const [top, namespace, name, ...rest] = labels.toReversed();
    if (top === undefined) return this.#records([]);
    if (top === 'dns-version' && namespace === undefined)
      return this.#records([{ type: 'TXT', texts: ['1.1.0'] }]);
    if (top === 'dns' && namespace === 'ns' && name === undefined) return this.#nameserver();
    if (top !== 'svc' && top !== 'pod') return nxdomain;
    if (namespace === undefined) return this.#records([]);
    if (!this.#directory.hasNamespace(namespace)) return nxdomain;
    if (name === undefined) return this.#records([]);
    if (top === 'pod') return rest.length === 0 ? this.#pod(name) : nxdomain;
    return this.#service(namespace, name, rest);
  }

  #nameserver(): ZoneAnswer {
    const dns = this.#directory.service('kube-system', 'kube-dns');
    return this.#records((dns?.clusterIPs ?? []).map(addressData));
  }

  /** `172-17-0-3.default.pod`: with `pods insecure` any address that the label spells, whoever has it. */
  #pod(label: string): ZoneAnswer {
    if (/^\d+-\d+-\d+-\d+$/.test(label)) {
      const address = label.replaceAll('-', '.');
      return address.split('.').every((octet) => Number(octet) < 256)
        ? this.#records([{ type: 'A', address }])
        : nxdomain;
    }
    const address = label.replaceAll('-', ':');
    const ip = address.includes(':') ? parseIp(address) : undefined;
    return ip === undefined ? nxdomain : this.#records([{ type: 'AAAA', address: formatIp(ip) }]);
  }

  #service(namespace: string, name: string, rest: readonly string[]): ZoneAnswer {
    const service = this.#directory.service(namespace, name);
    if (service === undefined) return nxdomain;
    if (service.kind === 'externalName') return rest.length === 0 ? this.#externalName(service) : nxdomain;
    const endpoints = service.kind === 'headless' ? this.#directory.endpoints(namespace, name) : [];
    if (service.kind === 'headless' && endpoints.length === 0) return nxdomain;
    const [first, second] = rest;
    if (first === undefined) {
      const ips = service.kind === 'headless' ? endpoints.map(({ ip }) => ip) : service.clusterIPs;
      return this.#records([...new Set(ips)].map(addressData));
    }
    if (second === undefined && !first.startsWith('_')) {
      if (service.kind !== 'headless') return nxdomain;
      const named = endpoints.filter((endpoint) => endpointLabel(endpoint) === first);
      return named.length === 0 ? nxdomain : this.#records(named.map(({ ip }) => addressData(ip)));
    }
    if (rest.length !== 2 || second === undefined || !first.startsWith('_') || !second.startsWith('_'))
      return nxdomain;
    return this.#srv(
      service,
      endpoints,
      `${name}.${namespace}.svc.${this.#zone}`,
      second.slice(1),
      first.slice(1),
    );
  }

  #srv(
    service: ServiceEntry,
    endpoints: readonly EndpointEntry[],
    host: string,
    port: string,
    protocol: string,
  ): ZoneAnswer {
    const matches = (entry: PortEntry) =>
      entry.name !== '' && entry.name.toLowerCase() === port && entry.protocol.toLowerCase() === protocol;
    const targets: { readonly target: string; readonly port: number; readonly ip: string }[] = [];
    if (service.kind === 'headless') {
      for (const endpoint of endpoints)
        for (const entry of endpoint.ports.filter(matches))
          targets.push({ target: `${endpointLabel(endpoint)}.${host}`, port: entry.port, ip: endpoint.ip });
    } else {
      for (const entry of service.ports.filter(matches))
        for (const ip of service.clusterIPs) targets.push({ target: host, port: entry.port, ip });
    }
    if (targets.length === 0) return nxdomain;
    const distinct = [...new Map(targets.map((entry) => [`${entry.target}:${entry.port}`, entry])).values()];
    const weight = Math.max(1, Math.floor(100 / distinct.length));
    const answer = this.#records(
      distinct.map((entry) => ({ type: 'SRV', priority: 0, weight, port: entry.port, target: entry.target })),
    );
    if (answer.answers.length === 0) return answer;
    const additionals = targets.map(({ target, ip }) => ({ name: target, ttl, data: addressData(ip) }));
    return { ...answer, additionals };
  }

  #externalName({ externalName = '' }: ServiceEntry): ZoneAnswer {
    const target = absolute(externalName);
    const cname: ResourceRecord = { name: this.#question.name, ttl, data: { type: 'CNAME', target } };
    const { type } = this.#question;
    if (type !== 'A' && type !== 'AAAA' && type !== 'CNAME' && type !== 'ANY') return this.#records([]);
    return {
      rcode: 'NOERROR',
      answers: [cname],
      additionals: [],
      ...(type === 'A' || type === 'AAAA' ? { follow: target } : {}),
    };
  }

  #records(data: readonly Rdata[]): ZoneAnswer {
    const { name, type } = this.#question;
    const wanted = data.filter((one) => type === 'ANY' || one.type === type);
    return {
      rcode: 'NOERROR',
      answers: wanted.map((one) => ({ name: absolute(name), ttl, data: one })),
      additionals: [],
    };
  }
}

const nxdomain: ZoneAnswer = { rcode: 'NXDOMAIN', answers: [], additionals: [] };

/** The label of a headless Service's endpoint: its hostname, else CoreDNS writes the address with dashes. */
function endpointLabel({ hostname, ip }: EndpointEntry): string {
  return hostname !== undefined && hostname !== '' ? hostname.toLowerCase() : ip.replaceAll(/[.:]/g, '-');
}

function addressData(address: string): Rdata {
  return address.includes(':') ? { type: 'AAAA', address } : { type: 'A', address };
}

function answerReverse(
  directory: ServiceDirectory,
  question: Question,
  ip: string,
  zone: string,
): ZoneAnswer | undefined {
  const suffix = `svc.${absolute(zone)}`;
  const service = directory.serviceAt(ip);
  const endpoint = service === undefined ? directory.endpointAt(ip) : undefined;
  const target =
    service !== undefined
      ? `${service.name}.${service.namespace}.${suffix}`
      : endpoint !== undefined
        ? `${endpointLabel(endpoint.endpoint)}.${endpoint.name}.${endpoint.namespace}.${suffix}`
        : undefined;
  if (target === undefined) return undefined;
  const answers: ResourceRecord[] =
    question.type === 'PTR' || question.type === 'ANY'
      ? [{ name: absolute(question.name), ttl, data: { type: 'PTR', target } }]
      : [];
  return { rcode: 'NOERROR', answers, additionals: [] };
}

/** `1.0.3.10.in-addr.arpa.` → `10.3.0.1`; IPv6 comes back in its shortest form. */
function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.$/.exec(name);
  if (v4 !== null) return [v4[4], v4[3], v4[2], v4[1]].join('.');
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa\.$/.exec(name);
  if (v6?.[1] === undefined) return undefined;
  const digits = v6[1].split('.').slice(0, 32).toReversed().join('');
  const word = (at: number): number => parseInt(digits.slice(at, at + 8), 16);
  return formatIp(internIpv6(word(0), word(8), word(16), word(24)));
}
