import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

type Input = { Name?: string; Names?: string[]; WithDecryption?: boolean; SecretId?: string };

/**
 * Parameter Store and Secrets Manager as they answer over HTTP (AWS JSON 1.1): what functions read, encrypted and
 * found by name. With `env`, the SDK finds them.
 */
export async function startSecretStores(
  test: TestContext,
  {
    parameters = {},
    secrets = {},
  }: { parameters?: Record<string, string>; secrets?: Record<string, string> } = {},
) {
  const parameterOf = (Name: string, { WithDecryption }: Input) => ({
    ARN: `arn:aws:ssm:eu-west-1:123456789012:parameter${Name}`,
    DataType: 'text',
    LastModifiedDate: 1_773_000_000.123,
    Name,
    Type: 'SecureString',
    Value: WithDecryption ? parameters[Name] : 'AQICAHhencrypted',
    Version: 1,
  });
  const operations: Record<string, (input: Input) => { status?: number; body: object }> = {
    'AmazonSSM.GetParameter': (input) =>
      input.Name !== undefined && input.Name in parameters
        ? { body: { Parameter: parameterOf(input.Name, input) } }
        : { status: 400, body: { __type: 'ParameterNotFound' } },
    'AmazonSSM.GetParameters'(input) {
      const { Names = [] } = input;
      if (Names.length === 0 || Names.length > 10) {
        return { status: 400, body: { __type: 'ValidationException' } };
      }
      return {
        body: {
          InvalidParameters: Names.filter((name) => !(name in parameters)),
          Parameters: Names.filter((name) => name in parameters).map((name) =>
            parameterOf(name, input),
          ),
        },
      };
    },
    'secretsmanager.GetSecretValue': ({ SecretId = '' }) =>
      SecretId in secrets
        ? {
            body: {
              ARN: SecretId,
              CreatedDate: 1_773_000_000.123,
              Name: SecretId,
              SecretString: secrets[SecretId],
              VersionId: '9d4cb84b-ad69-40c0-a0ab-cead36b967e8',
              VersionStages: ['AWSCURRENT'],
            },
          }
        : { status: 400, body: { __type: 'ResourceNotFoundException' } },
  };

  const server = createServer(async (request, response) => {
    const target = String(request.headers['x-amz-target']);
    const input = (await json(request)) as Input;
    const isSigned = /^AWS4-HMAC-SHA256 /.test(request.headers.authorization ?? '');
    const answer = isSigned ? operations[target]?.(input) : undefined;
    const { status = 200, body } = answer ?? {
      status: 400,
      body: {
        __type: isSigned ? 'UnknownOperationException' : 'MissingAuthenticationTokenException',
      },
    };
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    parameters,
    env: {
      AWS_ENDPOINT_URL_SSM: url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    },
  };
}
