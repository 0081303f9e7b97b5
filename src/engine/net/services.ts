/** The ports of /etc/services that lessons meet; what tools print for a port when `-n` is not given. */
const SERVICES: readonly (readonly [name: string, port: number, protocols: string])[] = [
  ['ftp', 21, 'tcp'],
  ['ssh', 22, 'tcp'],
  ['telnet', 23, 'tcp'],
  ['smtp', 25, 'tcp'],
  ['domain', 53, 'tcp udp'],
  ['bootps', 67, 'udp'],
  ['bootpc', 68, 'udp'],
  ['tftp', 69, 'udp'],
  ['http', 80, 'tcp'],
  ['kerberos', 88, 'tcp udp'],
  ['pop3', 110, 'tcp'],
  ['sunrpc', 111, 'tcp udp'],
  ['ntp', 123, 'udp'],
  ['imap2', 143, 'tcp'],
  ['snmp', 161, 'tcp udp'],
  ['bgp', 179, 'tcp'],
  ['ldap', 389, 'tcp udp'],
  ['https', 443, 'tcp udp'],
  ['syslog', 514, 'udp'],
  ['ldaps', 636, 'tcp udp'],
  ['imaps', 993, 'tcp'],
  ['pop3s', 995, 'tcp'],
  ['openvpn', 1194, 'tcp udp'],
  ['ms-sql-s', 1433, 'tcp'],
  ['mqtt', 1883, 'tcp'],
  ['nfs', 2049, 'tcp udp'],
  ['mysql', 3306, 'tcp'],
  ['postgresql', 5432, 'tcp'],
  ['amqp', 5672, 'tcp sctp'],
  ['mdns', 5353, 'udp'],
  ['redis', 6379, 'tcp'],
  ['http-alt', 8080, 'tcp udp'],
  ['puppet', 8140, 'tcp'],
];

/** Service name of a port, as `getservbyport` knows it. */
export function serviceByPort(port: number, protocol: string): string | undefined {
  return SERVICES.find(([, number, protocols]) => number === port && protocols.includes(protocol))?.[0];
}

/** Port of a service name, as `getservbyname` knows it. */
export function portByService(name: string, protocol: string): number | undefined {
  return SERVICES.find(([service, , protocols]) => service === name && protocols.includes(protocol))?.[1];
}
