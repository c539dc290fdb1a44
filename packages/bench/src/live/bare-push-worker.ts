/** The baseline of a push: a loop that writes the same bytes to every open socket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { answerQuestions, sharedMs } from '../measure/worker.ts';

const sockets = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  socket.once('data', () => {
    sockets.add(socket);
    socket.write('HTTP/1.1 200 OK\r\n\r\ndata: {"state":"waiting","seq":0}\n\n');
  });
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 });
await once(server, 'listening');

answerQuestions(
  {
    url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Returns when it started. */
    push({ event }: { event: string }): number {
      const startedAt = sharedMs();
      const bytes = Buffer.from(event);
      for (const socket of sockets) socket.write(bytes);
      return startedAt;
    },
  },
  async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  },
);
