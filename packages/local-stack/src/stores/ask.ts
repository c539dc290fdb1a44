import { connect } from 'node:net';

/**
 * Connects to a loopback port, sends what is given, and returns the first bytes of the answer.
 * Stores are asked in their own protocols with this, which is all that a question as small as
 * "are you ready?" needs.
 *
 * @throws the socket's error, or an Error when the other side closes without a word.
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
