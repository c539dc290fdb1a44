/** Lambda function: sends lines of CloudWatch Logs on to OpenSearch. */
import { gunzipSync } from 'node:zlib';
import { callAws } from './call-aws.ts';

/** What a subscription of CloudWatch Logs delivers: base64 of gzip of JSON. */
type Delivery = { awslogs: { data: string } };

type Batch = {
  messageType: 'DATA_MESSAGE' | 'CONTROL_MESSAGE';
  logGroup: string;
  logEvents: { id: string; timestamp: number; message: string }[];
};

/** Throws when OpenSearch did not take every line; Lambda then tries again, which replaces lines rather than doubling them. */
export async function handler({ awslogs }: Delivery): Promise<void> {
  const batch: Batch = JSON.parse(gunzipSync(Buffer.from(awslogs.data, 'base64')).toString());
  if (batch.messageType !== 'DATA_MESSAGE') return;
  const { OPENSEARCH_URL: url, PASSWORD_SECRET: secret, OPENSEARCH_USER: user } = process.env;
  const credentials = Buffer.from(`${user}:${await passwordOf(String(secret))}`).toString('base64');
  const response = await fetch(new URL('/_bulk', url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      authorization: `Basic ${credentials}`,
    },
    body: bulkOf(batch),
  });
  const { errors } = (await response.json()) as { errors?: boolean };
  if (!response.ok || errors) throw new Error(`OpenSearch responded with ${response.status}`);
}

/** One index a day, so that old ones can be deleted whole. The id of a line makes repeats harmless. */
function bulkOf({ logGroup, logEvents }: Batch): string {
  return logEvents
    .flatMap(({ id, timestamp, message }) => {
      const time = new Date(timestamp).toISOString();
      const action = { index: { _index: `logs-${time.slice(0, 10)}`, _id: id } };
      return [action, { '@timestamp': time, logGroup, ...fieldsOf(message) }];
    })
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

/** Our services log JSON; a line of Node or Lambda itself is text. */
function fieldsOf(message: string): object {
  try {
    const fields: unknown = JSON.parse(message);
    if (typeof fields === 'object' && fields !== null) return fields;
  } catch {
    // Text.
  }
  return { msg: message };
}

let known: Promise<string> | undefined;

/** Read once in the life of the function. */
function passwordOf(secret: string): Promise<string> {
  known ??= readPassword(secret).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function readPassword(SecretId: string): Promise<string> {
  const input = { SecretId };
  const answer = await callAws<{ SecretString: string }>('secretsmanager', 'GetSecretValue', input);
  return (JSON.parse(answer.SecretString) as { password: string }).password;
}
