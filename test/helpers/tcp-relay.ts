import net from 'node:net';

/** Hands connections on to a server, until it is cut: then whoever speaks to the server has lost it. */
export type TcpRelay = { host: string; port: number; cut(): void; mend(): void; close(): Promise<void> };

/** Stands before the server at `url`. */
export async function startTcpRelay(url: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<net.Socket>();
  let isCut = false;
  const server = net.createServer((socket) => {
    if (isCut) return void socket.destroy();
    const onward = net.connect(Number(port), hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dropAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    host: '127.0.0.1',
    port: (server.address() as net.AddressInfo).port,
    cut() {
      isCut = true;
      dropAll();
    },
    mend: () => void (isCut = false),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropAll();
      }),
  };
}
