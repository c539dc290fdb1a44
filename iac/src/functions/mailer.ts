/** The mailer's handlers on Lambda: their secrets are in the environment before they read it. */
import { loadSecrets } from './load-secrets.ts';

await loadSecrets();

export const { onMails, onAlertMails } = await import('../../../services/mailer/src/lambda.ts');
