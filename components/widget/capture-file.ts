import { pcapng, type ExperimentRecord } from '../../src/engine/index.ts';

/** Hands a record to the reader as a file that Wireshark and tcpdump open. */
export function saveCapture(record: ExperimentRecord, name: string): void {
  const address = URL.createObjectURL(new Blob([pcapng(record).slice()], { type: 'application/x-pcapng' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${name}.pcapng`;
  link.click();
  // The browser reads the file after the click; a minute is more than it takes.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
