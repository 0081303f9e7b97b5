import { formatIp } from '../../../net/address.ts';
import { Bridge } from '../../../net/bridge.ts';
import type { Device } from '../../../net/device.ts';
import { VxlanDevice } from '../../../net/vxlan.ts';

/** What `ip -d link` adds: the kind and its parameters, as far as they exist here. */
export function describeKind(device: Device, newline: string): string {
  const tail =
    'numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536';
  const promiscuity = device.promisc || device.port !== undefined ? 1 : 0;
  let text = `promiscuity ${promiscuity}  allmulti ${device.port === undefined ? 0 : 1} minmtu ${device.kind === 'loopback' ? 0 : 68} maxmtu ${device.kind === 'loopback' ? 0 : 65535} `;
  if (device.kind !== 'loopback') text += `${newline}    ${kindParameters(device)}`;
  const port = device.port;
  if (port !== undefined)
    text += `${newline}    bridge_slave state ${port.state} priority 32 cost 2 hairpin ${port.hairpin ? 'on' : 'off'} guard off root_block off fastleave off learning ${port.learning ? 'on' : 'off'} flood ${port.flood ? 'on' : 'off'} `;
  return `${text}addrgenmode eui64 ${tail} `;
}

function kindParameters(device: Device): string {
  if (device instanceof VxlanDevice) {
    const local = device.local === undefined ? '' : ` local ${formatIp(device.local)}`;
    const dev = device.lower === undefined ? '' : ` dev ${device.lower.name}`;
    return `vxlan id ${device.vni}${local}${dev} srcport 0 0 dstport ${device.dstport} nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx `;
  }
  if (device instanceof Bridge)
    return 'bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 0 priority 32768 vlan_filtering 0 ';
  return `${device.kind} `;
}
