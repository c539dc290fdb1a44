import { fileURLToPath } from 'node:url';

/** Absolute path of the folder that holds packages/ and services/. */
export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url));
