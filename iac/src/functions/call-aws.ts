import { AwsClient } from 'aws4fetch';

/**
 * Calls an operation of Secrets Manager or Systems Manager with the credentials of the function. Their part of the SDK
 * would take longer to load than the call takes.
 */
export async function callAws<Answer>(
  service: 'secretsmanager' | 'ssm',
  operation: string,
  input: object,
): Promise<Answer> {
  const { AWS_REGION: region = '', AWS_SESSION_TOKEN: sessionToken } = process.env;
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    process.env;
  const { endpoint, target } = {
    secretsmanager: {
      endpoint: process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER,
      target: 'secretsmanager',
    },
    ssm: { endpoint: process.env.AWS_ENDPOINT_URL_SSM, target: 'AmazonSSM' },
  }[service];
  const aws = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    service,
    region,
  });
  const response = await aws.fetch(endpoint ?? `https://${service}.${region}.amazonaws.com`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${target}.${operation}`,
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${operation} was refused with ${response.status}`);
  return (await response.json()) as Answer;
}
