/** A service as npm start sees one; it shows the environment it was given. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url === '/env' ? process.env : { status: 'ready' }));
});
server.listen(Number(process.env.PORT), process.env.HOST, () => {
  console.log(JSON.stringify({ level: 30, time: new Date().toISOString(), msg: 'listening' }));
});
process.once('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
