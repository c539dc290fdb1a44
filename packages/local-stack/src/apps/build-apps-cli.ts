/** Builds the web apps, for the image of the services. */
import { say } from '../terminal.ts';
import { buildApps } from './build-apps.ts';

await buildApps(say);
