import { absolute, decodeMessage, encodeMessage, query as makeQuery } from './message.ts';
import type { DnsMessage, ResourceRecord } from './message.ts';
import { answerQuestion, respond, soa } from './zone.ts';
import type { ServiceDirectory } from './zone.ts';

/** What the server makes of one message. */
export type DnsReply =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array; readonly message: DnsMessage }
  /** The upstream has to be asked; `complete` makes the answer from what it said, or from its silence. */
  | {
      readonly kind: 'forward';
      readonly query: DnsMessage;
      complete(reply: Uint8Array | undefined): Uint8Array;
    }
  | { readonly kind: 'drop' };

export interface CoreDnsOptions {
  readonly directory: ServiceDirectory;
  /** `cluster.local`. */
  readonly zone: string;
  /** The SOA's serial: seconds. */
  serial(): number;
}

/** A CoreDNS with kubeadm's Corefile, without its cache: `errors health ready kubernetes forward`. */
export class CoreDns {
  readonly #options: CoreDnsOptions;

  constructor(options: CoreDnsOptions) {
    this.#options = options;
  }

  /** `limit` is how many bytes an answer may have: 512 over UDP unless EDNS0 says more, 65535 over TCP. */
  answer(bytes: Uint8Array, limit: number): DnsReply {
    const query = decodeMessage(bytes);
    if (query === undefined || query.response) return { kind: 'drop' };
    const [question] = query.questions;
    if (question === undefined || query.questions.length !== 1)
      return this.#send(query, { rcode: 'FORMERR' }, limit);
    const { directory, zone, serial } = this.#options;
    const found = answerQuestion(directory, question, zone);
    if (found === undefined)
      return {
        kind: 'forward',
        query,
        complete: (reply) => this.#complete(query, [], reply, limit),
      };
    const authoritative = { authoritative: true };
    if (found.follow !== undefined) {
      const inside = answerQuestion(directory, { name: found.follow, type: question.type }, zone);
      if (inside !== undefined)
        return this.#send(
          query,
          { ...authoritative, rcode: inside.rcode, answers: [...found.answers, ...inside.answers] },
          limit,
        );
      return {
        kind: 'forward',
        query: makeQuery(query.id, found.follow, question.type),
        complete: (reply) => this.#complete(query, found.answers, reply, limit),
      };
    }
    const empty = found.answers.length === 0;
    return this.#send(
      query,
      {
        ...authoritative,
        rcode: found.rcode,
        answers: found.answers,
        additionals: found.additionals,
        authorities: empty ? [soa(zone, serial())] : [],
      },
      limit,
    );
  }

  #send(query: DnsMessage, parts: Partial<DnsMessage>, limit: number): DnsReply {
    const message = fitting(respond(query, parts), limit);
    return { kind: 'answer', bytes: encodeMessage(message), message };
  }

  /** A silent upstream is SERVFAIL, as the `forward` plugin says after its tries. */
  #complete(
    query: DnsMessage,
    before: readonly ResourceRecord[],
    reply: Uint8Array | undefined,
    limit: number,
  ): Uint8Array {
    const upstream = reply === undefined ? undefined : decodeMessage(reply);
    const asked = before.length > 0 ? before.length : 0;
    if (upstream === undefined)
      return encodeMessage(respond(query, asked > 0 ? { answers: before } : { rcode: 'SERVFAIL' }));
    return encodeMessage(
      fitting(
        respond(query, {
          rcode: asked > 0 ? 'NOERROR' : upstream.rcode,
          answers: [...before, ...upstream.answers],
          authorities: upstream.authorities,
        }),
        limit,
      ),
    );
  }
}

/** Drops records until the message fits and says so with the TC bit (RFC 2181, 9). */
function fitting(message: DnsMessage, limit: number): DnsMessage {
  if (encodeMessage(message).length <= limit) return message;
  let cut: DnsMessage = { ...message, truncated: true, additionals: [] };
  while (encodeMessage(cut).length > limit && cut.answers.length > 0)
    cut = { ...cut, answers: cut.answers.slice(0, -1) };
  return cut;
}

export type HostRecords = ReadonlyMap<string, readonly ResourceRecord[]>;

/** A name server for a fixed zone: what the outside host answers. Names of other zones are refused names here: NXDOMAIN. */
export function answerFromRecords(
  records: HostRecords,
  bytes: Uint8Array,
  limit: number,
): Uint8Array | undefined {
  const query = decodeMessage(bytes);
  if (query === undefined || query.response) return undefined;
  const [question] = query.questions;
  if (question === undefined) return encodeMessage(respond(query, { rcode: 'FORMERR' }));
  const name = absolute(question.name).toLowerCase();
  const known = records.get(name);
  const answers = (known ?? [])
    .filter(({ data }) => data.type === question.type || question.type === 'ANY')
    .map((record) => ({ ...record, name: absolute(question.name) }));
  const message = respond(query, { rcode: known === undefined ? 'NXDOMAIN' : 'NOERROR', answers });
  return encodeMessage(fitting(message, limit));
}
