/** Who gave the address: from the lease file of systemd-networkd, NetworkManager (both sd-dhcp) or dhclient. */
import { readFile } from 'node:fs/promises';

const SERVER = /(?:^|\n)SERVER_ADDRESS=([\d.]+)|dhcp-server-identifier ([\d.]+);/g;

/** The newest entry; undefined when the file does not tell. */
export function dhcpServerOf(text: string): string | undefined {
  const last = [...text.matchAll(SERVER)].at(-1);
  return last?.[1] ?? last?.[2];
}

export async function readDhcpServer(leaseFile: string): Promise<string | undefined> {
  return dhcpServerOf(await readFile(leaseFile, 'utf8').catch(() => ''));
}
