import { listen } from '../../providers/sandbox/stand-in.ts';

/** A port of the loopback that was free a moment ago, for a hub that must know its own address before it listens. */
export async function freePort(): Promise<number> {
  const server = await listen(() => {});
  await server.close();
  return Number(new URL(server.url).port);
}
