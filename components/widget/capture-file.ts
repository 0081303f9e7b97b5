import { pcapng, type ExperimentRecord } from '../../src/engine/index.ts';

/** A record as Wireshark and tcpdump open it. */
export function captureFile(record: ExperimentRecord): Blob {
  return new Blob([pcapng(record).slice()], { type: 'application/x-pcapng' });
}
