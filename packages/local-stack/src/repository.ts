import { fileURLToPath } from 'node:url';

/** Absolute path of the folder with packages/ and services/. */
export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url));
