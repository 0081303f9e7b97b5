import type { TargetExtension } from '../iptables-extension.ts';
import { ct, notrackTarget } from './ct.ts';
import { log, nflog, nfqueue } from './log.ts';
import { connmark, mark } from './mark.ts';
import { dnat, masquerade, redirect, snat } from './nat.ts';
import { reject } from './reject.ts';
import { tcpmss } from './tcpmss.ts';
import { verdicts } from './verdict.ts';

/** What `-j` can load besides a user chain. */
export const TARGETS: ReadonlyMap<string, TargetExtension> = new Map(
  [
    ...verdicts,
    connmark,
    ct,
    dnat,
    log,
    mark,
    masquerade,
    nflog,
    nfqueue,
    notrackTarget,
    redirect,
    reject,
    snat,
    tcpmss,
  ].map((extension) => [extension.name, extension]),
);
