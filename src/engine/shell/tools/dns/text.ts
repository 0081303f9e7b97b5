import type { Rdata, ResourceRecord } from '../../../dns/message.ts';

/** Record data in zone-file form. */
export function rdataText(data: Rdata): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return data.target;
    case 'MX':
      return `${data.preference} ${data.target}`;
    case 'TXT':
      return data.texts.map((text) => `"${text}"`).join(' ');
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'SOA':
      return `${data.mname} ${data.rname} ${data.serial} ${data.refresh} ${data.retry} ${data.expire} ${data.minimum}`;
  }
}

/** dig's columns: the owner up to 24, TTL up to 32, class up to 40, by tabs. */
export function recordLine({ name, ttl, data }: ResourceRecord): string {
  let line = pad(name, 24);
  line = pad(`${line}${ttl}`, 32);
  line = pad(`${line}IN`, 40);
  return `${pad(`${line}${data.type}`, 48)}${rdataText(data)}`;
}

/** Tabs up to a column, at least one space. */
export function pad(text: string, column: number): string {
  let width = 0;
  for (const c of text) width = c === '\t' ? (Math.floor(width / 8) + 1) * 8 : width + 1;
  if (width >= column) return `${text} `;
  return text + '\t'.repeat(Math.ceil((column - width) / 8));
}
