import { connect } from 'node:net';

/**
 * Connects to a loopback port, sends a question in the store's own protocol and returns the first bytes of the answer.
 * That is enough for readiness checks.
 *
 * @throws the socket's error, or an Error when the store closes the connection without an answer.
 */
export async function ask(port: number, signal: AbortSignal, question?: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', signal });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
    if (question !== undefined) socket.write(question);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer);
    });
  });
}
