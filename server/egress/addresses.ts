import { BlockList, isIP } from 'node:net';

/**
 * Special-purpose ranges no vendor serves from.
 * Source: https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry (read 2026).
 */
const IPV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** Inside 2000::/3; whatever lies outside of it is refused as a whole. */
const IPV6: [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [net, prefix] of IPV4) refused.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of IPV6) refused.addSubnet(net, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/**
 * Whether an address leads to this machine, its network or another special place instead of the public internet.
 * IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4) count as private; so does what is no address at all.
 */
export function isPrivateAddress(ip: string): boolean {
  const address = ip.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const family = isIP(address);
  if (family === 4) return refused.check(address, 'ipv4');
  if (family === 6) return !globalUnicast.check(address, 'ipv6') || refused.check(address, 'ipv6');
  return true;
}
